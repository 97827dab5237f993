//! Putting the best hits of a search in a better order: a cross-encoder reads the question with each passage.
//!
//! It costs milliseconds a passage, so few are read, and within a time. Which hits there are is for the search before.

use super::collection::{Collection, blocking};
use super::model::Models;
use super::search::{SearchAnswer, SearchRequest, elapsed_ms};
use super::view::Include;
use crate::config::limits::{RERANK_MAX, RERANK_TIME};
use crate::error::{Error, Result};
use std::sync::Arc;
use std::time::Instant;

/// How the hits of a search are put in order again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerank {
    /// The reranker.
    pub model: String,
    /// How many of the best hits it reads.
    pub top: usize,
}

impl Models {
    /// Returns how well each text answers a question, by a reranker; refuses what cannot be done in time.
    pub fn rerank(&self, model: &str, question: &str, texts: &[String]) -> Result<Vec<f32>> {
        if texts.len() > RERANK_MAX {
            return Err(Error::LimitExceeded { what: "texts to rerank", limit: RERANK_MAX as u64 });
        }
        let reranker = self.reranker(model)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        reranker.scores(question, &texts, Some(Instant::now() + RERANK_TIME)).map_err(super::model::from_model)
    }
}

impl Collection {
    /// Answers a search whose hits are put in order again, each with the reranker's score.
    pub(super) async fn search_reranked(
        self: &Arc<Self>,
        request: SearchRequest,
        rerank: Rerank,
    ) -> Result<SearchAnswer> {
        let invalid = |detail: String| Error::InvalidArgument { field: "rerank", detail };
        let question = request.text.clone().ok_or_else(|| invalid("it needs a text".to_owned()))?;
        let read = rerank.top.max(request.offset.saturating_add(request.k));
        if read > RERANK_MAX {
            return Err(invalid(format!("top, or offset + k, is over {RERANK_MAX}")));
        }
        let (offset, k, include) = (request.offset, request.k, request.include);
        let include_text = Include { text: true, ..include };
        let mut answer =
            self.search_once(SearchRequest { offset: 0, k: read, include: include_text, ..request }).await?;
        let texts: Vec<String> =
            answer.hits.iter().map(|(_, view)| view.row.text.clone().unwrap_or_default()).collect();
        let models = self.shared().services.models.clone();
        let started = Instant::now();
        let scores = blocking(move || models.rerank(&rerank.model, &question, &texts)).await?;
        answer.plan.stages_ms.insert("rerank", elapsed_ms(started));
        for ((ranked, _), score) in answer.hits.iter_mut().zip(scores) {
            (ranked.score, ranked.rerank) = (score, Some(score));
        }
        answer.hits.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
        answer.hits = answer.hits.into_iter().skip(offset).take(k).collect();
        Ok(answer)
    }
}
