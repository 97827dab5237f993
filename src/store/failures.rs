//! Which files of a collection gave no document when they were last taken in, and why.
//!
//! A file is forgotten when it is taken in, or found unchanged, later. The list lies beside the table as lines of JSON,
//! which nothing needs to be correct: it is written every few seconds while files fail, and at the end of an ingest. One
//! that cannot be written or read is logged, and counts as empty.

use super::ingest::{FileOutcome, Outcome};
use crate::config::limits::FAILED_FILES_KEPT;
use chrono::{DateTime, SecondsFormat, Utc};
use ragstone_ingest::INSIDE;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufWriter, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Name of the list in the folder of a table.
const FILE: &str = "_failed.jsonl";
/// Shortest time between two writings of the list.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// Longest reason that is kept, in bytes.
const DETAIL_BYTES_MAX: usize = 1_000;

/// A file that gave no document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFile {
    /// Where it came from.
    pub uri: String,
    /// Stable code of the reason.
    pub code: String,
    /// The reason.
    pub detail: String,
    /// When it was last tried, RFC 3339.
    pub failed_at: String,
}

/// The files of a collection that failed.
pub struct Failures {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By uri; `None` until the list was read.
    files: Option<BTreeMap<String, FailedFile>>,
    is_changed: bool,
    saved: Option<Instant>,
}

impl Failures {
    /// Names the list of a table, by its folder; reads nothing yet.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE), state: Mutex::default() }
    }

    /// Lists failed files by uri, from behind one on.
    pub fn list(&self, after: Option<&str>, limit: usize) -> Vec<FailedFile> {
        let mut state = self.lock();
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.files(&mut state)
            .range::<str, _>((behind, Bound::Unbounded))
            .map(|(_, file)| file.clone())
            .take(limit)
            .collect()
    }

    /// Notes what became of a file.
    pub fn note(&self, outcome: &FileOutcome, now: DateTime<Utc>) {
        let mut state = self.lock();
        let files = self.files(&mut state);
        let is_changed = match &outcome.outcome {
            Outcome::Failed { code, detail } => {
                let failed_at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
                let detail = detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)].to_owned();
                let file = FailedFile { uri: outcome.uri.clone(), code: (*code).to_owned(), detail, failed_at };
                files.insert(outcome.uri.clone(), file);
                forget_oldest(files);
                true
            }
            _ => files.remove(&outcome.uri).is_some(),
        };
        state.is_changed |= is_changed;
        if state.saved.is_none_or(|saved| saved.elapsed() > SAVE_EVERY) {
            self.save_now(&mut state);
        }
    }

    /// Notes that an archive was read to its end: it is no failure itself, nor is what it no longer holds.
    pub fn note_archive(&self, uri: &str, held: &HashSet<String>) {
        let mut state = self.lock();
        let files = self.files(&mut state);
        let before = files.len();
        let inside = format!("{uri}{INSIDE}");
        files.retain(|failed, _| failed != uri && (!failed.starts_with(&inside) || held.contains(failed)));
        state.is_changed |= files.len() < before;
    }

    /// Forgets files that are gone.
    pub fn forget(&self, is_gone: impl Fn(&str) -> bool) {
        let mut state = self.lock();
        let files = self.files(&mut state);
        let before = files.len();
        files.retain(|uri, _| !is_gone(uri));
        state.is_changed |= files.len() < before;
        self.save_now(&mut state);
    }

    /// Writes the list where it has changed.
    pub fn save(&self) {
        self.save_now(&mut self.lock());
    }

    fn save_now(&self, state: &mut State) {
        if !std::mem::take(&mut state.is_changed) {
            return;
        }
        state.saved = Some(Instant::now());
        if let Err(error) = write(&self.path, self.files(state).values()) {
            tracing::warn!(file = %self.path.display(), %error, "list of failed files not written");
        }
    }

    fn files<'a>(&self, state: &'a mut State) -> &'a mut BTreeMap<String, FailedFile> {
        state.files.get_or_insert_with(|| {
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            let files = text.lines().filter_map(|line| serde_json::from_str::<FailedFile>(line).ok());
            files.take(FAILED_FILES_KEPT).map(|file| (file.uri.clone(), file)).collect()
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a list within its bound. A tenth more is let in, so that this is done seldom.
fn forget_oldest(files: &mut BTreeMap<String, FailedFile>) {
    if files.len() <= FAILED_FILES_KEPT + FAILED_FILES_KEPT / 10 {
        return;
    }
    let mut times: Vec<_> = files.values().map(|file| (file.failed_at.clone(), file.uri.clone())).collect();
    times.sort_unstable();
    for (_, uri) in times.drain(..files.len() - FAILED_FILES_KEPT) {
        files.remove(&uri);
    }
}

/// Writes the list in one step. Not synced: a list of an earlier moment does no harm.
fn write<'a>(path: &Path, files: impl Iterator<Item = &'a FailedFile>) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    let mut to = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    for file in files {
        serde_json::to_writer(&mut to, file)?;
        to.write_all(b"\n")?;
    }
    to.into_inner()?.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(uri: &str) -> FileOutcome {
        FileOutcome::new(uri, Outcome::Failed { code: "corrupt", detail: "reason".into() })
    }

    fn uris(failures: &Failures) -> Vec<String> {
        failures.list(None, usize::MAX).into_iter().map(|file| file.uri).collect()
    }

    #[test]
    fn a_failed_file_is_known_until_it_is_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let failures = Failures::new(folder.path());
        ["b.pdf", "a.pdf", "c.pdf"].iter().for_each(|uri| failures.note(&failed(uri), Utc::now()));
        failures.save();
        let again = Failures::new(folder.path());
        assert_eq!(uris(&again), ["a.pdf", "b.pdf", "c.pdf"]);
        assert_eq!(again.list(Some("a.pdf"), 1)[0].uri, "b.pdf");
        again.note(&FileOutcome::new("b.pdf", Outcome::Added), Utc::now());
        again.save();
        assert_eq!(uris(&Failures::new(folder.path())), ["a.pdf", "c.pdf"]);
    }

    #[test]
    fn an_archive_that_was_read_clears_itself_and_what_it_lost() {
        let folder = tempfile::tempdir().unwrap();
        let failures = Failures::new(folder.path());
        let uris_before = ["a.zip", "a.zip!/gone.pdf", "a.zip!/kept.pdf", "a.zipped"];
        uris_before.iter().for_each(|uri| failures.note(&failed(uri), Utc::now()));
        failures.note_archive("a.zip", &HashSet::from(["a.zip!/kept.pdf".to_owned()]));
        assert_eq!(uris(&failures), ["a.zip!/kept.pdf", "a.zipped"]);
    }

    #[test]
    fn the_list_is_bounded_and_a_damaged_one_is_read_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let failures = Failures::new(folder.path());
        let start = Utc::now();
        for at in 0..FAILED_FILES_KEPT + FAILED_FILES_KEPT / 10 + 1 {
            failures.note(&failed(&format!("{at:06}")), start + Duration::from_millis(at as u64));
        }
        assert_eq!(uris(&failures).len(), FAILED_FILES_KEPT);
        assert_eq!(uris(&failures)[0], format!("{:06}", FAILED_FILES_KEPT / 10 + 1), "the oldest are forgotten");
        std::fs::write(folder.path().join(FILE), b"{\"uri\": 3}\nnonsense\n").unwrap();
        assert!(uris(&Failures::new(folder.path())).is_empty());
    }
}
