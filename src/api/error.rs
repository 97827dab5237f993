//! Failures as HTTP: one exhaustive match gives each error its status, and one struct its problem document (RFC 9457).
//!
//! What failed on our side is told to the log and not to the caller; [`super::observe`] writes that line, since it
//! knows the request.

use crate::error::Error;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ragstone_ingest::ReadError;
use serde_json::{Value, json};

/// Seconds after which a refused request may be sent again: queues here empty within one.
const RETRY_BUSY_SECONDS: u32 = 1;
/// Seconds after which another instance, or this one anew, answers.
const RETRY_STOPPING_SECONDS: u32 = 5;
/// Header by which client libraries know that sending the same again is useless.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// What callers are told about failures of the server.
const INTERNAL: &str = "internal error";

/// Text of a server fault, left on the answer for the log.
#[derive(Clone, Debug)]
pub struct Fault(pub String);

/// A failure as the caller sees it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Vec<(&'static str, Value)>,
    retry_after: Option<u32>,
    fault: Option<String>,
}

impl Problem {
    /// Makes a failure that only the edge knows.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, members: Vec::new(), retry_after: None, fault: None }
    }

    /// Makes the failure of one file of an upload from what the store says about it.
    ///
    /// Only the code is known of it, so a code of the server's own faults is answered without its detail.
    pub fn of_file(code: &'static str, detail: &str) -> Self {
        let status = status_of_file(code);
        let problem = Self::new(status, code, detail);
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => {
                Self { detail: INTERNAL.into(), fault: Some(detail.into()), ..problem }
            }
            StatusCode::SERVICE_UNAVAILABLE => Self { retry_after: Some(RETRY_BUSY_SECONDS), ..problem },
            _ => problem,
        }
    }

    /// Adds a member to the problem document.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns what the caller is told.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// Returns the status of the failure of one file, by its code.
fn status_of_file(code: &str) -> StatusCode {
    match code {
        "limit_exceeded" => StatusCode::PAYLOAD_TOO_LARGE,
        "busy" | "stopping" => StatusCode::SERVICE_UNAVAILABLE,
        "disk_full" => StatusCode::INSUFFICIENT_STORAGE,
        "embedder_failed" => StatusCode::BAD_GATEWAY,
        "storage" | "index" | "model" | "internal" | "damaged" | "data_folder" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Returns what a caller is told about a file that failed: of the server's own faults nothing.
pub fn detail_of_file<'a>(code: &str, detail: &'a str) -> &'a str {
    if status_of_file(code) == StatusCode::INTERNAL_SERVER_ERROR { INTERNAL } else { detail }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::new(status(&error), error.code(), error.to_string());
        if is_fault(&error) {
            return Self { detail: INTERNAL.into(), fault: Some(error.to_string()), ..problem };
        }
        problem.retry_after = match error {
            Error::Busy { .. } => Some(RETRY_BUSY_SECONDS),
            Error::Stopping => Some(RETRY_STOPPING_SECONDS),
            _ => None,
        };
        let members = [
            ("field", error.field().map(Value::from)),
            ("limit", error.limit().map(Value::from)),
            ("hint", error.hint().map(Value::from)),
        ];
        problem.members = members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        problem
    }
}

/// Returns whether an error is the server's own, of which callers are told nothing.
pub fn is_fault(error: &Error) -> bool {
    status(error) == StatusCode::INTERNAL_SERVER_ERROR
}

/// Gives each error its status.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::Malformed { .. } | Error::InvalidFilter { .. } => StatusCode::BAD_REQUEST,
        Error::CollectionNotFound { .. }
        | Error::DocumentNotFound { .. }
        | Error::JobNotFound { .. }
        | Error::VersionNotFound { .. } => StatusCode::NOT_FOUND,
        Error::CollectionExists { .. } | Error::ChunkExists { .. } | Error::ModelMismatch { .. } => {
            StatusCode::CONFLICT
        }
        Error::LimitExceeded { .. } | Error::Read(ReadError::LimitExceeded { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::InvalidName { .. }
        | Error::InvalidId { .. }
        | Error::InvalidFieldName { .. }
        | Error::ReservedField { .. }
        | Error::UnknownField { .. }
        | Error::FieldTypeMismatch { .. }
        | Error::ModelNotFound { .. }
        | Error::NoModel { .. }
        | Error::DimensionMismatch { .. }
        | Error::InvalidEmbedding { .. }
        | Error::InvalidArgument { .. }
        | Error::Read(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Busy { .. } | Error::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        Error::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Error::Embedder { .. } => StatusCode::BAD_GATEWAY,
        Error::DataFolderInUse { .. }
        | Error::DataFolder { .. }
        | Error::Damaged { .. }
        | Error::InvalidSetting { .. }
        | Error::Remote { .. }
        | Error::Storage(_)
        | Error::Model(_)
        | Error::Index(_)
        | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let status = self.status.as_u16();
        let mut body = json!({
            "type": "about:blank", "title": title, "status": status, "detail": self.detail, "code": self.code
        });
        if let Some(object) = body.as_object_mut() {
            object.extend(self.members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::CONFLICT {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(fault) = self.fault {
            response.extensions_mut().insert(Fault(fault));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(problem: Problem) -> (u16, axum::http::HeaderMap, Value) {
        let response = problem.into_response();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_callers_error_says_what_and_where() {
        let error = Error::UnknownField { field: "yaer".into(), nearest: Some("year".into()) };
        let (status, headers, body) = answer(error.into()).await;
        assert_eq!((status, body["status"].as_u64()), (422, Some(422)));
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["code"], "unknown_field");
        assert_eq!(body["field"], "yaer");
        assert_eq!(body["hint"], "did you mean 'year'?");
    }

    #[tokio::test]
    async fn a_server_fault_tells_the_caller_nothing() {
        let problem = Problem::from(Error::Storage("open /secret/place failed".into()));
        assert_eq!(problem.fault.as_deref(), Some("storage: open /secret/place failed"));
        let (status, _, body) = answer(problem).await;
        assert_eq!((status, body["code"].as_str()), (500, Some("storage")));
        assert!(!body.to_string().contains("secret"));
        let (status, _, body) = answer(Problem::of_file("storage", "open /secret/place failed")).await;
        assert_eq!(status, 500);
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn retrying_is_said_to_help_or_not() {
        let (status, headers, _) = answer(Error::Busy { what: "write queue" }.into()).await;
        assert_eq!((status, headers[header::RETRY_AFTER].to_str().unwrap()), (503, "1"));
        let (status, headers, _) = answer(Error::ChunkExists { id: "a".into() }.into()).await;
        assert_eq!((status, headers[SHOULD_RETRY].to_str().unwrap()), (409, "false"));
    }

    #[tokio::test]
    async fn a_bad_file_keeps_its_own_code() {
        assert_eq!(answer(Problem::of_file("encrypted", "file is encrypted")).await.0, 422);
        assert_eq!(answer(Problem::of_file("limit_exceeded", "pages is over the limit")).await.0, 413);
        let error = Error::Read(ReadError::LimitExceeded { what: "pages".into(), limit: 5 });
        let (status, _, body) = answer(error.into()).await;
        assert_eq!((status, body["limit"].as_u64()), (413, Some(5)));
    }
}
