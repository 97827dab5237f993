//! What became of each file, for a person or a program, while an ingest runs and at its end.
//!
//! Lines go to stdout, the bar to stderr, and only where that is a terminal.

use crate::cli::context::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{one_line, print_json, print_line};
use crate::schema::Version;
use crate::store::{FileOutcome, NearDuplicate, Outcome};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Where it came from.
    pub uri: String,
    /// Id of its document; `None` where it could not become one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// What was done: `added`, `replaced`, `unchanged`, `removed`, `skipped` or `failed`.
    pub outcome: &'static str,
    /// Number of pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Chunks written.
    pub chunks: u64,
    /// Version that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What was doubtful when it was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The document of the collection that says nearly the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_duplicate_of: Option<NearDuplicateReport>,
}

/// A document that says nearly the same as a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NearDuplicateReport {
    document_id: String,
    uri: String,
    similarity: f32,
}

impl FileReport {
    /// Makes the report of a file with which this was done.
    pub fn new(uri: &str, outcome: &Outcome) -> Self {
        let error = match outcome {
            Outcome::Failed { code, detail } => Some(Failure::new(code, detail.clone())),
            _ => None,
        };
        Self {
            uri: uri.to_owned(),
            document_id: None,
            outcome: outcome.name(),
            pages: None,
            chunks: 0,
            version: None,
            error,
            warnings: Vec::new(),
            near_duplicate_of: None,
        }
    }

    /// Makes the report of a file that failed.
    pub fn failed(uri: &str, code: &'static str, detail: &str) -> Self {
        Self::new(uri, &Outcome::Failed { code, detail: detail.to_owned() })
    }
}

impl From<FileOutcome> for FileReport {
    fn from(outcome: FileOutcome) -> Self {
        Self {
            document_id: Some(outcome.document_id),
            pages: outcome.pages.map(u64::from),
            chunks: outcome.chunks as u64,
            version: outcome.version,
            warnings: outcome.warnings,
            near_duplicate_of: outcome.near_duplicate_of.map(|NearDuplicate { document_id, uri, similarity }| {
                NearDuplicateReport { document_id, uri, similarity }
            }),
            ..Self::new(&outcome.uri, &outcome.outcome)
        }
    }
}

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Summary {
    files: usize,
    added: usize,
    replaced: usize,
    unchanged: usize,
    removed: usize,
    skipped: usize,
    failed: usize,
    near_duplicates: usize,
    chunks: u64,
    pages: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
}

impl Summary {
    fn count(&mut self, file: &FileReport) {
        let counted = match file.outcome {
            "added" => &mut self.added,
            "replaced" => &mut self.replaced,
            "unchanged" => &mut self.unchanged,
            "removed" => &mut self.removed,
            "skipped" => &mut self.skipped,
            _ => &mut self.failed,
        };
        *counted += 1;
        self.files += 1;
        self.near_duplicates += usize::from(file.near_duplicate_of.is_some());
        self.chunks += file.chunks;
        self.pages += file.pages.unwrap_or(0);
        self.version = self.version.max(file.version);
    }

    fn line(&self) -> String {
        let Self { files, added, replaced, unchanged, removed, skipped, failed, chunks, pages, seconds, .. } = self;
        let skipped = if *skipped > 0 { format!("{skipped} skipped, ") } else { String::new() };
        format!(
            "{files} files: {added} added, {replaced} replaced, {unchanged} unchanged, {removed} removed, \
             {skipped}{failed} failed; {chunks} chunks, {pages} pages, {seconds:.1} s"
        )
    }
}

/// Reports files as they are done.
pub struct Reporter {
    json: bool,
    bar: ProgressBar,
    summary: Summary,
    started: Instant,
}

impl Reporter {
    /// Starts to report on so many files.
    pub fn new(files: usize, json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {elapsed}, {eta} left");
        bar.set_style(style.expect("the template above is well formed"));
        Self { json, bar, summary: Summary::default(), started: Instant::now() }
    }

    /// Starts to report on files of which nobody knows how many there will be.
    pub fn without_bar(json: bool) -> Self {
        Self { json, bar: ProgressBar::hidden(), summary: Summary::default(), started: Instant::now() }
    }

    /// Learns that there are fewer files to report on.
    pub fn expect(&self, files: usize) {
        self.bar.set_length(files as u64);
    }

    /// Reports a file.
    pub fn file(&mut self, file: FileReport) {
        self.summary.count(&file);
        self.bar.suspend(|| match self.json {
            true => print_json(&file),
            false => lines(&file).iter().for_each(|line| print_line(line)),
        });
        if file.outcome != "removed" {
            // Nobody knows beforehand how many files an archive holds.
            if Some(self.bar.position()) >= self.bar.length() {
                self.bar.inc_length(1);
            }
            self.bar.inc(1);
        }
    }

    /// Prints the summary and returns how the ingest ended.
    pub fn finish(mut self) -> Exit {
        self.bar.finish_and_clear();
        self.summary.seconds = self.started.elapsed().as_secs_f64();
        match self.json {
            true => print_json(&serde_json::json!({ "summary": self.summary })),
            false => print_line(&self.summary.line()),
        }
        let nothing = self.summary.files == 0 || self.summary.failed > 0;
        if nothing { Exit::Partly } else { Exit::Done }
    }
}

fn lines(file: &FileReport) -> Vec<String> {
    let pages = file.pages.map(|pages| format!("{pages} pages, ")).unwrap_or_default();
    let what = match (&file.error, file.chunks) {
        (Some(error), _) => format!("  {}: {}", error.code, one_line(&error.detail)),
        (None, 0) => String::new(),
        (None, chunks) => format!("  {pages}{chunks} chunks"),
    };
    let mut lines = vec![format!("{:<9}  {}{what}", file.outcome, one_line(&file.uri))];
    lines.extend(file.near_duplicate_of.iter().map(|near| {
        let (percent, uri) = ((near.similarity * 100.0).round(), one_line(&near.uri));
        format!("           nearly the same as {uri} ({percent} %)")
    }));
    lines.extend(file.warnings.iter().map(|warning| format!("           warning: {}", one_line(warning))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_line_and_counts_in_the_summary() {
        let added = FileReport { pages: Some(3), chunks: 7, ..FileReport::new("a.pdf", &Outcome::Added) };
        let doubtful = FileReport { warnings: vec!["page 2 failed".into()], ..added.clone() };
        let failed = FileReport::failed("b\n.xlsx", "unsupported_format", "format xlsx is not supported");
        let removed = FileReport::new("c.md", &Outcome::Removed);
        assert_eq!(lines(&added), ["added      a.pdf  3 pages, 7 chunks"]);
        assert_eq!(lines(&doubtful)[1], "           warning: page 2 failed");
        assert_eq!(lines(&failed), ["failed     b .xlsx  unsupported_format: format xlsx is not supported"]);
        assert_eq!(lines(&removed), ["removed    c.md"]);
        let mut summary = Summary::default();
        [added, failed, removed].iter().for_each(|file| summary.count(file));
        let Summary { files, added, failed, removed, chunks, pages, .. } = summary;
        assert_eq!((files, added, failed, removed, chunks, pages), (3, 1, 1, 1, 7, 3));
    }
}
