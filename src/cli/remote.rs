//! A running server as the command line sees it: requests, retries while it is busy, and its problems in its own words.
//!
//! Knows paths only as lists of parts; what they mean is the callers'. Proxies of the environment are not used.

use super::failure::Failure;
use crate::error::Error;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use std::time::Duration;

/// Time for a connection to be made.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Times that a busy server is asked again.
const RETRIES_MAX: u32 = 8;
/// Longest wait before a busy server is asked again.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);

/// A server by its address.
pub struct Server {
    client: Client,
    base: Url,
}

/// A request that was not answered as it should have been.
#[derive(Debug)]
pub struct Problem {
    /// Status of the answer; `None` where none came.
    pub status: Option<StatusCode>,
    /// What to tell.
    pub failure: Failure,
    /// What became of each file, where the problem is that of an upload.
    pub files: Vec<Value>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        problem.failure
    }
}

impl Problem {
    /// Returns whether the server is there and has no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(StatusCode::NOT_FOUND)
    }

    /// Returns whether the problem lies in what was sent, so that the next request may succeed.
    pub fn is_about_the_request(&self) -> bool {
        const ABOUT_IT: [StatusCode; 5] = [
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::INTERNAL_SERVER_ERROR,
        ];
        self.status.is_some_and(|status| ABOUT_IT.contains(&status))
    }
}

impl Server {
    /// Checks an address; nothing is sent yet.
    pub fn new(address: &str) -> Result<Self, Error> {
        let invalid =
            |detail: &str| Error::InvalidArgument { field: "server", detail: format!("'{address}' {detail}") };
        let base = Url::parse(address).map_err(|_| invalid("is not an address such as http://127.0.0.1:7878"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(invalid("is not an http or https address"));
        }
        let client = Client::builder().connect_timeout(CONNECT_MAX).build();
        Ok(Self { client: client.map_err(|error| Error::Internal(error.to_string()))?, base })
    }

    /// Gets JSON.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Problem> {
        let url = self.url(path, query);
        self.send(|| self.client.request(Method::GET, url.clone())).await
    }

    /// Sends JSON and gets JSON.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Problem> {
        let url = self.url(path, &[]);
        self.send(|| self.client.post(url.clone()).json(body)).await
    }

    /// Sends a file with its metadata, and gets JSON.
    pub async fn post_file(
        &self,
        (path, query): (&[&str], &[(&str, &str)]),
        uri: &str,
        bytes: Vec<u8>,
        metadata: &Value,
    ) -> Result<Value, Problem> {
        let url = self.url(path, query);
        // Shared bytes, since a busy server is sent the file again.
        let bytes = bytes::Bytes::from(bytes);
        self.send(|| {
            let file = Part::stream_with_length(bytes.clone(), bytes.len() as u64).file_name(uri.to_owned());
            let form = Form::new().text("metadata", metadata.to_string()).part("file", file);
            self.client.post(url.clone()).multipart(form)
        })
        .await
    }

    /// Deletes.
    pub async fn delete(&self, path: &[&str]) -> Result<Value, Problem> {
        let url = self.url(path, &[]);
        self.send(|| self.client.delete(url.clone())).await
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Value, Problem> {
        let mut retries = 0;
        loop {
            let answer = request().send().await.map_err(|error| self.unreachable(&error))?;
            let wait = retry_wait(&answer, retries);
            match wait.filter(|_| retries < RETRIES_MAX) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return self.read(answer).await,
            }
            retries += 1;
        }
    }

    async fn read(&self, answer: Response) -> Result<Value, Problem> {
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| self.unreachable(&error))?;
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        match json {
            Some(json) if status.is_success() => Ok(json),
            Some(mut json) if json["code"].is_string() => {
                let files = json["files"].as_array_mut().map(std::mem::take).unwrap_or_default();
                Err(Problem { status: Some(status), failure: said(&json), files })
            }
            // Proxies answer with pages of their own; the status is all that they tell.
            _ => {
                let detail = format!("it answered with status {status} and no JSON that was expected");
                Err(Problem { status: Some(status), failure: self.remote(detail), files: Vec::new() })
            }
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Problem {
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(deeper) = cause {
            detail = deeper.to_string();
            cause = deeper.source();
        }
        let failure = self.remote(detail).with_hint("check that `ragstone serve` runs at this address");
        Problem { status: None, failure, files: Vec::new() }
    }

    fn remote(&self, detail: String) -> Failure {
        Error::Remote { url: self.base.to_string(), detail }.into()
    }
}

/// Returns what a server said about a problem (RFC 9457).
fn said(problem: &Value) -> Failure {
    let text = |key: &str| problem[key].as_str().map(str::to_owned);
    let detail = text("detail").or_else(|| text("title")).unwrap_or_default();
    Failure { code: text("code").unwrap_or_default(), detail, hint: text("hint") }
}

/// Returns how long to wait before a busy server is asked again, `None` for every other answer.
fn retry_wait(answer: &Response, retries: u32) -> Option<Duration> {
    if !matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = asked.map_or(Duration::from_millis(250 << retries.min(7)), Duration::from_secs);
    Some(wait.min(RETRY_WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_place_in_a_path() {
        let server = Server::new("http://127.0.0.1:1/base/").unwrap();
        let url = server.url(&["v1", "collections", "a/b?c#d"], &[("filter", "x = '&'")]);
        assert_eq!(url.as_str(), "http://127.0.0.1:1/base/v1/collections/a%2Fb%3Fc%23d?filter=x+%3D+%27%26%27");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for address in ["127.0.0.1:7878", "ftp://a", "file:///etc", ""] {
            assert!(Server::new(address).is_err(), "{address}");
        }
    }

    #[test]
    fn a_servers_problem_keeps_its_code_and_hint() {
        let failure = said(&serde_json::json!({"code": "busy", "title": "Busy", "hint": "wait"}));
        assert_eq!((failure.code.as_str(), failure.detail.as_str()), ("busy", "Busy"));
        assert_eq!(failure.hint.as_deref(), Some("wait"));
    }
}
