//! `POST /v1/collections/{c}/reembed`: another model for a collection, as a job.
//!
//! What the job does stands in the store; here are its body and what it tells.

use super::answer::Answer;
use super::app::App;
use super::extract::{Json, Name};
use super::jobs::{self, Started};
use crate::store::{NewModel, ReembedOptions, Reembedded};
use axum::extract::State;
use ragstone_models::Precision;
use serde::Deserialize;
use serde_json::{Value, json};

/// Hits that are compared unless another number is asked for.
const K_DEFAULT: usize = 10;

/// Body of `reembed_collection`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReembedCollection {
    model: String,
    precision: Option<Precision>,
    dimension: Option<usize>,
    #[serde(default)]
    queries: Vec<String>,
    k: Option<usize>,
    switch: Option<bool>,
}

/// Starts to embed a collection with another model.
pub async fn reembed_collection(State(app): State<App>, Name(name): Name, body: Json<ReembedCollection>) -> Answer {
    let collection = app.collection(&name).await?;
    let info = collection.info();
    let ReembedCollection { model, precision, dimension, queries, k, switch } = body.value;
    let options = ReembedOptions { queries, k: k.unwrap_or(K_DEFAULT), switch: switch.unwrap_or(true) };
    options.check()?;
    let embedding = app.store().embedding_for(&NewModel { name: model, precision, dimension }, info.embedding.forms)?;
    collection.check_new_model(&embedding)?;
    let job = app.store().jobs().begin("reembed", name.as_str(), info.chunks)?;
    let started = Started { jobs: app.store().jobs().clone(), id: job.id().to_owned(), version: info.version };
    jobs::run(job, |job| async move {
        let done = collection.reembed(embedding, options, |done, total| job.reach(done, total)).await?;
        job.tell(reembedded(&done));
        Ok(())
    });
    started.answer()
}

/// Returns what the job tells.
fn reembedded(done: &Reembedded) -> Value {
    let query = |(text, shared, hits): &(String, usize, usize)| json!({"text": text, "shared": shared, "hits": hits});
    let comparison = done.comparison.as_ref().map(|comparison| {
        let queries: Vec<Value> = comparison.queries.iter().map(query).collect();
        json!({"k": comparison.k, "overlap": comparison.overlap, "queries": queries})
    });
    let Reembedded { version, chunks, resumed, switched, .. } = done;
    json!({"version": version, "chunks": chunks, "resumed": resumed, "switched": switched, "comparison": comparison})
}
