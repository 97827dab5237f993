//! Files that fail are known until they are taken in, and can be tried again.

use crate::ingest::{ingest, lines, outcomes, ragstone};
use crate::support::Server;
use serde_json::{Value, json};

fn uris(files: &Value) -> Vec<&str> {
    files["files"].as_array().unwrap().iter().map(|file| file["uri"].as_str().unwrap()).collect()
}

#[test]
fn failed_files_are_listed_with_their_reasons_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(docs.join(name), bytes).unwrap();
    put("good.txt", b"The travel desk answers within a day.");
    put("empty.txt", b"");
    put("broken.pdf", b"%PDF-1.7\nnothing of the kind");
    ingest(&data, &docs, &[]);
    let failed = |more: &[&str]| {
        let output = ragstone(&data, &[&["documents", "--failed", "--collection", "c", "--json"], more].concat());
        (output.status.code(), lines(&output).remove(0))
    };
    let (status, listed) = failed(&[]);
    assert_eq!((status, uris(&listed)), (Some(0), vec!["broken.pdf", "empty.txt"]));
    assert_eq!(listed["files"][0]["error"]["code"], "corrupt");
    assert!(listed["files"][1]["error"]["detail"].as_str().unwrap().contains("empty"));

    put("empty.txt", b"It is not empty any more.");
    put("good.txt", b"This change is not what is asked for.");
    let (status, again) = ingest(&data, &docs, &["--retry-failed"]);
    assert_eq!((status, again.len()), (Some(1), 3), "two files and the summary: {again:?}");
    assert_eq!((outcomes(&again, "added"), outcomes(&again, "failed")), (1, 1));
    assert_eq!(uris(&failed(&[]).1), ["broken.pdf"]);

    let server = Server::start(&data);
    let page = server.get("/v1/collections/c/failures");
    assert_eq!(uris(&page), ["broken.pdf"]);
    assert_eq!(page["version"], server.get("/v1/collections/c")["version"]);
    server.upload("c", &[("z.pdf", b"%PDF-1.4 no".to_vec()), ("y.txt", b"fine words".to_vec())], None);
    let first = server.get("/v1/collections/c/failures?limit=1");
    assert_eq!((uris(&first), first["next"].as_str()), (vec!["broken.pdf"], Some("broken.pdf")));
    assert_eq!(uris(&server.get("/v1/collections/c/failures?after=broken.pdf")), ["z.pdf"]);
    assert_eq!(server.call("GET", "/v1/collections/c/failures?limit=0", None).0, 422);
    put("broken.pdf", b"plain words in the end");
    let arguments =
        ["ingest", docs.to_str().unwrap(), "--collection", "c", "--retry-failed", "--server", &server.url("")];
    assert_eq!(ragstone(&data, &arguments).status.code(), Some(0));
    assert_eq!(uris(&server.get("/v1/collections/c/failures")), ["z.pdf"]);
    server.ok("DELETE", "/v1/collections/c", None);
    server.post("/v1/collections", json!({"name": "c"}));
    assert_eq!(server.get("/v1/collections/c/failures")["files"], json!([]), "a new collection has no failures");
}
