//! Collections whose model is behind an endpoint: it is asked as its settings say, and what it answers is checked.

use crate::ingest::lines;
use crate::support::{Played, RAGSTONE, Server, models};
use axum::Router;
use axum::body::Body;
use axum::extract::{Json, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const KEY: &str = "sk-very-secret";

/// Returns a vector by which texts with the same first letter are near each other.
fn vector(text: &str) -> [f32; 3] {
    let first = text.bytes().next().unwrap_or(b'a');
    [f32::from(first), f32::from(255 - first), 1.0 + text.len() as f32 / 100.0]
}

/// The name of the model says how the endpoint misbehaves.
async fn embeddings(State(asked): State<Arc<AtomicUsize>>, headers: HeaderMap, body: Json<Value>) -> Response<Body> {
    if headers.get("authorization").is_none_or(|key| key.to_str().unwrap() != format!("Bearer {KEY}")) {
        let refused = json!({"error": {"message": format!("wrong key {KEY}"), "code": "invalid_api_key"}});
        return (StatusCode::UNAUTHORIZED, refused.to_string()).into_response();
    }
    let model = body["model"].as_str().unwrap().to_owned();
    let texts: Vec<&str> = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert!(texts.len() <= 2, "the settings bound a batch");
    let first = asked.fetch_add(1, Ordering::AcqRel) == 0;
    let mut data: Vec<Value> =
        texts.iter().enumerate().map(|(index, text)| json!({"index": index, "embedding": vector(text)})).collect();
    match model.as_str() {
        "busy-once" if first => {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "").into_response();
        }
        "busy" => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "").into_response(),
        "long" => data[0]["embedding"] = json!([1.0, 2.0, 3.0, 4.0]),
        "few" => drop(data.pop()),
        "nan" => return r#"{"data": [{"index": 0, "embedding": [NaN, 1, 2]}]}"#.into_response(),
        "zero" => data[0]["embedding"] = json!([0, 0, 0]),
        "slow" => tokio::time::sleep(Duration::from_secs(20)).await,
        "large" => return " ".repeat(3 << 20).into_response(),
        "sent-on" => {
            return (StatusCode::TEMPORARY_REDIRECT, [("location", "http://127.0.0.1:9/")], "").into_response();
        }
        _ => data.reverse(),
    }
    json!({"object": "list", "data": data}).to_string().into_response()
}

fn endpoint() -> (Played, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    (Played::start(Router::new().route("/v1/embeddings", post(embeddings)).with_state(asked.clone())), asked)
}

/// Writes settings that know the endpoint as `theirs`.
fn settings(folder: &Path, endpoint: &Played, model: &str) -> PathBuf {
    let settings = format!(
        "[embedders.theirs]\nbase_url = '{}/v1'\nmodel = '{model}'\ndimension = 3\nkey_env = 'THEIR_KEY'\nbatch = 2\n\
         timeout_seconds = 1\nretries = 1\n",
        endpoint.url
    );
    let path = folder.join("ragstone.toml");
    std::fs::write(&path, settings).unwrap();
    path
}

fn server(folder: &Path, endpoint: &Played, model: &str, key: &str) -> Server {
    let path = settings(folder, endpoint, model);
    Server::start_with(&folder.join("data"), &models(), |command| {
        command.arg("--config").arg(path).env("THEIR_KEY", key)
    })
}

fn create(server: &Server, name: &str, embedding: Value) -> (u16, Value) {
    server.call("POST", "/v1/collections", Some(&json!({"name": name, "embedding": embedding})))
}

fn chunks() -> Value {
    json!({"chunks": [{"id": "a", "text": "apples"}, {"id": "b", "text": "bread"}, {"id": "z", "text": "zebras"}]})
}

#[test]
fn a_collection_is_embedded_and_searched_by_an_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (played, _) = endpoint();
    let first = server(folder.path(), &played, "fine", KEY);
    let listed = first.get("/v1/models");
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == "theirs" && model["dimension"] == 3));
    let (status, created) = create(&first, "c", json!({"model": "theirs"}));
    assert_eq!((status, &created["embedding"]["dimension"]), (201, &json!(3)), "{created}");
    first.post("/v1/collections/c/chunks", chunks());
    let ids = |server: &Server, collection: &str, search: Value| -> Vec<String> {
        let answer = server.post(&format!("/v1/collections/{collection}/search"), search);
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&first, "c", json!({"text": "zoo", "mode": "dense", "k": 1})), ["z"]);
    assert_eq!(ids(&first, "c", json!({"text": "about apples", "k": 1})), ["a"]);
    let (status, _) = create(&first, "cut", json!({"model": "theirs", "dimension": 2}));
    assert_eq!(status, 201);
    first.post("/v1/collections/cut/chunks", chunks());
    let answer =
        first.post("/v1/collections/cut/search", json!({"text": "zoo", "mode": "dense", "include": ["embedding"]}));
    let cut: Vec<f64> = serde_json::from_value(answer["hits"][0]["embedding"].clone()).unwrap();
    assert!(cut.len() == 2 && (cut.iter().map(|value| value * value).sum::<f64>() - 1.0).abs() < 1e-5, "{cut:?}");
    let (status, refused) = create(&first, "long", json!({"model": "theirs", "dimension": 4}));
    assert_eq!((status, &refused["field"]), (422, &json!("embedding.dimension")), "{refused}");
    let (status, refused) = create(&first, "int8", json!({"model": "theirs", "precision": "int8"}));
    assert_eq!((status, &refused["field"]), (422, &json!("embedding.precision")), "{refused}");
    let text = "Zebras live in herds.\n\nThey run.".as_bytes().to_vec();
    let (status, answer) = first.upload("c", &[("zebras.md", text)], None);
    assert_eq!(status, 201, "{answer}");
    assert!(first.stop(Duration::from_secs(20)));
    let renamed = server(folder.path(), &played, "another", KEY);
    let search = json!({"text": "zoo"});
    let (status, refused) = renamed.call("POST", "/v1/collections/c/search", Some(&search));
    assert_eq!((status, &refused["code"]), (409, &json!("model_mismatch")), "{refused}");
    assert_eq!(ids(&renamed, "c", json!({"text": "bread", "mode": "lexical"})), ["b"]);
}

#[test]
fn the_texts_of_a_file_are_embedded_by_an_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (played, _) = endpoint();
    let (texts, vectors) = (folder.path().join("t.jsonl"), folder.path().join("v.npy"));
    std::fs::write(&texts, "{\"text\": \"apples\"}\n{\"text\": \"bread\"}\n{\"text\": \"zebras\"}\n").unwrap();
    let embed = |more: &[&str]| {
        let mut command = Command::new(RAGSTONE);
        command.arg("embed").arg(&texts).arg("--output").arg(&vectors).args(["--model", "theirs", "--json"]).args(more);
        command.arg("--config").arg(settings(folder.path(), &played, "fine")).env("THEIR_KEY", KEY);
        lines(&command.output().unwrap()).swap_remove(0)
    };
    let told = embed(&[]);
    assert_eq!((&told["texts"], &told["dimension"], &told["tokens"]), (&json!(3), &json!(3), &json!(6)), "{told}");
    let bytes = std::fs::read(&vectors).unwrap();
    let numbers = bytes[bytes.len() - 36..].as_chunks().0;
    let found: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    for (found, text) in found.chunks(3).zip(["apples", "bread", "zebras"]) {
        assert!(found.iter().zip(vector(text)).all(|(a, b)| (a - b).abs() < 1e-3), "{text}: {found:?}");
    }
    assert_eq!(embed(&["--precision", "int8"])["error"]["code"], "invalid_argument");
}

/// Upserts with an endpoint that misbehaves, and returns status and answer.
fn upsert(model: &str, key: &str) -> (u16, Value, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (played, asked) = endpoint();
    let server = server(folder.path(), &played, model, key);
    assert_eq!(create(&server, "c", json!({"model": "theirs"})).0, 201);
    let (status, answer) = server.call("POST", "/v1/collections/c/chunks", Some(&chunks()));
    (status, answer, asked.load(Ordering::Acquire))
}

#[test]
fn a_busy_endpoint_is_asked_again() {
    let (status, answer, asked) = upsert("busy-once", KEY);
    assert_eq!((status, asked), (200, 3), "{answer}");
    let (status, answer, asked) = upsert("busy", KEY);
    assert_eq!((status, &answer["code"], asked), (503, &json!("busy"), 2), "{answer}");
}

#[test]
fn an_endpoint_that_answers_wrong_is_refused_by_what_is_wrong() {
    let check = |model: &str, key: &str, words: &str| {
        let (status, answer, _) = upsert(model, key);
        assert_eq!((status, &answer["code"]), (502, &json!("embedder_failed")), "{model}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{model}: {answer}");
        assert!(!answer.to_string().contains("sk-"), "{model}: {answer}");
    };
    check("long", KEY, "4 dimensions");
    check("few", KEY, "1 vectors for 2 texts");
    check("nan", KEY, "not a list of vectors");
    check("zero", KEY, "length zero");
    check("large", KEY, "bytes");
    check("sent-on", KEY, "307");
    check("slow", KEY, "too long");
    check("fine", "sk-wrong", "invalid_api_key");
    check("fine", "", "THEIR_KEY");
}
