//! What was acknowledged survives: kills at random moments, several writers at once, two processes on one folder.

use crate::support::{RAGSTONE, Random, Server, models};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Kills during upserts in the test suite; `make soak` does more.
const KILLS: usize = 50;
const KILLS_SOAK: usize = 1_000;
/// Kills during ingests; each starts a process that loads the model.
const INGEST_KILLS: usize = 15;
const INGEST_KILLS_SOAK: usize = 200;

/// Files of the folder that is ingested, and chunks that each of them gives.
const FILES: usize = 40;
const PARTS: usize = 4;

fn soak() -> bool {
    std::env::var_os("RAGSTONE_SOAK").is_some()
}

/// A file with chunks, which all name the generation that wrote them.
fn write_files(docs: &Path, generation: usize) {
    for file in 0..FILES {
        let part =
            |part: usize| format!("# Part {part}\n\nThe harbour log of edition {generation} fills berth {file}.\n\n");
        std::fs::write(docs.join(format!("{file}.md")), (0..PARTS).map(part).collect::<String>()).unwrap();
    }
}

/// Ingests a folder, and kills the process after a while; returns the files that were reported as done.
fn ingest_until_killed(data: &Path, docs: &Path, life: Duration) -> HashSet<String> {
    let mut child = Command::new(RAGSTONE)
        .args(["ingest", "--collection", "c", "--json", "--data"])
        .arg(data)
        .arg("--models")
        .arg(models())
        .arg(docs)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let reader = std::thread::spawn(move || lines.collect::<Vec<String>>());
    let deadline = Instant::now() + life;
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    // The process may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
    // The last line may be cut off.
    let reports = reader.join().unwrap().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    reports
        .filter(|report| report["outcome"] != "failed")
        .filter_map(|report| Some(report["uri"].as_str()?.to_owned()))
        .collect()
}

/// An ingest is killed at random moments while it replaces a folder's documents by their next edition. What was reported
/// is there, and each document is whole and of one edition.
#[test]
fn documents_are_whole_after_kills_at_random_moments_of_an_ingest() {
    let folder = tempfile::tempdir().unwrap();
    let (data, docs) = (folder.path().join("data"), folder.path().join("docs"));
    std::fs::create_dir(&docs).unwrap();
    let seed = 20_261_121;
    println!("seed {seed}");
    let mut random = Random(seed);
    write_files(&docs, 0);
    let started = Instant::now();
    let mut editions: HashMap<String, usize> = HashMap::new();
    let done = ingest_until_killed(&data, &docs, Duration::from_secs(120));
    assert_eq!(done.len(), FILES);
    editions.extend(done.into_iter().map(|uri| (uri, 0)));
    let whole = started.elapsed().as_millis() as usize;
    for generation in 1..=if soak() { INGEST_KILLS_SOAK } else { INGEST_KILLS } {
        write_files(&docs, generation);
        let done = ingest_until_killed(&data, &docs, Duration::from_millis(random.below(whole) as u64));
        editions.extend(done.into_iter().map(|uri| (uri, generation)));
        let started = Instant::now();
        let server = Server::start(&data);
        assert!(started.elapsed() < Duration::from_secs(2), "opening took {:?}", started.elapsed());
        check_editions(&server, &editions, generation);
    }
    let done = ingest_until_killed(&data, &docs, Duration::from_secs(120));
    assert_eq!(done.len(), FILES, "the next run finishes what was cut off");
}

fn check_editions(server: &Server, reported: &HashMap<String, usize>, newest: usize) {
    let documents = server.get("/v1/collections/c/documents?limit=1000");
    let documents = documents["documents"].as_array().unwrap();
    assert_eq!(documents.len(), FILES, "each file is one document");
    for document in documents {
        let (id, uri) = (document["id"].as_str().unwrap(), document["uri"].as_str().unwrap());
        let chunks = server.get(&format!("/v1/collections/c/documents/{id}/chunks"));
        let texts: Vec<&str> =
            chunks["chunks"].as_array().unwrap().iter().map(|chunk| chunk["text"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), PARTS, "{uri} is whole: {texts:?}");
        let edition = (reported[uri]..=newest).rev().find(|edition| texts[0].contains(&format!("edition {edition} ")));
        let edition = edition.unwrap_or_else(|| panic!("{uri}: edition {} was reported: {texts:?}", reported[uri]));
        assert!(texts.iter().all(|text| text.contains(&format!("edition {edition} "))), "{uri} is torn: {texts:?}");
    }
}

/// The server is killed at random moments while four clients upsert and replace documents as groups of chunks. After
/// each restart every acknowledged write is there, no id is there twice, and no document mixes two generations.
#[test]
fn acknowledged_rows_survive_kills_at_random_moments() {
    let folder = tempfile::tempdir().unwrap();
    let seed = 20_261_120;
    println!("seed {seed}");
    let mut random = Random(seed);
    let acknowledged: Mutex<HashMap<String, u64>> = Mutex::default();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 8}}));
    server.kill();
    let kills = if soak() { KILLS_SOAK } else { KILLS };
    let (mut generation, mut slowest) = (0, Duration::ZERO);
    for kill in 0..kills {
        let started = Instant::now();
        let server = Server::start(folder.path());
        slowest = slowest.max(started.elapsed());
        check_survivors(&server, &acknowledged.lock().unwrap());
        let deadline = Instant::now() + Duration::from_millis(random.below(150) as u64);
        let url = server.url("/v1/collections/c/chunks");
        std::thread::scope(|scope| {
            for client in 0..4_u64 {
                let (acknowledged, url, first) = (&acknowledged, &url, generation + client * 1_000_000);
                scope.spawn(move || write_until_killed(url, client, first, acknowledged));
            }
            std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
            server.kill();
        });
        generation += 10_000;
        assert!(kill < kills);
    }
    let server = Server::start(folder.path());
    check_survivors(&server, &acknowledged.lock().unwrap());
    assert!(!acknowledged.lock().unwrap().is_empty(), "some writes were acknowledged");
    assert!(slowest < Duration::from_secs(2), "opening took {slowest:?}");
}

/// Each client owns ten documents of three chunks and writes them with a growing generation in one request each.
fn write_until_killed(url: &str, client: u64, first: u64, acknowledged: &Mutex<HashMap<String, u64>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = reqwest::Client::new();
    let mut random = Random(first);
    for generation in first.. {
        let document = format!("d{client}-{}", generation % 10);
        let chunks: Vec<Value> = (0..3)
            .map(|part| {
                json!({"id": format!("{document}/{part}"), "document_id": document, "text": format!("part {part}"),
                       "embedding": random.vector(8), "metadata": {"generation": generation}})
            })
            .collect();
        let sent = runtime.block_on(http.post(url).json(&json!({"chunks": chunks})).send());
        match sent {
            Ok(response) if response.status().is_success() => {
                acknowledged.lock().unwrap().insert(document, generation);
            }
            _ => return,
        }
    }
}

fn check_survivors(server: &Server, acknowledged: &HashMap<String, u64>) {
    let mut found: HashMap<String, Vec<(String, u64)>> = HashMap::new();
    let mut after = Value::Null;
    loop {
        let mut body = json!({"limit": 1000});
        if !after.is_null() {
            body["after"] = after;
        }
        let page = server.post("/v1/collections/c/chunks/list", body);
        for chunk in page["chunks"].as_array().unwrap() {
            let document = chunk["document_id"].as_str().unwrap().to_owned();
            let generation = chunk["metadata"]["generation"].as_u64().unwrap();
            found.entry(document).or_default().push((chunk["id"].as_str().unwrap().to_owned(), generation));
        }
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    for (document, chunks) in &found {
        let mut ids: Vec<&String> = chunks.iter().map(|(id, _)| id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), chunks.len()), (3, 3), "{document} is whole and nothing is there twice: {chunks:?}");
        assert!(chunks.iter().all(|(_, generation)| *generation == chunks[0].1), "{document} is torn: {chunks:?}");
    }
    for (document, generation) in acknowledged {
        let survived = found.get(document).map(|chunks| chunks[0].1);
        assert!(survived >= Some(*generation), "{document}: {generation} was acknowledged, {survived:?} is there");
    }
}

/// Eight clients upsert the same 500 ids; the plain table engine leaves duplicates behind in this test.
#[test]
fn eight_writers_of_the_same_ids_leave_no_duplicate_and_lose_no_update() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    let url = server.url("/v1/collections/c/chunks");
    let last: Mutex<HashMap<u64, (u64, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            let (last, url) = (&last, &url);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let http = reqwest::Client::new();
                for batch in 0..20_u64 {
                    let ids: Vec<u64> = (0..25).map(|at| (batch * 25 + at + writer * 60) % 500).collect();
                    let mark = format!("{writer}-{batch}");
                    let chunks: Vec<Value> = ids
                        .iter()
                        .map(|id| json!({"id": id.to_string(), "embedding": [1, id], "metadata": {"mark": mark}}))
                        .collect();
                    let version = runtime.block_on(async {
                        let sent = http.post(url).json(&json!({"chunks": chunks})).send().await.unwrap();
                        assert!(sent.status().is_success());
                        sent.json::<Value>().await.unwrap()["version"].as_u64().unwrap()
                    });
                    let mut last = last.lock().unwrap();
                    for id in ids {
                        let entry = last.entry(id).or_insert((version, mark.clone()));
                        if version > entry.0 {
                            *entry = (version, mark.clone());
                        }
                    }
                }
            });
        }
    });
    assert_eq!(server.post("/v1/collections/c/chunks/count", json!({}))["count"], 500);
    let listed = server.post("/v1/collections/c/chunks/list", json!({"limit": 1000}));
    let chunks = listed["chunks"].as_array().unwrap();
    assert_eq!(chunks.len(), 500);
    // Writes of one commit share a version, so only ids whose newest version had one writer are certain.
    let last = last.lock().unwrap();
    let certain = chunks.iter().filter(|chunk| {
        let id: u64 = chunk["id"].as_str().unwrap().parse().unwrap();
        chunk["metadata"]["mark"] == last[&id].1.as_str()
    });
    assert!(certain.count() > 250, "the newest write of an id is what is there");
}

#[test]
fn a_second_process_on_one_data_folder_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path());
    let output = Command::new(RAGSTONE).args(["collections", "--data"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("in use by another process"), "{message}");
}

/// Flips one byte in each object of a table in turn; all of them are found. The bare table format finds about 6 in 100.
#[test]
fn verify_finds_every_flipped_byte() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 4}}));
    for round in 0..5 {
        let chunk = json!({"id": round.to_string(), "text": "words", "embedding": [1, 2, 3, round]});
        server.post("/v1/collections/c/chunks", json!({"chunks": [chunk]}));
    }
    assert!(server.stop(Duration::from_secs(20)));
    let verify = || {
        let output = Command::new(RAGSTONE).args(["verify", "--json", "--data"]).arg(folder.path()).output().unwrap();
        output.status.code()
    };
    assert_eq!(verify(), Some(0));
    let mut flipped = 0;
    for kind in ["data", "_transactions"] {
        for entry in std::fs::read_dir(folder.path().join("c.lance").join(kind)).unwrap().flatten() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let mut damaged = bytes.clone();
            let at = bytes.len() / 2;
            damaged[at] ^= 0x10;
            std::fs::write(entry.path(), &damaged).unwrap();
            assert_eq!(verify(), Some(2), "{} is damaged", entry.path().display());
            std::fs::write(entry.path(), &bytes).unwrap();
            flipped += 1;
        }
    }
    assert!(flipped >= 10);
    assert_eq!(verify(), Some(0));
}
