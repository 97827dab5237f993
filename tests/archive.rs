//! Archives become documents, one for each file in them, and a hostile one costs only itself.

use crate::ingest::{ingest, lines, outcomes, ragstone};
use crate::support::Server;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Outcome or code of each file, by uri.
fn told(files: &[Value]) -> Vec<(String, String)> {
    let mut told: Vec<_> = files
        .iter()
        .filter(|file| file["uri"].is_string())
        .map(|file| {
            let told = file["error"]["code"].as_str().or(file["outcome"].as_str()).unwrap();
            (file["uri"].as_str().unwrap().to_owned(), told.to_owned())
        })
        .collect();
    told.sort();
    told
}

fn check(files: &[Value], expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(uri, code)| ((*uri).to_owned(), (*code).to_owned())).collect();
    assert_eq!(told(files), expected);
}

#[test]
fn each_file_of_an_archive_in_a_folder_is_a_document_kept_in_step() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let pack = |files: &[(&str, &[u8])]| std::fs::write(docs.join("a.zip"), packed(files)).unwrap();
    let inner = packed(&[("deep.md", b"# Berths\n\nThe harbour master books berths.")]);
    pack(&[("one.txt", b"The travel desk answers."), ("x/in.zip", &inner), ("pic.png", b"\x89PNG\r\n\x1a\n0000")]);
    let (status, first) = ingest(&data, &docs, &[]);
    let expected =
        [("a.zip!/one.txt", "added"), ("a.zip!/pic.png", "unsupported_format"), ("a.zip!/x/in.zip!/deep.md", "added")];
    assert_eq!(status, Some(1), "a file failed");
    check(&first, &expected);
    let version = |lines: &[Value]| lines.last().unwrap()["summary"]["version"].clone();
    let (_, again) = ingest(&data, &docs, &["--sync"]);
    assert_eq!((outcomes(&again, "unchanged"), outcomes(&again, "removed")), (2, 0), "{again:?}");
    assert_eq!(version(&again), Value::Null, "nothing was written");
    pack(&[("one.txt", b"The travel desk is closed."), ("two.txt", b"A second text.")]);
    let (status, changed) = ingest(&data, &docs, &[]);
    assert_eq!(status, Some(0));
    let expected =
        [("a.zip!/one.txt", "replaced"), ("a.zip!/two.txt", "added"), ("a.zip!/x/in.zip!/deep.md", "removed")];
    check(&changed, &expected);
    let listed = lines(&ragstone(&data, &["documents", "list", "--collection", "c", "--json"]));
    assert_eq!(listed[0]["documents"].as_array().unwrap().len(), 2);
    std::fs::remove_file(docs.join("a.zip")).unwrap();
    std::fs::write(docs.join("b.txt"), "Another text.").unwrap();
    let (_, gone) = ingest(&data, &docs, &["--sync"]);
    assert_eq!(outcomes(&gone, "removed"), 2, "{gone:?}");
}

#[test]
fn a_file_in_the_place_of_an_archive_takes_what_that_held_with_it_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let put = |bytes: &[u8]| std::fs::write(docs.join("a.ZIP"), bytes).unwrap();
    let archive = packed(&[("one.txt", b"The travel desk answers."), ("two.txt", b"A second text.")]);
    put(&archive);
    check(&ingest(&data, &docs, &[]).1, &[("a.ZIP!/one.txt", "added"), ("a.ZIP!/two.txt", "added")]);
    put(b"\x89PNG\r\n\x1a\n0000");
    check(&ingest(&data, &docs, &[]).1, &[("a.ZIP", "unsupported_format")]);
    put(b"The travel desk is closed.");
    let expected = [("a.ZIP", "added"), ("a.ZIP!/one.txt", "removed"), ("a.ZIP!/two.txt", "removed")];
    check(&ingest(&data, &docs, &[]).1, &expected);
    put(&archive);
    let expected = [("a.ZIP", "removed"), ("a.ZIP!/one.txt", "added"), ("a.ZIP!/two.txt", "added")];
    check(&ingest(&data, &docs, &[]).1, &expected);
}

#[test]
fn a_file_of_an_uploaded_archive_is_found_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c"}));
    let text = b"Berths at the north quay are booked with the harbour master.";
    let archive = packed(&[("port/harbour.txt", text), ("empty.txt", b"")]);
    let (status, answer) = server.upload("c", &[("a.zip", archive.clone())], Some(json!({"year": 2026})));
    assert_eq!(status, 201, "{answer}");
    check(
        answer["files"].as_array().unwrap(),
        &[("a.zip!/empty.txt", "empty_file"), ("a.zip!/port/harbour.txt", "added")],
    );
    let found = server.post("/v1/collections/c/search", json!({"text": "who books berths?", "filter": "year = 2026"}));
    assert_eq!(found["hits"][0]["source"]["uri"], "a.zip!/port/harbour.txt");
    let document = &answer["documents"][0];
    assert_eq!(document["bytes"], text.len());
    let id = document["id"].as_str().unwrap();
    let (_, headers, content) = server.raw("GET", &format!("/v1/collections/c/documents/{id}/content"), "", Vec::new());
    assert_eq!(content, text);
    assert!(headers["content-disposition"].to_str().unwrap().contains("harbour.txt"));
    let before = server.get("/v1/collections/c")["version"].clone();
    let (status, answer) = server.upload("c", &[("a.zip", archive)], Some(json!({"year": 2026})));
    assert_eq!((status, &answer["version"]), (200, &before), "{answer}");
    assert_eq!(outcomes(answer["files"].as_array().unwrap(), "unchanged"), 1);
    let urls = ["ingest", "--server", &server.url(""), "--collection", "c", "--json"].map(str::to_owned);
    let path = folder.path().join("b.zip");
    std::fs::write(&path, packed(&[("x.txt", b"One more text."), ("y.pdf", b"%PDF-1.4 no")])).unwrap();
    let mut arguments: Vec<&str> = urls.iter().map(String::as_str).collect();
    arguments.push(path.to_str().unwrap());
    let output = ragstone(&folder.path().join("elsewhere"), &arguments);
    check(&lines(&output), &[("b.zip!/x.txt", "added"), ("b.zip!/y.pdf", "corrupt")]);
}

/// An archive with so many entries of no content, as its directory says.
fn crowded(entries: usize) -> Vec<u8> {
    let names: Vec<String> = (0..entries).map(|at| format!("{at}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    packed(&files)
}

#[test]
fn hostile_archives_end_in_their_own_codes_and_the_server_answers_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    server.post("/v1/collections", json!({"name": "c"}));
    let slip = packed(&[("../../up.txt", b"words"), ("/root.txt", b"words"), ("good.txt", b"Good words.")]);
    let bomb = packed(&[("bomb.txt", &vec![b' '; 64 << 20]), ("good.txt", b"More good words.")]);
    let nested = (0..5).fold(b"deep words".to_vec(), |inner, _| packed(&[("n.zip", &inner)]));
    let files = [
        ("slip.zip", slip),
        ("bomb.zip", bomb),
        ("nested.zip", nested),
        ("crowd.zip", crowded(65_000)),
        ("none.zip", packed(&[])),
        ("cut.zip", packed(&[("a.txt", b"words")])[..60].to_vec()),
    ];
    let (status, answer) = server.upload("c", &files, None);
    assert_eq!(status, 201, "{answer}");
    let expected = [
        ("bomb.zip!/bomb.txt", "limit_exceeded"),
        ("bomb.zip!/good.txt", "added"),
        ("crowd.zip", "limit_exceeded"),
        ("cut.zip", "corrupt"),
        ("nested.zip!/n.zip!/n.zip!/n.zip", "limit_exceeded"),
        ("none.zip", "no_text"),
        ("slip.zip!/../../up.txt", "corrupt"),
        ("slip.zip!//root.txt", "corrupt"),
        ("slip.zip!/good.txt", "added"),
    ];
    check(answer["files"].as_array().unwrap(), &expected);
    let found = server.post("/v1/collections/c/search", json!({"text": "good words"}));
    assert_eq!(found["hits"].as_array().unwrap().len(), 2);
    let outside: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["data"], "nothing was written beside the data folder");
}
