//! Routes for those who watch the server: alive, ready, metrics.
//!
//! None of them opens a collection or waits for one.

use super::answer::{Answer, json};
use super::app::App;
use crate::error::Error;
use crate::store::jobs::JobState;
use crate::telemetry;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

/// Says that the process answers.
pub async fn check_live() -> Answer {
    json(StatusCode::OK, &json!({"status": "ok"}))
}

/// Says whether requests should be sent here.
pub async fn check_ready(State(app): State<App>) -> Answer {
    if app.is_stopping() {
        return Err(Error::Stopping.into());
    }
    json(StatusCode::OK, &json!({"status": "ok"}))
}

/// Returns the metrics in the text form of Prometheus.
pub async fn read_metrics(State(app): State<App>) -> Answer {
    let running = app.store().jobs().list().iter().filter(|job| job.state == JobState::Running).count();
    telemetry::JOBS_RUNNING.set(&[], running as u64);
    let (collections, bytes) = app.store().in_memory();
    telemetry::COLLECTIONS.set(&[], collections as u64);
    telemetry::COLLECTIONS_BYTES.set(&[], bytes as u64);
    if let Some(bytes) = telemetry::resident_bytes() {
        telemetry::MEMORY.set(&[], bytes);
    }
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, content_type)], telemetry::render()).into_response())
}
