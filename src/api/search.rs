//! The routes that search a collection, once or several times.
//!
//! What a search may ask for is checked by the store; here only what the wire form adds.

use super::answer::{Answer, versioned, versioned_large};
use super::app::App;
use super::error::Problem;
use super::extract::{Json, Name};
use super::wire::{Chunk, Part, include, version_ref};
use crate::config::limits::{BATCH_SEARCHES_MAX, SEARCH_MAX};
use crate::error::{Error, Result};
use crate::query::{Fusion, Mode, Plan, Strategy};
use crate::schema::Version;
use crate::store::{Collection, Rerank, SearchRequest};
use crate::table::VersionRef;
use crate::telemetry;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// Hits up to which an answer is written on the spot; it takes about 2 µs each, without vectors.
const HITS_WRITTEN_AT_ONCE: usize = 100;
/// Hits of a search that names no number.
const K_DEFAULT: usize = 10;
/// Hits that a reranker reads unless another number is asked for.
const RERANK_DEFAULT: usize = 50;

/// Body of `search_collection`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    text: Option<String>,
    embedding: Option<Vec<f32>>,
    #[serde(default)]
    like: Vec<String>,
    #[serde(default)]
    unlike: Vec<String>,
    mode: Option<ModeForm>,
    k: Option<usize>,
    offset: Option<usize>,
    min_score: Option<f32>,
    filter: Option<Value>,
    as_of: Option<Value>,
    group_by: Option<String>,
    group_size: Option<usize>,
    fusion: Option<Fusion>,
    diversity: Option<f32>,
    rerank: Option<RerankForm>,
    exact: Option<bool>,
    explain: Option<bool>,
    include: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RerankForm {
    model: String,
    top: Option<usize>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeForm {
    Hybrid,
    Dense,
    Lexical,
}

/// Body of `search_batch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchBatch {
    searches: Vec<Search>,
}

#[derive(Serialize)]
struct BatchForm {
    version: Version,
    took_ms: f64,
    answers: Vec<SearchForm>,
}

#[derive(Serialize)]
struct SearchForm {
    version: Version,
    took_ms: f64,
    hits: Vec<Chunk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
}

/// Searches a collection.
pub async fn search_collection(State(app): State<App>, Name(name): Name, body: Json<Search>) -> Answer {
    let started = Instant::now();
    let explain = body.value.explain == Some(true);
    let request = body.value.check()?;
    let large = request.include.embedding || request.k > HITS_WRITTEN_AT_ONCE;
    let form = answer(&app.collection(&name).await?, request, explain, started).await?;
    if large { versioned_large(form.version, form).await } else { versioned(StatusCode::OK, form.version, &form) }
}

/// Runs a search that was checked.
async fn answer(
    collection: &Arc<Collection>,
    request: SearchRequest,
    explain: bool,
    started: Instant,
) -> Result<SearchForm> {
    let include = request.include;
    let answer = tokio::time::timeout(SEARCH_MAX, collection.search(request)).await;
    let answer = answer.map_err(|_| Error::Busy { what: "search time" })??;
    telemetry::SEARCHES.add(&[("strategy", strategy_name(answer.plan.strategy))], 1);
    Ok(SearchForm {
        version: answer.version,
        took_ms: took_ms(started),
        hits: Chunk::hits(answer.hits, include),
        plan: explain.then_some(answer.plan),
    })
}

/// Runs several searches, all at the version that is the newest now unless one names another.
pub async fn search_batch(State(app): State<App>, Name(name): Name, body: Json<SearchBatch>) -> Answer {
    let started = Instant::now();
    let searches = body.value.searches;
    if searches.len() > BATCH_SEARCHES_MAX {
        return Err(Error::LimitExceeded { what: "searches", limit: BATCH_SEARCHES_MAX as u64 }.into());
    }
    let collection = app.collection(&name).await?;
    let version = collection.state().table.version();
    let mut requests = Vec::new();
    for (at, search) in searches.into_iter().enumerate() {
        let explain = search.explain == Some(true);
        let mut request = search.check().map_err(|error| Problem::from(error).with("search", at))?;
        request.as_of.get_or_insert(VersionRef::Number(version.0));
        requests.push((at, request, explain));
    }
    // Searches wait for one another in the store, which runs as many as there are processors.
    let running = requests.into_iter().map(async |(at, request, explain)| {
        let form = answer(&collection, request, explain, Instant::now()).await;
        form.map_err(|error| Problem::from(error).with("search", at))
    });
    let answers = futures::future::try_join_all(running).await?;
    versioned_large(version, BatchForm { version, took_ms: took_ms(started), answers }).await
}

impl Search {
    fn check(self) -> Result<SearchRequest> {
        let per_document = self.per_document()?;
        Ok(SearchRequest {
            text: self.text,
            embedding: self.embedding,
            like: self.like,
            unlike: self.unlike,
            mode: self.mode.map(Mode::from),
            k: self.k.unwrap_or(K_DEFAULT),
            offset: self.offset.unwrap_or_default(),
            min_score: self.min_score,
            filter: self.filter,
            as_of: self.as_of.as_ref().map(|version| version_ref("as_of", version)).transpose()?,
            per_document,
            fusion: self.fusion.unwrap_or_default(),
            diversity: self.diversity.unwrap_or_default(),
            exact: self.exact.unwrap_or_default(),
            rerank: self.rerank.map(|form| Rerank { model: form.model, top: form.top.unwrap_or(RERANK_DEFAULT) }),
            include: include(self.include.as_deref()),
        })
    }

    fn per_document(&self) -> Result<Option<usize>> {
        let invalid = |field, detail: String| Err(Error::InvalidArgument { field, detail });
        match (self.group_by.as_deref(), self.group_size) {
            (None, None) => Ok(None),
            (None, Some(_)) => invalid("group_size", "it needs group_by".to_owned()),
            (Some("document_id"), size) => Ok(Some(size.unwrap_or(1))),
            (Some(other), _) => {
                let other: String = other.chars().take(80).collect();
                invalid("group_by", format!("'{other}' is not document_id"))
            }
        }
    }
}

impl From<ModeForm> for Mode {
    fn from(form: ModeForm) -> Self {
        match form {
            ModeForm::Hybrid => Self::Hybrid,
            ModeForm::Dense => Self::Dense,
            ModeForm::Lexical => Self::Lexical,
        }
    }
}

fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Scan => "scan",
        Strategy::Graph => "graph",
        Strategy::GraphFiltered => "graph_filtered",
        Strategy::Exact => "exact",
        Strategy::None => "none",
    }
}

/// Returns the time since the request was read, in milliseconds with three digits.
fn took_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: Value) -> Result<SearchRequest> {
        serde_json::from_value::<Search>(body).unwrap().check()
    }

    #[test]
    fn a_search_has_the_defaults_of_the_contract() {
        let request = check(json!({"text": "a", "filter": null, "as_of": 3})).unwrap();
        assert_eq!((request.k, request.offset, request.per_document), (10, 0, None));
        assert!(request.filter.is_none());
        assert_eq!(request.as_of, Some(VersionRef::Number(3)));
        assert!(request.include.text && !request.include.embedding);
    }

    #[test]
    fn grouping_is_by_document_only() {
        assert_eq!(check(json!({"group_by": "document_id"})).unwrap().per_document, Some(1));
        assert_eq!(check(json!({"group_by": "document_id", "group_size": 3})).unwrap().per_document, Some(3));
        assert_eq!(check(json!({"group_by": "year"})).unwrap_err().field(), Some("group_by"));
        assert_eq!(check(json!({"group_size": 3})).unwrap_err().field(), Some("group_size"));
    }

    #[test]
    fn reranking_takes_fifty_hits_unless_told_otherwise() {
        let rerank = |form: Value| check(json!({"text": "a", "rerank": form})).unwrap().rerank.unwrap().top;
        assert_eq!(rerank(json!({"model": "m"})), 50);
        assert_eq!(rerank(json!({"model": "m", "top": 7})), 7);
    }
}
