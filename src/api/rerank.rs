//! The route that puts texts in order by a question, in the form that Cohere's and Jina's rerankers have.
//!
//! The texts are the caller's own; the hits of a search are reranked by the search.

use super::answer::{Answer, json};
use super::app::App;
use super::extract::Json;
use crate::error::Error;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// Body of `rerank`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerank {
    model: String,
    query: String,
    documents: Vec<DocumentForm>,
    top_n: Option<usize>,
    #[serde(default)]
    return_documents: bool,
}

/// A text, bare or in an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum DocumentForm {
    Bare(String),
    Object { text: String },
}

#[derive(Serialize)]
struct RerankForm {
    model: String,
    results: Vec<ResultForm>,
}

#[derive(Serialize)]
struct ResultForm {
    index: usize,
    relevance_score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<TextForm>,
}

#[derive(Serialize)]
struct TextForm {
    text: String,
}

/// Puts texts in order by how well they answer a query.
pub async fn rerank(State(app): State<App>, body: Json<Rerank>) -> Answer {
    let Rerank { model, query, documents, top_n, return_documents } = body.value;
    if query.trim().is_empty() || documents.is_empty() {
        let field = if documents.is_empty() { "documents" } else { "query" };
        return Err(Error::InvalidArgument { field, detail: "it is empty".to_owned() }.into());
    }
    let texts: Vec<String> = documents.into_iter().map(DocumentForm::into_text).collect();
    let models = app.store().models().clone();
    let scored = tokio::task::spawn_blocking(move || {
        let scores = models.rerank(&model, &query, &texts)?;
        Ok::<_, Error>((model, texts, scores))
    });
    let (model, texts, scores) = scored.await.map_err(|error| Error::Internal(error.to_string()))??;
    let result = |(index, (text, relevance_score))| ResultForm {
        index,
        relevance_score,
        document: return_documents.then_some(TextForm { text }),
    };
    let mut results: Vec<ResultForm> = texts.into_iter().zip(scores).enumerate().map(result).collect();
    results.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    results.truncate(top_n.unwrap_or(usize::MAX));
    json(StatusCode::OK, &RerankForm { model, results })
}

impl DocumentForm {
    fn into_text(self) -> String {
        match self {
            Self::Bare(text) | Self::Object { text } => text,
        }
    }
}
