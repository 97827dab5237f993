//! Searches of the collection `bench` at a rate, and what their latencies come to.

use super::server::Client;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections that the searches come from.
const CONNECTIONS: usize = 4;

/// Searches from several connections until it has been long enough, each search at its time by a rate; returns the
/// milliseconds from that time to each answer, so that one which waits for another is late too. Without a bound each
/// follows the last.
pub fn searches(address: &str, bodies: &[String], rate: f64, enough: &(dyn Fn(Duration) -> bool + Sync)) -> Vec<f64> {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let run = || {
        let (mut client, mut latencies) = (Client::connect(address), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_secs_f64(if rate.is_finite() { number as f64 / rate } else { 0.0 });
            if enough(due.max(begun.elapsed())) {
                return latencies;
            }
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let started = if rate.is_finite() { due } else { begun.elapsed() };
            client.post("/v1/collections/bench/search", &bodies[number % bodies.len()]);
            latencies.push((begun.elapsed() - started).as_secs_f64() * 1e3);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(run)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client does not panic")).collect()
    })
}

/// Returns what latencies in milliseconds come to, as members of a JSON object.
pub fn figures(mut latencies: Vec<f64>) -> String {
    let total: f64 = latencies.iter().sum();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    format!(
        "\"queries\":{},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"max_ms\":{:.2},\"qps\":{:.0}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        1e3 * latencies.len() as f64 / total
    )
}
