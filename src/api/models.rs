//! The route that lists the installed models, in the list form of the OpenAI API.
//!
//! Installing and loading them is done elsewhere.

use super::answer::{Answer, json};
use super::app::App;
use crate::error::Error;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::time::UNIX_EPOCH;

#[derive(Serialize)]
struct ModelForm {
    id: String,
    object: &'static str,
    /// When its folder was written, in seconds since 1970; 0 where the system does not tell.
    created: u64,
    owned_by: &'static str,
    dimension: Option<usize>,
    max_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Lists the installed models.
pub async fn list_models(State(app): State<App>) -> Answer {
    let models = app.store().models().clone();
    let listed = tokio::task::spawn_blocking(move || {
        let forms = models.list()?.into_iter().map(|model| ModelForm {
            created: written_at(&models.root().join(&model.name)),
            id: model.name,
            object: "model",
            owned_by: "ragstone",
            dimension: model.dimension,
            max_tokens: model.max_tokens,
            problem: model.problem.map(|_| "the model folder cannot be used".to_owned()),
        });
        Ok::<Vec<_>, Error>(forms.collect())
    });
    let models = listed.await.map_err(|error| Error::Internal(error.to_string()))??;
    json(StatusCode::OK, &json!({"object": "list", "data": models}))
}

fn written_at(folder: &Path) -> u64 {
    let written = folder.metadata().and_then(|metadata| metadata.modified()).ok();
    written.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}
