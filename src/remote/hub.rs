//! A hub of models in the layout of Hugging Face: `/{owner}/{name}/resolve/{revision}/{file}`.
//!
//! A file may be a redirection to a store of large files; the hub then states its SHA-256. The first answer names the
//! commit that `main` is, and the other files are asked of that commit, so that a model is never put together from two.
//! A connection that breaks off is taken up where it ended. What the files hold is checked by the models crate.

use super::answer::{cause, retry_wait};
use crate::config::limits::{CONNECT_MAX, HUB_REDIRECTS_MAX, HUB_RESUMED_BYTES_MIN, HUB_RETRIES_MAX, HUB_SILENCE_MAX};
use crate::error::{Error, Result};
use ragstone_models::{Fetched, Partial};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use std::io::{self, Write};

/// A hub by its address.
pub struct Hub {
    client: Client,
    base: Url,
}

/// A repository of a hub.
pub struct Repository<'a> {
    hub: &'a Hub,
    parts: [&'a str; 2],
    revision: String,
}

/// An answer whose body is still to come.
struct Opened {
    response: Response,
    /// What this edition of the file is called.
    tag: Option<String>,
    /// What the hub says that the file hashes to.
    sha256: Option<String>,
}

/// Why a file did not come.
enum Stop {
    /// It may come when asked for again.
    Broken(String, Option<Response>),
    /// It will not.
    Refused(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Refused(error)
    }
}

impl Hub {
    /// Checks an address; nothing is sent yet.
    pub fn new(address: &str) -> Result<Self> {
        let invalid =
            |detail: &str| Error::InvalidSetting { name: "hub".into(), detail: format!("'{address}' {detail}") };
        let base = Url::parse(address).map_err(|_| invalid("is not an address such as https://hub.example"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(invalid("is not an http or https address"));
        }
        let client =
            Client::builder().connect_timeout(CONNECT_MAX).read_timeout(HUB_SILENCE_MAX).redirect(Policy::none());
        Ok(Self { client: client.build().map_err(|error| Error::Internal(error.to_string()))?, base })
    }

    /// Returns a repository by its name, `OWNER/NAME`.
    pub fn repository<'a>(&'a self, name: &'a str) -> Result<Repository<'a>> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match name.split_once('/') {
            Some((owner, model)) if plain(owner) && plain(model) => {
                Ok(Repository { hub: self, parts: [owner, model], revision: "main".to_owned() })
            }
            _ => Err(Error::InvalidArgument { field: "name", detail: format!("'{name}' is not OWNER/NAME") }),
        }
    }
}

impl Repository<'_> {
    /// Fetches a file into its place, behind what is there of the same edition.
    ///
    /// `told` gets the bytes that are there and those that there will be, whenever some have come.
    ///
    /// # Errors
    /// What the hub or the network said; the place then keeps what can be gone on with.
    pub async fn fetch(
        &mut self,
        file: &str,
        out: &mut Partial,
        told: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> io::Result<Fetched> {
        let mut retries = 0;
        loop {
            let held = out.held();
            match self.attempt(file, out, told).await {
                Ok(fetched) => return Ok(fetched),
                Err(Stop::Refused(error)) => return Err(error),
                // As long as each attempt brings something, the next one is worth it.
                Err(Stop::Broken(..)) if out.held() > held + HUB_RESUMED_BYTES_MIN => retries = 0,
                Err(Stop::Broken(detail, _)) if retries == HUB_RETRIES_MAX => return Err(io::Error::other(detail)),
                Err(Stop::Broken(_, answer)) => {
                    tokio::time::sleep(retry_wait(answer.as_ref(), retries)).await;
                    retries += 1;
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        file: &str,
        out: &mut Partial,
        told: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Fetched, Stop> {
        let mut from = if out.tag().is_some() { out.held() } else { 0 };
        let mut opened = self.open(file, from).await?;
        if from > 0 && !opened.continues(out) {
            from = 0;
            opened = self.open(file, from).await?;
        }
        let status = opened.response.status();
        match status {
            StatusCode::NOT_FOUND => return Ok(Fetched::Missing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let detail = "the hub refuses it: there is no such repository, or it asks for consent";
                return Err(io::Error::other(detail).into());
            }
            StatusCode::PARTIAL_CONTENT if from > 0 => {}
            StatusCode::OK => out.restart(opened.resumable_tag())?,
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Stop::Broken(format!("the hub answers with status {status}"), Some(opened.response)));
            }
            _ => return Err(io::Error::other(format!("the hub answers with status {status}")).into()),
        }
        let total = opened.bytes().map(|bytes| out.held() + bytes);
        match total {
            Some(total) if total > out.limit() => {
                let detail = format!("it has {total} bytes, and may have {}", out.limit());
                return Err(io::Error::other(detail).into());
            }
            None if out.limit() > LENGTHLESS_BYTES_MAX => {
                return Err(io::Error::other("the hub does not say how large it is").into());
            }
            _ => {}
        }
        told(out.held(), total);
        while let Some(bytes) = opened.response.chunk().await.map_err(|error| Stop::Broken(cause(&error), None))? {
            out.write_all(&bytes)?;
            told(out.held(), total);
        }
        Ok(Fetched::Whole { sha256: opened.sha256 })
    }

    /// Asks for a file from a byte on, and follows redirections.
    async fn open(&mut self, file: &str, from: u64) -> Result<Opened, Stop> {
        let mut url = self.url(file);
        let (mut tag, mut sha256) = (None, None);
        for _ in 0..=HUB_REDIRECTS_MAX {
            let mut request = self.hub.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let response = request.send().await.map_err(|error| Stop::Broken(cause(&error), None))?;
            let headers = response.headers();
            self.pin(headers);
            if tag.is_none() {
                tag = text(headers, "x-linked-etag").map(bare_tag);
                sha256 = tag.clone().filter(|tag| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
            if !response.status().is_redirection() {
                let tag = tag.or_else(|| text(response.headers(), ETAG.as_str()).map(bare_tag));
                return Ok(Opened { tag: tag.filter(|tag| !tag.is_empty()), sha256, response });
            }
            url = next(&url, headers)?;
        }
        Err(io::Error::other(format!("the hub sends on more than {HUB_REDIRECTS_MAX} times")).into())
    }

    fn url(&self, file: &str) -> Url {
        let mut url = self.hub.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(self.parts).push("resolve").push(&self.revision).extend(file.split('/'));
        }
        url
    }

    /// Stays at the commit that the hub names.
    fn pin(&mut self, headers: &HeaderMap) {
        let commit = text(headers, "x-repo-commit");
        let sound = |commit: &&str| commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(commit) = commit.filter(sound) {
            self.revision = commit.to_owned();
        }
    }
}

/// Bytes that a file may have where the hub does not say how many there are.
const LENGTHLESS_BYTES_MAX: u64 = 256 << 20;

impl Opened {
    /// Says whether the body goes on where the place ends, in the same edition.
    fn continues(&self, out: &Partial) -> bool {
        let range = text(self.response.headers(), CONTENT_RANGE.as_str()).unwrap_or_default();
        self.response.status() == StatusCode::PARTIAL_CONTENT
            && self.tag.is_some()
            && self.tag.as_deref() == out.tag()
            && range.starts_with(&format!("bytes {}-", out.held()))
    }

    /// Returns the tag under which the body is worth keeping.
    fn resumable_tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|_| self.bytes().is_some_and(|bytes| bytes >= HUB_RESUMED_BYTES_MIN))
    }

    /// Returns how many bytes are to come.
    fn bytes(&self) -> Option<u64> {
        text(self.response.headers(), CONTENT_LENGTH.as_str())?.parse().ok()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns what a tag names: weak ones name no bytes.
fn bare_tag(tag: &str) -> String {
    if tag.starts_with("W/") { String::new() } else { tag.trim_matches('"').to_owned() }
}

/// Returns where an answer sends on, which is never from a protected connection to an open one.
fn next(url: &Url, headers: &HeaderMap) -> io::Result<Url> {
    let refused = || io::Error::other("the hub sends on to where it must not");
    let next = text(headers, LOCATION.as_str()).and_then(|to| url.join(to).ok()).ok_or_else(refused)?;
    let protected = next.scheme() == "https" || (next.scheme() == "http" && url.scheme() == "http");
    if protected { Ok(next) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_file_has_an_address_below_its_repository() {
        let hub = Hub::new("http://hub.test/mirror/").unwrap();
        let url = hub.repository("BAAI/bge-small-zh-v1.5").unwrap().url("1_Pooling/a b?.json");
        assert_eq!(url.as_str(), "http://hub.test/mirror/BAAI/bge-small-zh-v1.5/resolve/main/1_Pooling/a%20b%3F.json");
    }

    #[test]
    fn what_is_no_repository_or_hub_is_refused() {
        let hub = Hub::new("https://hub.test").unwrap();
        for name in ["", "a", "/a", "a/", "a/b/c", "../a", "a/..", "a/b?c", "a/b%2e", "a b/c"] {
            assert!(hub.repository(name).is_err(), "{name}");
        }
        for address in ["hub.test", "ftp://hub.test", "file:///etc", ""] {
            assert_eq!(Hub::new(address).err().map(|error| error.code()), Some("invalid_setting"), "{address}");
        }
    }

    #[test]
    fn a_protected_connection_is_not_left_for_an_open_one() {
        let sent_to = |from: &str, to: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(to))]);
            next(&Url::parse(from).unwrap(), &headers).ok().map(String::from)
        };
        assert_eq!(sent_to("https://a/b", "/c"), Some("https://a/c".to_owned()));
        assert_eq!(sent_to("https://a/b", "https://d/e"), Some("https://d/e".to_owned()));
        assert_eq!(sent_to("http://a/b", "http://d/e"), Some("http://d/e".to_owned()));
        assert_eq!(sent_to("https://a/b", "http://a/b"), None);
        assert_eq!(sent_to("http://a/b", "file:///etc/passwd"), None);
    }
}
