//! Turns text into token ids, and counts tokens for whoever cuts texts to size.
//!
//! It does not pad, and it does not keep offsets: the model needs ids only.

use std::path::Path;

use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{Encoding, PostProcessor};

use crate::error::ModelError;
use crate::folder::read_text_file;

/// The ids of one text, or of a pair of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) ids: Vec<u32>,
    /// Where the second text of a pair begins; their number where there is none.
    pub(crate) second: usize,
}

/// A query that was split once, for all the texts that it is paired with.
pub(crate) struct Query(Encoding);

/// Splits text into the tokens of one model. Cheap to share, safe to use from many threads at once.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    lower_case: bool,
    max_tokens: usize,
    special_tokens: usize,
    document_prefix_tokens: usize,
    unknown: Option<u32>,
}

impl Tokenizer {
    /// Loads `tokenizer.json` and drops the padding and truncation that the file asks for: they belong to other uses.
    pub(crate) fn load(folder: &Path, max_tokens: usize, vocabulary: usize) -> Result<Tokenizer, ModelError> {
        let path = folder.join("tokenizer.json");
        let invalid = |detail: String| ModelError::InvalidFile { path: path.clone(), detail };
        let bytes = read_text_file(&path)?;
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| invalid(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        check_vocabulary(&inner, vocabulary)?;
        let special_tokens = inner.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        if special_tokens == 0 || max_tokens <= special_tokens {
            return Err(invalid(format!(
                "{special_tokens} special tokens, expected at least 1 and below {max_tokens}"
            )));
        }
        let unknown = ["[UNK]", "<unk>"].iter().find_map(|token| inner.token_to_id(token));
        Ok(Tokenizer { inner, lower_case: false, max_tokens, special_tokens, document_prefix_tokens: 0, unknown })
    }

    /// Drops the case of every text, and keeps room for a prefix of documents.
    pub(crate) fn with(mut self, lower_case: bool, document_prefix: &str) -> Tokenizer {
        self.lower_case = lower_case;
        self.document_prefix_tokens = self.count(document_prefix);
        self
    }

    /// Returns the number of tokens in a text, without special tokens and without a limit.
    ///
    /// A text that the tokenizer refuses counts its bytes, which is never too few; embedding it reports the error.
    pub fn count(&self, text: &str) -> usize {
        self.split(text).map_or(text.len(), |encoding| encoding.len())
    }

    /// Returns the longest input of the model in tokens, special tokens and prefix included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Returns the share of a text's tokens that the vocabulary knows, from 0 to 1; 1 for an empty text.
    ///
    /// Where it is low the model has hardly seen such words, and its vectors for them say little.
    pub fn readable_share(&self, text: &str) -> f32 {
        let Ok(encoding) = self.split(text) else { return 0.0 };
        let known = encoding.get_ids().iter().filter(|&&id| Some(id) != self.unknown).count();
        if encoding.is_empty() { 1.0 } else { known as f32 / encoding.len() as f32 }
    }

    /// Returns how many tokens of a document's text the model sees; what is beyond them does not change its vector.
    pub fn document_tokens_max(&self) -> usize {
        self.max_tokens.saturating_sub(self.special_tokens + self.document_prefix_tokens)
    }

    /// Returns the ids of prefix and text with the special tokens, cut to the model's limit. Never empty.
    pub(crate) fn encode(&self, prefix: &str, text: &str) -> Result<Tokens, ModelError> {
        let mut encoding = match prefix {
            "" => self.split(text),
            prefix => self.split(&format!("{prefix}{text}")),
        }
        .map_err(refused)?;
        encoding.truncate(self.max_tokens - self.special_tokens, 0, TruncationDirection::Right);
        let encoding = self.inner.post_process(encoding, None, true).map_err(refused)?;
        Ok(Tokens { ids: encoding.get_ids().to_vec(), second: encoding.len() })
    }

    /// Splits a query that is to be paired with texts.
    ///
    /// # Errors
    /// `QueryTooLong` when no token of a text would fit beside it.
    pub(crate) fn split_query(&self, query: &str) -> Result<Query, ModelError> {
        let encoding = self.split(query).map_err(refused)?;
        let limit = self.max_tokens.saturating_sub(self.special_tokens_of_pair() + 1);
        if encoding.len() > limit {
            return Err(ModelError::QueryTooLong { tokens: encoding.len(), limit });
        }
        Ok(Query(encoding))
    }

    /// Returns the ids of query and text with the special tokens; the text is cut to the model's limit.
    pub(crate) fn pair(&self, query: &Query, text: &str) -> Result<Tokens, ModelError> {
        let mut encoding = self.split(text).map_err(refused)?;
        let taken = query.0.len() + self.special_tokens_of_pair();
        encoding.truncate(self.max_tokens - taken, 0, TruncationDirection::Right);
        let pair = self.inner.post_process(query.0.clone(), Some(encoding), true).map_err(refused)?;
        let second = pair.get_type_ids().iter().position(|kind| *kind == 1);
        Ok(Tokens { ids: pair.get_ids().to_vec(), second: second.unwrap_or(pair.len()) })
    }

    fn special_tokens_of_pair(&self) -> usize {
        self.inner.get_post_processor().map_or(0, |processor| processor.added_tokens(true))
    }

    fn split(&self, text: &str) -> Result<Encoding, tokenizers::Error> {
        match self.lower_case {
            true => self.inner.encode_fast(text.to_lowercase(), false),
            false => self.inner.encode_fast(text, false),
        }
    }
}

fn refused(error: tokenizers::Error) -> ModelError {
    ModelError::Tokenize { detail: error.to_string() }
}

/// Refuses a vocabulary with ids beyond the embedding table, which would fail at the first text that uses one.
fn check_vocabulary(inner: &tokenizers::Tokenizer, size: usize) -> Result<(), ModelError> {
    let ids = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
    if ids <= size {
        return Ok(());
    }
    let tensor = "tokenizer.json vocabulary".to_string();
    Err(ModelError::WrongShape { tensor, found: vec![ids], expected: vec![size] })
}
