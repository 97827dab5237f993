//! What is done around every request: its id, its panic, its metrics and its one log line.
//!
//! Logs the matched route and never the address, the query or a body: they hold texts and keys.

use super::error::{Fault, Problem};
use crate::error::Error;
use crate::telemetry;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// Header with the id of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that a caller may give, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// Route of requests that no route matches.
const UNMATCHED: &str = "unmatched";

/// Answers a request, whatever happens, and tells of it.
pub async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let _in_flight = InFlight::enter();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        telemetry::PANICS.add(&[], 1);
        Problem::from(Error::Internal("the handler panicked".to_owned())).into_response()
    });
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    tell(&Told { method, route, id: &id, duration: started.elapsed() }, &response);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

struct Told<'a> {
    method: &'static str,
    route: &'a str,
    id: &'a HeaderValue,
    duration: Duration,
}

fn tell(told: &Told<'_>, response: &Response) {
    let Told { method, route, id, duration } = *told;
    let status = response.status();
    telemetry::REQUESTS.add(&[("method", method), ("route", route), ("status", status.as_str())], 1);
    telemetry::REQUEST_SECONDS.observe(&[("route", route)], duration);
    let request_id = id.to_str().unwrap_or_default();
    if let Some(Fault(fault)) = response.extensions().get() {
        tracing::error!(request_id, route, fault, "request failed");
    }
    let duration_ms = duration.as_secs_f64() * 1e3;
    tracing::info!(method, route, status = status.as_u16(), duration_ms, request_id, "request");
}

/// Counts a request while it is answered, and stops when its caller leaves.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        telemetry::REQUESTS_IN_FLIGHT.add(&[], 1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        telemetry::REQUESTS_IN_FLIGHT.subtract(&[], 1);
    }
}

/// Takes the id that the caller gave, if it is visible ASCII of bearable length, or makes one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let usable = |id: &&HeaderValue| {
        (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if let Some(given) = headers.get(REQUEST_ID).filter(usable) {
        return given.clone();
    }
    let made = uuid::Uuid::new_v4().simple().to_string();
    HeaderValue::try_from(made).expect("hexadecimal digits are a header value")
}

/// Returns a method as a label; those that no route has are one, since callers may invent them.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_request_id_is_kept_only_if_it_fits_a_log_line() {
        let given = |value: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap())]);
            request_id(&headers)
        };
        assert_eq!(given("run-7/step:3"), "run-7/step:3");
        for refused in ["", "two words", "caf\u{e9}", &"x".repeat(129)] {
            assert_eq!(given(refused).len(), 32, "{refused:?}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
