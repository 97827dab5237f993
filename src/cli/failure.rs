//! What a person or a script is told when a command fails.
//!
//! Not an error type of its own: errors of the product, of the models and of a server are turned into it where a
//! command ends, and nothing branches on it.

use super::output::print_json;
use crate::error::Error;
use ragstone_models::ModelError;
use serde::Serialize;
use std::path::Path;

/// A failure in words, with its stable code.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Stable snake_case code.
    pub code: String,
    /// What went wrong.
    pub detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure without a hint.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), hint: None }
    }

    /// Makes the failure of reading or writing a file.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::new("file", format!("{}: {error}", path.display()))
    }

    /// Adds what to do next.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Tells the failure on stderr, and with `json` on stdout too.
    pub fn tell(&self, json: bool) {
        eprintln!("error: {}", self.detail);
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        if json {
            print_json(&serde_json::json!({ "error": self }));
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            // The product's hint speaks of routes, which is not where this reader stands.
            Error::CollectionNotFound { .. } => Some("list them with `ragstone collections`".to_owned()),
            other => other.hint(),
        };
        Self { code: error.code().to_owned(), detail: error.to_string(), hint }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
