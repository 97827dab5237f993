//! `ragstone ingest --watch`: keeps a collection in step with folders until told to stop.
//!
//! Looks at the folders again and again instead of asking the system to tell of changes, which it does not for folders
//! of other machines. A change is taken in when the next look finds it as it was, so that no file is read while it is
//! written, and none is removed while an editor puts another in its place. Only what was seen before is removed.

use super::command::{Keep, Plan, Which};
use super::find::{FoundFiles, find};
use super::local::ingest;
use super::report::Reporter;
use super::server::ingest_there;
use crate::api::stop_signals;
use crate::cli::context::{Context, Exit};
use crate::cli::failure::Failure;
use crate::cli::remote::Server;
use crate::schema::CollectionName;
use crate::store::NearDuplicates;
use ragstone_ingest::glob::Patterns;
use ragstone_ingest::walk::FoundFile;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What is kept in step with what.
pub struct Watch {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Which files of the folders are meant.
    pub patterns: Patterns,
    /// Time between two looks.
    pub interval: Duration,
    /// Where the documents go.
    pub collection: CollectionName,
    /// Metadata of every document.
    pub metadata: Map<String, Value>,
    /// What is done with documents that say nearly the same as others.
    pub near_duplicates: NearDuplicates,
    /// Whether the first look removes every document whose file is not there.
    pub syncs: bool,
}

/// Keeps a collection in step until a signal ends it, which is no failure.
pub async fn watch(watch: Watch, server: Option<&Server>, context: &Context) -> Result<Exit, Failure> {
    let mut stop = std::pin::pin!(stop_signals()?);
    let store = if server.is_none() { Some(context.open_store()?) } else { None };
    let mut reporter = Reporter::without_bar(context.json);
    let mut seen = Seen::default();
    eprintln!("watching every {} s, until interrupted", watch.interval.as_secs());
    let ended = loop {
        let step = seen.look(find(&watch.paths, &watch.patterns), &mut reporter);
        let plan = watch.plan(&step);
        if !plan.files.files.is_empty() || plan.keep.is_some() {
            let work = async {
                match (server, &store) {
                    (Some(server), _) => ingest_there(server, plan, &mut reporter).await,
                    (None, Some(store)) => ingest(store, plan, &mut reporter).await,
                    (None, None) => Ok(()),
                }
            };
            tokio::select! {
                result = work => match result {
                    Ok(()) => seen.take(step),
                    // A server that is away may come back.
                    Err(failure) if failure.code == "remote" => eprintln!("warning: {}; trying again", failure.detail),
                    Err(failure) if failure.code == "interrupted" => break Ok(()),
                    Err(failure) => break Err(failure),
                },
                () = &mut stop => break Ok(()),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(watch.interval) => {}
            () = &mut stop => break Ok(()),
        }
    };
    if let Some(store) = store {
        store.close().await;
    }
    reporter.finish();
    ended.map(|()| Exit::Done)
}

impl Watch {
    fn plan(&self, step: &Step) -> Plan {
        let files = FoundFiles { files: step.taken.clone(), failures: Vec::new() };
        let keep = match step.is_first && self.syncs && step.is_complete {
            true => Some(Keep::Found {
                uris: step.taken.iter().map(|file| file.uri.clone()).collect(),
                patterns: self.patterns.clone(),
            }),
            false => Some(Keep::AllBut(step.gone.clone())).filter(|_| !step.gone.is_empty()),
        };
        let (collection, metadata) = (self.collection.clone(), self.metadata.clone());
        Plan { collection, files, metadata, near_duplicates: self.near_duplicates, which: Which::All, keep }
    }
}

/// By what a change is known: time of the last one, and size.
type Stamp = (SystemTime, u64);

/// What was found so far.
#[derive(Default)]
struct Seen {
    /// Files as they were when they were taken in.
    taken: HashMap<String, Stamp>,
    /// Files as the last look found them; `None` before the first.
    last: Option<HashMap<String, Stamp>>,
    /// Paths whose failure was told.
    told: HashSet<String>,
}

/// What is to be done after a look.
struct Step {
    is_first: bool,
    /// Whether every path could be looked at.
    is_complete: bool,
    /// Files that are new or changed.
    taken: Vec<FoundFile>,
    /// Uris of files that are not there any more.
    gone: HashSet<String>,
}

impl Seen {
    /// Compares what is there with what was taken in; failures of paths are told once.
    fn look(&mut self, found: FoundFiles, reporter: &mut Reporter) -> Step {
        let is_unreadable = |code: &str| code == "unreadable";
        let codes = found.failures.iter().filter_map(|failure| failure.error.as_ref());
        let is_complete = !codes.into_iter().any(|error| is_unreadable(&error.code));
        for failure in found.failures {
            if self.told.insert(failure.uri.clone()) {
                reporter.file(failure);
            }
        }
        let now: HashMap<String, Stamp> = found.files.iter().map(|file| (file.uri.clone(), stamp(file))).collect();
        let last = self.last.replace(now);
        let now = self.last.as_ref().expect("it was put there on the line above");
        let is_settled = |uri: &String| last.as_ref().is_none_or(|last| last.get(uri) == now.get(uri));
        let is_new = |file: &FoundFile| self.taken.get(&file.uri) != Some(&stamp(file)) && is_settled(&file.uri);
        let is_gone = |uri: &&String| !now.contains_key(*uri) && is_settled(uri);
        Step {
            is_first: last.is_none(),
            is_complete,
            taken: found.files.into_iter().filter(is_new).collect(),
            gone: self.taken.keys().filter(|_| is_complete).filter(is_gone).cloned().collect(),
        }
    }

    /// Notes that a step was done.
    fn take(&mut self, step: Step) {
        self.taken.retain(|uri, _| !step.gone.contains(uri));
        self.taken.extend(step.taken.iter().map(|file| (file.uri.clone(), stamp(file))));
    }
}

fn stamp(file: &FoundFile) -> Stamp {
    (file.modified, file.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ingest::report::FileReport;

    fn found(files: &[(&str, u64)]) -> FoundFiles {
        let file = |&(uri, bytes): &(&str, u64)| FoundFile {
            path: uri.into(),
            uri: uri.into(),
            bytes,
            modified: SystemTime::UNIX_EPOCH,
        };
        FoundFiles { files: files.iter().map(file).collect(), failures: Vec::new() }
    }

    /// Looks, does what is to be done, and returns what that was.
    fn step(seen: &mut Seen, found: FoundFiles) -> (Vec<String>, Vec<String>) {
        let step = seen.look(found, &mut Reporter::without_bar(true));
        let taken = step.taken.iter().map(|file| file.uri.clone()).collect();
        let mut gone: Vec<_> = step.gone.iter().cloned().collect();
        gone.sort();
        seen.take(step);
        (taken, gone)
    }

    fn check(seen: &mut Seen, files: &[(&str, u64)], taken: &[&str], gone: &[&str]) {
        assert_eq!(
            step(seen, found(files)),
            (taken.iter().map(|it| (*it).into()).collect(), gone.iter().map(|it| (*it).into()).collect())
        );
    }

    #[test]
    fn a_change_is_taken_when_it_has_settled() {
        let mut seen = Seen::default();
        check(&mut seen, &[("a", 1), ("b", 1)], &["a", "b"], &[]);
        check(&mut seen, &[("a", 1), ("b", 2)], &[], &[]);
        check(&mut seen, &[("a", 1), ("b", 3)], &[], &[]);
        check(&mut seen, &[("a", 1), ("b", 3)], &["b"], &[]);
        check(&mut seen, &[("a", 1), ("b", 3), ("c", 1)], &[], &[]);
        check(&mut seen, &[("a", 1), ("b", 3), ("c", 1)], &["c"], &[]);
        check(&mut seen, &[("b", 3), ("c", 1)], &[], &[]);
        check(&mut seen, &[("a", 1), ("b", 3), ("c", 1)], &[], &[]);
        check(&mut seen, &[("b", 3), ("c", 1)], &[], &[]);
        check(&mut seen, &[("b", 3), ("c", 1)], &[], &["a"]);
        check(&mut seen, &[("b", 3), ("c", 1)], &[], &[]);
    }

    #[test]
    fn nothing_is_gone_while_a_path_cannot_be_looked_at() {
        let mut seen = Seen::default();
        check(&mut seen, &[("a", 1)], &["a"], &[]);
        let away =
            || FoundFiles { failures: vec![FileReport::failed("docs", "unreadable", "it is away")], ..found(&[]) };
        (0..3).for_each(|_| assert_eq!(step(&mut seen, away()), (Vec::new(), Vec::new())));
        check(&mut seen, &[("a", 1)], &[], &[]);
    }

    #[test]
    fn what_was_not_done_is_asked_for_again() {
        let mut seen = Seen::default();
        let mut reporter = Reporter::without_bar(true);
        seen.look(found(&[("a", 1)]), &mut reporter);
        assert_eq!(seen.look(found(&[("a", 1)]), &mut reporter).taken.len(), 1);
    }
}
