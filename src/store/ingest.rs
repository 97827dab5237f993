//! Many files into one collection: read and cut on several threads, embed, write, and report each file.
//!
//! The stages overlap through bounded queues, so memory does not grow with the folder. A file is one commit, done or not
//! done; what is there unchanged is skipped, so an ingest that was killed goes on where it stopped. A file that fails is
//! an outcome, never an end.

use super::collection::{Collection, EmbeddedRows, blocking, blocking_on};
use super::document::{CutDocument, IngestContext, document_id, sha256};
use super::view::{Include, OnConflict, Written};
use crate::error::{Error, Result};
use crate::schema::{Version, row};
use futures::stream::{FuturesUnordered, StreamExt};
use ragstone_ingest::ReadError;
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Documents that wait between two stages.
const QUEUE_DOCUMENTS: usize = 4;

/// A file to ingest.
#[derive(Clone, Debug)]
pub struct IngestFile {
    /// Where it came from: path below the ingested folder, with `/`.
    pub uri: String,
    /// Its bytes, or where to read them.
    pub content: Content,
}

/// The bytes of a file, or where to read them.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Bytes(Vec<u8>),
    /// On disk.
    Path(PathBuf),
}

/// What holds for every file of an ingest.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// Metadata of every document.
    pub metadata: Map<String, serde_json::Value>,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct FileOutcome {
    /// Where it came from.
    pub uri: String,
    /// Id of its document.
    pub document_id: String,
    /// What was done.
    pub outcome: Outcome,
    /// Number of pages.
    pub pages: Option<u32>,
    /// Chunks written.
    pub chunks: usize,
    /// Version that shows it.
    pub version: Option<Version>,
    /// What was doubtful when it was read.
    pub warnings: Vec<String>,
}

/// What was done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was new.
    Added,
    /// It took the place of an earlier one.
    Replaced,
    /// It was there with the same bytes.
    Unchanged,
    /// It was in the collection and no longer in the folder.
    Removed,
    /// It gave no document.
    Failed {
        /// Stable code of the reason.
        code: &'static str,
        /// The reason.
        detail: String,
    },
}

impl Outcome {
    /// Returns the name used in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::Failed { .. } => "failed",
        }
    }
}

impl FileOutcome {
    fn new(uri: &str, outcome: Outcome) -> Self {
        Self {
            uri: uri.to_owned(),
            document_id: document_id(uri),
            outcome,
            pages: None,
            chunks: 0,
            version: None,
            warnings: Vec::new(),
        }
    }

    fn failed(uri: &str, error: &Error) -> Self {
        Self::new(uri, Outcome::Failed { code: error.code(), detail: error.to_string() })
    }
}

/// A file that passed the first stage.
enum Cut {
    Document { uri: String, document: CutDocument, replaces: bool },
    Settled(FileOutcome),
}

impl Collection {
    /// Ingests files and reports each one when it is durable or has failed.
    ///
    /// The error is for what ends the whole ingest: a missing model, a full disk, a stopping server.
    pub async fn ingest(
        self: &Arc<Self>,
        files: Vec<IngestFile>,
        options: IngestOptions,
        mut report: impl FnMut(FileOutcome),
    ) -> Result<()> {
        let this = self.clone();
        let context = blocking(move || this.ingest_context()).await?;
        let mut cuts = self.cut_files(files, options, context.clone());
        let mut writes = FuturesUnordered::new();
        loop {
            tokio::select! {
                cut = cuts.recv(), if writes.len() < QUEUE_DOCUMENTS => match cut {
                    Some(Cut::Settled(outcome)) => report(outcome),
                    Some(Cut::Document { uri, document, replaces }) => {
                        writes.push(self.clone().write_document(context.clone(), uri, document, replaces));
                    }
                    None => break,
                },
                Some(outcome) = writes.next() => report(outcome?),
            }
        }
        while let Some(outcome) = writes.next().await {
            report(outcome?);
        }
        Ok(())
    }

    /// Removes the documents that came from files and are not to be kept.
    pub async fn remove_missing(
        &self,
        keeps: impl Fn(&str) -> bool,
        mut report: impl FnMut(FileOutcome),
    ) -> Result<()> {
        let state = self.state();
        let mut missing = BTreeSet::new();
        for slot in state.snapshot.live().iter().map(|slot| slot as u32) {
            let segment = state.snapshot.columns().segment_of(slot);
            if segment.sha256(slot).is_some()
                && let Some(uri) = segment.text(row::URI, slot)
                && let Some(id) = segment.text(row::DOCUMENT_ID, slot)
                && !keeps(uri)
            {
                missing.insert((uri, id));
            }
        }
        for (uri, id) in missing {
            let written = self.delete_document(id).await?;
            report(FileOutcome { version: Some(written.version), ..FileOutcome::new(uri, Outcome::Removed) });
        }
        Ok(())
    }

    /// Starts the threads that read and cut files, and returns where their results come out.
    fn cut_files(
        self: &Arc<Self>,
        files: Vec<IngestFile>,
        options: IngestOptions,
        context: IngestContext,
    ) -> mpsc::Receiver<Cut> {
        let (sender, receiver) = mpsc::channel(QUEUE_DOCUMENTS);
        let threads = self.shared().services.threads.min(files.len()).max(1);
        let (files, next, options) = (Arc::new(files), Arc::new(AtomicUsize::new(0)), Arc::new(options));
        for _ in 0..threads {
            let (this, sender, context) = (self.clone(), sender.clone(), context.clone());
            let (files, next, options) = (files.clone(), next.clone(), options.clone());
            self.shared().services.writes.spawn_blocking(move || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let cut = this
                        .cut_file(file, &options, &context)
                        .unwrap_or_else(|error| Cut::Settled(FileOutcome::failed(&file.uri, &error)));
                    if sender.blocking_send(cut).is_err() {
                        return;
                    }
                }
            });
        }
        receiver
    }

    fn cut_file(&self, file: &IngestFile, options: &IngestOptions, context: &IngestContext) -> Result<Cut> {
        let bytes = match &file.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Path(path) => {
                std::fs::read(path).map_err(|error| ReadError::Unreadable { detail: error.to_string() })?
            }
        };
        let known = self.document_hash(&document_id(&file.uri));
        if known == Some(sha256(&bytes)) && self.has_metadata(&file.uri, &options.metadata) {
            return Ok(Cut::Settled(FileOutcome::new(&file.uri, Outcome::Unchanged)));
        }
        let document = context.cut(&file.uri, &bytes, &options.metadata)?;
        Ok(Cut::Document { uri: file.uri.clone(), document, replaces: known.is_some() })
    }

    /// Returns whether a document carries all of this metadata already.
    fn has_metadata(&self, uri: &str, metadata: &Map<String, serde_json::Value>) -> bool {
        if metadata.is_empty() {
            return true;
        }
        let id = document_id(uri);
        let document = tokio::runtime::Handle::current().block_on(self.document(&id, Include::default()));
        let Ok((_, document, _)) = document else { return false };
        metadata.iter().all(|(key, json)| document.row.metadata.get(key).is_some_and(|value| value.to_json() == *json))
    }

    /// Embeds and writes one document; only what ends the whole ingest is an error.
    async fn write_document(
        self: Arc<Self>,
        context: IngestContext,
        uri: String,
        document: CutDocument,
        replaces: bool,
    ) -> Result<FileOutcome> {
        let CutDocument { id, pages, mut rows, warnings } = document;
        let writes = self.shared().services.writes.clone();
        let result: Result<Written> = async {
            let rows = blocking_on(&writes, move || {
                context.embed(&mut rows)?;
                Ok(EmbeddedRows { rows, schema: context.schema })
            })
            .await?;
            self.write_rows(rows, vec![id.clone()], OnConflict::Overwrite, "ingest").await
        }
        .await;
        match result {
            Ok(written) => {
                let outcome = if replaces { Outcome::Replaced } else { Outcome::Added };
                let version = Some(written.version);
                Ok(FileOutcome { pages, chunks: written.written, version, warnings, ..FileOutcome::new(&uri, outcome) })
            }
            Err(error @ (Error::DiskFull | Error::Stopping)) => Err(error),
            Err(error) => Ok(FileOutcome::failed(&uri, &error)),
        }
    }
}
