//! Routes on jobs, and how a route starts one.
//!
//! What a job does stands with the route that starts it.

use super::answer::{Answer, json, versioned};
use super::app::App;
use super::error::{Problem, is_fault};
use super::extract::{Id, Query};
use crate::config::limits::{JOBS_KEPT, PAGE_DEFAULT};
use crate::error::{Error, Result};
use crate::schema::Version;
use crate::schema::field::format_timestamp;
use crate::store::jobs::{Job, JobHandle, Jobs};
use crate::store::{FileOutcome, NearDuplicate, Outcome};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Query of `list_jobs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListJobs {
    collection: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct JobForm {
    id: String,
    kind: &'static str,
    collection: String,
    state: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    progress: Progress,
    files: Vec<FileForm>,
    #[serde(skip_serializing_if = "is_zero")]
    files_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason>,
}

/// Returns whether a count is not worth a line.
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct Progress {
    done: usize,
    total: usize,
}

/// What became of a file.
#[derive(Serialize)]
pub struct FileForm {
    uri: String,
    document_id: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    chunks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    near_duplicate_of: Option<NearDuplicateForm>,
}

/// The document that says nearly the same as a file.
#[derive(Serialize)]
struct NearDuplicateForm {
    document_id: String,
    uri: String,
    similarity: f32,
}

#[derive(Serialize)]
struct Reason {
    code: &'static str,
    detail: String,
}

impl From<Job> for JobForm {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            collection: job.collection,
            state: job.state.name(),
            created_at: format_timestamp(job.started_at.timestamp_micros()),
            finished_at: job.finished_at.map(|at| format_timestamp(at.timestamp_micros())),
            progress: Progress { done: job.done, total: job.total },
            files: job.files.into_iter().map(FileForm::from).collect(),
            result: job.result,
            files_left_out: job.files_left_out,
            error: job.error.map(|detail| Reason { code: "job_failed", detail }),
        }
    }
}

impl From<FileOutcome> for FileForm {
    fn from(file: FileOutcome) -> Self {
        let outcome = file.outcome.name();
        let error = match file.outcome {
            Outcome::Failed { code, detail } => {
                let told = Problem::of_file(code, &detail);
                Some(Reason { code, detail: told.detail().to_owned() })
            }
            Outcome::Added | Outcome::Replaced | Outcome::Unchanged | Outcome::Removed | Outcome::Skipped => None,
        };
        let FileOutcome { uri, document_id, pages, chunks, warnings, near_duplicate_of, .. } = file;
        let near_duplicate_of = near_duplicate_of
            .map(|NearDuplicate { document_id, uri, similarity }| NearDuplicateForm { document_id, uri, similarity });
        Self { uri, document_id, outcome, pages, chunks, error, warnings, near_duplicate_of }
    }
}

/// Lists jobs, newest first.
pub async fn list_jobs(State(app): State<App>, Query(query): Query<ListJobs>) -> Answer {
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=JOBS_KEPT).contains(&limit) {
        let detail = format!("{limit} is not between 1 and {JOBS_KEPT}");
        return Err(Error::InvalidArgument { field: "limit", detail }.into());
    }
    let wanted = |job: &Job| query.collection.as_ref().is_none_or(|name| *name == job.collection);
    let jobs = app.store().jobs().list().into_iter().filter(wanted).take(limit);
    let jobs: Vec<JobForm> = jobs.map(JobForm::from).collect();
    json(StatusCode::OK, &json!({"jobs": jobs}))
}

/// Finds a job.
pub async fn find_job(State(app): State<App>, Id(id): Id) -> Answer {
    json(StatusCode::OK, &JobForm::from(app.store().jobs().get(&id)?))
}

/// A job that has been started, and the version that its collection had then.
pub struct Started {
    /// All jobs.
    pub jobs: Jobs,
    /// Id of the job.
    pub id: String,
    /// Version of the collection.
    pub version: Version,
}

impl Started {
    /// Answers that the work goes on, and where to ask for it.
    pub fn answer(self) -> Answer {
        let location = HeaderValue::from_str(&format!("/v1/jobs/{}", self.id));
        let location = location.map_err(|error| Error::Internal(error.to_string()))?;
        let job = JobForm::from(self.jobs.get(&self.id)?);
        let body = json!({"job": job, "version": self.version});
        let mut response = versioned(StatusCode::ACCEPTED, self.version, &body)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}

/// Runs the work of a job beside the requests, and ends the job whatever becomes of it.
pub fn run<F>(job: JobHandle, work: impl FnOnce(Arc<JobHandle>) -> F)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let job = Arc::new(job);
    let work = work(job.clone());
    tokio::spawn(async move {
        let ended = AssertUnwindSafe(work).catch_unwind().await;
        let result = ended.unwrap_or_else(|_| Err(Error::Internal("the job panicked".into())));
        let result = result.map_err(|error| told(job.id(), error));
        if let Some(job) = Arc::into_inner(job) {
            job.finish(result);
        }
    });
}

/// Logs why a job failed, and returns what those who ask for the job are told.
fn told(id: &str, error: Error) -> Error {
    tracing::error!(job = id, %error, "job failed");
    if is_fault(&error) { Error::Internal(format!("{}, see the log", error.code())) } else { error }
}
