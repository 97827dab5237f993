//! What turns the texts of a collection into vectors: a model of this machine, or an endpoint of the settings.
//!
//! An endpoint has no tokenizer here, so the tokens of its texts are estimated. Its identity is what it is called and how
//! long its vectors are: that its weights stay the same is the promise of whoever runs it.

use super::model::from_model;
use crate::error::Result;
use crate::remote::{Endpoint, Patience};
use ragstone_models::{Identity, Precision, Priority, TextKind};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Characters of plain English that are taken for a token; the usual vocabularies need a little more than four.
const TOKEN_CHARS: usize = 3;
/// Hex digits of a revision, as the models crate has them.
const REVISION_CHARS: usize = 16;

/// A model that embeds; clones share it.
#[derive(Clone)]
pub enum Embedder {
    /// One of this machine.
    Installed(ragstone_models::Embedder),
    /// One behind an endpoint.
    External(External),
}

/// A model behind an endpoint, whose vectors may be cut.
#[derive(Clone)]
pub struct External {
    endpoint: Arc<Endpoint>,
    identity: Arc<Identity>,
}

impl Embedder {
    /// Makes the embedder of an endpoint; nothing is sent yet.
    pub fn external(name: &str, endpoint: Endpoint) -> Self {
        let settings = endpoint.settings();
        let named = format!("external\0{}\0{}", settings.model, settings.dimension);
        let mut revision: String = Sha256::digest(named).iter().map(|byte| format!("{byte:02x}")).collect();
        revision.truncate(REVISION_CHARS);
        let identity = Identity {
            name: name.to_owned(),
            revision,
            weights_sha256: String::new(),
            dimension: settings.dimension,
            pooling: "external".to_owned(),
            normalize: true,
            query_prefix: settings.query_prefix.clone(),
            document_prefix: settings.document_prefix.clone(),
            max_tokens: settings.max_tokens,
            precision: Precision::F32,
        };
        Self::External(External { endpoint: Arc::new(endpoint), identity: Arc::new(identity) })
    }

    /// Returns what makes this model's vectors this model's.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Installed(embedder) => embedder.identity(),
            Self::External(external) => &external.identity,
        }
    }

    /// Says whether vectors of that identity are this model's. How much an endpoint reads is a setting of ours.
    pub fn is_same(&self, identity: &Identity) -> bool {
        match self {
            Self::Installed(embedder) => embedder.identity() == identity,
            Self::External(external) => {
                let max_tokens = external.identity.max_tokens;
                *external.identity == Identity { max_tokens, ..identity.clone() }
            }
        }
    }

    /// Returns how many numbers a vector of the model can have.
    pub fn full_dimension(&self) -> usize {
        match self {
            Self::Installed(embedder) => embedder.full_dimension(),
            Self::External(external) => external.endpoint.settings().dimension,
        }
    }

    /// Returns the model with its vectors cut and normalised again; the dimension is one that it has.
    pub fn cut(&self, dimension: usize) -> Result<Self> {
        Ok(match self {
            Self::Installed(embedder) => Self::Installed(embedder.cut(dimension).map_err(from_model)?),
            Self::External(external) => {
                let identity = Arc::new(Identity { dimension, ..(*external.identity).clone() });
                Self::External(External { identity, ..external.clone() })
            }
        })
    }

    /// Returns the number of tokens in a text, an estimate for an endpoint.
    pub fn count(&self, text: &str) -> usize {
        match self {
            Self::Installed(embedder) => embedder.tokenizer().count(text),
            Self::External(_) => estimate_tokens(text),
        }
    }

    /// Returns the longest input in tokens.
    pub fn max_tokens(&self) -> usize {
        self.identity().max_tokens
    }

    /// Returns the share of a text's tokens that the model knows; an endpoint is taken to know all.
    pub fn readable_share(&self, text: &str) -> f32 {
        match self {
            Self::Installed(embedder) => embedder.tokenizer().readable_share(text),
            Self::External(_) => 1.0,
        }
    }

    /// Embeds texts on the model's own thread or behind its endpoint; blocks the calling thread until they are done.
    ///
    /// The calling thread is one that may block, of a runtime.
    pub fn embed(&self, texts: Vec<String>, kind: TextKind, priority: Priority) -> Result<Vec<f32>> {
        match self {
            Self::Installed(embedder) => embedder.embed(texts, kind, priority).map_err(from_model),
            Self::External(external) => Handle::current().block_on(external.embed(texts, kind)),
        }
    }

    /// Embeds a question on the calling thread, beside whatever the model's own thread does; blocks for an endpoint.
    pub fn embed_query(&self, text: &str) -> Result<Vec<f32>> {
        match self {
            Self::Installed(embedder) => embedder.embed_query(text).map_err(from_model),
            Self::External(_) => self.embed(vec![text.to_owned()], TextKind::Query, Priority::Query),
        }
    }
}

impl External {
    /// Asks the endpoint for the vectors of texts.
    pub async fn embed(&self, texts: Vec<String>, kind: TextKind) -> Result<Vec<f32>> {
        let (prefix, patience) = match kind {
            TextKind::Query => (&self.identity.query_prefix, Patience::Query),
            TextKind::Document => (&self.identity.document_prefix, Patience::Ingest),
        };
        let prefixed: Vec<String> = match prefix.is_empty() {
            true => texts,
            false => texts.iter().map(|text| format!("{prefix}{text}")).collect(),
        };
        let vectors = self.endpoint.embed(&prefixed, patience).await?;
        let (whole, dimension) = (self.endpoint.settings().dimension, self.identity.dimension);
        Ok(match whole == dimension {
            true => vectors,
            false => vectors.chunks_exact(whole).flat_map(|vector| normalized(&vector[..dimension])).collect(),
        })
    }
}

/// Returns a vector of length one in the same direction; one of length zero stays, and is refused where it is stored.
fn normalized(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    let scale = if length > 0.0 { length } else { 1.0 };
    vector.iter().map(|&value| (f64::from(value) / scale) as f32).collect()
}

/// Estimates tokens, rather too many than too few: a letter outside of ASCII counts as one.
fn estimate_tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    ascii.div_ceil(TOKEN_CHARS) + others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_estimated_rather_too_many() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("who pays for travel?"), 7);
        assert_eq!(estimate_tokens("年假"), 2);
    }

    #[test]
    fn a_cut_vector_has_length_one() {
        assert_eq!(normalized(&[3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(normalized(&[0.0, 0.0]), [0.0, 0.0]);
    }
}
