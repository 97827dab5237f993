//! Many files into one collection: read and cut on several threads, embed, write, and report each file.
//!
//! The stages overlap through bounded queues, so memory does not grow with the folder. A file is one commit, done or not
//! done; what is there unchanged is skipped, so an ingest that was killed goes on where it stopped. A file that fails is
//! an outcome, never an end. Reading and cutting stand in [`super::cut`].

use super::collection::{Collection, EmbeddedRows, blocking, blocking_on};
use super::cut::Cut;
use super::document::{CutDocument, IngestContext, document_id};
use super::near::{NearDuplicate, Nearest};
use super::view::{OnConflict, Written};
use crate::error::{Error, Result};
use crate::schema::{Version, row};
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Documents that wait between two stages.
pub(super) const QUEUE_DOCUMENTS: usize = 4;

/// A file to ingest, or an archive of files, each of which is a document of its own.
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
    /// What is done with a document that says nearly the same as one that is there.
    pub near_duplicates: NearDuplicates,
}

/// What is done with a document that says nearly the same as one that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NearDuplicates {
    /// It is written, and told.
    #[default]
    Tell,
    /// It is left out, unless it takes the place of an earlier one, which would stay as it was.
    Skip,
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
    /// The document of the collection that says nearly the same, if one does.
    pub near_duplicate_of: Option<NearDuplicate>,
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
    /// It says nearly the same as a document that is there, and was to be left out then.
    Skipped,
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
            Self::Skipped => "skipped",
            Self::Failed { .. } => "failed",
        }
    }
}

impl FileOutcome {
    pub(super) fn new(uri: &str, outcome: Outcome) -> Self {
        Self {
            uri: uri.to_owned(),
            document_id: document_id(uri),
            outcome,
            pages: None,
            chunks: 0,
            version: None,
            warnings: Vec::new(),
            near_duplicate_of: None,
        }
    }

    pub(super) fn failed(uri: &str, error: &Error) -> Self {
        Self::new(uri, Outcome::Failed { code: error.code(), detail: error.to_string() })
    }
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
        let mut report = |outcome: FileOutcome| {
            self.failures().note(&outcome, chrono::Utc::now());
            report(outcome);
        };
        let written = self.write_files(files, options, context, &mut report).await;
        self.failures().save();
        written
    }

    async fn write_files(
        self: &Arc<Self>,
        files: Vec<IngestFile>,
        options: IngestOptions,
        context: IngestContext,
        report: &mut impl FnMut(FileOutcome),
    ) -> Result<()> {
        let skips = options.near_duplicates == NearDuplicates::Skip;
        let mut cuts = self.cut_files(files, options, context.clone());
        let mut writes = FuturesUnordered::new();
        loop {
            tokio::select! {
                cut = cuts.recv(), if writes.len() < QUEUE_DOCUMENTS => {
                    let Some(cut) = cut else { break };
                    let mut nearest = self.nearest(&cut).await?;
                    // Whether this one is left out hangs on whether that one is written.
                    while skips && nearest.as_ref().is_some_and(|nearest| nearest.is_pending)
                        && let Some(outcome) = writes.next().await
                    {
                        report(outcome?);
                        nearest = self.nearest(&cut).await?;
                    }
                    match compared(cut, nearest, skips) {
                        Cut::Settled(outcome) => report(outcome),
                        cut => {
                            let signature = PendingSignature::begin(self, &cut);
                            writes.push(self.clone().write_cut(context.clone(), cut, signature));
                        }
                    }
                },
                Some(outcome) = writes.next() => report(outcome?),
            }
        }
        while let Some(outcome) = writes.next().await {
            report(outcome?);
        }
        Ok(())
    }

    /// Removes the documents that came from files and are not to be kept, and forgets such files that failed.
    pub async fn remove_missing(
        &self,
        keeps: impl Fn(&str) -> bool,
        mut report: impl FnMut(FileOutcome),
    ) -> Result<()> {
        for (uri, id) in self.documents_of_files(|uri| !keeps(uri)) {
            report(self.remove_document(uri, id).await?);
        }
        self.failures().forget(|uri| !keeps(uri));
        Ok(())
    }

    /// Returns uri and id of the documents that came from files whose uri is wanted, in order.
    pub(super) fn documents_of_files(&self, wants: impl Fn(&str) -> bool) -> BTreeSet<(String, String)> {
        let state = self.state();
        let mut found = BTreeSet::new();
        for slot in state.snapshot.live().iter().map(|slot| slot as u32) {
            let segment = state.snapshot.columns().segment_of(slot);
            if segment.sha256(slot).is_some()
                && let Some(uri) = segment.text(row::URI, slot)
                && let Some(id) = segment.text(row::DOCUMENT_ID, slot)
                && wants(uri)
            {
                found.insert((uri.to_owned(), id.to_owned()));
            }
        }
        found
    }

    async fn remove_document(&self, uri: String, id: String) -> Result<FileOutcome> {
        let written = self.delete_document(&id).await?;
        Ok(FileOutcome { version: Some(written.version), ..FileOutcome::new(&uri, Outcome::Removed) })
    }

    /// Finds the document that says nearly the same as one that was cut.
    async fn nearest(self: &Arc<Self>, cut: &Cut) -> Result<Option<Nearest>> {
        let Cut::Document { document: CutDocument { id, signature: Some(signature), .. }, .. } = cut else {
            return Ok(None);
        };
        let (this, id, signature) = (self.clone(), id.clone(), signature.clone());
        blocking_on(&self.shared().services.writes, move || Ok(this.signatures().nearest(&this, &id, &signature))).await
    }

    /// Does what a file that was cut asks of the table.
    async fn write_cut(
        self: Arc<Self>,
        context: IngestContext,
        cut: Cut,
        signature: Option<PendingSignature>,
    ) -> Result<FileOutcome> {
        match cut {
            Cut::Document { uri, document, replaces } => {
                let outcome = self.write_document(context, uri, document, replaces).await?;
                if outcome.version.is_some()
                    && let Some(signature) = signature
                {
                    signature.keep();
                }
                Ok(outcome)
            }
            Cut::Gone { uri, id } => self.remove_document(uri, id).await,
            Cut::Settled(outcome) => Ok(outcome),
        }
    }

    /// Embeds and writes one document; only what ends the whole ingest is an error.
    async fn write_document(
        self: &Arc<Self>,
        context: IngestContext,
        uri: String,
        document: CutDocument,
        replaces: bool,
    ) -> Result<FileOutcome> {
        let CutDocument { id, pages, mut rows, warnings, near_duplicate_of, .. } = document;
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
                let (chunks, told) = (written.written, FileOutcome::new(&uri, outcome));
                Ok(FileOutcome { pages, chunks, version, warnings, near_duplicate_of, ..told })
            }
            Err(error @ (Error::DiskFull | Error::Stopping)) => Err(error),
            Err(error) => Ok(FileOutcome::failed(&uri, &error)),
        }
    }
}

/// Notes which document one that was cut is near to, and leaves it out where that is asked.
fn compared(cut: Cut, nearest: Option<Nearest>, skips: bool) -> Cut {
    let Cut::Document { uri, mut document, replaces } = cut else { return cut };
    document.near_duplicate_of = nearest.map(|nearest| nearest.document);
    if skips && !replaces && document.near_duplicate_of.is_some() {
        let CutDocument { pages, near_duplicate_of, .. } = document;
        return Cut::Settled(FileOutcome { pages, near_duplicate_of, ..FileOutcome::new(&uri, Outcome::Skipped) });
    }
    Cut::Document { uri, document, replaces }
}

/// The signature of a document that is being written; forgotten unless it is kept.
struct PendingSignature {
    collection: Arc<Collection>,
    id: String,
    is_kept: bool,
}

impl PendingSignature {
    fn begin(collection: &Arc<Collection>, cut: &Cut) -> Option<Self> {
        let Cut::Document { uri, document: CutDocument { id, sha256, signature, .. }, .. } = cut else { return None };
        collection.signatures().begin((id, uri), *sha256, signature.clone()?);
        Some(Self { collection: collection.clone(), id: id.clone(), is_kept: false })
    }

    fn keep(mut self) {
        self.is_kept = true;
        self.collection.signatures().keep(&self.id);
    }
}

impl Drop for PendingSignature {
    fn drop(&mut self) {
        if !self.is_kept {
            self.collection.signatures().forget(&self.id);
        }
    }
}
