//! Reranking over HTTP, by a small cross-encoder of random weights: what counts is that its scores decide the order.

use crate::support::Server;
use crate::tiny_model;
use serde_json::{Value, json};
use std::path::Path;

const TEXTS: [&str; 4] = ["a cab", "the zoo of a city", "plain words", "x"];

/// Writes the reranker whose golden scores the crate of models records.
fn write_reranker(folder: &Path) {
    let models: Value = serde_json::from_str(include_str!("../models/tests/golden/rerankers.json")).unwrap();
    tiny_model::write(folder);
    std::fs::remove_file(folder.join("modules.json")).unwrap();
    tiny_model::write_json(folder, "config.json", &models[0]["config"]);
    let length = json!({"model_max_length": tiny_model::MAX_TOKENS});
    tiny_model::write_json(folder, "tokenizer_config.json", &length);
    tiny_model::write_weights(folder, &serde_json::from_value(models[0]["tensors"].clone()).unwrap());
}

fn server(folder: &Path) -> Server {
    write_reranker(&folder.join("models/tiny"));
    Server::start_with_models(&folder.join("data"), &folder.join("models"))
}

/// Checks that results are in order of their scores, and returns their indices.
fn order(results: &Value) -> Vec<u64> {
    let scores: Vec<f64> =
        results.as_array().unwrap().iter().map(|result| result["relevance_score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    results.as_array().unwrap().iter().map(|result| result["index"].as_u64().unwrap()).collect()
}

#[test]
fn texts_come_back_in_the_order_of_their_scores() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let mut body = json!({"model": "tiny", "query": "a zoo", "documents": TEXTS, "return_documents": true});
    let answer = server.post("/v1/rerank", body.clone());
    let all = order(&answer["results"]);
    assert_eq!(answer["model"], "tiny");
    assert_eq!(answer["results"][0]["document"]["text"], TEXTS[all[0] as usize]);
    body["top_n"] = json!(2);
    body["documents"] = TEXTS.iter().map(|text| json!({"text": text})).collect();
    assert_eq!(order(&server.post("/v1/rerank", body)["results"]), all[..2]);
}

#[test]
fn a_search_is_put_in_the_order_of_the_reranker() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    let chunk = |(at, text): (usize, &&str)| json!({"id": at.to_string(), "text": text, "embedding": [1.0, at as f64]});
    let chunks: Vec<Value> = TEXTS.iter().enumerate().map(chunk).collect();
    server.post("/v1/collections/c/chunks", json!({ "chunks": chunks }));
    let documents = json!({"model": "tiny", "query": "a zoo", "documents": TEXTS});
    let expected = order(&server.post("/v1/rerank", documents)["results"]);
    let search = json!({"text": "a zoo", "embedding": [1, 0], "mode": "dense", "rerank": {"model": "tiny"}});
    let answer = server.post("/v1/collections/c/search", search.clone());
    let ids: Vec<u64> =
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(ids, expected);
    assert_eq!(answer["hits"][0]["score"], answer["hits"][0]["scores"]["rerank"]);
    let mut page = search;
    (page["k"], page["offset"], page["include"]) = (json!(1), json!(1), json!([]));
    let answer = server.post("/v1/collections/c/search", page);
    assert_eq!(answer["hits"][0]["id"], expected[1].to_string());
    assert!(answer["hits"][0].get("text").is_none());
}

#[test]
fn what_cannot_be_reranked_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    let refused = |path: &str, body: Value, status: u16, code: &str| {
        let (found, answer) = server.call("POST", path, Some(&body));
        assert_eq!((found, answer["code"].as_str().unwrap()), (status, code), "{answer}");
    };
    let query =
        |model: &str, query: &str, texts: usize| json!({"model": model, "query": query, "documents": vec!["a"; texts]});
    refused("/v1/rerank", query("no-such-model", "a", 1), 422, "model_not_found");
    refused("/v1/rerank", query("../tiny", "a", 1), 422, "model_not_found");
    refused("/v1/rerank", query("tiny", " ", 1), 422, "invalid_argument");
    refused("/v1/rerank", query("tiny", "a", 0), 422, "invalid_argument");
    refused("/v1/rerank", query("tiny", &"a ".repeat(500), 1), 422, "invalid_argument");
    refused("/v1/rerank", query("tiny", "a", 1_001), 413, "limit_exceeded");
    let search = |rerank: Value| json!({"text": "a", "embedding": [1, 0], "rerank": rerank});
    refused("/v1/collections/c/search", search(json!({"model": "tiny", "top": 5_000})), 422, "invalid_argument");
    refused("/v1/collections/c/search", search(json!({"model": "none"})), 422, "model_not_found");
    let no_text = json!({"embedding": [1, 0], "rerank": {"model": "tiny"}});
    refused("/v1/collections/c/search", no_text, 422, "invalid_argument");
}
