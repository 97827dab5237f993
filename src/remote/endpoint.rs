//! An endpoint that embeds, in the shape of the OpenAI API: `POST {base_url}/embeddings`.
//!
//! Texts go out in batches. A busy endpoint is asked again after the time that it names, or longer each time; a vector is
//! taken only if there is one for each text, of the length that the settings state, of finite numbers. What the endpoint
//! says about a failure is told by its status and its code alone, since its words may repeat texts or keys.

use super::answer::{cause, retry_wait};
use crate::config::limits::{
    CONNECT_MAX, EMBEDDER_NUMBER_BYTES, EMBEDDER_OVERHEAD_BYTES, EMBEDDER_QUERY_RETRIES, EMBEDDER_QUERY_WAIT_MAX,
    RETRY_WAIT_MAX,
};
use crate::config::{Embedder, Secret};
use crate::error::{Error, Result};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest code of an endpoint's failure that is repeated.
const CODE_BYTES_MAX: usize = 64;

/// A model behind an endpoint.
pub struct Endpoint {
    name: String,
    client: Client,
    url: Url,
    settings: Embedder,
}

/// How long an endpoint is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Somebody waits for the answer.
    Query,
    /// Work in the background, as often as the settings say.
    Ingest,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalCode,
}

#[derive(Deserialize)]
struct RefusalCode {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Why there are no vectors.
enum Stop {
    /// There may be when asked again.
    Busy(String, Option<Response>),
    /// There will not.
    Failed(String),
}

impl Endpoint {
    /// Makes the client; nothing is sent yet.
    pub fn new(name: &str, settings: &Embedder) -> Result<Self> {
        let invalid = |detail: String| Error::InvalidSetting { name: format!("embedders.{name}.base_url"), detail };
        let address = format!("{}/embeddings", settings.base_url.trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|error| invalid(error.to_string()))?;
        // A redirection could carry the key elsewhere.
        let client = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .redirect(Policy::none())
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { name: name.to_owned(), client, url, settings: settings.clone() })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Embedder {
        &self.settings
    }

    /// Returns one vector a text, one behind the other, in the order of the texts.
    ///
    /// # Errors
    /// `Busy` when the endpoint stays busy, `Embedder` with what was wrong otherwise.
    pub async fn embed(&self, texts: &[String], patience: Patience) -> Result<Vec<f32>> {
        let key = self.key()?;
        let mut vectors = Vec::with_capacity(texts.len() * self.settings.dimension);
        for batch in texts.chunks(self.settings.batch) {
            vectors.extend(self.embed_batch(batch, key, patience).await?);
        }
        Ok(vectors)
    }

    fn key(&self) -> Result<Option<&Secret>> {
        match (&self.settings.key_env, &self.settings.key) {
            (Some(variable), None) => Err(self.failed(format!("the environment has no key in {variable}"))),
            (_, key) => Ok(key.as_ref()),
        }
    }

    async fn embed_batch(&self, texts: &[String], key: Option<&Secret>, patience: Patience) -> Result<Vec<f32>> {
        let (retries_max, wait_max) = match patience {
            Patience::Query => (self.settings.retries.min(EMBEDDER_QUERY_RETRIES), EMBEDDER_QUERY_WAIT_MAX),
            Patience::Ingest => (self.settings.retries, RETRY_WAIT_MAX),
        };
        let mut retries = 0;
        loop {
            match self.attempt(texts, key).await {
                Ok(vectors) => return Ok(vectors),
                Err(Stop::Failed(detail)) => return Err(self.failed(detail)),
                Err(Stop::Busy(detail, answer)) if retries == retries_max => {
                    tracing::warn!(embedder = %self.name, detail, retries, "embedder gave no answer");
                    let busy = answer.is_some_and(|answer| is_busy(answer.status()));
                    return Err(if busy { Error::Busy { what: "external embedder" } } else { self.failed(detail) });
                }
                Err(Stop::Busy(_, answer)) => {
                    tokio::time::sleep(retry_wait(answer.as_ref(), retries).min(wait_max)).await;
                    retries += 1;
                }
            }
        }
    }

    async fn attempt(&self, texts: &[String], key: Option<&Secret>) -> Result<Vec<f32>, Stop> {
        let body = Request { model: &self.settings.model, input: texts, encoding_format: "float" };
        let mut request = self.client.post(self.url.clone()).json(&body);
        if let Some(key) = key {
            request = request.bearer_auth(key.reveal());
        }
        let mut answer = request.send().await.map_err(|error| Stop::Busy(cause(&error), None))?;
        let status = answer.status();
        if is_busy(status) || status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(Stop::Busy(format!("it answers with status {status}"), Some(answer)));
        }
        let numbers = texts.len() * self.settings.dimension;
        let limit = EMBEDDER_OVERHEAD_BYTES + if status.is_success() { numbers * EMBEDDER_NUMBER_BYTES } else { 0 };
        let body = read(&mut answer, limit).await?;
        if !status.is_success() {
            return Err(Stop::Failed(format!("it answers with status {status}{}", code(&body))));
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| Stop::Failed(format!("its answer is not a list of vectors: {:?}", error.classify())))?;
        in_order(answer, texts.len(), self.settings.dimension).map_err(Stop::Failed)
    }

    fn failed(&self, detail: String) -> Error {
        Error::Embedder { name: self.name.clone(), detail }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

async fn read(answer: &mut Response, limit: usize) -> Result<Vec<u8>, Stop> {
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(|error| Stop::Busy(cause(&error), None))? {
        if body.len() + bytes.len() > limit {
            return Err(Stop::Failed(format!("its answer has more than {limit} bytes")));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// Returns the code that an endpoint gives its failure, if it is one.
fn code(body: &[u8]) -> String {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let code = refusal.and_then(|refusal| refusal.error.code.or(refusal.error.kind)).unwrap_or_default();
    let plain = code.len() <= CODE_BYTES_MAX && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain && !code.is_empty() { format!(" and code {code}") } else { String::new() }
}

/// Checks the vectors and puts them in the order of their texts.
fn in_order(answer: Answer, texts: usize, dimension: usize) -> Result<Vec<f32>, String> {
    let mut items = answer.data;
    if items.len() != texts {
        return Err(format!("it gave {} vectors for {texts} texts", items.len()));
    }
    items.sort_by_key(|item| item.index);
    let mut vectors = Vec::with_capacity(texts * dimension);
    for (at, item) in items.into_iter().enumerate() {
        if item.index != at {
            return Err(format!("it gave no vector for text {at}"));
        }
        if item.embedding.len() != dimension {
            return Err(format!("its vectors have {} dimensions, the settings say {dimension}", item.embedding.len()));
        }
        let length: f64 = item.embedding.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
        if !length.is_finite() || length == 0.0 {
            return Err("it gave a vector of length zero, or one that is not finite".to_owned());
        }
        vectors.extend(item.embedding);
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &str) -> Result<Vec<f32>, String> {
        let answer = serde_json::from_str(&format!("{{\"data\": {data}}}")).map_err(|error| error.to_string())?;
        in_order(answer, 2, 2)
    }

    #[test]
    fn vectors_are_put_in_the_order_of_their_texts() {
        let found = check(r#"[{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2], "object": "x"}]"#);
        assert_eq!(found, Ok(vec![1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn an_answer_that_is_not_what_was_asked_for_is_refused() {
        let first = r#"{"index": 0, "embedding": [1, 2]}"#;
        let second = |item: &str| check(&format!("[{first}, {item}]")).unwrap_err();
        assert!(check(&format!("[{first}]")).unwrap_err().contains("1 vectors for 2 texts"));
        assert!(second(first).contains("no vector for text 1"));
        assert!(second(r#"{"index": 7, "embedding": [1, 2]}"#).contains("no vector for text 1"));
        assert!(second(r#"{"index": 1, "embedding": [1, 2, 3]}"#).contains("3 dimensions"));
        assert!(second(r#"{"index": 1, "embedding": [0, 0]}"#).contains("length zero"));
        assert!(second(r#"{"index": 1, "embedding": [1e39, 0]}"#).contains("not finite"));
        assert!(check(r#"[{"index": 0, "embedding": [NaN, 0]}]"#).is_err());
        assert!(check(r#"[{"index": 0, "embedding": [null, 0]}]"#).is_err());
    }

    #[test]
    fn a_failure_is_told_by_its_code_and_not_by_its_words() {
        assert_eq!(code(br#"{"error": {"code": "invalid_api_key", "message": "sk-12"}}"#), " and code invalid_api_key");
        assert_eq!(code(br#"{"error": {"code": null, "type": "server_error"}}"#), " and code server_error");
        assert_eq!(code(br#"{"error": {"code": "key sk-12 is wrong"}}"#), "");
        assert_eq!(code(b"<html>"), "");
    }
}
