//! Bad input: each kind gets its code, a message that names what was wrong, and leaves everything as it was.

use crate::support::Server;
use serde_json::{Value, json};

fn with_collection() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    let chunk = json!({"id": "a", "text": "one", "embedding": [1, 0], "metadata": {"year": 2020}});
    server.post("/v1/collections/c/chunks", json!({"chunks": [chunk]}));
    (folder, server)
}

#[track_caller]
fn check(server: &Server, path: &str, body: Value, status: u16, code: &str) {
    let (found, answer) = server.call("POST", path, Some(&body));
    assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{path} {body}: {answer}");
    assert!(answer["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{answer}");
}

#[test]
fn a_request_that_makes_no_sense_is_refused_by_name() {
    let (_folder, server) = with_collection();
    let version = server.get("/v1/collections/c")["version"].clone();
    let chunks = "/v1/collections/c/chunks";
    let search = "/v1/collections/c/search";
    check(&server, "/v1/collections/nowhere/search", json!({"text": "x"}), 404, "collection_not_found");
    check(&server, "/v1/collections", json!({"name": "../x"}), 422, "invalid_name");
    check(&server, "/v1/collections", json!({"name": "n", "embedding": {"model": "none"}}), 422, "model_not_found");
    check(&server, "/v1/collections", json!({"name": "n", "embedding": {"dimension": 1}}), 422, "invalid_argument");
    check(
        &server,
        "/v1/collections",
        json!({"name": "n", "embedding": {"dimension": 99_999}}),
        422,
        "invalid_argument",
    );
    check(&server, search, json!({"embedding": [1, 2, 3]}), 422, "dimension_mismatch");
    check(&server, search, json!({"embedding": [0, 0]}), 422, "invalid_embedding");
    check(&server, search, json!({"embedding": [1e39, 0]}), 422, "invalid_embedding");
    check(&server, search, json!({"text": "  "}), 422, "invalid_argument");
    check(&server, search, json!({}), 422, "invalid_argument");
    check(&server, search, json!({"embedding": [1, 0], "k": 0}), 422, "invalid_argument");
    check(&server, search, json!({"embedding": [1, 0], "k": 1_000_000_000}), 422, "invalid_argument");
    check(&server, search, json!({"embedding": [1, 0], "filter": "nope = 1"}), 422, "unknown_field");
    check(&server, search, json!({"embedding": [1, 0], "filter": "year = 'x'"}), 422, "field_type_mismatch");
    check(&server, search, json!({"embedding": [1, 0], "filter": "year >"}), 400, "invalid_filter");
    check(&server, search, json!({"embedding": [1, 0], "as_of": 99}), 404, "version_not_found");
    check(&server, search, json!({"embedding": [1, 0], "as_of": "no-such-tag"}), 404, "version_not_found");
    check(&server, search, json!({"text": "x", "mode": "dense"}), 422, "no_model");
    check(&server, chunks, json!({"chunks": [{"id": "b", "embedding": [1, 2, 3]}]}), 422, "dimension_mismatch");
    check(&server, chunks, json!({"chunks": [{"id": "", "embedding": [1, 2]}]}), 422, "invalid_id");
    check(&server, chunks, json!({"chunks": [{"id": "b"}]}), 422, "invalid_argument");
    let clash = json!({"chunks": [{"id": "b", "embedding": [1, 2], "metadata": {"year": "old"}}]});
    check(&server, chunks, clash, 422, "field_type_mismatch");
    let reserved = json!({"chunks": [{"id": "b", "embedding": [1, 2], "metadata": {"text": "x"}}]});
    check(&server, chunks, reserved, 422, "reserved_field");
    let nested = json!({"chunks": [{"id": "b", "embedding": [1, 2], "metadata": {"a": {"b": 1}}}]});
    check(&server, chunks, nested, 422, "field_type_mismatch");
    let half = json!({"chunks": [{"id": "ok", "embedding": [1, 2]}, {"id": "bad", "embedding": [1]}]});
    check(&server, chunks, half, 422, "dimension_mismatch");
    assert_eq!(server.get("/v1/collections/c")["version"], version, "nothing was written");
    assert_eq!(server.post("/v1/collections/c/chunks/count", json!({}))["count"], 1);
}

#[test]
fn a_body_that_cannot_be_read_is_refused() {
    let (_folder, server) = with_collection();
    let send = |body: &[u8]| {
        let (status, headers, answer) =
            server.raw("POST", "/v1/collections/c/search", "application/json", body.to_vec());
        assert_eq!(headers["content-type"], "application/problem+json");
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        (status, answer["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(send(b"{"), (400, "malformed_request".into()));
    assert_eq!(send(b"{\"embedding\":[NaN,0]}"), (400, "malformed_request".into()));
    assert_eq!(send(b"{\"txt\":\"x\"}"), (422, "invalid_argument".into()));
    assert_eq!(send(b"\xff\xfe"), (400, "malformed_request".into()));
    assert!(matches!(send("[".repeat(100_000).as_bytes()).0, 400 | 422));
    let huge = vec![b' '; (64 << 20) + 1];
    assert_eq!(send(&huge), (413, "limit_exceeded".into()));
}

#[test]
fn a_body_of_two_gigabytes_is_refused_by_its_length() {
    use std::io::{Read, Write};
    let (_folder, server) = with_collection();
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /v1/collections/c/chunks HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: 2147483648\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..read]));
}

#[test]
fn a_body_that_nobody_reads_does_not_end_the_connection() {
    use std::io::{BufRead, BufReader, Write};
    let (_folder, server) = with_collection();
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    // The body of an answer and the next answer share a line.
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let filler = " ".repeat(300_000);
    for path in ["/v1/collections/c/optimize", "/v1/jobs", "/v1/collections/c/optimize"] {
        let method = if path.ends_with("jobs") { "GET" } else { "POST" };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", filler.len());
        stream.write_all((head + &filler).as_bytes()).unwrap();
        assert!(answers.any(|line| line.contains("HTTP/1.1 2")), "{path} is answered");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn unknown_routes_and_methods_are_answered_as_problems() {
    let (_folder, server) = with_collection();
    let (status, answer) = server.call("GET", "/v1/nothing", None);
    assert_eq!((status, answer["code"].as_str()), (404, Some("not_found")));
    let (status, answer) = server.call("PUT", "/v1/collections", None);
    assert_eq!((status, answer["code"].as_str()), (405, Some("method_not_allowed")));
    let (status, answer) = server.call("GET", "/v1/jobs/none", None);
    assert_eq!((status, answer["code"].as_str()), (404, Some("job_not_found")));
}

#[test]
fn names_that_climb_out_of_the_data_folder_reach_nothing() {
    let (_folder, server) = with_collection();
    for name in ["..", "%2e%2e", "..%2f..%2fetc", "a%00b", ".hidden", "c.lance", "%ff"] {
        let (status, answer) = server.call("GET", &format!("/v1/collections/{name}/documents"), None);
        assert!((400..500).contains(&status), "{name}: {status} {answer}");
    }
    assert_eq!(server.call("GET", "/v1/collections/c", None).0, 200);
}
