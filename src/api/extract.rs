//! Parts of a request as checked values: names and ids of the path, the query, and JSON bodies.
//!
//! Refusals are problems with their exact reason. Unknown keys are refused by the wire types themselves.

use super::app::App;
use super::body::{Held, LARGE_BYTES, read_body};
use super::error::Problem;
use crate::error::Error;
use crate::schema::CollectionName;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query as AxumQuery, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::sync::OwnedSemaphorePermit;

/// Name of the collection in the path.
///
/// It is opened by the handler and not here, so that the body is read before the answer that there is no such
/// collection; a caller that is still sending would see a broken connection instead.
pub struct Name(pub CollectionName);

impl FromRequestParts<App> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let name = path_part(parts, app, "collection").await?;
        Ok(Self(CollectionName::parse(&name)?))
    }
}

/// Id of the document or job in the path.
pub struct Id(pub String);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_part(parts, app, "id").await.map(Self)
    }
}

async fn path_part(parts: &mut Parts, app: &App, name: &str) -> Result<String, Problem> {
    let malformed = || Error::Malformed { detail: "the path is not UTF-8".into() };
    let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| malformed())?;
    let found = path.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    Ok(found.ok_or_else(|| Error::Internal(format!("route has no path part '{name}'")))?)
}

/// The query of the address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let read = AxumQuery::<T>::try_from_uri(&parts.uri);
        let AxumQuery(query) = read.map_err(|rejection| {
            let reason = std::error::Error::source(&rejection).map_or_else(String::new, ToString::to_string);
            data_error(&reason)
        })?;
        Ok(Self(query))
    }
}

/// A JSON body; an empty one reads as an object without members.
pub struct Json<T> {
    /// What it says.
    pub value: T,
    /// Memory of the body, given back when the request is done.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let Held { bytes, permit } = read_body(app, &parts.headers, body).await?;
        if !bytes.is_empty() {
            check_is_json(&parts.headers)?;
        }
        Ok(Self { value: parse_json(bytes).await?, permit })
    }
}

/// Parses JSON, on a thread of its own when there is much of it.
pub async fn parse_json<T: DeserializeOwned + Send + 'static>(bytes: Bytes) -> Result<T, Problem> {
    if bytes.len() <= LARGE_BYTES {
        return parse_now(&bytes);
    }
    let parsed = tokio::task::spawn_blocking(move || parse_now(&bytes)).await;
    parsed.map_err(|error| Error::Internal(error.to_string()))?
}

fn parse_now<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => data_error(&error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => Error::Malformed { detail: error.to_string() }.into(),
    })
}

/// Makes the problem of a value that is well formed and does not fit, and names its field where the reason does.
fn data_error(reason: &str) -> Problem {
    let named = ["unknown field `", "missing field `", "duplicate field `"].iter().find_map(|start| {
        let (_, rest) = reason.split_once(start)?;
        rest.split('`').next()
    });
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_argument", reason);
    match named {
        Some(field) => problem.with("field", field),
        None => problem,
    }
}

fn check_is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let found = media_type(headers);
    if found == "application/json" || (found.starts_with("application/") && found.ends_with("+json")) {
        return Ok(());
    }
    Err(unsupported_media_type(&found, "application/json"))
}

/// Returns the media type of a body in lower case, without parameters; empty where none is given.
pub fn media_type(headers: &HeaderMap) -> String {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Makes the problem of a body in a form that the route does not read.
pub fn unsupported_media_type(found: &str, expected: &str) -> Problem {
    let found: String = found.chars().take(80).collect();
    let detail = format!("content type is '{found}', expected {expected}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        k: usize,
    }

    fn check(body: &str, code: &str, part: &str) {
        let problem = parse_now::<Sample>(body.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), code, "{body}");
        assert!(problem.detail().contains(part), "{} does not say {part}", problem.detail());
    }

    #[test]
    fn json_that_fits_is_read() {
        assert_eq!(parse_now::<Sample>(b"{\"k\": 1}").unwrap().k, 1);
    }

    #[test]
    fn broken_json_is_malformed() {
        check("{", "malformed_request", "EOF");
        check("{\"k\": 1,}", "malformed_request", "line 1");
    }

    #[test]
    fn well_formed_json_that_does_not_fit_names_the_reason() {
        check("{\"k\": 1, \"kk\": 2}", "invalid_argument", "unknown field `kk`");
        check("{\"k\": -1}", "invalid_argument", "-1");
        check("{\"k\": \"ten\"}", "invalid_argument", "ten");
        check("", "invalid_argument", "missing field `k`");
    }

    #[test]
    fn only_json_media_types_are_read_as_json() {
        let headers = |value: &str| HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
        for accepted in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(check_is_json(&headers(accepted)).is_ok(), "{accepted}");
        }
        for refused in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert_eq!(check_is_json(&headers(refused)).unwrap_err().code(), "unsupported_media_type");
        }
        assert!(check_is_json(&HeaderMap::new()).is_err());
    }
}
