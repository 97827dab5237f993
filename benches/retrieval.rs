//! What reading documents costs retrieval: a judged collection as plain text, as PDF and as Word files, ingested as files,
//! and nDCG@10 of each.
//!
//! `cargo bench --bench retrieval -- FOLDER` over a folder with `corpus.jsonl`, `queries.jsonl` and `qrels.tsv` (BEIR's
//! form); needs RAGSTONE_MODELS with the default model.

mod support;

use ragstone_ingest::sample::{Part, SampleDocument, docx, pdf};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::server::{Client, end, start};

const HITS: usize = 10;

/// A query with the grades of its documents.
struct Query {
    text: String,
    grades: HashMap<String, u32>,
}

fn main() {
    let folder = std::env::args().skip(1).map(PathBuf::from).find(|path| path.is_dir());
    let folder = folder.expect("the folder of a judged collection is named");
    let (texts, queries) = (read_lines(&folder.join("corpus.jsonl")), read_queries(&folder));
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (server, address) = start(&scratch.path().join("data"));
    for form in ["txt", "pdf", "docx"] {
        let files = scratch.path().join(form);
        write(&files, form, &texts);
        ingest(&files, form, &address);
        for mode in ["dense", "lexical", "hybrid"] {
            let score = ndcg(&mut Client::connect(&address), form, mode, &queries);
            println!("{{\"bench\":\"retrieval\",\"form\":\"{form}\",\"mode\":\"{mode}\",\"ndcg_at_10\":{score:.4}}}");
        }
    }
    end(server);
}

fn read_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a file of the collection");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn read_queries(folder: &Path) -> Vec<Query> {
    let mut grades: HashMap<String, HashMap<String, u32>> = HashMap::new();
    let judged = std::fs::read_to_string(folder.join("qrels.tsv")).expect("the judgements");
    for line in judged.lines().skip(1) {
        if let [query, document, grade] = line.split('\t').collect::<Vec<_>>()[..] {
            grades.entry(query.to_owned()).or_default().insert(document.to_owned(), grade.parse().unwrap_or(0));
        }
    }
    let queries = read_lines(&folder.join("queries.jsonl")).into_iter().filter_map(|query| {
        let grades = grades.remove(query["_id"].as_str()?)?;
        let text = query["text"].as_str()?.to_owned();
        grades.values().any(|&grade| grade > 0).then_some(Query { text, grades })
    });
    queries.collect()
}

/// Writes each text as a file that is named by its id.
fn write(files: &Path, form: &str, texts: &[Value]) {
    std::fs::create_dir(files).expect("a folder for the files");
    for text in texts {
        let said = |key: &str| text[key].as_str().unwrap_or_default().to_owned();
        let (id, title, body) = (said("_id"), said("title"), said("text"));
        let parts = [&title, &body].into_iter().filter(|part| !part.is_empty()).cloned();
        let bytes = match form {
            "txt" => parts.collect::<Vec<_>>().join("\n\n").into_bytes(),
            _ => {
                let document =
                    SampleDocument { parts: parts.map(Part::Paragraph).collect(), ..SampleDocument::default() };
                if form == "pdf" { pdf::render(&document) } else { docx::render(&document) }
            }
        };
        std::fs::write(files.join(format!("{id}.{form}")), bytes).expect("a file is written");
    }
}

fn ingest(files: &Path, collection: &str, address: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_ragstone"))
        .args(["ingest", "--collection", collection, "--server", &format!("http://{address}"), "--json"])
        .arg(files)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("the program runs");
    // A text of no words is reported, and counts for none of the forms.
    assert!(matches!(status.code(), Some(0 | 1)), "ingest ended with {status}");
}

/// Returns the mean of the normalised discounted gains over all queries.
fn ndcg(client: &mut Client, collection: &str, mode: &str, queries: &[Query]) -> f64 {
    let path = format!("/v1/collections/{collection}/search");
    let scores = queries.iter().map(|query| {
        let body =
            json!({"text": query.text, "mode": mode, "k": HITS, "group_by": "document_id", "include": ["source"]});
        let answer: Value = serde_json::from_str(&client.post(&path, &body.to_string())).expect("JSON");
        let found = answer["hits"].as_array().into_iter().flatten().map(|hit| {
            let uri = hit["source"]["uri"].as_str().unwrap_or_default();
            Path::new(uri).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        });
        let gains = found.map(|id| query.grades.get(&id).copied().unwrap_or(0));
        let mut best: Vec<u32> = query.grades.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        discounted(gains) / discounted(best.into_iter())
    });
    scores.sum::<f64>() / queries.len() as f64
}

fn discounted(grades: impl Iterator<Item = u32>) -> f64 {
    let gain = |(at, grade): (usize, u32)| (2_f64.powf(f64::from(grade)) - 1.0) / (at as f64 + 2.0).log2();
    grades.take(HITS).enumerate().map(gain).sum()
}
