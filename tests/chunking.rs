//! How documents are cut is chosen for each collection, and can be seen before anything is written.

use crate::ingest::{ingest, lines, ragstone};
use crate::support::Server;
use serde_json::{Value, json};
use std::path::Path;

fn text() -> String {
    (1..=120).map(|at| format!("Rule {at} says that berth {at} is booked with the harbour master. ")).collect()
}

fn write_docs(docs: &Path) {
    std::fs::create_dir_all(docs).unwrap();
    std::fs::write(docs.join("a.md"), format!("# Berths\n\n{}\n\n# Fees\n\nA berth costs nine euros.", text()))
        .unwrap();
}

#[test]
fn a_collection_keeps_the_rules_that_it_was_made_with() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let chunks = |name: &str, chunking: Value| {
        let made = server.post("/v1/collections", json!({"name": name, "chunking": chunking}));
        assert_eq!(made["chunking"], server.get(&format!("/v1/collections/{name}"))["chunking"]);
        let (status, answer) = server.upload(name, &[("a.txt", text().into())], None);
        assert_eq!(status, 201, "{answer}");
        let listed = server.post(&format!("/v1/collections/{name}/chunks/list"), json!({"limit": 1000}));
        (made["chunking"].clone(), listed["chunks"].as_array().unwrap().clone())
    };
    let (usual, structured) = chunks("usual", json!({}));
    assert_eq!(usual["strategy"], "structure");
    let (fixed, words) = chunks("fixed", json!({"strategy": "fixed", "tokens": 40, "overlap": 10}));
    assert_eq!((&fixed["strategy"], &fixed["tokens"], &fixed["overlap"]), (&json!("fixed"), &json!(40), &json!(10)));
    assert!(words.len() > 3 * structured.len());
    assert!(structured.iter().all(|chunk| chunk["text"].as_str().unwrap().ends_with('.')));
    assert!(!words.iter().all(|chunk| chunk["text"].as_str().unwrap().ends_with('.')), "words end fixed chunks");
    let ids = |chunks: &[Value]| chunks.iter().map(|chunk| chunk["id"].clone()).collect::<Vec<_>>();
    assert!(ids(&structured).iter().all(|id| !ids(&words).contains(id)), "rules are part of a chunk's id");
    let (again, same) = chunks("again", json!({"strategy": "fixed", "tokens": 40, "overlap": 10}));
    assert_eq!((again, ids(&same)), (fixed, ids(&words)));
}

#[test]
fn rules_that_cannot_be_followed_are_refused_by_the_name_of_their_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let check = |chunking: Value, field: &str| {
        let body = json!({"name": "c", "chunking": chunking});
        let (status, answer) = server.call("POST", "/v1/collections", Some(&body));
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{chunking}: {answer}");
        assert_eq!(answer["code"], "invalid_argument");
    };
    check(json!({"strategy": "semantic"}), "chunking.strategy");
    check(json!({"tokens": "many"}), "chunking.tokens");
    check(json!({"tokens": 2}), "chunking.tokens");
    check(json!({"tokens": 2_000}), "chunking.tokens");
    check(json!({"tokens": 100, "overlap": 51}), "chunking.overlap");
    check(json!({"tokens": 100, "max_tokens": 99}), "chunking.max_tokens");
    check(json!({"size": 100}), "size");
    assert_eq!(server.get("/v1/collections")["collections"], json!([]));
    let data = folder.path().join("here");
    let create = |more: &[&str]| ragstone(&data, &[&["collections", "create", "c", "--json"], more].concat());
    assert_eq!(create(&["--chunking", "semantic"]).status.code(), Some(2));
    let made = create(&["--chunking", "page", "--chunk-tokens", "50", "--chunk-overlap", "5"]);
    let rules = json!({"strategy": "page", "tokens": 50, "max_tokens": 100, "overlap": 5, "overlap_sentences": 1});
    assert_eq!(lines(&made)[0]["chunking"], rules);
}

#[test]
fn a_dry_run_prints_the_chunks_that_an_ingest_writes_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    write_docs(&docs);
    let (status, shown) = ingest(&data, &docs, &["--dry-run"]);
    assert_eq!(status, Some(0));
    assert!(!data.exists(), "no data folder is made");
    ingest(&data, &docs, &[]);
    let server = Server::start(&data);
    let listed = server.post("/v1/collections/c/chunks/list", json!({"limit": 1000}));
    let listed = listed["chunks"].as_array().unwrap();
    assert_eq!(shown.len(), listed.len());
    for ((index, shown), chunk) in (0..).zip(&shown).zip(listed) {
        let source = &chunk["source"];
        assert_eq!((&shown["document"], &shown["index"]), (&source["uri"], &json!(index)));
        assert_eq!((&shown["text"], &shown["heading"]), (&chunk["text"], &source["heading"]));
        assert_eq!((&shown["char_start"], &shown["char_end"]), (&source["char_start"], &source["char_end"]));
        assert!(shown["tokens"].as_u64() > Some(0));
    }
    server.post("/v1/collections", json!({"name": "f", "chunking": {"strategy": "fixed", "tokens": 30}}));
    let url = server.url("");
    let path = docs.to_str().unwrap();
    let there = ["ingest", path, "--collection", "f", "--server", &url, "--dry-run", "--json"];
    let there = lines(&ragstone(&folder.path().join("none"), &there));
    assert!(there.len() > 3 * shown.len(), "the rules are those of the server's collection");
    assert_eq!(server.get("/v1/collections/f")["chunks"], 0);
    let asked = ["ingest", path, "--collection", "f", "--server", &url, "--dry-run", "--json", "--chunk-tokens", "200"];
    assert!(lines(&ragstone(&folder.path().join("none"), &asked)).len() < there.len());
    assert_eq!(ragstone(&data, &["ingest", path, "--collection", "f", "--chunking", "page"]).status.code(), Some(2));
}
