//! The flags of `ingest`, and the choice between data folder and server.
//!
//! Reads no file's content.

use super::find::{FoundFiles, find};
use super::local::ingest_here;
use super::preview::preview;
use super::report::Reporter;
use super::server::ingest_there;
use super::watch::{Watch, watch};
use crate::cli::args::{ChunkingArgs, parse_collection};
use crate::cli::context::{Context, Exit};
use crate::cli::failure::Failure;
use crate::cli::remote::Server;
use crate::schema::CollectionName;
use crate::store::NearDuplicates;
use clap::Args;
use ragstone_ingest::INSIDE;
use ragstone_ingest::glob::Patterns;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::Duration;

/// Seconds between two looks of a watch, unless other ones are asked for.
const INTERVAL_SECONDS: u64 = 2;
/// Most seconds between two looks of a watch.
const INTERVAL_SECONDS_MAX: u64 = 3_600;

/// Flags of `ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Ingest these files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put them into this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// Send them to the server at this address
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Give each document this metadata
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_metadata)]
    metadata: Vec<(String, Value)>,
    /// Take only files that match, such as '*.pdf'
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Leave out what matches, such as 'drafts/**'
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Remove documents whose files are gone
    #[arg(long)]
    sync: bool,
    /// Take only files that failed before
    #[arg(long, conflicts_with_all = ["sync", "dry_run"])]
    retry_failed: bool,
    /// Leave out documents that say nearly the same
    #[arg(long)]
    skip_near_duplicates: bool,
    /// Go on, and take in what changes
    #[arg(long, conflicts_with_all = ["retry_failed", "dry_run"])]
    watch: bool,
    /// Wait so long between two looks
    #[arg(long, value_name = "SECONDS", requires = "watch", default_value_t = INTERVAL_SECONDS)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=INTERVAL_SECONDS_MAX))]
    interval: u64,
    /// Open encrypted PDFs with passwords, one a line
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) password_file: Option<PathBuf>,
    /// Print the chunks, and write nothing
    #[arg(long, conflicts_with = "sync")]
    dry_run: bool,
    #[command(flatten)]
    chunking: ChunkingArgs,
}

/// What is to be done, checked.
pub struct Plan {
    /// Where the documents go.
    pub collection: CollectionName,
    /// Files, each under its own uri.
    pub files: FoundFiles,
    /// Metadata of every document.
    pub metadata: Map<String, Value>,
    /// What is done with documents that say nearly the same as others.
    pub near_duplicates: NearDuplicates,
    /// Which of the files are taken.
    pub which: Which,
    /// What stays when documents whose files are gone are removed; `None` where nothing is removed.
    pub keep: Option<Keep>,
}

/// Which of the files of a plan are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those that failed when they were last taken in, and archives that hold such.
    Failed,
}

impl Plan {
    /// Leaves out the files that did not fail, where only those are to be taken.
    pub fn keep_failed(&mut self, failed: &BTreeSet<String>) {
        let has_failed = |uri: &String| {
            let inside = format!("{uri}{INSIDE}");
            failed.contains(uri) || failed.range(inside.clone()..).next().is_some_and(|next| next.starts_with(&inside))
        };
        self.files.files.retain(|file| has_failed(&file.uri));
    }
}

/// Which documents stay when files are gone.
pub enum Keep {
    /// Those of files that were found, and those that the patterns are not about.
    Found {
        /// Where the files came from.
        uris: HashSet<String>,
        /// Which files are meant.
        patterns: Patterns,
    },
    /// All but those of these files.
    AllBut(HashSet<String>),
}

impl Keep {
    /// Returns whether the document of a uri stays. Files inside an archive stay with it: what is gone from it is its
    /// own affair, and patterns are about the archive.
    pub fn holds(&self, uri: &str) -> bool {
        let archives = || uri.match_indices(INSIDE).map(|(at, _)| &uri[..at]);
        let is_in = |uris: &HashSet<String>| uris.contains(uri) || archives().any(|archive| uris.contains(archive));
        match self {
            Self::Found { uris, patterns } => is_in(uris) || !patterns.wants(archives().next().unwrap_or(uri)),
            Self::AllBut(gone) => !is_in(gone),
        }
    }
}

/// Reads `key=value`; the value is a number, `true`, `false`, `null`, a quoted text or a list of texts as in JSON, and
/// any other text stands for itself.
fn parse_metadata(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("it is not KEY=VALUE")?;
    if key.is_empty() {
        return Err("it has no key before the =".to_owned());
    }
    let is_list_of_texts = |items: &[Value]| items.iter().all(Value::is_string);
    let value = match serde_json::from_str(value) {
        Ok(Value::Array(items)) if is_list_of_texts(&items) => Value::Array(items),
        Ok(scalar) if !matches!(scalar, Value::Array(_) | Value::Object(_)) => scalar,
        _ => Value::String(value.to_owned()),
    };
    Ok((key.to_owned(), value))
}

/// Ingests the files and reports each one.
pub async fn run(args: IngestArgs, context: &Context) -> Result<Exit, Failure> {
    let server = args.server.as_deref().map(Server::new).transpose()?;
    let patterns = Patterns { include: args.include, exclude: args.exclude };
    if args.dry_run {
        let files = find(&args.paths, &patterns);
        return preview(context, (&args.collection, server.as_ref()), args.chunking, files).await;
    }
    if server.is_some() && args.password_file.is_some() {
        let failure = Failure::new("invalid_argument", "a server opens files with the passwords of its own settings");
        return Err(failure.with_hint("name the file as password_file under [ingest] in the settings of the server"));
    }
    if !args.chunking.choice().is_empty() {
        let failure = Failure::new("invalid_argument", "flags about chunks stand with --dry-run only");
        return Err(failure.with_hint("choose the rules of a collection with `ragstone collections create`"));
    }
    let near_duplicates = if args.skip_near_duplicates { NearDuplicates::Skip } else { NearDuplicates::Tell };
    let metadata = args.metadata.into_iter().collect();
    if args.watch {
        let interval = Duration::from_secs(args.interval);
        let (paths, collection, syncs) = (args.paths, args.collection, args.sync);
        let what = Watch { paths, patterns, interval, collection, metadata, near_duplicates, syncs };
        return watch(what, server.as_ref(), context).await;
    }
    let mut files = find(&args.paths, &patterns);
    let mut reporter = Reporter::new(files.files.len() + files.failures.len(), context.json);
    let complete = files.failures.is_empty();
    files.failures.drain(..).for_each(|failure| reporter.file(failure));
    if args.sync && !complete {
        eprintln!("warning: nothing is removed, since not every path could be read");
    }
    let uris = || files.files.iter().map(|file| file.uri.clone()).collect();
    let keep = (args.sync && complete).then(|| Keep::Found { uris: uris(), patterns });
    if files.files.is_empty() && keep.is_none() {
        return Ok(reporter.finish());
    }
    let which = if args.retry_failed { Which::Failed } else { Which::All };
    let plan = Plan { collection: args.collection, files, metadata, near_duplicates, which, keep };
    let result = match server {
        Some(server) => ingest_there(&server, plan, &mut reporter).await,
        None => ingest_here(context, plan, &mut reporter).await,
    };
    let exit = reporter.finish();
    result.map(|()| exit)
}

/// Makes the failure of an ingest that a signal ended.
pub fn interrupted() -> Failure {
    let detail = "interrupted before every file was ingested";
    Failure::new("interrupted", detail).with_hint("run the same command again: what is done is skipped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sync_with_patterns_removes_only_what_they_are_about() {
        let patterns = Patterns { include: vec!["*.pdf".into()], exclude: vec!["drafts/**".into()] };
        let keep = Keep::Found { uris: HashSet::from(["a.pdf".to_owned()]), patterns };
        assert!(keep.holds("a.pdf") && keep.holds("notes.md") && keep.holds("drafts/b.pdf"));
        assert!(!keep.holds("gone.pdf"));
    }

    #[test]
    fn files_inside_an_archive_stay_and_go_with_it() {
        let keep = Keep::Found { uris: HashSet::from(["x!/a.zip".to_owned()]), patterns: Patterns::default() };
        assert!(keep.holds("x!/a.zip!/b.md") && keep.holds("x!/a.zip!/b.zip!/c.md"));
        assert!(!keep.holds("gone.zip!/b.md"));
        let patterns = Patterns { include: vec!["*.md".into()], exclude: Vec::new() };
        let keep = Keep::Found { uris: HashSet::new(), patterns };
        assert!(keep.holds("a.zip!/b.md"), "the patterns are not about archives");
        let keep = Keep::AllBut(HashSet::from(["a.zip".to_owned()]));
        assert!(keep.holds("b.zip!/b.md") && !keep.holds("a.zip!/b.md") && !keep.holds("a.zip"));
    }

    #[test]
    fn a_metadata_value_is_a_json_scalar_or_else_a_text() {
        let cases = [
            ("year=2020", json!(2020)),
            ("share=0.5", json!(0.5)),
            ("public=true", json!(true)),
            ("owner=null", json!(null)),
            ("code=\"007\"", json!("007")),
            ("code=007", json!("007")),
            ("title=a = b", json!("a = b")),
            ("empty=", json!("")),
            ("tags=[\"x\", \"y\"]", json!(["x", "y"])),
            ("mixed=[1]", json!("[1]")),
            ("object={}", json!("{}")),
            ("department=人事", json!("人事")),
            ("since=2026-03-01T00:00:00Z", json!("2026-03-01T00:00:00Z")),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_metadata(text).unwrap().1, expected, "{text}");
        }
        assert!(parse_metadata("year").is_err());
        assert!(parse_metadata("=2020").is_err());
    }
}
