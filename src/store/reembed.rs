//! Changing the model of a collection while it is searched and written to.
//!
//! Vectors of the new model are made beside everything else, for the rows that live, and kept in a file ([`Prepared`]), so
//! that an interrupted change goes on where it stopped. Both models are then asked the same questions, and their answers
//! compared. The switch makes writes wait, not searches: the last rows are embedded, a column with all vectors is written
//! beside the one in use, and one commit puts it in its place together with the settings that name the model. An earlier
//! version keeps its column and its model. The new column has a generation of its own, which is built before the switch.

use super::collection::{Collection, State, blocking, blocking_on};
use super::document::embedded_text;
use super::embedder::Embedder;
use super::load::{POINTER_KEY, Pointer};
use super::prepared::Prepared;
use super::seal::{step_back, write_files};
use super::search::SearchRequest;
use super::upsert::{check_vector, hash_vector, stored_vector};
use super::view::Include;
use super::writer::Write;
use crate::config::limits::{
    BATCH_SEARCHES_MAX, EMBED_BATCH, K_MAX, QUERY_BYTES_MAX, SAMPLE_QUERIES, SAMPLE_QUERY_CHARS, SEAL_ROWS_MIN,
    SWITCH_ROUNDS_MAX, SWITCH_ROWS_MAX,
};
use crate::error::{Error, Result};
use crate::query::Mode;
use crate::schema::{ChunkRow, CollectionSchema, EmbeddingSchema, Version, row};
use crate::table::Table;
use ragstone_models::{Priority, TextKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What is asked for beside the new model.
#[derive(Clone, Debug)]
pub struct ReembedOptions {
    /// Questions that both models answer; texts of the collection where there are none.
    pub queries: Vec<String>,
    /// Hits that are compared for each.
    pub k: usize,
    /// Whether the collection changes to the model; otherwise vectors are made and compared only.
    pub switch: bool,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Reembedded {
    /// Version that has the new model, or that was compared.
    pub version: Version,
    /// Chunks with a vector of the new model.
    pub chunks: usize,
    /// How many of these were made before, by a change that was interrupted.
    pub resumed: usize,
    /// Whether the collection has changed.
    pub switched: bool,
    /// How alike the answers of both models are; `None` where the collection had no model, or has no chunk.
    pub comparison: Option<Comparison>,
}

/// How alike the answers of two models are.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Hits that were compared for each question.
    pub k: usize,
    /// Share of hits that both models gave, over all questions.
    pub overlap: f64,
    /// Each question, how many hits both gave, and how many there were.
    pub queries: Vec<(String, usize, usize)>,
}

/// Vectors of another model for all rows of a collection.
pub struct Switch {
    embedding: EmbeddingSchema,
    prepared: Arc<Prepared>,
    /// The generation that was built over them.
    pointer: Option<Pointer>,
}

/// The new model, with what its vectors are made of and kept in.
struct Making {
    schema: Arc<CollectionSchema>,
    embedder: Embedder,
    prepared: Prepared,
}

impl ReembedOptions {
    /// Checks the numbers and the questions.
    pub fn check(&self) -> Result<()> {
        if !(1..=K_MAX).contains(&self.k) {
            return Err(Error::InvalidArgument {
                field: "k",
                detail: format!("{} is not between 1 and {K_MAX}", self.k),
            });
        }
        if self.queries.len() > BATCH_SEARCHES_MAX {
            return Err(Error::LimitExceeded { what: "queries", limit: BATCH_SEARCHES_MAX as u64 });
        }
        match self.queries.iter().find(|query| query.trim().is_empty() || query.len() > QUERY_BYTES_MAX) {
            Some(query) => {
                let detail = format!("one has {} bytes, not 1 to {QUERY_BYTES_MAX} with a word", query.len());
                Err(Error::InvalidArgument { field: "queries", detail })
            }
            None => Ok(()),
        }
    }
}

impl Collection {
    /// Embeds every chunk with another model, compares the two, and changes to it; searches and writes go on.
    ///
    /// `report` gets the chunks that are done and that there are.
    pub async fn reembed(
        self: &Arc<Self>,
        embedding: EmbeddingSchema,
        options: ReembedOptions,
        report: impl Fn(usize, usize) + Send,
    ) -> Result<Reembedded> {
        options.check()?;
        let Ok(_alone) = self.shared().reembedding.try_lock() else {
            return Err(Error::Busy { what: "change of this collection's model" });
        };
        let mut making = self.making(embedding).await?;
        let resumed = making.prepared.len();
        self.make_most(&mut making, &report).await?;
        let comparison = self.compare(&making, &options).await?;
        let chunks = making.prepared.len();
        let reembedded = |version, switched| Reembedded { version, chunks, resumed, switched, comparison };
        if !options.switch {
            return Ok(reembedded(self.state().table.version(), false));
        }
        let pointer = self.build(&making).await?;
        let version = self.switch(making, pointer).await?;
        Prepared::remove_all(self.state().table.folder());
        Ok(reembedded(version, true))
    }

    /// Checks that a model is not the one that the collection has.
    pub fn check_new_model(&self, embedding: &EmbeddingSchema) -> Result<()> {
        match &embedding.model {
            Some(model) if self.state().schema.embedding == *embedding => {
                let detail = format!("the collection is embedded by this very '{}' already", model.name);
                Err(Error::InvalidArgument { field: "model", detail })
            }
            Some(_) => Ok(()),
            None => Err(Error::NoModel { name: self.shared().name.to_string() }),
        }
    }

    async fn making(&self, embedding: EmbeddingSchema) -> Result<Making> {
        self.check_new_model(&embedding)?;
        let state = self.state();
        let no_model = || Error::NoModel { name: self.shared().name.to_string() };
        let identity = embedding.model.clone().ok_or_else(no_model)?;
        let (models, folder) = (self.shared().services.models.clone(), state.table.folder().to_owned());
        let schema = Arc::new(CollectionSchema { embedding, ..CollectionSchema::clone(&state.schema) });
        blocking(move || {
            let prepared = Prepared::open(&folder, &identity)?;
            Ok(Making { schema, embedder: models.get_same(&identity)?, prepared })
        })
        .await
    }

    /// Makes vectors until only as many rows are without one as the switch can wait for.
    async fn make_most(&self, making: &mut Making, report: &(impl Fn(usize, usize) + Send)) -> Result<()> {
        for _ in 0..SWITCH_ROUNDS_MAX {
            let state = self.state();
            let missing = missing(&state, &making.prepared);
            let total = state.snapshot.len();
            report(total - missing.len(), total);
            if missing.is_empty() {
                return Ok(());
            }
            for (at, part) in missing.chunks(EMBED_BATCH).enumerate() {
                self.make(&state, making, part).await?;
                report(total - missing.len() + at * EMBED_BATCH + part.len(), total);
            }
            if missing.len() <= SWITCH_ROWS_MAX {
                return Ok(());
            }
        }
        Err(Error::Busy { what: "model, which is slower than the writes," })
    }

    /// Makes the vectors of some rows.
    async fn make(&self, state: &State, making: &mut Making, row_ids: &[u64]) -> Result<()> {
        if self.writer().is_closed() {
            return Err(Error::Stopping);
        }
        let wanted = [row::ID, row::TEXT, row::HEADING, row::URI, row::TITLE, row::SHA256];
        let batch = state.table.take(row_ids, &wanted).await?;
        let mut texts = Vec::with_capacity(row_ids.len());
        for at in 0..row_ids.len() {
            let row = row::from_batch(&state.schema, &batch, at);
            let Some(text) = embedded_text(&row) else {
                let detail = format!("chunk '{}' has no text that another model could embed", row.id);
                return Err(Error::InvalidArgument { field: "model", detail });
            };
            texts.push(text.into_owned());
        }
        let (embedder, schema) = (making.embedder.clone(), making.schema.clone());
        let vectors = blocking_on(&self.shared().services.writes, move || {
            let vectors = embedder.embed(texts, TextKind::Document, Priority::Ingest)?;
            let vectors = vectors.chunks_exact(schema.embedding.dimension);
            vectors.map(|vector| stored_vector(&schema, vector.to_vec())).collect::<Result<Vec<_>>>()
        });
        making.prepared.append(row_ids, &vectors.await?.concat())
    }

    /// Asks both models the same questions.
    async fn compare(self: &Arc<Self>, making: &Making, options: &ReembedOptions) -> Result<Option<Comparison>> {
        let state = self.state();
        if state.schema.embedding.model.is_none() || state.snapshot.is_empty() {
            return Ok(None);
        }
        let texts = match options.queries.is_empty() {
            true => self.sample(&state).await?,
            false => options.queries.clone(),
        };
        let (embedder, schema, asked) = (making.embedder.clone(), making.schema.clone(), texts.clone());
        let questions = blocking(move || {
            let embed = |text: &String| check_vector(&schema, embedder.embed_query(text)?);
            asked.iter().map(embed).collect::<Result<Vec<_>>>()
        });
        let mut queries = Vec::new();
        for (text, question) in texts.into_iter().zip(questions.await?) {
            let before = self.ids_before(&text, options.k).await?;
            let after = ids_after(&state, &making.prepared, &question, options.k);
            let shared = after.iter().filter(|id| before.contains(*id)).count();
            queries.push((text, shared, after.len().max(before.len())));
        }
        let (shared, all) = queries.iter().fold((0, 0), |(shared, all), query| (shared + query.1, all + query.2));
        let overlap = if all == 0 { 1.0 } else { shared as f64 / all as f64 };
        Ok(Some(Comparison { k: options.k, overlap, queries }))
    }

    /// Returns the beginnings of some texts, from all over the collection.
    async fn sample(&self, state: &State) -> Result<Vec<String>> {
        let live: Vec<u32> = state.snapshot.live().iter().map(|slot| slot as u32).collect();
        let step = live.len().div_ceil(SAMPLE_QUERIES).max(1);
        let slots: Vec<u32> = live.into_iter().step_by(step).collect();
        let include = Include { text: true, metadata: false, source: false, embedding: false };
        let views = self.view(state, &slots, include).await?;
        let beginning = |text: String| text.chars().take(SAMPLE_QUERY_CHARS).collect::<String>();
        let texts = views.into_iter().filter_map(|view| view.row.text).map(beginning);
        Ok(texts.filter(|text| !text.trim().is_empty()).collect())
    }

    async fn ids_before(self: &Arc<Self>, text: &str, k: usize) -> Result<HashSet<String>> {
        let include = Include { text: false, metadata: false, source: false, embedding: false };
        let (text, mode) = (Some(text.to_owned()), Some(Mode::Dense));
        let request = SearchRequest { text, mode, k, include, ..SearchRequest::default() };
        Ok(self.search_once(request).await?.hits.into_iter().map(|(_, view)| view.row.id).collect())
    }

    /// Builds the generation of the new vectors beside everything else, where there are enough of them.
    async fn build(&self, making: &Making) -> Result<Option<Pointer>> {
        let state = self.state();
        if state.snapshot.len() < SEAL_ROWS_MIN {
            return Ok(None);
        }
        let columns = state.snapshot.columns();
        let vector = |slot: u32| Some((slot, making.prepared.get(columns.row_id(slot))?.to_vec()));
        let vectors: Vec<_> = state.snapshot.live().iter().filter_map(|slot| vector(slot as u32)).collect();
        let EmbeddingSchema { dimension, metric, .. } = making.schema.embedding;
        let snapshot = state.snapshot.with_embedding(dimension, metric, &vectors);
        let next = State {
            table: state.table.clone(),
            schema: making.schema.clone(),
            snapshot,
            sealed_slots: 0,
            passages: state.passages.clone(),
        };
        let threads = (self.shared().services.threads / 2).max(1);
        let (done, built) = tokio::sync::oneshot::channel();
        let runtime = self.shared().services.writes.clone();
        let build = move || {
            step_back();
            // An error means that nobody waits any more; the folder is removed later.
            let _ = done.send(write_files(&next, threads, &runtime, &AtomicBool::new(false)));
        };
        let started = std::thread::Builder::new().name(format!("reembed-{}", self.shared().name)).spawn(build);
        started.map_err(|error| Error::Internal(error.to_string()))?;
        built.await.map_err(|_| Error::Internal("the generation of the new model was not built".into()))?.map(Some)
    }

    /// Makes the last vectors while writes wait, and has the writer change to the new model.
    async fn switch(&self, mut making: Making, pointer: Option<Pointer>) -> Result<Version> {
        let _alone = self.shared().model_gate.write().await;
        let state = self.state();
        for part in missing(&state, &making.prepared).chunks(EMBED_BATCH) {
            self.make(&state, &mut making, part).await?;
        }
        let embedding = making.schema.embedding.clone();
        let switch = Box::new(Switch { embedding, prepared: Arc::new(making.prepared), pointer });
        Ok(self.writer().send(|done| Write::Switch { switch, done }).await?.version)
    }
}

/// Returns the live rows that have no vector of the new model.
fn missing(state: &State, prepared: &Prepared) -> Vec<u64> {
    let row_ids = state.snapshot.live().iter().map(|slot| state.snapshot.columns().row_id(slot as u32));
    row_ids.filter(|&row_id| prepared.get(row_id).is_none()).collect()
}

/// Returns the chunks whose new vectors are nearest to a question.
fn ids_after(state: &State, prepared: &Prepared, question: &[f32], k: usize) -> Vec<String> {
    let columns = state.snapshot.columns();
    let score = |slot: u32| {
        let vector = prepared.get(columns.row_id(slot))?;
        Some((vector.iter().zip(question).map(|(a, b)| a * b).sum::<f32>(), slot))
    };
    let mut scored: Vec<(f32, u32)> = state.snapshot.live().iter().filter_map(|slot| score(slot as u32)).collect();
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let id = |slot: u32| columns.segment_of(slot).text(row::ID, slot).map(str::to_owned);
    scored.into_iter().take(k).filter_map(|(_, slot)| id(slot)).collect()
}

impl Switch {
    /// Writes the new vectors beside those in use, and puts them in their place in one commit. Only the writer calls this.
    pub async fn commit(&self, state: &State) -> Result<Table> {
        let columns = state.snapshot.columns();
        let mut row_ids = HashMap::with_capacity(state.snapshot.len());
        for slot in state.snapshot.live().iter().map(|slot| slot as u32) {
            let row_id = columns.row_id(slot);
            if self.prepared.get(row_id).is_none() {
                return Err(Error::Internal(format!("row {row_id} has no vector of the new model")));
            }
            row_ids.insert(columns.segment_of(slot).text(row::ID, slot).unwrap_or_default().to_owned(), row_id);
        }
        let (prepared, embedding) = (self.prepared.clone(), self.embedding.clone());
        let model = self.embedding.model.as_ref().map(|model| model.name.clone());
        let make = move |ids: &[&str]| {
            let row = |id: &&str| {
                let vector = row_ids.get(*id).and_then(|row_id| prepared.get(*row_id));
                let (embedding_hash, embedding) = (vector.map(hash_vector), vector.map(<[f32]>::to_vec));
                ChunkRow { embedding, embedding_hash, model: model.clone(), ..ChunkRow::default() }
            };
            row::staged_batch(&embedding, &ids.iter().map(row).collect::<Vec<_>>())
        };
        let staged = state.table.stage_vectors(&self.embedding, make).await?;
        let schema = CollectionSchema { embedding: self.embedding.clone(), ..CollectionSchema::clone(&state.schema) };
        let switched = staged.switch_vectors(schema.settings()).await?;
        let Some(pointer) = &self.pointer else { return Ok(switched) };
        let pointer = Pointer { column: Some(switched.vectors_id()?), ..pointer.clone() };
        let value = serde_json::to_string(&pointer).map_err(|error| Error::Internal(error.to_string()))?;
        switched.set_pointer(POINTER_KEY, &value).await
    }
}
