//! The settings of an external embedder: `[embedders.NAME]` in the settings file.
//!
//! The key itself stands in the environment, never in the file. What is sent belongs to `remote`.

use super::limits::{
    EMBEDDER_BATCH, EMBEDDER_BATCH_MAX, EMBEDDER_RETRIES, EMBEDDER_RETRIES_MAX, EMBEDDER_SECONDS, EMBEDDER_SECONDS_MAX,
    EMBEDDER_TOKENS,
};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::fmt;

/// A model behind an endpoint in the shape of the OpenAI API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    /// Address before `/embeddings`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// What the endpoint calls the model.
    pub model: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// Variable of the environment that holds the key; none is sent without one.
    pub key_env: Option<String>,
    /// The key; `None` where the variable is not set.
    #[serde(skip)]
    pub key: Option<Secret>,
    /// Texts in one request.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Seconds for one request.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// Times that a request is sent again.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Tokens that it reads of a text; documents are cut accordingly, by an estimate.
    #[serde(default = "max_tokens")]
    pub max_tokens: usize,
    /// What goes before a question.
    #[serde(default)]
    pub query_prefix: String,
    /// What goes before a document.
    #[serde(default)]
    pub document_prefix: String,
}

fn batch() -> usize {
    EMBEDDER_BATCH
}

fn timeout_seconds() -> u64 {
    EMBEDDER_SECONDS
}

fn retries() -> u32 {
    EMBEDDER_RETRIES
}

fn max_tokens() -> usize {
    EMBEDDER_TOKENS
}

/// Longest vector that a table holds.
const DIMENSION_MAX: usize = 8_192;
/// Most tokens that an embedder may be said to read.
const TOKENS_MAX: usize = 1 << 20;
/// Longest name, in bytes; the same as for model folders.
const NAME_BYTES_MAX: usize = 128;

impl Embedder {
    /// Checks the settings and takes the key from the environment.
    pub(super) fn check(mut self, name: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.chars().all(plain) {
            return Err(invalid(name, "", "its name is not made of letters, digits, '-', '_' and '.'".to_owned()));
        }
        self.check_ranges(name)?;
        let is_http = self.base_url.starts_with("http://") || self.base_url.starts_with("https://");
        if !is_http || self.base_url.contains('@') {
            let detail = "it is not an http or https address without a user".to_owned();
            return Err(invalid(name, ".base_url", detail));
        }
        if self.model.is_empty() {
            return Err(invalid(name, ".model", "it is empty".to_owned()));
        }
        let variable = self.key_env.as_ref().and_then(|variable| std::env::var(variable).ok());
        self.key = variable.filter(|key| !key.is_empty()).map(Secret);
        Ok(self)
    }

    fn check_ranges(&self, name: &str) -> Result<()> {
        let ranges = [
            (".dimension", self.dimension as u64, 2, DIMENSION_MAX as u64),
            (".batch", self.batch as u64, 1, EMBEDDER_BATCH_MAX as u64),
            (".timeout_seconds", self.timeout_seconds, 1, EMBEDDER_SECONDS_MAX),
            (".retries", u64::from(self.retries), 0, u64::from(EMBEDDER_RETRIES_MAX)),
            (".max_tokens", self.max_tokens as u64, 32, TOKENS_MAX as u64),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((part, value, least, most)) => {
                Err(invalid(name, part, format!("{value} is not between {least} and {most}")))
            }
            None => Ok(()),
        }
    }
}

fn invalid(name: &str, part: &str, detail: String) -> Error {
    Error::InvalidSetting { name: format!("embedders.{name}{part}"), detail }
}

/// A text that no log, message or answer shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: &str) -> Result<Embedder> {
        let usual = "base_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\ndimension = 3\n";
        let text = if change.contains("base_url") { change.to_owned() } else { format!("{usual}{change}") };
        let read: std::result::Result<Embedder, _> = toml::from_str(&text);
        read.map_err(|error| invalid("e", "", error.to_string()))?.check("e")
    }

    #[test]
    fn what_an_embedder_does_not_say_has_a_usual_value() {
        let embedder = read("").unwrap();
        assert_eq!((embedder.batch, embedder.timeout_seconds, embedder.retries), (64, 30, 4));
        assert_eq!((embedder.max_tokens, embedder.key), (512, None));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for wrong in ["batch = 0", "batch = 5000", "timeout_seconds = 0", "retries = 99", "max_tokens = 3", "key = 'k'"]
        {
            assert_eq!(read(wrong).unwrap_err().code(), "invalid_setting", "{wrong}");
        }
        let rest = "\nmodel = 'm'\ndimension = 3";
        for address in ["ftp://a", "a", "https://user:secret@a"] {
            assert!(read(&format!("base_url = '{address}'{rest}")).is_err(), "{address}");
        }
        assert!(read("").unwrap().check("../e").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret("sk-1234".to_owned());
        assert_eq!((format!("{secret:?}").as_str(), secret.reveal()), ("***", "sk-1234"));
    }
}
