//! Refuses what the page of another site makes a browser send.
//!
//! There are no cookies here, so a foreign page can only reach a server that its visitor can reach, most often one on
//! the visitor's own machine. Such a request names the foreign page as its origin, or, when the page's name was rebound
//! to this address, as its host. Programs send neither. This is no authentication.

use super::app::{App, Reach};
use super::error::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Lets a request through, or answers why not.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(app.reach(), request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(reach: Reach, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = host(uri, headers);
    if reach == Reach::Loopback && host.as_deref().is_some_and(|host| !is_local(host)) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden_host", "host is not a name of this machine");
        return Err(problem.with("hint", "use localhost or an address; a proxy must send one of them as Host"));
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| changes) else { return Ok(()) };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    if authority.is_some() && authority.map(str::to_ascii_lowercase) == host {
        return Ok(());
    }
    let detail = "origin of the request is another site";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden_origin", detail))
}

/// Returns the host that a request names, with its port, in lower case.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = uri.authority().map(|authority| authority.as_str());
    let named = authority.or_else(|| headers.get(header::HOST)?.to_str().ok())?;
    Some(named.to_ascii_lowercase())
}

/// Returns whether a host is localhost or an address; no foreign page can have such a name.
fn is_local(host: &str) -> bool {
    let without_port = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = without_port.strip_suffix('.').unwrap_or(without_port);
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(reach: Reach, method: Method, host: &str, origin: Option<&str>) -> Option<&'static str> {
        let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
        check(reach, &method, &Uri::from_static("/v1/collections"), &headers).err().map(|problem| problem.code())
    }

    #[test]
    fn a_foreign_page_cannot_change_anything() {
        let here = "127.0.0.1:7878";
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9000", "http://127.0.0.1:7878.evil.example"] {
            assert_eq!(code(Reach::Network, Method::POST, here, Some(origin)), Some("forbidden_origin"), "{origin}");
            assert_eq!(code(Reach::Network, Method::GET, here, Some(origin)), None, "{origin}");
        }
    }

    #[test]
    fn programs_and_our_own_page_pass() {
        assert_eq!(code(Reach::Loopback, Method::POST, "127.0.0.1:7878", None), None);
        assert_eq!(code(Reach::Loopback, Method::DELETE, "localhost:7878", Some("http://localhost:7878")), None);
        assert_eq!(code(Reach::Network, Method::POST, "rag.example", Some("https://rag.example")), None);
    }

    #[test]
    fn a_name_that_was_rebound_to_this_machine_is_refused() {
        for method in [Method::GET, Method::POST] {
            let found = code(Reach::Loopback, method, "evil.example:7878", Some("http://evil.example:7878"));
            assert_eq!(found, Some("forbidden_host"));
        }
        for host in ["localhost", "localhost:7878", "[::1]:7878", "192.168.0.7:80", "a.localhost:1"] {
            assert_eq!(code(Reach::Loopback, Method::GET, host, None), None, "{host}");
        }
    }
}
