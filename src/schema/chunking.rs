//! How the documents of a collection are cut: what callers may ask, and what is kept.
//!
//! What a caller says is checked here, value by value, so that each refusal names its field. What a model can read is
//! not known here; the store compares with it.

use crate::error::{Error, Result};
use ragstone_ingest::chunk::{ChunkStrategy, Overlap};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fewest tokens that a chunk may aim at.
pub const CHUNK_TOKENS_MIN: usize = 16;
/// Most tokens that a chunk may have.
pub const CHUNK_TOKENS_MAX: usize = 8_192;
/// Most sentences that a chunk may repeat.
const OVERLAP_SENTENCES_MAX: usize = 16;

/// Rules by which documents are cut, as they are kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chunking {
    /// Where chunks end.
    pub strategy: ChunkStrategy,
    /// Tokens that a chunk aims at.
    #[serde(alias = "target_tokens")]
    pub tokens: usize,
    /// Tokens that no chunk exceeds.
    pub max_tokens: usize,
    /// Tokens that a chunk repeats from the one before; `None` where that is bounded by sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<usize>,
    /// Sentences that a chunk repeats from the one before, where `overlap` does not say it in tokens.
    pub overlap_sentences: usize,
}

impl Default for Chunking {
    fn default() -> Self {
        let strategy = ChunkStrategy::default();
        Self { strategy, tokens: 256, max_tokens: 512, overlap: None, overlap_sentences: 1 }
    }
}

impl Chunking {
    /// Returns what a chunk repeats.
    pub fn repeats(&self) -> Overlap {
        self.overlap.map_or(Overlap::Sentences(self.overlap_sentences), Overlap::Tokens)
    }
}

/// What a caller asks of cutting; what is not said stays as it is.
///
/// Values are taken as they come, so that one of the wrong type is refused by the name of its field too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChunkingChoice {
    /// Where chunks end.
    pub strategy: Option<Value>,
    /// Tokens that a chunk aims at.
    #[serde(alias = "target_tokens")]
    pub tokens: Option<Value>,
    /// Tokens that no chunk exceeds; twice as many as it aims at without it.
    pub max_tokens: Option<Value>,
    /// Tokens that a chunk repeats from the one before, at most half of it.
    pub overlap: Option<Value>,
    /// Sentences that a chunk repeats from the one before, in place of tokens.
    pub overlap_sentences: Option<Value>,
}

impl ChunkingChoice {
    /// Returns whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the rules that come out when this is asked of some rules.
    pub fn applied_to(&self, usual: &Chunking) -> Result<Chunking> {
        let mut rules = usual.clone();
        if let Some(strategy) = &self.strategy {
            rules.strategy = parse_strategy(strategy)?;
        }
        if let Some(tokens) = &self.tokens {
            rules.tokens = parse_count("chunking.tokens", tokens, CHUNK_TOKENS_MIN, CHUNK_TOKENS_MAX)?;
            rules.max_tokens = (2 * rules.tokens).min(CHUNK_TOKENS_MAX);
        }
        if let Some(tokens) = &self.max_tokens {
            rules.max_tokens = parse_count("chunking.max_tokens", tokens, rules.tokens, CHUNK_TOKENS_MAX)?;
        }
        match (&self.overlap, &self.overlap_sentences) {
            (Some(_), Some(_)) => return Err(invalid("chunking.overlap", "overlap_sentences is given too")),
            (Some(tokens), None) => {
                rules.overlap = Some(parse_count("chunking.overlap", tokens, 0, rules.tokens / 2)?);
            }
            (None, Some(count)) => {
                let field = "chunking.overlap_sentences";
                rules.overlap_sentences = parse_count(field, count, 0, OVERLAP_SENTENCES_MAX)?;
                rules.overlap = None;
            }
            (None, None) => rules.overlap = rules.overlap.map(|tokens| tokens.min(rules.tokens / 2)),
        }
        Ok(rules)
    }
}

fn parse_strategy(value: &Value) -> Result<ChunkStrategy> {
    let named = value.as_str().and_then(|name| ChunkStrategy::NAMED.iter().find(|(known, _)| *known == name));
    let names = ChunkStrategy::NAMED.map(|(name, _)| name).join(", ");
    named
        .map(|(_, strategy)| *strategy)
        .ok_or_else(|| invalid("chunking.strategy", &format!("{} is none of {names}", shown(value))))
}

fn parse_count(field: &'static str, value: &Value, least: usize, most: usize) -> Result<usize> {
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (least..=most).contains(count));
    count.ok_or_else(|| invalid(field, &format!("{} is not a whole number from {least} to {most}", shown(value))))
}

/// Returns a caller's value for a message, not too long.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    text.truncate(text.floor_char_boundary(80));
    text
}

fn invalid(field: &'static str, detail: &str) -> Error {
    Error::InvalidArgument { field, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(choice: Value, expected: std::result::Result<&str, &str>) {
        let choice: ChunkingChoice = serde_json::from_value(choice).unwrap();
        let rules = choice.applied_to(&Chunking::default());
        let told = rules.map(|rules| serde_json::to_string(&rules).unwrap());
        let told = told.map_err(|error| error.field().unwrap().to_owned());
        assert_eq!(told, expected.map(str::to_owned).map_err(str::to_owned), "{choice:?}");
    }

    #[test]
    fn what_is_asked_is_kept_and_the_rest_is_as_usual() {
        let usual = r#"{"strategy":"structure","tokens":256,"max_tokens":512,"overlap_sentences":1}"#;
        check(json!({}), Ok(usual));
        let fixed = r#"{"strategy":"fixed","tokens":100,"max_tokens":200,"overlap":20,"overlap_sentences":1}"#;
        check(json!({"strategy": "fixed", "tokens": 100, "overlap": 20}), Ok(fixed));
        let page = r#"{"strategy":"page","tokens":256,"max_tokens":300,"overlap_sentences":0}"#;
        check(json!({"strategy": "page", "max_tokens": 300, "overlap_sentences": 0}), Ok(page));
    }

    #[test]
    fn each_refusal_names_its_field() {
        for (field, value) in [
            ("strategy", json!("semantic")),
            ("strategy", json!(3)),
            ("tokens", json!(15)),
            ("tokens", json!(-1)),
            ("tokens", json!("ten")),
            ("tokens", json!(100_000)),
            ("max_tokens", json!(255)),
            ("overlap", json!(129)),
            ("overlap", json!(1.5)),
            ("overlap_sentences", json!(17)),
        ] {
            check(json!({ field: value }), Err(&format!("chunking.{field}")));
        }
        check(json!({"overlap": 1, "overlap_sentences": 1}), Err("chunking.overlap"));
    }

    #[test]
    fn rules_of_earlier_builds_are_read() {
        let old = r#"{"target_tokens":300,"max_tokens":400,"overlap_sentences":2}"#;
        let rules: Chunking = serde_json::from_str(old).unwrap();
        assert_eq!((rules.tokens, rules.max_tokens, rules.repeats()), (300, 400, Overlap::Sentences(2)));
        assert_eq!(rules.strategy, ChunkStrategy::Structure);
    }
}
