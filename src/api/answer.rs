//! Answers: a JSON body, and the version of the collection that it is about.
//!
//! What a body says is decided by the handlers and by [`super::wire`].

use super::error::Problem;
use crate::error::Error;
use crate::schema::Version;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Header with the version of a collection, for every answer about one.
pub const VERSION: HeaderName = HeaderName::from_static("x-ragstone-version");

/// What handlers give back.
pub type Answer = Result<Response, Problem>;

/// Answers with JSON about no collection.
pub fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    bytes(status, to_bytes(body)?)
}

/// Answers with JSON about a collection at a version.
pub fn versioned(status: StatusCode, version: Version, body: &impl Serialize) -> Answer {
    Ok(with_version(json(status, body)?, version))
}

/// Answers with JSON that may be large, written on a thread of its own.
pub async fn versioned_large(version: Version, body: impl Serialize + Send + 'static) -> Answer {
    let written = tokio::task::spawn_blocking(move || to_bytes(&body)).await;
    let written = written.map_err(|error| Error::Internal(error.to_string()))??;
    Ok(with_version(bytes(StatusCode::OK, written)?, version))
}

/// Names the version that an answer is about in its headers.
pub fn with_version(mut response: Response, version: Version) -> Response {
    response.headers_mut().insert(VERSION, HeaderValue::from(version.0));
    response
}

fn to_bytes(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    Ok(serde_json::to_vec(body).map_err(|error| Error::Internal(error.to_string()))?)
}

fn bytes(status: StatusCode, body: Vec<u8>) -> Answer {
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, content_type, body).into_response())
}
