//! Reading the bytes of a request body within bounds of size and time.
//!
//! What the bytes mean is decided by the extractors.

use super::app::App;
use super::error::Problem;
use crate::config::limits::JSON_BODY_BYTES_MAX;
use crate::error::Error;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::BytesMut;
use futures::StreamExt;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// Longest pause between two parts of a body; chosen for bad mobile links.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// Most bytes of a refused body that are read and dropped, so that the caller hears the answer and not a broken pipe.
const DRAIN_BYTES_MAX: usize = 1 << 30;
/// Time for that.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// Size from which a body counts against the memory for bodies, and is parsed on a thread of its own.
pub const LARGE_BYTES: usize = 256 << 10;

/// A body in memory, with the right to hold it there.
pub struct Held {
    /// The bytes.
    pub bytes: Bytes,
    /// Given back when the request is done.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Reads a whole body of at most [`JSON_BODY_BYTES_MAX`].
pub async fn read_body(app: &App, headers: &HeaderMap, body: Body) -> Result<Held, Problem> {
    let declared = declared_bytes(headers);
    if declared.is_some_and(|bytes| bytes > JSON_BODY_BYTES_MAX) {
        drain(headers, body).await;
        return Err(too_large(JSON_BODY_BYTES_MAX).into());
    }
    let mut room = Room { app, bytes: LARGE_BYTES, permit: None };
    room.grow(declared.unwrap_or_default())?;
    let mut bytes = BytesMut::with_capacity(declared.unwrap_or_default());
    let mut parts = body.into_data_stream();
    while let Some(part) = next_part(&mut parts).await? {
        let wanted = bytes.len() + part.len();
        if wanted > JSON_BODY_BYTES_MAX {
            drain_parts(parts).await;
            return Err(too_large(JSON_BODY_BYTES_MAX).into());
        }
        room.grow(wanted)?;
        bytes.extend_from_slice(&part);
    }
    Ok(Held { bytes: bytes.freeze(), permit: room.permit })
}

/// The memory that a body may take; small bodies have theirs without asking.
struct Room<'a> {
    app: &'a App,
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let more = self.app.admit_body(bytes - self.bytes)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.bytes = bytes;
        Ok(())
    }
}

/// Returns the length that a request declares for its body.
pub fn declared_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads and drops a body that is refused, unless the caller waits to be asked for it.
pub async fn drain(headers: &HeaderMap, body: Body) {
    if !headers.contains_key(header::EXPECT) {
        drain_parts(body.into_data_stream()).await;
    }
}

/// Reads and drops the body of a request to a route that reads none; left unread, it would end the connection.
pub async fn drop_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    drain(&parts.headers, body).await;
    next.run(Request::from_parts(parts, Body::empty())).await
}

/// Returns the error for a body over its limit.
pub fn too_large(limit: usize) -> Error {
    Error::LimitExceeded { what: "bytes of the request body", limit: limit as u64 }
}

async fn next_part(parts: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    let part = in_time(parts.next()).await?.transpose();
    part.map_err(|_| Error::Malformed { detail: "the body ended early".into() }.into())
}

/// Waits for the next part of a body, but not for ever.
pub async fn in_time<T>(part: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(PAUSE_MAX, part).await.map_err(|_| {
        let detail = format!("no part of the body arrived for {} s", PAUSE_MAX.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
    })
}

async fn drain_parts(mut parts: BodyDataStream) {
    let dropping = async {
        let mut dropped = 0;
        while let Some(Ok(part)) = parts.next().await {
            dropped += part.len();
            if dropped > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    // What did not arrive in time is left; the connection closes.
    let _ = timeout(DRAIN_MAX, dropping).await;
}
