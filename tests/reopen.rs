//! Files of a generation are caches of the table: whatever becomes of them, a collection that is opened again answers as
//! before, and builds anew what it lost.

use crate::support::{Random, Server, models};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DIMENSION: usize = 16;
/// Enough that a graph is built without being asked for.
const ROWS: usize = 4_200;

/// Writes rows with a number, a word and some text, seals most of them, and writes a few more.
fn fill(server: &Server) {
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": DIMENSION, "metric": "dot"}}));
    let mut random = Random(9);
    let mut upsert = |first: usize, rows: usize| {
        let chunks: Vec<Value> = (first..first + rows)
            .map(|row| {
                json!({"id": format!("r{row}"), "embedding": random.vector(DIMENSION), "text": format!("word{} common", row % 50),
                       "metadata": {"number": row % 7, "name": format!("n{}", row % 3)}})
            })
            .collect();
        server.post("/v1/collections/c/chunks", json!({ "chunks": chunks }));
    };
    upsert(0, ROWS);
    server.optimize("c");
    upsert(ROWS, 10);
    server.post("/v1/collections/c/chunks/delete", json!({"ids": ["r5", "r4201"]}));
}

/// What searches, filters and ids find.
fn answers(server: &Server) -> Vec<Value> {
    let vector = Random(4).vector(DIMENSION);
    let bodies = [
        json!({"embedding": vector}),
        json!({"embedding": vector, "filter": "number = 3 AND name != 'n1'"}),
        json!({"text": "word17", "mode": "lexical", "k": 100}),
        json!({"text": "word6 common", "mode": "lexical", "filter": "number > 4"}),
    ];
    let hits = |body: &Value| {
        let answer = server.post("/v1/collections/c/search", body.clone());
        answer["hits"].as_array().unwrap().iter().map(|hit| json!([hit["id"], hit["metadata"], hit["text"]])).collect()
    };
    let mut found: Vec<Value> = bodies.iter().map(hits).collect();
    found.push(server.post("/v1/collections/c/chunks/get", json!({"ids": ["r5", "r6", "r4202"]}))["chunks"].clone());
    found.push(server.post("/v1/collections/c/chunks/count", json!({"filter": "name = 'n2'"}))["count"].clone());
    found
}

/// Returns the files of generations with a name.
fn files(data: &Path, kind: &str, name: &str) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data.join("c.lance/_hnsw").join(kind)).unwrap();
    folders.map(|folder| folder.unwrap().path().join(name)).filter(|file| file.exists()).collect()
}

fn flip_a_byte(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(file, bytes).unwrap();
}

fn reopened(data: &Path, server: Server) -> Server {
    assert!(server.stop(Duration::from_secs(30)));
    Server::start(data)
}

#[test]
fn an_opened_collection_answers_as_before_whatever_became_of_its_caches() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    fill(&server);
    let expected = answers(&server);
    server = reopened(folder.path(), server);
    assert_eq!(answers(&server), expected, "mapped");
    for (kind, name) in [
        ("text", "columns.bin"),
        ("text", "text.bin"),
        ("text", "rows.bin"),
        ("text", "passages.bin"),
        ("embedding", "generation.bin"),
    ] {
        assert!(server.stop(Duration::from_secs(30)));
        let found = files(folder.path(), kind, name);
        assert!(!found.is_empty(), "{name} is written");
        found.iter().for_each(|file| flip_a_byte(file));
        server = Server::start(folder.path());
        assert_eq!(answers(&server), expected, "{name} is damaged");
        found.iter().for_each(|file| std::fs::remove_file(file).unwrap());
        server = reopened(folder.path(), server);
        assert_eq!(answers(&server), expected, "{name} is gone");
        server.optimize("c");
    }
}

#[test]
fn a_lost_graph_is_built_anew_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    fill(&server);
    assert!(server.stop(Duration::from_secs(30)));
    files(folder.path(), "embedding", "generation.bin").iter().for_each(|file| flip_a_byte(file));
    let server = Server::start(folder.path());
    let started = Instant::now();
    while server.get("/v1/collections/c")["index"]["rows"].as_u64().unwrap_or(0) < ROWS as u64 {
        assert!(started.elapsed() < Duration::from_secs(60), "a generation is built");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_field_that_comes_again_holds_nothing_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    fill(&server);
    let patch = |body: Value| server.ok("PATCH", "/v1/collections/c", Some(&body));
    patch(json!({"drop_fields": ["number"]}));
    patch(json!({"add_fields": [{"name": "number", "type": "number"}], "rename_fields": {"name": "label"}}));
    let check = |server: &Server| {
        let count =
            |filter: &str| server.post("/v1/collections/c/chunks/count", json!({ "filter": filter }))["count"].clone();
        assert_eq!(count("number IS NULL"), ROWS + 8);
        assert_eq!(count("label IN ('n0', 'n1', 'n2')"), ROWS + 8);
    };
    check(&server);
    check(&reopened(folder.path(), server));
}

#[test]
fn a_list_says_of_closed_collections_what_they_say_when_they_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    fill(&server);
    server
        .post("/v1/collections", json!({"name": "empty", "embedding": {"dimension": 3}, "description": "nothing yet"}));
    assert!(server.stop(Duration::from_secs(10)));
    let server = Server::start(folder.path());
    let listed = server.get("/v1/collections")["collections"].clone();
    let again = server.get("/v1/collections")["collections"].clone();
    let opened: Vec<Value> = ["c", "empty"].iter().map(|name| server.get(&format!("/v1/collections/{name}"))).collect();
    assert_eq!(listed, json!(opened));
    assert_eq!(again, listed);
    assert_eq!(listed[0]["chunks"], ROWS + 8);
    server.post("/v1/collections/c/chunks/delete", json!({"ids": ["r7"]}));
    assert_eq!(server.get("/v1/collections")["collections"][0]["chunks"], ROWS + 7);
    server.ok("DELETE", "/v1/collections/empty", None);
    assert_eq!(server.get("/v1/collections")["collections"].as_array().unwrap().len(), 1);
}

#[test]
fn vectors_in_16_bits_are_the_same_before_and_after_opening() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let create =
        |embedding: Value| server.call("POST", "/v1/collections", Some(&json!({"name": "h", "embedding": embedding})));
    assert_eq!(create(json!({"dimension": 8, "walk": "bits"})).1["field"], "embedding.walk");
    let (status, made) = create(json!({"dimension": 300, "metric": "l2", "storage": "f16", "walk": "bits"}));
    assert_eq!(
        (status, &made["embedding"]["storage"], &made["embedding"]["walk"]),
        (201, &json!("f16"), &json!("bits"))
    );
    let mut random = Random(3);
    let chunks: Vec<Value> =
        (0..600).map(|row| json!({"id": format!("r{row}"), "embedding": random.vector(300)})).collect();
    server.post("/v1/collections/h/chunks", json!({ "chunks": chunks }));
    let large = json!({"chunks": [{"id": "x", "embedding": vec![70_000.0; 300]}]});
    let (status, refused) = server.call("POST", "/v1/collections/h/chunks", Some(&large));
    assert_eq!((status, &refused["code"]), (422, &json!("invalid_embedding")));
    server.optimize("h");
    server.post("/v1/collections/h/chunks", json!({"chunks": [{"id": "last", "embedding": random.vector(300)}]}));
    let question = json!({"embedding": Random(8).vector(300), "k": 20, "include": ["embedding"]});
    let hits = |server: &Server| server.post("/v1/collections/h/search", question.clone())["hits"].clone();
    let before = hits(&server);
    // The smallest number of 16 bits is 2^-24, and all others are so many of it.
    let fits = |value: &Value| (value.as_f64().unwrap() as f32 * (1 << 24) as f32).fract() == 0.0;
    assert!(before[0]["embedding"].as_array().unwrap().iter().all(fits));
    assert!(server.stop(Duration::from_secs(10)));
    let server = Server::start(folder.path());
    assert_eq!(hits(&server), before);
}

#[test]
fn collections_beyond_the_memory_for_them_are_closed_and_answer_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("ragstone.toml");
    std::fs::write(&settings, "collections_mib = 2").unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &models(), |command| command.arg("--config").arg(&settings));
    let mut random = Random(5);
    // About 0.8 MiB of vectors in each.
    let names = ["a", "b", "c", "d"];
    for name in names {
        server.post("/v1/collections", json!({"name": name, "embedding": {"dimension": 400}}));
        let chunk = |row| json!({"id": format!("{name}{row}"), "embedding": random.vector(400)});
        let chunks: Vec<Value> = (0..500).map(chunk).collect();
        server.post(&format!("/v1/collections/{name}/chunks"), json!({ "chunks": chunks }));
    }
    let open = || {
        let (_, _, text) = server.raw("GET", "/metrics", "text/plain", Vec::new());
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("ragstone_collections_open ")).unwrap();
        line.parse::<usize>().unwrap()
    };
    for name in names.iter().chain(&names) {
        let answer =
            server.post(&format!("/v1/collections/{name}/search"), json!({"embedding": Random(1).vector(400)}));
        assert!(answer["hits"][0]["id"].as_str().unwrap().starts_with(name));
        assert!((1..=2).contains(&open()), "{} collections are open", open());
    }
}
