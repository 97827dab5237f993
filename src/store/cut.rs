//! The first stage of an ingest: files are read, known ones passed over, archives opened, and documents cut.
//!
//! Runs on several threads that share the list of files; what comes out waits in a bounded queue for [`super::ingest`].
//! A file inside an archive is a file like any other, with the archive's uri, `!/` and its path inside as its own, so
//! nothing behind this stage knows archives.

use super::collection::Collection;
use super::document::{CutDocument, IngestContext, document_id, sha256};
use super::ingest::{Content, FileOutcome, IngestFile, IngestOptions, Outcome, QUEUE_DOCUMENTS};
use super::view::Include;
use crate::error::Result;
use ragstone_ingest::detect::is_archive;
use ragstone_ingest::{INSIDE, ReadError};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// A file that passed the first stage.
pub enum Cut {
    /// It is to be embedded and written.
    Document {
        /// Where it came from.
        uri: String,
        /// Its chunks.
        document: CutDocument,
        /// Whether it takes the place of an earlier one.
        replaces: bool,
    },
    /// It was in an archive, which no longer holds it, or a file and an archive changed places.
    Gone {
        /// Where it came from.
        uri: String,
        /// Id of its document.
        id: String,
    },
    /// There is nothing more to do.
    Settled(FileOutcome),
}

/// Takes what comes out, and answers whether somebody still waits for more.
type Send<'a> = dyn FnMut(Cut) -> ControlFlow<()> + 'a;

/// What holds for every file of an ingest.
struct Cutter {
    collection: Arc<Collection>,
    options: IngestOptions,
    context: IngestContext,
}

impl Collection {
    /// Starts the threads that read and cut files, and returns where their results come out.
    pub(super) fn cut_files(
        self: &Arc<Self>,
        files: Vec<IngestFile>,
        options: IngestOptions,
        context: IngestContext,
    ) -> mpsc::Receiver<Cut> {
        let (sender, receiver) = mpsc::channel(QUEUE_DOCUMENTS);
        let threads = self.shared().services.threads.min(files.len()).max(1);
        let cutter = Arc::new(Cutter { collection: self.clone(), options, context });
        let (files, next) = (Arc::new(files), Arc::new(AtomicUsize::new(0)));
        for _ in 0..threads {
            let (cutter, sender, files, next) = (cutter.clone(), sender.clone(), files.clone(), next.clone());
            self.shared().services.writes.spawn_blocking(move || {
                let mut send = |cut| match sender.blocking_send(cut) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                };
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if cutter.file(file, &mut send).is_break() {
                        return;
                    }
                }
            });
        }
        receiver
    }

    /// Returns whether a document carries all of this metadata already.
    fn has_metadata(&self, uri: &str, metadata: &Map<String, Value>) -> bool {
        if metadata.is_empty() {
            return true;
        }
        let id = document_id(uri);
        let document = tokio::runtime::Handle::current().block_on(self.document(&id, Include::default()));
        let Ok((_, document, _)) = document else { return false };
        metadata.iter().all(|(key, json)| document.row.metadata.get(key).is_some_and(|value| value.to_json() == *json))
    }
}

impl Cutter {
    fn file(&self, file: &IngestFile, send: &mut Send) -> ControlFlow<()> {
        let bytes = match &file.content {
            Content::Bytes(bytes) => Ok(Cow::Borrowed(bytes.as_slice())),
            Content::Path(path) => std::fs::read(path).map(Cow::Owned),
        };
        match bytes {
            Ok(bytes) if is_archive(&bytes) => self.archive(&file.uri, &bytes, send),
            Ok(bytes) => self.plain(&file.uri, &bytes, send),
            Err(error) => {
                let error = ReadError::Unreadable { detail: error.to_string() };
                send(Cut::Settled(FileOutcome::failed(&file.uri, &error.into())))
            }
        }
    }

    /// Cuts a file that is no archive. Where its name says that it was one, what that held is gone, once this is read:
    /// by other names nobody packs files, and to look for what they held would read every uri for every file.
    fn plain(&self, uri: &str, bytes: &[u8], send: &mut Send) -> ControlFlow<()> {
        let cut = self.document(uri, bytes);
        let failed = matches!(&cut, Cut::Settled(FileOutcome { outcome: Outcome::Failed { .. }, .. }));
        send(cut)?;
        let extension = Path::new(uri).extension();
        if failed || !extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
            return ControlFlow::Continue(());
        }
        let prefix = format!("{uri}{INSIDE}");
        self.gone(|uri| uri.starts_with(&prefix), send)
    }

    /// Names the documents that came from files that are gone.
    fn gone(&self, is_gone: impl Fn(&str) -> bool, send: &mut Send) -> ControlFlow<()> {
        let documents = self.collection.documents_of_files(is_gone);
        documents.into_iter().try_for_each(|(uri, id)| send(Cut::Gone { uri, id }))
    }

    /// Cuts every file inside an archive, and names the documents of those that it no longer holds, and of a file that
    /// was no archive under its name.
    fn archive(&self, uri: &str, bytes: &[u8], send: &mut Send) -> ControlFlow<()> {
        let prefix = format!("{uri}{INSIDE}");
        let (mut held, mut is_whole, mut goes_on) = (HashSet::new(), true, ControlFlow::Continue(()));
        self.context.workers.unpack(bytes, &mut |path, member| {
            is_whole &= path.is_some();
            let uri = path.map_or_else(|| uri.to_owned(), |path| format!("{prefix}{path}"));
            goes_on = send(match member {
                Ok(bytes) => self.document(&uri, &bytes),
                Err(error) => Cut::Settled(FileOutcome::failed(&uri, &error.into())),
            });
            held.insert(uri);
            goes_on
        });
        goes_on?;
        // What stands behind the place where an archive is damaged is not known to be gone.
        if !is_whole {
            return ControlFlow::Continue(());
        }
        self.collection.failures().note_archive(uri, &held);
        self.gone(|known| known == uri || known.starts_with(&prefix) && !held.contains(known), send)
    }

    fn document(&self, uri: &str, bytes: &[u8]) -> Cut {
        self.try_document(uri, bytes).unwrap_or_else(|error| Cut::Settled(FileOutcome::failed(uri, &error)))
    }

    fn try_document(&self, uri: &str, bytes: &[u8]) -> Result<Cut> {
        let known = self.collection.document_hash(&document_id(uri));
        if known == Some(sha256(bytes)) && self.collection.has_metadata(uri, &self.options.metadata) {
            return Ok(Cut::Settled(FileOutcome::new(uri, Outcome::Unchanged)));
        }
        let document = self.context.cut(uri, bytes, &self.options.metadata)?;
        Ok(Cut::Document { uri: uri.to_owned(), document, replaces: known.is_some() })
    }
}
