//! A collection changes its model while it is read and written to, by two small models of random weights.

use crate::ingest::{lines, ragstone};
use crate::support::Server;
use crate::tiny_model::{self, write_json};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Writes the models `one` and `two`: of one shape, and with other vectors.
fn write_models(root: &Path) {
    for (name, pooling) in [("one", "pooling_mode_mean_tokens"), ("two", "pooling_mode_max_tokens")] {
        tiny_model::write(&root.join(name));
        let pooling = json!({"word_embedding_dimension": 32, pooling: true});
        write_json(&root.join(name), "1_Pooling/config.json", &pooling);
    }
}

fn start(folder: &Path) -> Server {
    Server::start_with_models(&folder.join("data"), &folder.join("models"))
}

fn served() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    write_models(&folder.path().join("models"));
    let server = start(folder.path());
    (folder, server)
}

fn text(at: usize) -> String {
    let letter = |at: usize| char::from(b'a' + (at % 26) as u8);
    format!("{} {} {}", letter(at), letter(at / 26 + at * 7), letter(at * 5 + 3))
}

fn chunks(range: std::ops::Range<usize>) -> Value {
    json!({"chunks": range.map(|at| json!({"id": at.to_string(), "text": text(at)})).collect::<Vec<_>>()})
}

fn create(server: &Server, name: &str, model: &str, range: std::ops::Range<usize>) -> u64 {
    server.post("/v1/collections", json!({"name": name, "embedding": {"model": model}}));
    server.post(&format!("/v1/collections/{name}/chunks"), chunks(range))["version"].as_u64().unwrap()
}

/// Changes the model and returns the job when it has ended.
fn reembed(server: &Server, name: &str, body: Value) -> Value {
    let started = server.post(&format!("/v1/collections/{name}/reembed"), body);
    let path = format!("/v1/jobs/{}", started["job"]["id"].as_str().unwrap());
    loop {
        let job = server.get(&path);
        if job["state"] != "running" {
            return job;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn search(server: &Server, name: &str, as_of: Option<u64>) -> Vec<(String, f64)> {
    let mut search = json!({"text": "a b c", "mode": "dense", "k": 5, "exact": true});
    if let Some(version) = as_of {
        search["as_of"] = json!(version);
    }
    let answer = server.post(&format!("/v1/collections/{name}/search"), search);
    let hit = |hit: &Value| (hit["id"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap());
    answer["hits"].as_array().unwrap().iter().map(hit).collect()
}

/// Returns the vectors of all chunks by id.
fn vectors(server: &Server, name: &str) -> Vec<(String, Vec<f64>)> {
    let listed =
        server.post(&format!("/v1/collections/{name}/chunks/list"), json!({"limit": 1000, "include": ["embedding"]}));
    let chunk = |chunk: &Value| {
        let id = chunk["id"].as_str().unwrap().to_owned();
        (id, serde_json::from_value(chunk["embedding"].clone()).unwrap())
    };
    let mut vectors: Vec<(String, Vec<f64>)> = listed["chunks"].as_array().unwrap().iter().map(chunk).collect();
    vectors.sort_by(|a, b| a.0.cmp(&b.0));
    vectors
}

fn assert_near(found: &[(String, Vec<f64>)], expected: &[(String, Vec<f64>)]) {
    assert_eq!(found.len(), expected.len());
    for ((id, found), (expected_id, expected)) in found.iter().zip(expected) {
        assert_eq!(id, expected_id);
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{id}");
    }
}

#[test]
fn a_collection_has_its_new_model_and_earlier_versions_keep_theirs() {
    let (folder, server) = served();
    let version = create(&server, "c", "one", 0..60);
    create(&server, "expected", "two", 0..60);
    let before = search(&server, "c", None);
    let of_one = vectors(&server, "c");
    let job = reembed(&server, "c", json!({"model": "two", "queries": ["a b", "x"], "k": 5}));
    assert_eq!(job["state"], "done", "{job}");
    let result = &job["result"];
    assert_eq!((&result["switched"], &result["chunks"]), (&json!(true), &json!(60)), "{job}");
    assert_eq!(result["comparison"]["queries"].as_array().unwrap().len(), 2);
    assert!(result["comparison"]["overlap"].as_f64().is_some_and(|overlap| (0.0..=1.0).contains(&overlap)), "{job}");
    assert_near(&vectors(&server, "c"), &vectors(&server, "expected"));
    let differs = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-4;
    assert!(of_one[0].1.iter().zip(&vectors(&server, "c")[0].1).any(differs), "the models differ");
    assert_eq!(search(&server, "c", None), search(&server, "expected", None));
    assert_eq!(search(&server, "c", Some(version)), before);
    server.post("/v1/collections/c/chunks", chunks(60..70));
    server.post("/v1/collections/expected/chunks", chunks(60..70));
    server.optimize("c");
    assert!(server.stop(Duration::from_secs(20)));
    let server = start(folder.path());
    assert_eq!(server.get("/v1/collections/c")["embedding"]["model"], "two");
    assert_near(&vectors(&server, "c"), &vectors(&server, "expected"));
    assert_eq!(search(&server, "c", Some(version)), before);
    server.post("/v1/collections/c/restore", json!({"to": version}));
    assert_eq!(server.get("/v1/collections/c")["embedding"]["model"], "one");
    assert_eq!(search(&server, "c", None), before);
    server.post("/v1/collections/c/chunks", chunks(60..61));
    assert_eq!(search(&server, "c", Some(version)), before);
}

#[test]
fn a_sealed_collection_changes_the_length_of_its_vectors_and_forgets_no_generation() {
    let (folder, server) = served();
    let version = create(&server, "c", "one", 0..5_000);
    server.optimize("c");
    let before = search(&server, "c", None);
    let expected = json!({"name": "expected", "embedding": {"model": "two", "dimension": 8}});
    server.post("/v1/collections", expected);
    server.post("/v1/collections/expected/chunks", chunks(0..5_000));
    let job = reembed(&server, "c", json!({"model": "two", "dimension": 8}));
    assert_eq!((&job["state"], &job["progress"]["done"]), (&json!("done"), &json!(5_000)), "{job}");
    let info = server.get("/v1/collections/c");
    assert_eq!((&info["embedding"]["dimension"], &info["index"]["rows"]), (&json!(8), &json!(5_000)), "{info}");
    let exact = json!({"text": "a b c", "mode": "dense", "k": 5, "exact": true});
    let scores = |name: &str| -> Vec<f64> {
        let answer = server.post(&format!("/v1/collections/{name}/search"), exact.clone());
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["score"].as_f64().unwrap()).collect()
    };
    assert!(scores("c").iter().zip(scores("expected")).all(|(a, b)| (a - b).abs() < 1e-5));
    assert_eq!(search(&server, "c", Some(version)), before);
    drop(server);
    let server = start(folder.path());
    assert_eq!(server.get("/v1/collections/c")["index"]["rows"], 5_000);
    assert_eq!(search(&server, "c", Some(version)), before);
}

#[test]
fn a_dry_run_changes_nothing_and_its_vectors_are_used() {
    let (_folder, server) = served();
    let version = create(&server, "c", "one", 0..30);
    let job = reembed(&server, "c", json!({"model": "two", "switch": false}));
    assert_eq!((&job["result"]["switched"], &job["result"]["resumed"]), (&json!(false), &json!(0)), "{job}");
    assert_eq!(job["result"]["comparison"]["queries"].as_array().unwrap().len(), 15, "{job}");
    let info = server.get("/v1/collections/c");
    assert_eq!((&info["version"], &info["embedding"]["model"]), (&json!(version), &json!("one")));
    let job = reembed(&server, "c", json!({"model": "two"}));
    assert_eq!((&job["result"]["switched"], &job["result"]["resumed"]), (&json!(true), &json!(30)), "{job}");
}

#[test]
fn rows_written_while_the_model_changes_have_vectors_of_the_new_one() {
    let (_folder, server) = served();
    create(&server, "c", "one", 0..400);
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writes = scope.spawn(|| {
            let mut at = 400;
            while !stop.load(Ordering::Acquire) && at < 900 {
                server.post("/v1/collections/c/chunks", chunks(at..at + 2));
                at += 2;
            }
            at
        });
        let job = reembed(&server, "c", json!({"model": "two"}));
        assert_eq!(job["state"], "done", "{job}");
        std::thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::Release);
        writes.join().unwrap()
    });
    create(&server, "expected", "two", 0..written);
    assert_near(&vectors(&server, "c"), &vectors(&server, "expected"));
}

#[test]
fn a_change_that_a_kill_interrupts_is_done_or_not_done_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    write_models(&folder.path().join("models"));
    let mut server = start(folder.path());
    create(&server, "c", "one", 0..600);
    create(&server, "one", "one", 0..600);
    create(&server, "two", "two", 0..600);
    for (model, wait_ms) in [("two", 10), ("one", 60), ("two", 120), ("one", 200), ("two", 300), ("one", 450)] {
        if server.get("/v1/collections/c")["embedding"]["model"] != model {
            server.post("/v1/collections/c/reembed", json!({"model": model}));
        }
        std::thread::sleep(Duration::from_millis(wait_ms));
        server.kill();
        server = start(folder.path());
        let model = server.get("/v1/collections/c")["embedding"]["model"].as_str().unwrap().to_owned();
        assert_near(&vectors(&server, "c"), &vectors(&server, &model));
        assert_eq!(search(&server, "c", None), search(&server, &model, None));
    }
    let other = if server.get("/v1/collections/c")["embedding"]["model"] == "one" { "two" } else { "one" };
    assert_eq!(reembed(&server, "c", json!({"model": other}))["state"], "done");
    assert_near(&vectors(&server, "c"), &vectors(&server, other));
}

#[test]
fn a_change_that_cannot_be_made_is_refused() {
    let (_folder, server) = served();
    create(&server, "c", "one", 0..3);
    let refused = |body: Value, field: Option<&str>, code: &str| {
        let (status, answer) = server.call("POST", "/v1/collections/c/reembed", Some(&body));
        assert_eq!((status, answer["code"].as_str()), (422, Some(code)), "{answer}");
        assert_eq!(answer["field"].as_str(), field, "{answer}");
    };
    refused(json!({"model": "one"}), Some("model"), "invalid_argument");
    refused(json!({"model": "three"}), None, "model_not_found");
    refused(json!({"model": "two", "dimension": 33}), Some("embedding.dimension"), "invalid_argument");
    refused(json!({"model": "two", "k": 0}), Some("k"), "invalid_argument");
    refused(json!({"model": "two", "queries": [" "]}), Some("queries"), "invalid_argument");
    server.post("/v1/collections", json!({"name": "bare", "embedding": {"dimension": 2}}));
    let chunk = |id: &str, text: Option<&str>| json!({"id": id, "text": text, "embedding": [1, 0]});
    server.post("/v1/collections/bare/chunks", json!({"chunks": [chunk("a", Some("a b")), chunk("b", None)]}));
    let job = reembed(&server, "bare", json!({"model": "two"}));
    assert_eq!(job["state"], "failed");
    assert!(job["error"]["detail"].as_str().unwrap().contains("'b' has no text"), "{job}");
    server.post("/v1/collections/bare/chunks/delete", json!({"ids": ["b"]}));
    let job = reembed(&server, "bare", json!({"model": "two"}));
    assert_eq!((&job["state"], &job["result"]["comparison"]), (&json!("done"), &Value::Null), "{job}");
    assert_eq!(search(&server, "bare", None).len(), 1);
}

#[test]
fn a_command_has_the_server_do_it_and_tells_what_became_of_it() {
    let (folder, server) = served();
    create(&server, "c", "one", 0..30);
    let (elsewhere, url) = (folder.path().join("elsewhere"), server.url(""));
    let ask = |name: &str, model: &str, more: &[&str]| {
        let arguments = ["reembed", "--server", &url, "--collection", name, "--model", model, "--json"];
        let output = ragstone(&elsewhere, &[&arguments, more].concat());
        (output.status.code(), lines(&output).swap_remove(0))
    };
    let (status, told) = ask("c", "two", &["--dry-run", "--query", "a b"]);
    assert_eq!((status, &told["switched"], &told["chunks"]), (Some(0), &json!(false), &json!(30)), "{told}");
    assert_eq!(told["comparison"]["queries"][0]["text"], "a b", "{told}");
    let (_, told) = ask("c", "two", &["--dimension", "8", "--precision", "bf16"]);
    assert_eq!((&told["collection"], &told["switched"]), (&json!("c"), &json!(true)), "{told}");
    let embedding = &server.get("/v1/collections/c")["embedding"];
    let expected = (&json!("two"), &json!(8), &json!("bf16"));
    assert_eq!((&embedding["model"], &embedding["dimension"], &embedding["precision"]), expected);
    let (status, told) = ask("c", "three", &[]);
    assert_eq!((status, &told["error"]["code"]), (Some(2), &json!("model_not_found")), "{told}");
    server.post("/v1/collections", json!({"name": "bare", "embedding": {"dimension": 2}}));
    server.post("/v1/collections/bare/chunks", json!({"chunks": [{"id": "b", "embedding": [1, 0]}]}));
    let (status, told) = ask("bare", "two", &[]);
    assert_eq!((status, &told["error"]["code"]), (Some(2), &json!("job_failed")), "{told}");
}
