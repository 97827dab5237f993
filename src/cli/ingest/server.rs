//! Ingesting through a running server.
//!
//! The server's list of documents tells which files it has with the same bytes and metadata; the others are uploaded,
//! one in each request. Extraction, chunks and embedding are the server's.

use super::command::{Plan, Which, interrupted};
use super::report::{FileReport, Reporter};
use crate::cli::failure::Failure;
use crate::cli::remote::{Problem, Server};
use crate::cli::shape::hex;
use crate::config::limits::{PAGE_MAX, UPLOAD_BYTES_MAX};
use crate::schema::{CollectionName, Version};
use crate::store::{NearDuplicates, Outcome};
use futures::stream::{self, StreamExt};
use ragstone_ingest::ReadError;
use ragstone_ingest::walk::FoundFile;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

/// Files that are uploaded at a time: one is read by the server while the next one travels.
const UPLOADS: usize = 2;

/// A document that the server has.
struct Known {
    id: String,
    sha256: Option<String>,
    metadata: Value,
}

/// What every upload needs.
struct Upload<'a> {
    server: &'a Server,
    collection: &'a CollectionName,
    metadata: Value,
    near_duplicates: NearDuplicates,
    known: HashMap<String, Known>,
}

/// Uploads the files of a plan, and removes what is gone where the plan says so.
///
/// An interrupt ends the taking of files; those on their way are finished.
pub async fn ingest_there(server: &Server, mut plan: Plan, reporter: &mut Reporter) -> Result<(), Failure> {
    let known = open_or_create(server, &plan.collection).await?;
    if plan.which == Which::Failed {
        plan.keep_failed(&failed_uris(server, &plan.collection).await?);
        reporter.expect(plan.files.files.len());
    }
    let Plan { near_duplicates, .. } = plan;
    let metadata = Value::Object(plan.metadata);
    let upload = Upload { server, collection: &plan.collection, metadata, near_duplicates, known };
    let stopped = Cell::new(false);
    let signal = async {
        // Where no signal can be waited for, none ends the upload.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        eprintln!("stopping: uploads on their way are finished first");
        stopped.set(true);
    };
    let files = stream::iter(plan.files.files).take_until(signal);
    let mut reports = std::pin::pin!(files.map(|file| upload.file(file)).buffer_unordered(UPLOADS));
    while let Some(reports) = reports.next().await {
        reports?.into_iter().for_each(|report| reporter.file(report));
    }
    if stopped.get() {
        return Err(interrupted());
    }
    match &plan.keep {
        Some(keep) => upload.remove_missing(|uri| !keep.holds(uri), reporter).await,
        None => Ok(()),
    }
}

/// Returns the server's documents by uri; a collection that is not there is created.
async fn open_or_create(server: &Server, name: &CollectionName) -> Result<HashMap<String, Known>, Failure> {
    match server.get(&["v1", "collections", name.as_str()], &[]).await {
        Ok(_) => list_documents(server, name).await,
        Err(problem) if problem.is_not_found() => {
            server.post(&["v1", "collections"], &json!({ "name": name })).await?;
            Ok(HashMap::new())
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn list_documents(server: &Server, name: &CollectionName) -> Result<HashMap<String, Known>, Failure> {
    let path = ["v1", "collections", name.as_str(), "documents"];
    let limit = PAGE_MAX.to_string();
    let mut known = HashMap::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", limit.as_str())];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page = server.get(&path, &query).await?;
        let documents = page["documents"].as_array().map(Vec::as_slice).unwrap_or_default();
        known.extend(documents.iter().filter_map(known_document));
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() || documents.is_empty() {
            return Ok(known);
        }
    }
}

async fn failed_uris(server: &Server, name: &CollectionName) -> Result<BTreeSet<String>, Failure> {
    let limit = PAGE_MAX.to_string();
    let mut uris: BTreeSet<String> = BTreeSet::new();
    loop {
        let mut query = vec![("limit", limit.as_str())];
        query.extend(uris.last().map(|after| ("after", after.as_str())));
        let page = server.get(&["v1", "collections", name.as_str(), "failures"], &query).await?;
        let files = page["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found: Vec<String> = files.iter().filter_map(|file| file["uri"].as_str().map(str::to_owned)).collect();
        if found.is_empty() {
            return Ok(uris);
        }
        uris.extend(found);
    }
}

fn known_document(document: &Value) -> Option<(String, Known)> {
    let text = |key: &str| document[key].as_str().map(str::to_owned);
    let known = Known { id: text("id")?, sha256: text("sha256"), metadata: document["metadata"].clone() };
    Some((text("uri")?, known))
}

impl Upload<'_> {
    /// Uploads a file unless the server has it, and reports it, or each file in it where it is an archive; the error is
    /// for what concerns the files behind it too.
    async fn file(&self, file: FoundFile) -> Result<Vec<FileReport>, Failure> {
        let bytes = match read(&file).await {
            Ok(bytes) => bytes,
            Err(error) => return Ok(vec![FileReport::failed(&file.uri, error.code(), &error.to_string())]),
        };
        let known = self.known.get(&file.uri);
        if let Some(known) = known.filter(|known| self.has(known, &bytes)) {
            let document_id = Some(known.id.clone());
            return Ok(vec![FileReport { document_id, ..FileReport::new(&file.uri, &Outcome::Unchanged) }]);
        }
        let path = ["v1", "collections", self.collection.as_str(), "documents"];
        let query = match self.near_duplicates {
            NearDuplicates::Tell => vec![("wait", "true")],
            NearDuplicates::Skip => vec![("wait", "true"), ("near_duplicates", "skip")],
        };
        match self.server.post_file((&path, &query), &file.uri, bytes, &self.metadata).await {
            Ok(answer) => Ok(written(&answer)),
            Err(problem) if problem.is_about_the_request() => Ok(refused(&file.uri, problem)),
            Err(problem) => Err(problem.into()),
        }
    }

    /// Returns whether a document has these bytes and all of the metadata.
    fn has(&self, known: &Known, bytes: &[u8]) -> bool {
        let none = Map::new();
        let wanted = self.metadata.as_object().unwrap_or(&none);
        let has_metadata = wanted.iter().all(|(key, value)| known.metadata[key] == *value);
        has_metadata && known.sha256.as_deref() == Some(hex(&Sha256::digest(bytes)).as_str())
    }

    async fn remove_missing(&self, is_gone: impl Fn(&str) -> bool, reporter: &mut Reporter) -> Result<(), Failure> {
        // Chunks that were written without a file have no hash, and no file that could be gone.
        let gone = self.known.iter().filter(|(uri, known)| known.sha256.is_some() && is_gone(uri));
        let mut gone: Vec<_> = gone.collect();
        gone.sort_by_key(|(uri, _)| *uri);
        for (uri, known) in gone {
            let path = ["v1", "collections", self.collection.as_str(), "documents", known.id.as_str()];
            let answer = self.server.delete(&path).await?;
            let document_id = Some(known.id.clone());
            let version = version(&answer);
            reporter.file(FileReport { document_id, version, ..FileReport::new(uri, &Outcome::Removed) });
        }
        Ok(())
    }
}

/// Reads a file that is small enough to be uploaded.
async fn read(file: &FoundFile) -> Result<Vec<u8>, ReadError> {
    if file.bytes > UPLOAD_BYTES_MAX as u64 {
        return Err(ReadError::LimitExceeded { what: "upload bytes".into(), limit: UPLOAD_BYTES_MAX as u64 });
    }
    tokio::fs::read(&file.path).await.map_err(|error| ReadError::Unreadable { detail: error.to_string() })
}

fn written(answer: &Value) -> Vec<FileReport> {
    let files = answer["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    files.iter().map(|file| report(file, version(answer))).collect()
}

fn refused(uri: &str, problem: Problem) -> Vec<FileReport> {
    if problem.files.is_empty() {
        return vec![FileReport { error: Some(problem.failure), ..FileReport::failed(uri, "refused", "") }];
    }
    problem.files.iter().map(|file| report(file, None)).collect()
}

/// Makes a report of what the server says about a file.
fn report(file: &Value, version: Option<Version>) -> FileReport {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let warnings = file["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = Outcome::Failed { code: "refused", detail: String::new() };
    let outcomes = [Outcome::Added, Outcome::Replaced, Outcome::Unchanged, Outcome::Removed, Outcome::Skipped];
    let outcome = outcomes.into_iter().find(|outcome| file["outcome"] == outcome.name()).unwrap_or(failed);
    let error = &file["error"];
    let error =
        || Failure::new(error["code"].as_str().unwrap_or("refused"), text(&error["detail"]).unwrap_or_default());
    let mut report = FileReport {
        document_id: text(&file["document_id"]),
        pages: file["pages"].as_u64(),
        chunks: file["chunks"].as_u64().unwrap_or(0),
        version: version.filter(|_| matches!(outcome, Outcome::Added | Outcome::Replaced | Outcome::Removed)),
        warnings: warnings.iter().filter_map(text).collect(),
        near_duplicate_of: serde_json::from_value(file["near_duplicate_of"].clone()).ok(),
        ..FileReport::new(file["uri"].as_str().unwrap_or_default(), &outcome)
    };
    report.error = report.error.map(|_| error());
    report
}

fn version(answer: &Value) -> Option<Version> {
    answer["version"].as_u64().map(Version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_reported_as_the_server_tells_it() {
        let answer = json!({
            "documents": [{"id": "d"}],
            "files": [{"uri": "a.pdf", "document_id": "d", "outcome": "replaced", "pages": 2, "chunks": 5}],
            "version": 7,
        });
        let reports = written(&answer);
        let report = &reports[0];
        assert_eq!((report.outcome, report.pages, report.chunks), ("replaced", Some(2), 5));
        assert_eq!((report.uri.as_str(), report.version), ("a.pdf", Some(Version(7))));
    }

    #[test]
    fn each_file_of_an_archive_keeps_its_own_reason() {
        let file = json!({"uri": "a.zip!/b.png", "outcome": "failed", "error": {"code": "corrupt", "detail": "d"}});
        let failure = Failure::new("corrupt", "none of 2");
        let problem = Problem { status: None, failure, files: vec![file.clone(), file] };
        let reports = refused("a.zip", problem);
        assert_eq!(reports.len(), 2);
        let error = reports[0].error.as_ref().unwrap();
        assert_eq!(
            (reports[0].uri.as_str(), error.code.as_str(), error.detail.as_str()),
            ("a.zip!/b.png", "corrupt", "d")
        );
    }

    #[test]
    fn a_file_with_the_same_bytes_and_metadata_is_not_sent_again() {
        let server = Server::new("http://127.0.0.1:1").unwrap();
        let collection = CollectionName::parse("c").unwrap();
        let known =
            Known { id: "d".into(), sha256: Some(hex(&Sha256::digest("x"))), metadata: json!({"a": 1, "b": 2}) };
        let has = |metadata: Value, bytes: &str| {
            let (known_there, near_duplicates) = (HashMap::new(), NearDuplicates::Tell);
            let upload =
                Upload { server: &server, collection: &collection, metadata, near_duplicates, known: known_there };
            upload.has(&known, bytes.as_bytes())
        };
        assert!(has(json!({}), "x") && has(json!({"a": 1}), "x"));
        assert!(!has(json!({"a": 2}), "x") && !has(json!({"c": 1}), "x") && !has(json!({}), "y"));
    }
}
