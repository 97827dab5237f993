//! Models from a hub: they come whole, are taken up where they broke off, and are refused where the hub is hostile.

use crate::support::{Played, RAGSTONE};
use crate::tiny_model;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as Parts, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use futures::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What the hub was asked for: file and range.
type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Clone)]
struct Hub {
    published: Arc<tempfile::TempDir>,
    asked: Asked,
}

impl Hub {
    fn new() -> Self {
        let published = tempfile::tempdir().unwrap();
        tiny_model::write(published.path());
        std::fs::write(published.path().join("README.md"), "---\nlicense: mit\n---\n").unwrap();
        Self { published: Arc::new(published), asked: Asked::default() }
    }

    fn play(&self) -> Played {
        let routes = Router::new()
            .route("/{owner}/{name}/resolve/{revision}/{*file}", get(resolve))
            .route("/store/{*file}", get(store))
            .route("/again", get(|| async { sent_to("/again") }));
        Played::start(routes.with_state(self.clone()))
    }

    fn read(&self, file: &str) -> Option<Vec<u8>> {
        std::fs::read(self.published.path().join(file)).ok()
    }

    /// Returns the ranges that a file was asked for in.
    fn ranges(&self, file: &str) -> Vec<Option<String>> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, _)| asked == file).map(|(_, range)| range.clone()).collect()
    }
}

fn sent_to(place: &str) -> Response<Body> {
    Response::builder().status(302).header("location", place).body(Body::empty()).unwrap()
}

/// Weights lie in a store of large files, whose address and hash the hub states; the owner says how it misbehaves.
async fn resolve(State(hub): State<Hub>, Parts(parts): Parts<[String; 4]>) -> Response<Body> {
    let [owner, _, revision, file] = parts;
    let weights = file == "model.safetensors";
    match owner.as_str() {
        "closed" => return StatusCode::UNAUTHORIZED.into_response(),
        "loop" => return sent_to("/again"),
        "elsewhere" => return sent_to("file:///etc/passwd"),
        "endless" if file == "config.json" => {
            let body = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1 << 16])));
            return Body::from_stream(body).into_response();
        }
        "lengthless" if weights => {
            let bytes = hub.read(&file).unwrap();
            return Body::from_stream(stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))])).into_response();
        }
        "outside" if file == "modules.json" => {
            let modules =
                json!([{"path": "../../outside", "type": "m.Transformer"}, {"path": "", "type": "m.Pooling"}]);
            return modules.to_string().into_response();
        }
        "pickled" if weights => return StatusCode::NOT_FOUND.into_response(),
        _ => {}
    }
    assert_eq!(revision, if file == "README.md" { "main" } else { COMMIT }, "{file} belongs to another commit");
    let Some(bytes) = hub.read(&file) else {
        return Response::builder().status(404).header("x-repo-commit", COMMIT).body(Body::empty()).unwrap();
    };
    if !weights {
        return Response::builder().header("x-repo-commit", COMMIT).body(bytes.into()).unwrap();
    }
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let sha256 = if owner == "lying" { "0".repeat(64) } else { sha256 };
    let mut answer = sent_to(&format!("/store/{owner}/{file}"));
    answer.headers_mut().insert("x-linked-etag", format!("\"{sha256}\"").parse().unwrap());
    answer
}

/// The first time a file of `breaking` is asked for, the connection breaks within it.
async fn store(State(hub): State<Hub>, Parts(file): Parts<String>, headers: HeaderMap) -> Response<Body> {
    let (owner, file) = file.split_once('/').unwrap();
    let bytes = hub.read(file).unwrap();
    let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    let first = hub.ranges(file).is_empty();
    hub.asked.lock().unwrap().push((file.to_owned(), range.clone()));
    if owner == "breaking" && first {
        let half = Bytes::copy_from_slice(&bytes[..bytes.len() / 2]);
        let broken = stream::iter([Ok(half), Err(std::io::Error::other("gone"))]);
        return Response::builder().header("content-length", bytes.len()).body(Body::from_stream(broken)).unwrap();
    }
    let from = range.map_or(0, |range| range["bytes=".len()..].trim_end_matches('-').parse().unwrap());
    if from == 0 {
        return bytes.into_response();
    }
    let covered = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    Response::builder().status(206).header("content-range", covered).body(bytes[from..].to_vec().into()).unwrap()
}

/// Pulls a model, and returns the exit status, what is told to people, and the answer.
fn pull(name: &str, hub: &Played, root: &Path) -> (i32, String, Value) {
    let mut command = Command::new(RAGSTONE);
    command.args(["models", "pull", name, "--json", "--models"]).arg(root).env("RAGSTONE_HUB", &hub.url);
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), told, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

fn left(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_model_comes_whole_and_is_not_fetched_twice() {
    let (hub, folder) = (Hub::new(), tempfile::tempdir().unwrap());
    let played = hub.play();
    let (status, told, answer) = pull("fine/tiny", &played, folder.path());
    assert_eq!(status, 0, "{told}");
    assert_eq!((&answer["model"], &answer["licence"]), (&json!("tiny"), &json!("mit")));
    assert!(ragstone_models::verify(&folder.path().join("tiny")).is_ok());
    let asked = hub.asked.lock().unwrap().len();
    assert_eq!(pull("fine/tiny", &played, folder.path()).0, 0);
    assert_eq!(hub.asked.lock().unwrap().len(), asked);
    std::fs::write(folder.path().join("tiny/config.json"), "{}").unwrap();
    let (status, told, answer) = pull("fine/tiny", &played, folder.path());
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("model_hash_mismatch")), "{told}");
    assert!(told.contains("models remove tiny"), "{told}");
}

#[test]
fn a_profile_states_licence_and_size_before_anything_comes() {
    let (hub, folder) = (Hub::new(), tempfile::tempdir().unwrap());
    let (status, told, answer) = pull("multilingual", &hub.play(), folder.path());
    assert_eq!((status, &answer["model"]), (0, &json!("multilingual-e5-small")), "{told}");
    let first = told.lines().next().unwrap();
    assert!(
        first.contains("MIT") && first.contains("MiB") && first.contains("intfloat/multilingual-e5-small"),
        "{told}"
    );
    let (status, told, answer) = pull("en-fast", &hub.play(), folder.path());
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("model_hash_mismatch")), "{told}");
    let (status, told, answer) = pull("no-such", &hub.play(), folder.path());
    assert_eq!((status, &answer["error"]["code"]), (2, &json!("model_unknown")), "{told}");
    assert!(told.contains("zh-fast"), "{told}");
    assert_eq!(left(folder.path()), ["multilingual-e5-small"]);
}

#[test]
fn weights_that_broke_off_are_fetched_on() {
    let (hub, folder) = (Hub::new(), tempfile::tempdir().unwrap());
    let shapes = BTreeMap::from([("large".to_owned(), vec![1024, 1024])]);
    tiny_model::write_weights(hub.published.path(), &shapes);
    let (status, told, _) = pull("breaking/tiny", &hub.play(), folder.path());
    assert_eq!(status, 0, "{told}");
    let ranges = hub.ranges("model.safetensors");
    assert!(ranges.len() == 2 && ranges[1].as_ref().is_some_and(|range| *range != "bytes=0-"), "{ranges:?}");
    let came = std::fs::read(folder.path().join("tiny/model.safetensors")).unwrap();
    assert!(came == hub.read("model.safetensors").unwrap());
}

#[test]
fn what_a_hostile_hub_sends_is_refused_and_leaves_nothing() {
    let (hub, folder) = (Hub::new(), tempfile::tempdir().unwrap());
    let (played, root) = (hub.play(), folder.path().join("models"));
    let check = |owner: &str, code: &str, words: &str| {
        let (status, told, answer) = pull(&format!("{owner}/tiny"), &played, &root);
        assert_eq!((status, answer["error"]["code"].as_str()), (2, Some(code)), "{owner}: {told}");
        assert!(told.contains(words), "{owner}: {told}");
        assert_eq!(left(&root), Vec::<String>::new(), "{owner}");
    };
    check("lying", "model_hash_mismatch", "sha256");
    check("outside", "model_file_invalid", "elsewhere");
    check("endless", "model_file_unreadable", "larger than");
    check("lengthless", "model_file_unreadable", "how large");
    check("closed", "model_file_unreadable", "consent");
    check("loop", "model_file_unreadable", "sends on more than");
    check("elsewhere", "model_file_unreadable", "must not");
    check("pickled", "model_unsupported", "safetensors");
    std::fs::remove_file(hub.published.path().join("config.json")).unwrap();
    check("fine", "model_file_missing", "config.json");
    assert_eq!(left(folder.path()), ["models"]);
}
