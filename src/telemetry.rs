//! What the process tells about itself: log lines, and the one list of metrics with their help text.
//!
//! Knows no HTTP: `api` serves the text that [`render`] writes. Nothing is sampled, sent anywhere or kept on disk.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Upper bounds of the buckets of a histogram, in seconds: from a cached search to a long upload.
const BUCKETS_SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Starts writing log lines to stderr.
///
/// A bare level such as `info` holds for this program's own modules, and the libraries below it warn only; anything
/// longer is a filter such as `ragstone=debug,lance=info`.
pub fn start_logging(level: &str, format: LogFormat) -> Result<()> {
    let invalid = |detail: String| Error::InvalidSetting { name: "log".into(), detail };
    let filter = EnvFilter::try_new(directives(level)).map_err(|error| invalid(error.to_string()))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Plain => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| invalid(error.to_string()))
}

fn directives(level: &str) -> String {
    match level.parse::<LevelFilter>() {
        Ok(_) => format!("warn,ragstone={level},ragstone_ingest={level},ragstone_models={level}"),
        Err(_) => level.to_owned(),
    }
}

/// Requests that were answered.
pub static REQUESTS: Metric =
    Metric::new(Kind::Counter, "ragstone_requests_total", "Requests answered, by method, route and status.");
/// How long requests took.
pub static REQUEST_SECONDS: Metric =
    Metric::new(Kind::Histogram, "ragstone_request_duration_seconds", "Time until the answer began, by route.");
/// Requests under way.
pub static REQUESTS_IN_FLIGHT: Metric =
    Metric::new(Kind::Gauge, "ragstone_requests_in_flight", "Requests that are being answered.");
/// Handlers that panicked.
pub static PANICS: Metric = Metric::new(Kind::Counter, "ragstone_panics_total", "Requests whose handler panicked.");
/// Open connections.
pub static CONNECTIONS: Metric = Metric::new(Kind::Gauge, "ragstone_connections_open", "Open connections.");
/// Searches that were answered.
pub static SEARCHES: Metric =
    Metric::new(Kind::Counter, "ragstone_searches_total", "Searches answered, by strategy of the dense leg.");
/// Chunks that callers wrote.
pub static CHUNKS_WRITTEN: Metric =
    Metric::new(Kind::Counter, "ragstone_chunks_written_total", "Chunks written, by upserts and by documents.");
/// Chunks that were removed.
pub static CHUNKS_DELETED: Metric =
    Metric::new(Kind::Counter, "ragstone_chunks_deleted_total", "Chunks removed by requests.");
/// Documents by what became of them.
pub static DOCUMENTS: Metric = Metric::new(Kind::Counter, "ragstone_documents_total", "Files taken in, by outcome.");
/// Uploads whose files are in memory.
pub static UPLOADS: Metric = Metric::new(Kind::Gauge, "ragstone_uploads_in_flight", "Uploads held in memory.");
/// Jobs that have not ended.
pub static JOBS_RUNNING: Metric = Metric::new(Kind::Gauge, "ragstone_jobs_running", "Jobs that have not ended.");
/// Collections in memory.
pub static COLLECTIONS: Metric = Metric::new(Kind::Gauge, "ragstone_collections_open", "Collections that are open.");
/// Bytes of the collections in memory.
pub static COLLECTIONS_BYTES: Metric = Metric::new(
    Kind::Gauge,
    "ragstone_collections_open_bytes",
    "Memory of open collections, roughly, mapped graphs and postings aside.",
);
/// Memory of the process.
pub static MEMORY: Metric =
    Metric::new(Kind::Gauge, "process_resident_memory_bytes", "Memory of the process that is in use.");

/// Every metric, in the order in which they are shown.
pub static METRICS: &[&Metric] = &[
    &REQUESTS,
    &REQUEST_SECONDS,
    &REQUESTS_IN_FLIGHT,
    &PANICS,
    &CONNECTIONS,
    &SEARCHES,
    &CHUNKS_WRITTEN,
    &CHUNKS_DELETED,
    &DOCUMENTS,
    &UPLOADS,
    &JOBS_RUNNING,
    &COLLECTIONS,
    &COLLECTIONS_BYTES,
    &MEMORY,
];

/// How the values of a metric are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in buckets.
    Histogram,
}

/// A named measurement with one series for each set of labels.
///
/// Labels must come from closed sets, never from callers, so that the number of series stays bounded.
pub struct Metric {
    kind: Kind,
    name: &'static str,
    help: &'static str,
    series: RwLock<BTreeMap<String, Arc<Series>>>,
}

/// Names and values of labels.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

#[derive(Default)]
struct Series {
    /// Value of a counter or gauge, number of observations of a histogram.
    value: AtomicU64,
    sum_micros: AtomicU64,
    /// Observations for each bound, not cumulated.
    buckets: [AtomicU64; BUCKETS_SECONDS.len()],
}

impl Metric {
    const fn new(kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self { kind, name, help, series: RwLock::new(BTreeMap::new()) }
    }

    /// Adds to a counter or gauge.
    pub fn add(&self, labels: Labels<'_>, by: u64) {
        self.series(labels).value.fetch_add(by, Ordering::Relaxed);
    }

    /// Takes from a gauge what was added before.
    pub fn subtract(&self, labels: Labels<'_>, by: u64) {
        self.series(labels).value.fetch_sub(by, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, labels: Labels<'_>, value: u64) {
        self.series(labels).value.store(value, Ordering::Relaxed);
    }

    /// Puts a duration into a histogram.
    pub fn observe(&self, labels: Labels<'_>, duration: Duration) {
        let series = self.series(labels);
        let seconds = duration.as_secs_f64();
        if let Some(at) = BUCKETS_SECONDS.iter().position(|&bound| seconds <= bound) {
            series.buckets[at].fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        series.sum_micros.fetch_add(micros, Ordering::Relaxed);
        series.value.fetch_add(1, Ordering::Relaxed);
    }

    fn series(&self, labels: Labels<'_>) -> Arc<Series> {
        let key = label_text(labels);
        if let Some(series) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return series.clone();
        }
        self.series.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }

    fn render(&self, text: &mut String) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let Self { name, help, .. } = self;
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for (labels, series) in self.series.read().unwrap_or_else(PoisonError::into_inner).iter() {
            match self.kind {
                Kind::Histogram => series.render_buckets(name, labels, text)?,
                Kind::Counter | Kind::Gauge => {
                    let value = series.value.load(Ordering::Relaxed);
                    writeln!(text, "{name}{} {value}", in_braces(labels))?;
                }
            }
        }
        Ok(())
    }
}

impl Series {
    fn render_buckets(&self, name: &str, labels: &str, text: &mut String) -> std::fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut cumulated = 0;
        for (bound, bucket) in BUCKETS_SECONDS.iter().zip(&self.buckets) {
            cumulated += bucket.load(Ordering::Relaxed);
            writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {cumulated}")?;
        }
        let count = self.value.load(Ordering::Relaxed).max(cumulated);
        let seconds = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let labelled = in_braces(labels);
        writeln!(text, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}")?;
        writeln!(text, "{name}_sum{labelled} {seconds}\n{name}_count{labelled} {count}")
    }
}

/// Writes every metric in the text form of Prometheus.
pub fn render() -> String {
    let mut text = String::with_capacity(4096);
    for metric in METRICS {
        // Writing into a string cannot fail.
        let _ = metric.render(&mut text);
    }
    text
}

/// Returns the memory of this process that is in use, `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn in_braces(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

fn label_text(labels: Labels<'_>) -> String {
    let mut text = String::with_capacity(64);
    for (at, (name, value)) in labels.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Debug form escapes quotes, backslashes and line ends as the format wants them.
        let _ = write!(text, "{comma}{name}={value:?}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(metric: &Metric) -> String {
        let mut text = String::new();
        metric.render(&mut text).unwrap();
        text
    }

    #[test]
    fn a_counter_has_a_line_for_each_set_of_labels() {
        let metric = Metric::new(Kind::Counter, "x_total", "Help.");
        metric.add(&[("route", "/a")], 2);
        metric.add(&[("route", "/a")], 1);
        metric.add(&[], 5);
        let expected = "# HELP x_total Help.\n# TYPE x_total counter\nx_total 5\nx_total{route=\"/a\"} 3\n";
        assert_eq!(rendered(&metric), expected);
    }

    #[test]
    fn buckets_of_a_histogram_are_cumulated() {
        let metric = Metric::new(Kind::Histogram, "x_seconds", "Help.");
        for millis in [1, 3, 60_000] {
            metric.observe(&[("route", "/a")], Duration::from_millis(millis));
        }
        let text = rendered(&metric);
        for line in [
            "x_seconds_bucket{route=\"/a\",le=\"0.001\"} 1",
            "x_seconds_bucket{route=\"/a\",le=\"0.005\"} 2",
            "x_seconds_bucket{route=\"/a\",le=\"30\"} 2",
            "x_seconds_bucket{route=\"/a\",le=\"+Inf\"} 3",
            "x_seconds_sum{route=\"/a\"} 60.004",
            "x_seconds_count{route=\"/a\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn metric_names_are_unique_and_follow_their_kind() {
        let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        }
    }

    #[test]
    fn a_bare_level_leaves_libraries_at_warn() {
        assert!(directives("debug").starts_with("warn,ragstone=debug"));
        assert_eq!(directives("lance=info"), "lance=info");
    }
}
