//! The admin page: its files, carried in the program.
//!
//! Files are named one by one, so that nothing else can be asked for. The page itself lives in `web/`.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_64;

use super::error::Problem;

/// What the page may load: only what this server delivers, and nobody may put the page in a frame.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

const INDEX: &[u8] = include_bytes!("../../web/index.html");

/// Pairs each path below `/ui/` with the file of the same path in `web/`.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../web/", $path)) as &[u8])),*]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "api.js",
    "app.js",
    "style/activity.css",
    "style/base.css",
    "style/forms.css",
    "style/layout.css",
    "style/lists.css",
    "style/narrow.css",
    "style/parts.css",
    "style/table.css",
    "style/tokens.css",
    "ui/banner.js",
    "ui/confirm.js",
    "ui/form.js",
    "ui/format.js",
    "ui/highlight.js",
    "ui/load.js",
    "ui/parts.js",
    "ui/route.js",
    "ui/table.js",
    "vendor/LICENSE-htm.txt",
    "vendor/LICENSE-preact.txt",
    "vendor/preact.js",
    "views/collection.js",
    "views/collections.js",
    "views/document.js",
    "views/documents.js",
    "views/failure.js",
    "views/hit.js",
    "views/jobs.js",
    "views/place.js",
    "views/plan.js",
    "views/search.js",
    "views/upload.js",
    "views/versions.js",
];

/// Returns the page.
pub async fn read_page(headers: HeaderMap) -> Response {
    deliver("index.html", INDEX, &headers)
}

/// Returns a file of the page.
pub async fn read_page_file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|(known, _)| *known == path) {
        Some((path, bytes)) => deliver(path, bytes, &headers),
        None => Problem::new(StatusCode::NOT_FOUND, "not_found", "the page has no such file").into_response(),
    }
}

/// Answers with the policy of the page and a tag by which browsers ask for changes only.
pub fn deliver(path: &str, bytes: &'static [u8], asked: &HeaderMap) -> Response {
    let tag = format!("\"{:016x}\"", xxh3_64(bytes));
    let fresh = is_fresh(asked, &tag);
    let etag = HeaderValue::try_from(tag).expect("hexadecimal digits in quotes are a header value");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(path))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, etag),
    ];
    if fresh { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, bytes).into_response() }
}

/// Adds the policy of the page to another page of this server.
pub fn with_policy(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn is_fresh(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_has_not_changed_is_not_sent_again() {
        let first = read_page(HeaderMap::new()).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert!(first.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'"));
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone())]);
        assert_eq!(read_page(asked).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn everything_that_the_page_names_is_carried() {
        let page = std::str::from_utf8(INDEX).unwrap();
        for named in page.split('"').filter_map(|part| part.strip_prefix("/ui/")) {
            assert!(FILES.iter().any(|(path, _)| *path == named), "{named}");
        }
    }
}
