//! Turns text into token ids, and counts tokens for whoever cuts texts to size.
//!
//! It does not pad, and it does not keep offsets: the model needs ids only.

use tokenizers::PostProcessor;
use tokenizers::utils::truncation::TruncationDirection;

use crate::error::ModelError;
use crate::folder::read;
use crate::spec::ModelSpec;

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
    pub(crate) fn load(spec: &ModelSpec) -> Result<Tokenizer, ModelError> {
        let path = spec.transformer.join("tokenizer.json");
        let invalid = |detail: String| ModelError::InvalidFile { path: path.clone(), detail };
        let mut inner = tokenizers::Tokenizer::from_bytes(read(&path)?).map_err(|error| invalid(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        check_vocabulary(&inner, spec)?;
        let special_tokens = inner.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        if special_tokens == 0 || spec.max_tokens <= special_tokens {
            let limit = spec.max_tokens;
            return Err(invalid(format!("{special_tokens} special tokens, expected at least 1 and below {limit}")));
        }
        let (lower_case, max_tokens) = (spec.lower_case, spec.max_tokens);
        let unknown = ["[UNK]", "<unk>"].iter().find_map(|token| inner.token_to_id(token));
        let mut tokenizer =
            Tokenizer { inner, lower_case, max_tokens, special_tokens, document_prefix_tokens: 0, unknown };
        tokenizer.document_prefix_tokens = tokenizer.count(&spec.document_prefix);
        Ok(tokenizer)
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
    pub(crate) fn encode(&self, prefix: &str, text: &str) -> Result<Vec<u32>, ModelError> {
        let refused = |error: tokenizers::Error| ModelError::Tokenize { detail: error.to_string() };
        let mut encoding = match prefix {
            "" => self.split(text),
            prefix => self.split(&format!("{prefix}{text}")),
        }
        .map_err(refused)?;
        encoding.truncate(self.max_tokens - self.special_tokens, 0, TruncationDirection::Right);
        let encoding = self.inner.post_process(encoding, None, true).map_err(refused)?;
        Ok(encoding.get_ids().to_vec())
    }

    fn split(&self, text: &str) -> Result<tokenizers::Encoding, tokenizers::Error> {
        match self.lower_case {
            true => self.inner.encode_fast(text.to_lowercase(), false),
            false => self.inner.encode_fast(text, false),
        }
    }
}

/// Refuses a vocabulary with ids beyond the embedding table, which would fail at the first text that uses one.
fn check_vocabulary(inner: &tokenizers::Tokenizer, spec: &ModelSpec) -> Result<(), ModelError> {
    let ids = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
    if ids <= spec.bert.vocab_size {
        return Ok(());
    }
    let tensor = "tokenizer.json vocabulary".to_string();
    Err(ModelError::WrongShape { tensor, found: vec![ids], expected: vec![spec.bert.vocab_size] })
}
