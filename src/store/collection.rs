//! One collection: the state that searches pin, the writer that moves it on, and the requests on chunks and documents.
//!
//! A request reads one [`State`], which belongs to one version, from beginning to end. Only the writer replaces it.

use super::alter::CollectionChange;
use super::document::{IngestContext, embedded_text, word_text};
use super::embedder::Embedder;
use super::failures::{FailedFile, Failures};
use super::filtered::Filtered;
use super::load::{load, load_past};
use super::model::Models;
use super::near::Signatures;
use super::opened::{check_beside, collect_keys_beside};
use super::original::Originals;
use super::rows::RowCache;
use super::stage::Words;
use super::upsert::{PendingRow, check_chunks, hash_vector};
use super::view::{ChunkView, CollectionInfo, DocumentView, Include, NewChunk, OnConflict, Page, Selection, Written};
use super::writer::{Delete, RowsWrite, Write, Writer};
use crate::config::limits::{EMBED_BATCH, IDS_MAX, PAGE_MAX, PAST_VERSIONS_OPEN};
use crate::error::{Error, Result};
use crate::index::Snapshot;
use crate::index::keys::Keys;
use crate::index::passage::Passages;
use crate::index::text::Analyzer;
use crate::query::{Allowed, Filter};
use crate::schema::{ChunkId, CollectionName, CollectionSchema, Version, row};
use crate::table::{Table, VerifyReport, VersionInfo, VersionRef};
use arc_swap::ArcSwap;
use ragstone_ingest::worker::WorkerPool;
use ragstone_models::{Priority, TextKind};
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Everything that belongs to one version of a collection.
pub struct State {
    /// The table at the version.
    pub table: Table,
    /// What the collection is made of.
    pub schema: Arc<CollectionSchema>,
    /// What searches read besides the table.
    pub snapshot: Snapshot,
    /// Slots that the sealed files cover.
    pub sealed_slots: usize,
    /// What the sealed rows say besides, if it is at hand.
    pub passages: Option<Arc<Passages>>,
}

/// What collections share with their store.
#[derive(Clone)]
pub struct Services {
    /// Installed models.
    pub models: Models,
    /// Processes that read files.
    pub workers: Arc<WorkerPool>,
    /// Original files.
    pub originals: Originals,
    /// Rows in memory.
    pub rows: Arc<RowCache>,
    /// Right to run a search.
    pub searches: Arc<Semaphore>,
    /// Threads for what writes need, which give way to searches.
    pub writes: Handle,
    /// Threads for building graphs.
    pub threads: usize,
    /// Days for which versions stay readable.
    pub keep_days: u32,
}

/// What the façade and the writer of a collection share.
pub struct Shared {
    /// Name of the collection.
    pub name: CollectionName,
    /// The newest state.
    pub state: ArcSwap<State>,
    /// Slots by id at the newest state; locked for writing while both change.
    pub keys: RwLock<Keys>,
    /// Words of texts and questions.
    pub analyzer: Analyzer,
    /// Its number in this process, by which shared memory knows it.
    pub number: u64,
    /// What collections share with their store.
    pub services: Services,
    /// Held for reading while rows are on their way, for writing while the model changes: vectors of one model never meet
    /// those of another.
    pub model_gate: tokio::sync::RwLock<()>,
    /// Held while vectors of another model are made.
    pub reembedding: tokio::sync::Mutex<()>,
}

/// Rows with vectors, and what the collection was when these were made.
pub struct EmbeddedRows {
    /// The rows.
    pub rows: Vec<PendingRow>,
    /// How they were embedded.
    pub schema: Arc<CollectionSchema>,
}

/// Numbers the collections that this process has opened.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A collection that is open.
pub struct Collection {
    shared: Arc<Shared>,
    writer: Writer,
    failures: Failures,
    signatures: Signatures,
    past: tokio::sync::Mutex<VecDeque<Arc<State>>>,
    filtered: Filtered,
}

impl Collection {
    /// Opens a collection and starts its writer.
    pub async fn open(table: Table, services: Services) -> Result<Arc<Self>> {
        let analyzer = Analyzer::new();
        let name = table.name().clone();
        let state = ArcSwap::from_pointee(load(table, &analyzer).await?);
        let keys = RwLock::default();
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (model_gate, reembedding) = Default::default();
        let shared = Arc::new(Shared { name, state, keys, analyzer, number, services, model_gate, reembedding });
        collect_keys_beside(&shared)?;
        let writer = Writer::spawn(shared.clone())?;
        check_beside(&shared.state.load(), writer.queue())?;
        let folder = shared.state.load().table.folder().to_owned();
        let (failures, signatures) = (Failures::new(&folder), Signatures::new(&folder));
        let (past, filtered) = Default::default();
        Ok(Arc::new(Self { shared, writer, failures, signatures, past, filtered }))
    }

    /// Finishes what the writer has begun; further writes are refused.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Returns the newest state.
    pub fn state(&self) -> Arc<State> {
        self.shared.state.load_full()
    }

    /// Returns the state of a past version; a few of them are kept open.
    pub async fn state_at(&self, asked: &VersionRef) -> Result<Arc<State>> {
        let newest = self.state();
        if *asked == VersionRef::Number(newest.table.version().0) {
            return Ok(newest);
        }
        let table = newest.table.at(asked).await?;
        if table.version() == newest.table.version() {
            return Ok(newest);
        }
        // Held while loading, so that a version is opened once however many ask for it.
        let mut past = self.past.lock().await;
        if let Some(at) = past.iter().position(|state| state.table.version() == table.version()) {
            let state = past.remove(at).ok_or_else(|| Error::Internal("past state is gone".into()))?;
            past.push_back(state.clone());
            return Ok(state);
        }
        let state = Arc::new(load_past(&newest, table, &self.shared.analyzer).await?);
        if past.len() == PAST_VERSIONS_OPEN {
            past.pop_front();
        }
        past.push_back(state.clone());
        Ok(state)
    }

    /// Returns the bytes that the collection holds in memory while it is open, roughly.
    pub fn bytes(&self) -> usize {
        let newest = self.state();
        // While ids are collected, beside the first searches, they are not waited for.
        let keys = self.shared.keys.try_read().map_or(0, |keys| keys.bytes());
        let apart = |state: &&Arc<State>| state.snapshot.layout() != newest.snapshot.layout();
        // Versions that are being opened count once they are open.
        let past = self.past.try_lock().map_or(0, |past| past.iter().filter(apart).map(|s| s.snapshot.bytes()).sum());
        newest.snapshot.bytes() + past + keys + self.filtered.bytes()
    }

    /// Returns what the collection is and holds.
    pub fn info(&self) -> CollectionInfo {
        let documents = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).documents();
        let state = self.state();
        let placed = state.snapshot.placed();
        CollectionInfo {
            name: self.shared.name.clone(),
            description: state.schema.description.clone(),
            embedding: state.schema.embedding.clone(),
            fields: state.schema.fields.clone(),
            chunking: state.schema.chunking.clone(),
            documents,
            chunks: state.snapshot.len(),
            version: state.table.version(),
            bytes: state.table.bytes(),
            generation: placed.map(|placed| placed.name.clone()),
            covered_version: covered_version(&state),
            covered_rows: placed.map_or(0, |placed| placed.generation().len()),
        }
    }

    /// Upserts chunks; those without a vector are embedded where the collection has a model.
    pub async fn upsert(&self, chunks: Vec<NewChunk>, on_conflict: OnConflict) -> Result<Written> {
        let schema = self.state().schema.clone();
        let shared = self.shared.clone();
        let rows = blocking_on(&self.shared.services.writes, move || {
            let now = chrono::Utc::now().timestamp_micros();
            let mut rows = check_chunks(&schema, chunks, now)?;
            embed_missing(&shared.services.models, &schema, &mut rows)?;
            Ok(EmbeddedRows { rows, schema })
        })
        .await?;
        self.write_rows(rows, Vec::new(), on_conflict, "upsert").await
    }

    pub(super) async fn write_rows(
        &self,
        rows: EmbeddedRows,
        replaced_documents: Vec<String>,
        on_conflict: OnConflict,
        operation: &'static str,
    ) -> Result<Written> {
        let _open = self.shared.model_gate.read().await;
        let rows = self.embed_anew(rows).await?;
        let words = analyze_beside(self.shared.clone(), &rows);
        let write = |done| Write::Rows(RowsWrite { rows, words, replaced_documents, on_conflict, operation, done });
        self.writer.send(write).await
    }

    /// Gives rows the vectors of the collection's present model, where it has changed since theirs were made.
    async fn embed_anew(&self, embedded: EmbeddedRows) -> Result<Vec<PendingRow>> {
        let EmbeddedRows { mut rows, schema } = embedded;
        let present = self.state().schema.clone();
        if schema.embedding == present.embedding {
            return Ok(rows);
        }
        let shared = self.shared.clone();
        blocking_on(&self.shared.services.writes, move || {
            if present.embedding.model.is_none() {
                return Err(Error::NoModel { name: shared.name.to_string() });
            }
            for pending in &mut rows {
                if pending.row.text.is_none() {
                    let detail =
                        format!("chunk '{}' has no text, and the collection's model has changed", pending.row.id);
                    return Err(Error::InvalidArgument { field: "embedding", detail });
                }
                pending.row.embedding = None;
            }
            embed_missing(&shared.services.models, &present, &mut rows)?;
            Ok(rows)
        })
        .await
    }

    /// Removes chunks; unknown ids are ignored.
    pub async fn delete_chunks(&self, selection: Selection) -> Result<Written> {
        let delete = match selection {
            Selection::Ids(ids) => Delete::Ids(checked_ids(ids)?),
            Selection::Filter(filter) => Delete::Filter(filter),
        };
        self.writer.send(|done| Write::Delete { delete, done }).await
    }

    /// Removes a document with all its chunks.
    pub async fn delete_document(&self, id: &str) -> Result<Written> {
        let id = id.to_owned();
        self.writer.send(|done| Write::Delete { delete: Delete::Document(id), done }).await
    }

    /// Returns chunks by id; unknown ids are left out.
    pub async fn get_chunks(&self, ids: Vec<String>, include: Include) -> Result<(Version, Vec<ChunkView>)> {
        let ids = checked_ids(ids)?;
        let (state, slots) = {
            let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
            let state = self.state();
            let slots: Vec<u32> = ids.iter().filter_map(|id| find_chunk(&state, &keys, id)).collect();
            (state, slots)
        };
        Ok((state.table.version(), self.view(&state, &slots, include).await?))
    }

    /// Lists chunks that pass a filter, in the order in which they were written.
    pub async fn list_chunks(
        &self,
        filter: Option<&serde_json::Value>,
        after: Option<&str>,
        limit: usize,
        include: Include,
    ) -> Result<Page<ChunkView>> {
        check_page(limit)?;
        let state = self.state();
        let allowed = self.allowed(&state, &parse_filter(filter, &state.schema)?)?;
        let first = match after {
            // Row ids ascend with the time of writing and outlive the process, unlike slots.
            Some(cursor) => {
                let cursor = cursor.parse::<u64>();
                cursor.map_err(|_| Error::InvalidArgument {
                    field: "after",
                    detail: "not a cursor of this list".into(),
                })?
            }
            None => 0,
        };
        let mut rows: Vec<(u64, u32)> = allowed
            .slots()
            .iter()
            .map(|slot| (state.snapshot.columns().row_id(slot as u32), slot as u32))
            .filter(|&(row_id, _)| after.is_none() || row_id > first)
            .collect();
        rows.sort_unstable();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(row_id, _)| row_id.to_string());
        let slots: Vec<u32> = rows.iter().map(|&(_, slot)| slot).collect();
        let items = self.view(&state, &slots, include).await?;
        Ok(Page { version: state.table.version(), items, next })
    }

    /// Counts the chunks that pass a filter.
    pub fn count_chunks(&self, filter: Option<&serde_json::Value>) -> Result<(Version, usize)> {
        let state = self.state();
        let allowed = self.allowed(&state, &parse_filter(filter, &state.schema)?)?;
        Ok((state.table.version(), allowed.count()))
    }

    /// Lists documents one of whose chunks passes a filter, by id.
    pub async fn documents(
        &self,
        filter: Option<&serde_json::Value>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DocumentView>> {
        check_page(limit)?;
        let state = self.state();
        let allowed = self.allowed(&state, &parse_filter(filter, &state.schema)?)?;
        let mut found: HashMap<&str, (u32, usize)> = HashMap::new();
        for slot in allowed.slots().iter().map(|slot| slot as u32) {
            let segment = state.snapshot.columns().segment_of(slot);
            let Some(id) = segment.text(row::DOCUMENT_ID, slot) else { continue };
            if after.is_none_or(|after| id > after) {
                let (_, chunks) = found.entry(id).or_insert((slot, 0));
                *chunks += 1;
            }
        }
        let mut listed: Vec<(&str, (u32, usize))> = found.into_iter().collect();
        listed.sort_unstable();
        let more = listed.len() > limit;
        listed.truncate(limit);
        let next = listed.last().filter(|_| more).map(|(id, _)| (*id).to_owned());
        let slots: Vec<u32> = listed.iter().map(|(_, (slot, _))| *slot).collect();
        let rows = self.view(&state, &slots, Include::default()).await?;
        let items = rows
            .into_iter()
            .zip(listed)
            .map(|(view, (_, (slot, chunks)))| DocumentView {
                row: view.row,
                chunks,
                version: Version(state.snapshot.columns().segment_of(slot).version(slot)),
            })
            .collect();
        Ok(Page { version: state.table.version(), items, next })
    }

    /// Returns a document and its chunks in order.
    pub async fn document(&self, id: &str, include: Include) -> Result<(Version, DocumentView, Vec<ChunkView>)> {
        let (state, mut slots) = {
            let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
            let state = self.state();
            let slots = document_slots(&state, &keys, id);
            (state, slots)
        };
        let index = |slot: u32| state.snapshot.columns().segment_of(slot).integer(row::CHUNK_INDEX, slot);
        slots.sort_by_key(|&slot| (index(slot), slot));
        let chunks = self.view(&state, &slots, include).await?;
        let (Some(first), Some(&slot)) = (chunks.first(), slots.first()) else {
            return Err(Error::DocumentNotFound { id: id.to_owned() });
        };
        let version = Version(state.snapshot.columns().segment_of(slot).version(slot));
        let view = DocumentView { row: first.row.clone(), chunks: chunks.len(), version };
        Ok((state.table.version(), view, chunks))
    }

    /// Returns the media type and original bytes of a document.
    pub async fn document_content(&self, id: &str) -> Result<(String, Vec<u8>)> {
        let (_, document, _) = self.document(id, Include::default()).await?;
        let originals = self.shared.services.originals.clone();
        let not_found = || Error::DocumentNotFound { id: id.to_owned() };
        let sha256 = document.row.sha256.ok_or_else(not_found)?;
        let bytes = blocking(move || Ok(originals.read(&sha256))).await?.ok_or_else(not_found)?;
        let media_type = document.row.media_type.clone();
        Ok((media_type.unwrap_or_else(|| "application/octet-stream".to_owned()), bytes))
    }

    /// Lists versions, newest first.
    pub async fn versions(&self, before: Option<Version>, limit: usize) -> Result<Vec<VersionInfo>> {
        check_page(limit)?;
        self.state().table.versions(before, limit).await
    }

    /// Makes a past version the newest one.
    pub async fn restore(&self, to: VersionRef) -> Result<Written> {
        // The version may have had another model.
        let _alone = self.shared.model_gate.write().await;
        self.writer.send(|done| Write::Restore { to, done }).await
    }

    /// Changes description and fields.
    pub async fn alter(&self, change: CollectionChange) -> Result<Written> {
        self.writer.send(|done| Write::Alter { change, done }).await
    }

    /// Compacts, expires old versions and seals a generation, and returns when all is done.
    pub async fn optimize(&self) -> Result<Written> {
        self.writer.send(|done| Write::Optimize { done }).await
    }

    /// Reads every object of the table and compares it with its checksum.
    pub async fn verify(&self) -> Result<VerifyReport> {
        self.state().table.verify().await
    }

    /// Returns the rows that pass a filter at a state; the last ones asked for are kept.
    pub fn allowed(&self, state: &State, filter: &Filter) -> Result<Arc<Allowed>> {
        self.filtered.get(&state.snapshot, filter)
    }

    /// Returns chunks of a state by slot.
    pub async fn view(&self, state: &State, slots: &[u32], include: Include) -> Result<Vec<ChunkView>> {
        let rows = self.shared.services.rows.fetch(self.shared.number, state, slots).await?;
        let embedding = |slot: u32| state.snapshot.vector(slot).filter(|_| include.embedding).map(<[f32]>::to_vec);
        Ok(rows.into_iter().zip(slots).map(|(row, &slot)| ChunkView { row, embedding: embedding(slot) }).collect())
    }

    /// Returns the model of the collection.
    pub fn embedder(&self) -> Result<Embedder> {
        let state = self.state();
        match &state.schema.embedding.model {
            Some(identity) => self.shared.services.models.get_same(identity),
            None => Err(Error::NoModel { name: self.shared.name.to_string() }),
        }
    }

    /// Returns the way to the writer.
    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Lists the files that failed when they were last taken in, by uri, from behind one on.
    pub fn failed_files(&self, after: Option<&str>, limit: usize) -> Result<Vec<FailedFile>> {
        check_page(limit)?;
        Ok(self.failures.list(after, limit))
    }

    pub(super) fn failures(&self) -> &Failures {
        &self.failures
    }

    pub(super) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn ingest_context(&self) -> Result<IngestContext> {
        let state = self.state();
        Ok(IngestContext {
            schema: state.schema.clone(),
            embedder: self.embedder()?,
            workers: self.shared.services.workers.clone(),
            originals: self.shared.services.originals.clone(),
        })
    }

    /// Returns the hash of a document's bytes, `None` where the document is not there.
    pub fn document_hash(&self, id: &str) -> Option<[u8; 32]> {
        let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let slot = *document_slots(&state, &keys, id).first()?;
        state.snapshot.columns().segment_of(slot).sha256(slot)
    }

    /// Returns id and uri of the document whose id has a hash, where it is there with these bytes.
    pub(super) fn document_by_key(&self, key: u128, sha256: &[u8; 32]) -> Option<(String, String)> {
        let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let slots = keys.document_by_key(key).iter().filter(|&&slot| slot < state.snapshot.slots());
        let mut segments = slots.map(|&slot| (state.snapshot.columns().segment_of(slot), slot));
        let (segment, slot) = segments.find(|(segment, slot)| segment.sha256(*slot).as_ref() == Some(sha256))?;
        let text = |column: &str| segment.text(column, slot).map(str::to_owned);
        Some((text(row::DOCUMENT_ID)?, text(row::URI)?))
    }
}

/// Returns the newest version all of whose rows the sealed generation covers; 0 without one.
fn covered_version(state: &State) -> Version {
    match state.snapshot.placed() {
        None => Version(0),
        Some(_) if state.snapshot.slots() as usize == state.sealed_slots => state.table.version(),
        Some(placed) => Version(placed.built_version),
    }
}

/// Returns the live slot of a chunk id.
pub(super) fn find_chunk(state: &State, keys: &Keys, id: &str) -> Option<u32> {
    let slot = keys.chunk(id).filter(|&slot| slot < state.snapshot.slots())?;
    (state.snapshot.columns().segment_of(slot).text(row::ID, slot) == Some(id)).then_some(slot)
}

/// Returns the live slots of a document.
pub(super) fn document_slots(state: &State, keys: &Keys, id: &str) -> Vec<u32> {
    let belongs = |&slot: &u32| state.snapshot.columns().segment_of(slot).text(row::DOCUMENT_ID, slot) == Some(id);
    keys.document(id).iter().copied().filter(|&slot| slot < state.snapshot.slots()).filter(belongs).collect()
}

/// Reads a filter of a request; without one everything passes.
pub(super) fn parse_filter(filter: Option<&serde_json::Value>, schema: &CollectionSchema) -> Result<Filter> {
    filter.map_or(Ok(Filter::All), |filter| Filter::from_request(filter, schema))
}

/// Analyses the texts of rows while the writer has their other columns written.
fn analyze_beside(shared: Arc<Shared>, rows: &[PendingRow]) -> Words {
    let text = |pending: &PendingRow| word_text(&pending.row).map(Cow::into_owned);
    let texts: Vec<Option<String>> = rows.iter().map(text).collect();
    let writes = shared.services.writes.clone();
    writes.spawn_blocking(move || {
        texts.iter().map(|text| text.as_ref().map(|text| shared.analyzer.analyze(text))).collect()
    })
}

fn embed_missing(models: &Models, schema: &CollectionSchema, rows: &mut [PendingRow]) -> Result<()> {
    let Some(identity) = &schema.embedding.model else { return Ok(()) };
    let missing: Vec<usize> = (0..rows.len()).filter(|&at| rows[at].row.embedding.is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let embedder = models.get_same(identity)?;
    for part in missing.chunks(EMBED_BATCH) {
        let text = |row| embedded_text(row).unwrap_or_default().into_owned();
        let texts = part.iter().map(|&at| text(&rows[at].row)).collect();
        let vectors = embedder.embed(texts, TextKind::Document, Priority::Ingest)?;
        for (&at, vector) in part.iter().zip(vectors.chunks_exact(identity.dimension)) {
            let row = &mut rows[at].row;
            row.embedding_hash = Some(hash_vector(vector));
            row.embedding = Some(super::upsert::stored_vector(schema, vector.to_vec())?);
            row.model = Some(identity.name.clone());
        }
    }
    Ok(())
}

fn checked_ids(ids: Vec<String>) -> Result<Vec<String>> {
    if ids.len() > IDS_MAX {
        return Err(Error::LimitExceeded { what: "ids in one request", limit: IDS_MAX as u64 });
    }
    ids.iter().try_for_each(|id| ChunkId::parse(id).map(drop))?;
    Ok(ids)
}

fn check_page(limit: usize) -> Result<()> {
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(());
    }
    Err(Error::InvalidArgument { field: "limit", detail: format!("{limit} is not between 1 and {PAGE_MAX}") })
}

/// Runs work that computes or blocks on a thread made for it.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    blocking_on(&Handle::current(), work).await
}

/// Runs work that computes or blocks on a thread of a runtime.
pub(super) async fn blocking_on<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    runtime.spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))?
}
