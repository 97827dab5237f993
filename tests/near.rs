//! A document that says nearly the same as one that is there is told, and left out where that is asked.

use crate::ingest::{ingest, outcomes};
use crate::support::Server;
use serde_json::{Value, json};

/// A report of three hundred words, some of which are its own.
fn report(name: &str, own: usize) -> Vec<u8> {
    let word = |at: usize| if at < own { format!("{name}{at}") } else { format!("word{at}") };
    let lines = (0..30).map(|line| (0..10).map(|at| word(line * 10 + at)).collect::<Vec<_>>().join(" "));
    (lines.collect::<Vec<_>>().join(".\n") + ".").into_bytes()
}

fn near(line: &Value) -> Option<&str> {
    line["near_duplicate_of"]["uri"].as_str()
}

#[test]
fn near_duplicates_are_told_and_left_out_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(docs.join(name), bytes).unwrap();
    put("plan.txt", &report("plan", 0));
    put("short-1.txt", b"See the annex of 2024 for details.");
    ingest(&data, &docs, &[]);
    put("copy.txt", &report("copy", 4));
    put("other.txt", &report("other", 250));
    put("short-2.txt", b"See the annex of 2025 for details.");
    let (_, lines) = ingest(&data, &docs, &["--skip-near-duplicates"]);
    let line = |uri: &str| lines.iter().find(|line| line["uri"] == uri).unwrap();
    assert_eq!((&line("copy.txt")["outcome"], near(line("copy.txt"))), (&json!("skipped"), Some("plan.txt")));
    assert!(line("copy.txt")["near_duplicate_of"]["similarity"].as_f64() > Some(0.8));
    assert_eq!((&line("other.txt")["outcome"], near(line("other.txt"))), (&json!("added"), None));
    assert_eq!((&line("short-2.txt")["outcome"], near(line("short-2.txt"))), (&json!("added"), None));
    let (_, told) = ingest(&data, &docs, &[]);
    assert_eq!((outcomes(&told, "added"), outcomes(&told, "unchanged")), (1, 4));
    assert_eq!(told.iter().find_map(near), Some("plan.txt"));

    let server = Server::start(&data);
    let upload = |name: &str, bytes: Vec<u8>, query: &str| {
        let form = [b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"".as_slice(), name.as_bytes()];
        let body = [form.concat().as_slice(), b"\"\r\n\r\n", &bytes, b"\r\n--b--\r\n"].concat();
        let path = format!("/v1/collections/c/documents?wait=true{query}");
        let (status, _, answer) = server.raw("POST", &path, "multipart/form-data; boundary=b", body);
        (status, serde_json::from_slice::<Value>(&answer).unwrap()["files"][0].clone())
    };
    let (status, file) = upload("again.txt", report("again", 2), "&near_duplicates=skip");
    assert_eq!((status, &file["outcome"]), (200, &json!("skipped")), "{file}");
    let (status, file) = upload("again.txt", report("again", 2), "");
    assert_eq!((status, &file["outcome"]), (201, &json!("added")));
    assert!(near(&file).is_some());
    let (_, file) = upload("again.txt", report("again", 3), "&near_duplicates=skip");
    assert_eq!(file["outcome"], "replaced", "what is there is kept in step");
    for uri in ["plan.txt", "copy.txt", "again.txt"] {
        let filter = format!("uri = '{uri}'");
        server.post("/v1/collections/c/chunks/delete", json!({"filter": filter}));
    }
    let (_, file) = upload("last.txt", report("last", 2), "&near_duplicates=skip");
    assert_eq!((&file["outcome"], near(&file)), (&json!("added"), None), "what was deleted is near nothing");
}

#[test]
fn of_files_that_come_together_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    for at in 0..12 {
        std::fs::write(docs.join(format!("{at}.txt")), report(&format!("v{at}x"), 2)).unwrap();
    }
    let (status, lines) = ingest(&data, &docs, &["--skip-near-duplicates"]);
    assert_eq!(status, Some(0));
    assert_eq!((outcomes(&lines, "added"), outcomes(&lines, "skipped")), (1, 11));
}
