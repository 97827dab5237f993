//! What makes two models the same: a collection stores it, and refuses vectors of any other model.
//!
//! It does not read files.

use serde::{Deserialize, Serialize};

use crate::precision::Precision;

/// Names a model by everything that shapes its vectors.
///
/// Two equal identities give the same vectors for the same texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The name under which the model was loaded.
    pub name: String,
    /// A short hash over configuration, tokenizer and weights: it tells two models of one name apart.
    pub revision: String,
    /// The SHA-256 of the weights file, in hex.
    pub weights_sha256: String,
    /// The length of a vector.
    pub dimension: usize,
    /// How token rows become one vector: `cls`, `mean`, `max`, `mean_sqrt_len`, `weightedmean` or `lasttoken`.
    pub pooling: String,
    /// Whether vectors have length one.
    pub normalize: bool,
    /// What is put before a query.
    pub query_prefix: String,
    /// What is put before a document.
    pub document_prefix: String,
    /// The longest input in tokens, special tokens and prefix included; what is longer is cut.
    pub max_tokens: usize,
    /// How numbers were held while vectors were computed. Not written down for f32, so that an identity without it means
    /// f32.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
}
