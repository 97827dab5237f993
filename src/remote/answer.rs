//! What the clients here have in common: how long to wait before asking again, and what an error of the network says.
//!
//! It sends nothing.

use crate::config::limits::RETRY_WAIT_MAX;
use reqwest::Response;
use std::time::Duration;

/// First wait before a busy server is asked again; each further one is twice as long.
const RETRY_WAIT_FIRST: Duration = Duration::from_millis(250);

/// Returns how long to wait before asking again for the n-th time, from 0: as the server says, or longer each time.
pub fn retry_wait(answer: Option<&Response>, retries: u32) -> Duration {
    let asked = answer.and_then(|answer| answer.headers().get("retry-after")?.to_str().ok()?.parse().ok());
    let wait = asked.map_or(RETRY_WAIT_FIRST * 2u32.pow(retries.min(8)), Duration::from_secs);
    wait.min(RETRY_WAIT_MAX)
}

/// Returns the deepest cause of an error, which says what happened, without the address, which may hold a signature.
pub fn cause(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    match error.is_timeout() {
        true => "it took too long to answer".to_owned(),
        false if std::error::Error::source(error).is_none() => "it did not answer as HTTP asks".to_owned(),
        false => deepest.to_string(),
    }
}
