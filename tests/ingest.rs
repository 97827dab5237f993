//! Folders and uploads become collections: every file once, every failure by name, every chunk with its place.

use crate::support::{RAGSTONE, Server, models};
use ragstone_ingest::sample;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// What the second edition of one sample document answers differently.
const QUESTION: &str = "How much may a hotel night in Zurich cost?";
const BEFORE: &str = "210 euros";
const AFTER: &str = "240 euros";

pub fn ragstone(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(RAGSTONE);
    command.args(arguments).arg("--data").arg(data).arg("--models").arg(models());
    command.output().unwrap()
}

/// The JSON lines that a command prints.
pub fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn ingest(data: &Path, docs: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let docs = docs.to_str().unwrap();
    let output = ragstone(data, &[&["ingest", docs, "--collection", "c", "--json"], more].concat());
    (output.status.code(), lines(&output))
}

pub fn outcomes(lines: &[Value], outcome: &str) -> usize {
    lines.iter().filter(|line| line["outcome"] == outcome).count()
}

#[test]
fn a_folder_is_ingested_once_and_kept_in_step() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let written = sample::write_samples(&docs).unwrap();
    let (status, first) = ingest(&data, &docs, &[]);
    assert_eq!(status, Some(0));
    assert_eq!(outcomes(&first, "added"), written.len());
    let (_, again) = ingest(&data, &docs, &[]);
    assert_eq!(outcomes(&again, "unchanged"), written.len());

    let replacement = sample::replacement();
    std::fs::write(docs.join(&replacement.file), &replacement.bytes).unwrap();
    let gone = written.iter().find(|path| !path.ends_with(&replacement.file)).unwrap();
    std::fs::remove_file(gone).unwrap();
    let (_, changed) = ingest(&data, &docs, &["--sync"]);
    assert_eq!(outcomes(&changed, "replaced"), 1);
    assert_eq!(outcomes(&changed, "removed"), 1);
    assert_eq!(outcomes(&changed, "unchanged"), written.len() - 2);

    let server = Server::start(&data);
    let listed = server.get("/v1/collections/c/documents?limit=1000");
    assert_eq!(listed["documents"].as_array().unwrap().len(), written.len() - 1);
    assert_eq!(server.get("/v1/collections/c")["documents"], written.len() - 1);
}

#[test]
fn every_chunk_of_a_pdf_names_its_page_and_stands_in_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let pdf =
        sample::write_samples(&docs).unwrap().into_iter().find(|path| path.extension().unwrap() == "pdf").unwrap();
    ingest(&data, &docs, &[]);
    let extracted = ragstone(&data, &["extract", pdf.to_str().unwrap(), "--json"]);
    let text: Vec<char> = lines(&extracted)[0]["text"].as_str().unwrap().chars().collect();
    let server = Server::start(&data);
    let name = pdf.file_name().unwrap().to_str().unwrap();
    let filter = json!({"filter": {"field": "uri", "op": "==", "value": name}, "limit": 1000});
    let chunks = server.post("/v1/collections/c/chunks/list", filter);
    let chunks = chunks["chunks"].as_array().unwrap();
    assert!(!chunks.is_empty());
    for chunk in chunks {
        let source = &chunk["source"];
        assert!(source["page"].as_u64() >= Some(1), "{source}");
        let at = |key: &str| source[key].as_u64().unwrap() as usize;
        let range: String = text[at("char_start")..at("char_end")].iter().collect();
        assert!(chunk["text"].as_str().unwrap().ends_with(&range), "{chunk}");
    }
}

#[test]
fn questions_find_the_sample_document_that_answers_them() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    sample::write_samples(&docs).unwrap();
    ingest(&data, &docs, &[]);
    let server = Server::start(&data);
    let replacement = sample::replacement();
    let ask = || {
        let body = json!({"text": QUESTION, "k": 3});
        let answer = server.post("/v1/collections/c/search", body);
        let uris: Vec<String> = answer["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["source"]["uri"].as_str().unwrap().into())
            .collect();
        (answer["version"].clone(), uris, answer["hits"].to_string())
    };
    let (version, uris, before) = ask();
    assert!(uris.contains(&replacement.file), "{uris:?}");
    assert!(before.contains(BEFORE), "{before}");
    let (status, answer) = server.upload("c", &[(&replacement.file, replacement.bytes.clone())], None);
    assert!(status < 300, "{answer}");
    let (_, _, after) = ask();
    assert!(after.contains(AFTER) && !after.contains(BEFORE), "{after}");
    let body = json!({"text": QUESTION, "k": 3, "as_of": version});
    let then = server.post("/v1/collections/c/search", body);
    assert!(then["hits"].to_string().contains(BEFORE), "the old edition is still there");
}

#[test]
fn a_file_that_cannot_be_read_fails_alone_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(docs.join(name), bytes).unwrap();
    put("good.txt", b"The travel desk answers within a day.");
    put("empty.pdf", b"");
    put("broken.pdf", b"%PDF-1.7\nnothing of the kind");
    put("picture.png", b"\x89PNG\r\n\x1a\n0000");
    put("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old Word file");
    put("not-a-word-file.docx", b"plain words that are not what the name says");
    put("table.csv", b"a,b\n1,2\n");
    let (status, lines) = ingest(&data, &docs, &[]);
    assert_eq!(status, Some(1), "some files failed");
    let code = |name: &str| {
        let line = lines.iter().find(|line| line["uri"] == name).unwrap_or_else(|| panic!("{name}: {lines:?}"));
        line["error"]["code"].as_str().map_or_else(|| line["outcome"].as_str().unwrap().to_owned(), str::to_owned)
    };
    assert_eq!(code("good.txt"), "added");
    assert_eq!(code("empty.pdf"), "empty_file");
    assert_eq!(code("broken.pdf"), "corrupt");
    assert_eq!(code("picture.png"), "unsupported_format");
    assert_eq!(code("old.doc"), "unsupported_format");
    assert_eq!(code("table.csv"), "added");
    assert_eq!(code("not-a-word-file.docx"), "added", "content decides, not the name");
}

#[test]
fn uploads_answer_when_they_are_searchable() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c"}));
    let text = "Berths at the north quay are booked with the harbour master.";
    let (status, answer) =
        server.upload("c", &[("harbour.txt", text.into())], Some(json!({"department": "port", "year": 2026})));
    assert!(status < 300, "{answer}");
    let found =
        server.post("/v1/collections/c/search", json!({"text": "who books berths?", "filter": "department = 'port'"}));
    assert_eq!(found["hits"][0]["source"]["uri"], "harbour.txt");
    assert_eq!(found["hits"][0]["metadata"], json!({"department": "port", "year": 2026}));
    let id = found["hits"][0]["document_id"].as_str().unwrap();
    let (_, _, content) = server.raw("GET", &format!("/v1/collections/c/documents/{id}/content"), "", Vec::new());
    assert_eq!(content, text.as_bytes());
    let (status, answer) = server.upload("c", &[("bad.pdf", b"%PDF-1.4 no".to_vec())], None);
    assert_eq!((status, answer["code"].as_str()), (422, Some("corrupt")), "{answer}");
    server.ok("DELETE", &format!("/v1/collections/c/documents/{id}"), None);
    assert_eq!(server.call("GET", &format!("/v1/collections/c/documents/{id}"), None).0, 404);
    assert_eq!(server.post("/v1/collections/c/chunks/count", json!({}))["count"], 0);
}

/// A PDF of one page that shows nothing but a picture.
fn scanned_pdf() -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        "<</Length 5>>stream\n/I Do\nendstream",
        "<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>stream\nx\nendstream",
    ];
    let (mut pdf, mut offsets) = ("%PDF-1.4\n".to_owned(), String::new());
    for (number, object) in (1..).zip(objects) {
        offsets += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = pdf.len();
    pdf +=
        &format!("xref\n0 6\n0000000000 65535 f \n{offsets}trailer<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
}

#[test]
fn a_scanned_page_is_read_by_the_command_that_the_settings_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    std::fs::write(docs.join("lease.pdf"), scanned_pdf()).unwrap();
    let (status, unread) = ingest(&data, &docs, &[]);
    assert_eq!((status, &unread[0]["error"]["code"]), (Some(1), &json!("no_text")));
    let settings = folder.path().join("ragstone.toml");
    let script = "cat >/dev/null; echo Page $0 of the lease: the rent is 900 euros.";
    std::fs::write(&settings, format!("[ocr]\ncommand = ['sh', '-c', '{script}', '{{page}}']")).unwrap();
    let (status, read) = ingest(&data, &docs, &["--config", settings.to_str().unwrap()]);
    assert_eq!((status, outcomes(&read, "added")), (Some(0), 1), "{read:?}");
    let found = lines(&ragstone(&data, &["search", "How much is the rent?", "--collection", "c", "--json"]));
    assert!(found[0].to_string().contains("Page 1 of the lease"), "{found:?}");
}

#[test]
fn patterns_choose_files_and_a_sync_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir_all(docs.join("drafts")).unwrap();
    for file in ["a.md", "b.txt", "drafts/c.md"] {
        std::fs::write(docs.join(file), format!("The text of {file}.")).unwrap();
    }
    let (_, all) = ingest(&data, &docs, &[]);
    assert_eq!(outcomes(&all, "added"), 3);
    std::fs::remove_file(docs.join("a.md")).unwrap();
    std::fs::remove_file(docs.join("b.txt")).unwrap();
    let (_, some) = ingest(&data, &docs, &["--include", "*.md", "--exclude", "drafts/**", "--sync"]);
    assert_eq!(outcomes(&some, "removed"), 1, "{some:?}");
    assert_eq!(some[0]["uri"], "a.md");
}
