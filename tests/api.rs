//! The HTTP contract, route by route, on a real server.

use crate::support::Server;
use serde_json::{Value, json};

fn with_chunks() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    server.post(
        "/v1/collections/c/chunks",
        json!({"chunks": [
            {"id": "a", "text": "red apple", "embedding": [1, 0], "metadata": {"year": 2020, "tags": ["x"]}},
            {"id": "b", "text": "green pear", "embedding": [0, 1], "metadata": {"year": 2021, "tags": ["x", "y"]}},
            {"id": "c", "text": "blue plum", "embedding": [0.8, 0.6], "metadata": {"lang": "en"}},
        ]}),
    );
    (folder, server)
}

fn ids(answer: &Value) -> Vec<&str> {
    let list = answer.get("hits").or(answer.get("chunks")).and_then(Value::as_array).unwrap();
    list.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[test]
fn a_chunk_is_found_as_soon_as_it_is_acknowledged() {
    let (_folder, server) = with_chunks();
    let answer = server.post("/v1/collections/c/search", json!({"embedding": [1, 0], "k": 2}));
    assert_eq!(ids(&answer), ["a", "c"]);
    let score = answer["hits"][1]["score"].as_f64().unwrap();
    assert!((score - 0.8).abs() < 1e-6, "{answer}");
    assert_eq!(answer["hits"][0]["metadata"], json!({"year": 2020, "tags": ["x"]}));
    let answer = server.post("/v1/collections/c/search", json!({"text": "green pears"}));
    assert_eq!(ids(&answer), ["b"], "words find chunks where there is no model");
}

#[test]
fn every_filter_form_gives_the_same_rows() {
    let (_folder, server) = with_chunks();
    let list = |filter: Value| {
        let answer = server.post("/v1/collections/c/chunks/list", json!({"filter": filter}));
        ids(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(json!("year >= 2021")), ["b"]);
    assert_eq!(list(json!({"field": "year", "op": ">=", "value": 2021})), ["b"]);
    assert_eq!(list(json!("NOT (year >= 2021)")), ["a", "c"]);
    assert_eq!(list(json!("year != 2020")), ["b", "c"]);
    assert_eq!(list(json!("array_has(tags, 'y') OR lang = 'en'")), ["b", "c"]);
    assert_eq!(list(json!("id IN ('a', 'nowhere')")), ["a"]);
    let counted = server.post("/v1/collections/c/chunks/count", json!({"filter": "lang IS NULL"}));
    assert_eq!(counted["count"], 2);
}

#[test]
fn a_past_version_answers_as_it_did() {
    let (_folder, server) = with_chunks();
    let before = server.get("/v1/collections/c")["version"].clone();
    server.post(
        "/v1/collections/c/chunks",
        json!({"chunks": [{"id": "a", "text": "yellow melon", "embedding": [0, 1]}]}),
    );
    server.post("/v1/collections/c/chunks/delete", json!({"ids": ["c", "nowhere"]}));
    let now = server.post("/v1/collections/c/search", json!({"embedding": [1, 0], "k": 3}));
    assert_eq!(now["hits"].as_array().unwrap().len(), 2);
    let then = server.post("/v1/collections/c/search", json!({"embedding": [1, 0], "k": 3, "as_of": before}));
    assert_eq!(ids(&then), ["a", "c", "b"]);
    assert_eq!(then["hits"][0]["text"], "red apple");
    assert_eq!(then["version"], before);
    let versions = server.get("/v1/collections/c/versions");
    assert!(versions["versions"].as_array().unwrap().len() >= 3, "{versions}");
}

#[test]
fn a_restored_version_is_the_newest_and_history_stays() {
    let (_folder, server) = with_chunks();
    let before = server.get("/v1/collections/c")["version"].clone();
    server.post("/v1/collections/c/chunks/delete", json!({"filter": "id != 'b'"}));
    assert_eq!(server.post("/v1/collections/c/chunks/count", json!({}))["count"], 1);
    server.post("/v1/collections/c/restore", json!({"to": before}));
    assert_eq!(server.post("/v1/collections/c/chunks/count", json!({}))["count"], 3);
    server.post("/v1/collections/c/chunks", json!({"chunks": [{"id": "d", "embedding": [1, 1]}]}));
    let answer = server.post("/v1/collections/c/search", json!({"embedding": [1, 1], "k": 9}));
    assert_eq!(answer["hits"].as_array().unwrap().len(), 4);
}

#[test]
fn conflicts_are_handled_as_asked() {
    let (_folder, server) = with_chunks();
    let upsert = |id: &str, on_conflict: &str| {
        let chunk = json!({"id": id, "embedding": [1, 1], "text": "new"});
        server.call("POST", "/v1/collections/c/chunks", Some(&json!({"chunks": [chunk], "on_conflict": on_conflict})))
    };
    let (status, answer) = upsert("a", "fail");
    assert_eq!((status, answer["code"].as_str()), (409, Some("chunk_exists")));
    let (_, answer) = upsert("a", "skip");
    assert_eq!((answer["written"].as_u64(), answer["skipped"].as_u64()), (Some(0), Some(1)));
    let (_, answer) = upsert("a", "overwrite");
    assert_eq!(answer["written"], 1);
    let got = server.post("/v1/collections/c/chunks/get", json!({"ids": ["a", "nowhere"]}));
    assert_eq!(got["chunks"].as_array().unwrap().len(), 1);
    assert_eq!(got["chunks"][0]["text"], "new");
}

#[test]
fn pages_of_a_list_join_without_gap_or_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    let chunks: Vec<Value> = (0..25).map(|at| json!({"id": format!("{at:02}"), "embedding": [1, at]})).collect();
    server.post("/v1/collections/c/chunks", json!({"chunks": chunks}));
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let mut body = json!({"limit": 10});
        if !after.is_null() {
            body["after"] = after;
        }
        let page = server.post("/v1/collections/c/chunks/list", body);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen, (0..25).map(|at| format!("{at:02}")).collect::<Vec<_>>());
}

#[test]
fn collections_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for round in 0..3 {
        server.post("/v1/collections", json!({"name": "again", "embedding": {"dimension": 3}}));
        let (status, answer) =
            server.call("POST", "/v1/collections", Some(&json!({"name": "again", "embedding": {"dimension": 3}})));
        assert_eq!((status, answer["code"].as_str()), (409, Some("collection_exists")));
        let chunk = json!({"id": format!("round-{round}"), "embedding": [1, 2, round]});
        server.post("/v1/collections/again/chunks", json!({"chunks": [chunk]}));
        let found = server.post("/v1/collections/again/search", json!({"embedding": [1, 2, 3]}));
        assert_eq!(ids(&found), [format!("round-{round}")]);
        server.ok("DELETE", "/v1/collections/again", None);
        assert_eq!(server.call("GET", "/v1/collections/again", None).0, 404);
    }
    assert_eq!(server.get("/v1/collections")["collections"], json!([]));
}

#[test]
fn l2_and_dot_answer_in_their_own_measure() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for (metric, expected) in [("l2", 1.0 / 3.0), ("dot", 6.0)] {
        let embedding = json!({"dimension": 2, "metric": metric});
        server.post("/v1/collections", json!({"name": metric, "embedding": embedding}));
        let path = format!("/v1/collections/{metric}");
        server.post(&format!("{path}/chunks"), json!({"chunks": [{"id": "a", "embedding": [3, 0]}]}));
        let answer = server.post(&format!("{path}/search"), json!({"embedding": [2, 0]}));
        let score = answer["hits"][0]["score"].as_f64().unwrap();
        let expected = if metric == "l2" { 0.5 } else { expected };
        assert!((score - expected).abs() < 1e-6, "{metric}: {answer}");
    }
}

#[test]
fn a_collection_keeps_the_precision_that_its_model_computes_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for precision in ["f32", "bf16", "int8"] {
        let embedding = json!({"model": "all-MiniLM-L6-v2", "precision": precision});
        let created = server.post("/v1/collections", json!({"name": precision, "embedding": embedding}));
        assert_eq!(created["embedding"]["precision"], precision);
        let path = format!("/v1/collections/{precision}");
        server.post(&format!("{path}/chunks"), json!({"chunks": [{"id": "a", "text": "Who pays for travel?"}]}));
    }
    assert!(server.stop(std::time::Duration::from_secs(30)));
    let server = Server::start(folder.path());
    let search = |collection: &str| {
        let body = json!({"text": "Who pays for travel?", "mode": "dense", "include": ["embedding"]});
        let answer = server.post(&format!("/v1/collections/{collection}/search"), body);
        let score = answer["hits"][0]["scores"]["dense"].as_f64().unwrap();
        assert!((score - 1.0).abs() < 1e-4, "{collection}: a text is itself, {score}");
        answer["hits"][0]["embedding"].clone()
    };
    let vectors = ["f32", "bf16", "int8"].map(search);
    assert!(vectors[0] != vectors[1] && vectors[1] != vectors[2]);
    let body = json!({"name": "x", "embedding": {"model": "all-MiniLM-L6-v2", "precision": "f64"}});
    assert_eq!(server.call("POST", "/v1/collections", Some(&body)).0, 422);
}

#[test]
fn several_searches_are_answered_at_one_version() {
    let (_folder, server) = with_chunks();
    let search = json!({"embedding": [1, 0], "k": 2, "explain": true});
    let lexical = json!({"text": "apple", "mode": "lexical"});
    let alone = [&search, &lexical].map(|body| server.post("/v1/collections/c/search", body.clone()));
    let batch = server.post("/v1/collections/c/search/batch", json!({"searches": [search, lexical, search]}));
    let hits: Vec<&Value> = batch["answers"].as_array().unwrap().iter().map(|answer| &answer["hits"]).collect();
    assert_eq!(hits, [&alone[0]["hits"], &alone[1]["hits"], &alone[0]["hits"]]);
    assert!(batch["answers"][0]["plan"].is_object() && batch["answers"][1].get("plan").is_none());
    assert!(batch["answers"].as_array().unwrap().iter().all(|answer| answer["version"] == batch["version"]));
    let refused = |searches: Value| {
        let body = json!({ "searches": searches });
        let (status, answer) = server.call("POST", "/v1/collections/c/search/batch", Some(&body));
        (status, answer["code"].as_str().unwrap().to_owned(), answer["search"].as_u64())
    };
    assert_eq!(refused(json!([search, {"embedding": [1]}])), (422, "dimension_mismatch".into(), Some(1)));
    assert_eq!(refused(json!([{"text": "a", "group_by": "x"}])), (422, "invalid_argument".into(), Some(0)));
    assert_eq!(refused(json!(vec![json!({"text": "a"}); 101])), (413, "limit_exceeded".into(), None));
    assert_eq!(server.post("/v1/collections/c/search/batch", json!({"searches": []}))["answers"], json!([]));
}

#[test]
fn the_server_describes_itself() {
    let (_folder, server) = with_chunks();
    assert_eq!(server.call("GET", "/livez", None).0, 200);
    assert_eq!(server.call("GET", "/readyz", None).0, 200);
    let openapi = server.get("/openapi.json");
    let collection = "/v1/collections/{collection}";
    for path in ["/v1/collections", &format!("{collection}/search"), &format!("{collection}/chunks"), "/v1/jobs"] {
        assert!(openapi["paths"].get(path).is_some(), "{path} is not described");
    }
    let (status, headers, body) = server.raw("GET", "/metrics", "text/plain", Vec::new());
    assert_eq!(status, 200);
    assert!(headers.contains_key("x-request-id"));
    assert!(String::from_utf8(body).unwrap().contains("# HELP ragstone_"));
    let (status, headers, body) = server.raw("GET", "/", "text/plain", Vec::new());
    assert_eq!(status, 200);
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert!(String::from_utf8(body).unwrap().contains("/ui/app.js"));
    assert_eq!(server.raw("GET", "/ui/app.js", "text/plain", Vec::new()).0, 200);
    assert_eq!(server.raw("GET", "/ui/../Cargo.toml", "text/plain", Vec::new()).0, 404);
}

#[test]
fn the_server_stops_when_asked() {
    let (_folder, server) = with_chunks();
    assert!(server.stop(std::time::Duration::from_secs(20)));
}

#[test]
fn fields_come_go_and_change_their_names_while_the_past_keeps_them() {
    let (folder, server) = with_chunks();
    let before = server.get("/v1/collections/c")["version"].clone();
    server.post("/v1/collections/c/chunks/get", json!({"ids": ["a", "b"]}));
    let change = json!({"description": "fruit", "rename_fields": {"year": "since"}, "drop_fields": ["tags"],
                        "add_fields": [{"name": "price", "type": "number"}]});
    let after = server.ok("PATCH", "/v1/collections/c", Some(&change));
    assert_eq!(after["description"], "fruit");
    assert_eq!(after["version"].as_u64(), before.as_u64().map(|version| version + 1), "one version");
    let names: Vec<&str> = after["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["since", "lang", "price"]);
    let check = |server: &Server| {
        let found = server.post("/v1/collections/c/search", json!({"embedding": [1, 0], "filter": "since = 2020"}));
        assert_eq!((ids(&found), &found["hits"][0]["metadata"]), (vec!["a"], &json!({"since": 2020})));
        let then = json!({"embedding": [1, 0], "filter": "year = 2020", "as_of": before});
        let then = server.post("/v1/collections/c/search", then);
        assert_eq!(then["hits"][0]["metadata"], json!({"year": 2020, "tags": ["x"]}));
        let now = server.post("/v1/collections/c/chunks/get", json!({"ids": ["b"]}));
        assert_eq!(now["chunks"][0]["metadata"], json!({"since": 2021}));
    };
    check(&server);
    let fresh = json!({"chunks": [{"id": "d", "embedding": [0, 1], "metadata": {"price": 2.5, "tags": "one"}}]});
    server.post("/v1/collections/c/chunks", fresh);
    let found = server.post("/v1/collections/c/chunks/list", json!({"filter": "price > 2 AND tags = 'one'"}));
    assert_eq!(ids(&found), ["d"], "a dropped field may come back with another type");
    check(&server);
    assert!(server.stop(std::time::Duration::from_secs(20)));
    check(&Server::start(folder.path()));
}

#[test]
fn a_change_that_does_not_fit_changes_nothing() {
    let (_folder, server) = with_chunks();
    let version = server.get("/v1/collections/c")["version"].clone();
    let refused = |change: Value| {
        let (status, answer) = server.call("PATCH", "/v1/collections/c", Some(&change));
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(json!({"drop_fields": ["yaer"]})), (422, "unknown_field".into()));
    assert_eq!(refused(json!({"rename_fields": {"year": "id"}})), (422, "reserved_field".into()));
    assert_eq!(refused(json!({"add_fields": [{"name": "year", "type": "string"}]})), (422, "invalid_argument".into()));
    assert_eq!(refused(json!({"fields": []})).0, 422);
    assert_eq!(server.get("/v1/collections/c")["version"], version);
}

#[test]
fn chunks_are_found_by_the_example_of_others() {
    let (_folder, server) = with_chunks();
    let search = |body: Value| server.call("POST", "/v1/collections/c/search", Some(&body));
    let (_, like) = search(json!({"like": ["c"]}));
    assert_eq!(ids(&like), ["a", "b"], "the example itself is no hit");
    let (_, apart) = search(json!({"like": ["c"], "unlike": ["a"]}));
    assert_eq!(ids(&apart), ["b"]);
    let (_, filtered) = search(json!({"like": ["c"], "filter": "year = 2021", "text": "apple", "mode": "hybrid"}));
    assert_eq!(ids(&filtered), ["b"]);
    let code = |(status, answer): (u16, Value)| (status, answer["field"].as_str().unwrap_or_default().to_owned());
    assert_eq!(code(search(json!({"like": ["nowhere"]}))), (422, "like".into()));
    assert_eq!(code(search(json!({"unlike": ["a"]}))), (422, "unlike".into()));
    assert_eq!(code(search(json!({"like": ["a"], "embedding": [1, 0]}))), (422, "like".into()));
    assert_eq!(code(search(json!({"like": vec!["a"; 101]}))).0, 413);
}

#[test]
fn a_models_vectors_are_cut_where_the_collection_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let create = |name: &str, dimension: usize| {
        let embedding = json!({"model": "all-MiniLM-L6-v2", "dimension": dimension});
        server.call("POST", "/v1/collections", Some(&json!({"name": name, "embedding": embedding})))
    };
    let vector = |name: &str| -> Vec<f64> {
        server.post(&format!("/v1/collections/{name}/chunks"), json!({"chunks": [{"id": "a", "text": "who pays?"}]}));
        let search = json!({"text": "who pays?", "mode": "dense", "include": ["embedding"]});
        let answer = server.post(&format!("/v1/collections/{name}/search"), search);
        assert!(answer["hits"][0]["score"].as_f64().unwrap() > 0.999, "{answer}");
        serde_json::from_value(answer["hits"][0]["embedding"].clone()).unwrap()
    };
    for (name, dimension) in [("whole", 384), ("cut", 128)] {
        let (status, created) = create(name, dimension);
        assert_eq!((status, &created["embedding"]["dimension"]), (201, &json!(dimension)), "{created}");
    }
    let (whole, cut) = (vector("whole"), vector("cut"));
    assert_eq!((whole.len(), cut.len()), (384, 128));
    let length = whole[..128].iter().map(|value| value * value).sum::<f64>().sqrt();
    assert!(cut.iter().zip(&whole).all(|(a, b)| (a - b / length).abs() < 1e-5));
    for dimension in [0, 1, 385, 8192] {
        let (status, refused) = create("refused", dimension);
        assert_eq!((status, &refused["field"]), (422, &json!("embedding.dimension")), "{refused}");
    }
}
