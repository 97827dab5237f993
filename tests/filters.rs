//! Filters over enough rows that columns are put in order: what is counted is what was written, before and after.

use crate::support::Server;
use serde_json::{Value, json};

/// Two parts are large enough for an order each, whichever of them is asked first.
const PART_ROWS: usize = 10_000;

fn row(at: usize) -> Value {
    let tags: Vec<String> = (0..at % 4).map(|tag| format!("tag{}", (at + tag) % 11)).collect();
    let name = (!at.is_multiple_of(5)).then(|| format!("name{}", at % 13));
    let metadata = json!({"number": at % 97, "share": (at % 10) as f64 / 10.0, "name": name, "tags": tags});
    json!({"id": format!("r{at}"), "embedding": [1.0, at % 7], "metadata": metadata})
}

fn upsert(server: &Server, rows: std::ops::Range<usize>) {
    let chunks: Vec<Value> = rows.map(row).collect();
    server.post("/v1/collections/c/chunks", json!({ "chunks": chunks }));
}

/// Checks what filters count, with other values at each turn, so that no set of rows is known from before.
fn check(server: &Server, rows: &[usize], turn: usize) {
    let field = |at: usize, name: &str| row(at)["metadata"][name].clone();
    let has_tag = |at: usize, tag: &str| field(at, "tags").as_array().unwrap().contains(&json!(tag));
    let (number, share, name, tag) =
        (turn % 97, (turn % 10) as f64 / 10.0, format!("name{}", turn % 13), format!("tag{}", turn % 11));
    let is_named = |at: usize| field(at, "name") == json!(name);
    let number_of = |at: usize| field(at, "number").as_u64().unwrap() as usize;
    let share_of = |at: usize| field(at, "share").as_f64().unwrap();
    type Passes<'a> = &'a dyn Fn(usize) -> bool;
    let cases: [(String, Passes); 7] = [
        (format!("number = {number}"), &|at| number_of(at) == number),
        (format!("number >= {number}"), &|at| number_of(at) >= number),
        (format!("share BETWEEN 0.1 AND {share}"), &|at| (0.1..=share).contains(&share_of(at))),
        (format!("name = '{name}'"), &is_named),
        (format!("name != '{name}' AND number < {number}"), &|at| !is_named(at) && number_of(at) < number),
        (format!("array_has(tags, '{tag}')"), &|at| has_tag(at, &tag)),
        (format!("NOT array_has_any(tags, ['{tag}', 'tag0'])"), &|at| !has_tag(at, &tag) && !has_tag(at, "tag0")),
    ];
    for (filter, passes) in cases {
        let counted = server.post("/v1/collections/c/chunks/count", json!({ "filter": filter }))["count"].clone();
        assert_eq!(counted, rows.iter().filter(|&&at| passes(at)).count(), "{filter} at turn {turn}");
    }
}

#[test]
fn filters_count_what_was_written_whether_values_are_in_order_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 2}}));
    upsert(&server, 0..PART_ROWS);
    upsert(&server, PART_ROWS..2 * PART_ROWS);
    let mut rows: Vec<usize> = (0..2 * PART_ROWS).collect();
    (0..8).for_each(|turn| check(&server, &rows, turn));
    server.post("/v1/collections/c/chunks/delete", json!({"filter": "number = 5"}));
    rows.retain(|at| at % 97 != 5);
    upsert(&server, 2 * PART_ROWS..2 * PART_ROWS + 50);
    rows.extend(2 * PART_ROWS..2 * PART_ROWS + 50);
    (4..12).for_each(|turn| check(&server, &rows, turn));
}
