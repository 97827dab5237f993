//! Taking files in: a multipart upload, answered when it is searchable or with a job.
//!
//! An upload is held in memory from its first byte until its last file is done; how many may be is bounded by a permit
//! that the work keeps. Reading files in pieces to disk was not chosen: they are hashed, kept and parsed as a whole.

use super::answer::{Answer, versioned};
use super::app::App;
use super::body::{declared_bytes, drain, in_time, too_large};
use super::error::Problem;
use super::extract::{Name, Query, media_type, unsupported_media_type};
use super::jobs::{self, FileForm, Started, is_zero};
use super::wire::Document;
use crate::config::limits::{OUTCOMES_TOLD_MAX, UPLOAD_BYTES_MAX, UPLOAD_FILES_MAX};
use crate::error::{Error, Result};
use crate::schema::Version;
use crate::store::{Collection, Content, FileOutcome, Include, IngestFile, IngestOptions, NearDuplicates, Outcome};
use crate::telemetry;
use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Multipart, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Longest name of a file, in bytes.
const FILE_NAME_BYTES_MAX: usize = 1024;
/// Largest metadata of an upload, in bytes.
const METADATA_BYTES_MAX: usize = 1 << 20;

/// Query of `upload_documents`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadQuery {
    wait: Option<bool>,
    near_duplicates: Option<NearDuplicatesForm>,
}

/// What is done with near duplicates, as callers say it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NearDuplicatesForm {
    Tell,
    Skip,
}

/// What an upload holds.
struct Upload {
    files: Vec<IngestFile>,
    options: IngestOptions,
    _held: Memory,
}

/// The right to hold an upload in memory, counted while it lasts.
struct Memory {
    _permit: OwnedSemaphorePermit,
}

#[derive(Serialize)]
struct UploadAnswer {
    documents: Vec<Document>,
    files: Vec<FileForm>,
    #[serde(skip_serializing_if = "is_zero")]
    files_left_out: usize,
    version: Version,
}

/// Takes files into a collection.
pub async fn upload_documents(
    State(app): State<App>,
    Name(name): Name,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Answer {
    let mut upload = read_upload(&app, request).await?;
    if let Some(NearDuplicatesForm::Skip) = query.near_duplicates {
        upload.options.near_duplicates = NearDuplicates::Skip;
    }
    let collection = app.collection(&name).await?;
    if collection.state().schema.embedding.model.is_none() {
        return Err(Error::NoModel { name: name.to_string() }.into());
    }
    if query.wait == Some(true) {
        return ingest_now(collection, upload).await;
    }
    let job = app.store().jobs().begin("ingest", name.as_str(), upload.files.len())?;
    let version = collection.info().version;
    let started = Started { jobs: app.store().jobs().clone(), id: job.id().to_owned(), version };
    jobs::run(job, |job| async move {
        let Upload { files, options, _held } = upload;
        collection
            .ingest(files, options, |outcome| {
                count(&outcome);
                job.step(Some(outcome));
            })
            .await
    });
    started.answer()
}

async fn ingest_now(collection: Arc<Collection>, upload: Upload) -> Answer {
    let Upload { files, options, _held } = upload;
    let (mut outcomes, mut files_left_out) = (Vec::with_capacity(files.len()), 0);
    let report = |outcome: FileOutcome| {
        count(&outcome);
        match outcomes.len() < OUTCOMES_TOLD_MAX {
            true => outcomes.push(outcome),
            false => files_left_out += 1,
        }
    };
    collection.ingest(files, options, report).await?;
    if files_left_out == 0
        && let Some(problem) = problem_of_all(&outcomes)
    {
        return Err(problem);
    }
    let mut version = collection.info().version;
    let mut documents = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !is_failure(outcome)) {
        match collection.document(&outcome.document_id, Include::default()).await {
            Ok((read_at, document, _)) => {
                version = version.max(read_at);
                documents.push(Document(document));
            }
            // Somebody has removed it since.
            Err(Error::DocumentNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let created = outcomes.iter().any(|outcome| outcome.outcome == Outcome::Added);
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let files = outcomes.into_iter().map(FileForm::from).collect();
    versioned(status, version, &UploadAnswer { documents, files, files_left_out, version })
}

fn is_failure(outcome: &FileOutcome) -> bool {
    matches!(outcome.outcome, Outcome::Failed { .. })
}

/// Makes the problem of an upload none of whose files gave a document; a single file's problem is its own.
fn problem_of_all(outcomes: &[FileOutcome]) -> Option<Problem> {
    let mut failed = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let Outcome::Failed { code, detail } = &outcome.outcome else { return None };
        failed.push((*code, detail));
    }
    let &(code, detail) = failed.first()?;
    let problem = match failed.len() {
        1 => Problem::of_file(code, detail),
        many => Problem::of_file(code, &format!("none of {many} files could be taken in, the first: {detail}")),
    };
    let forms: Vec<FileForm> = outcomes.iter().cloned().map(FileForm::from).collect();
    Some(problem.with("files", serde_json::to_value(forms).unwrap_or_default()))
}

fn count(outcome: &FileOutcome) {
    telemetry::DOCUMENTS.add(&[("outcome", outcome.outcome.name())], 1);
    telemetry::CHUNKS_WRITTEN.add(&[("by", "document")], outcome.chunks as u64);
    if let Outcome::Failed { code, .. } = &outcome.outcome {
        tracing::warn!(document_id = outcome.document_id, code, "file not taken in");
    }
}

async fn read_upload(app: &App, request: Request) -> Result<Upload, Problem> {
    let found = media_type(request.headers());
    if found != "multipart/form-data" {
        return Err(unsupported_media_type(&found, "multipart/form-data"));
    }
    if declared_bytes(request.headers()).is_some_and(|bytes| bytes > UPLOAD_BYTES_MAX) {
        let (parts, body) = request.into_parts();
        drain(&parts.headers, body).await;
        return Err(too_large(UPLOAD_BYTES_MAX).into());
    }
    let held = Memory::admit(app)?;
    let mut request = request;
    // Applied by hand, so that the limit of an upload stands beside the code that reads it.
    DefaultBodyLimit::max(UPLOAD_BYTES_MAX).apply(&mut request);
    let parts = request.extract::<Multipart, _>().await;
    let mut parts = parts.map_err(|rejection| Error::Malformed { detail: rejection.body_text() })?;
    let mut upload = Upload { files: Vec::new(), options: IngestOptions::default(), _held: held };
    while let Some(part) = in_time(parts.next_field()).await?.map_err(unreadable)? {
        upload.add(part).await?;
    }
    if upload.files.is_empty() {
        return Err(invalid("file", "the upload has no part named 'file'").into());
    }
    Ok(upload)
}

impl Upload {
    async fn add(&mut self, part: Field<'_>) -> Result<(), Problem> {
        match part.name() {
            Some("file") => {
                if self.files.len() == UPLOAD_FILES_MAX {
                    let limit = UPLOAD_FILES_MAX as u64;
                    return Err(Error::LimitExceeded { what: "files of one upload", limit }.into());
                }
                let uri = self.check_name(part.file_name().unwrap_or_default())?;
                let bytes = read_part(part, UPLOAD_BYTES_MAX).await?;
                self.files.push(IngestFile { uri, content: Content::Bytes(bytes) });
            }
            Some("metadata") => {
                let bytes = read_part(part, METADATA_BYTES_MAX).await?;
                let read = serde_json::from_slice(&bytes);
                self.options.metadata =
                    read.map_err(|error| invalid("metadata", &format!("not a JSON object: {error}")))?;
            }
            other => {
                let name: String = other.unwrap_or_default().chars().take(80).collect();
                let detail = format!("unknown part '{name}', expected file or metadata");
                return Err(invalid("file", &detail).into());
            }
        }
        Ok(())
    }

    /// Checks the name of a file, which becomes the uri of its document.
    fn check_name(&self, name: &str) -> Result<String> {
        if !(1..=FILE_NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
            let detail = format!("a file name of {} bytes is not 1 to {FILE_NAME_BYTES_MAX} of text", name.len());
            return Err(invalid("file", &detail));
        }
        if self.files.iter().any(|file| file.uri == name) {
            return Err(invalid("file", "two files have the same name, which makes them one document"));
        }
        Ok(name.to_owned())
    }
}

async fn read_part(mut part: Field<'_>, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = in_time(part.chunk()).await?.map_err(unreadable)? {
        if bytes.len() + piece.len() > limit {
            return Err(too_large(limit).into());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn invalid(field: &'static str, detail: &str) -> Error {
    Error::InvalidArgument { field, detail: detail.to_owned() }
}

fn unreadable(error: MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(UPLOAD_BYTES_MAX).into(),
        _ => Error::Malformed { detail: error.body_text() }.into(),
    }
}

impl Memory {
    fn admit(app: &App) -> Result<Self> {
        let permit = app.admit_upload()?;
        telemetry::UPLOADS.add(&[], 1);
        Ok(Self { _permit: permit })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        telemetry::UPLOADS.subtract(&[], 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(uri: &str, code: &'static str) -> FileOutcome {
        FileOutcome {
            uri: uri.into(),
            document_id: "d".into(),
            outcome: Outcome::Failed { code, detail: "reason".into() },
            pages: None,
            chunks: 0,
            version: None,
            warnings: Vec::new(),
            near_duplicate_of: None,
        }
    }

    #[test]
    fn one_bad_file_answers_its_own_problem() {
        let problem = problem_of_all(&[failed("a.pdf", "encrypted")]).unwrap();
        assert_eq!((problem.code(), problem.detail()), ("encrypted", "reason"));
        let problem = problem_of_all(&[failed("a.pdf", "encrypted"), failed("b.pdf", "corrupt")]).unwrap();
        assert!(problem.detail().starts_with("none of 2 files"));
    }

    #[test]
    fn a_good_file_among_bad_ones_is_no_problem() {
        let good = FileOutcome { outcome: Outcome::Added, ..failed("b.pdf", "x") };
        assert!(problem_of_all(&[failed("a.pdf", "encrypted"), good]).is_none());
        assert!(problem_of_all(&[]).is_none());
    }
}
