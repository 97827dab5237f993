//! The façade that every edge uses: a data folder with its collections, models and jobs.
//!
//! The write path: a request or a file becomes rows ([`document`], [`upsert`]), the rows go to the collection's one
//! [`writer`], which commits them and makes them visible. The read path: [`search`] embeds the question, runs it on the
//! pinned state of a version and fetches the texts. Graphs are sealed beside that ([`seal`]), and opened again with the
//! table ([`load`]). Wire formats belong to `api`, words for people to `cli`.

pub mod alter;
mod closed;
pub mod collection;
mod cut;
mod document;
pub mod embedder;
mod example;
mod expire;
mod failures;
mod filtered;
mod ingest;
pub mod jobs;
mod join;
mod lane;
mod load;
pub mod model;
mod near;
mod open;
mod opened;
mod original;
mod prepared;
pub mod preview;
pub mod probe;
mod reembed;
pub mod rerank;
mod rows;
mod seal;
pub mod search;
mod stage;
mod upsert;
pub mod view;
mod writer;

pub use alter::CollectionChange;
pub use collection::Collection;
pub use failures::FailedFile;
pub use ingest::{Content, FileOutcome, IngestFile, IngestOptions, NearDuplicates, Outcome};
pub use near::{NEAR_DUPLICATE_SHARE, NearDuplicate};
pub use reembed::{Comparison, ReembedOptions, Reembedded};
pub use rerank::Rerank;
pub use search::{SearchAnswer, SearchRequest};
pub use view::{
    ChunkView, CollectionInfo, DocumentView, Include, NewChunk, NewCollection, NewModel, OnConflict, Selection,
};

use crate::config::limits::{COLLECTIONS_OPEN, LISTED_AT_ONCE};
use crate::config::{Config, Ocr};
use crate::error::{Error, Result};
use crate::index::graph::sketch_stride;
use crate::schema::collection::{DIMENSION_MAX, FIELDS_MAX};
use crate::schema::{Chunking, CollectionName, CollectionSchema, EmbeddingSchema, Metric, ShortForm, VectorForms};
use crate::table::DataFolder;
use closed::closed_info;
use futures::StreamExt;
use jobs::Jobs;
use lane::WriteLane;
use model::Models;
use open::OpenCollections;
use original::Originals;
use ragstone_ingest::ocr::OcrCommand;
use ragstone_ingest::worker::{WorkerCommand, WorkerPool};
use ragstone_models::Precision;
use rows::RowCache;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use view::EmbeddingChoice;

/// An open data folder.
pub struct Store {
    config: Config,
    folder: DataFolder,
    models: Models,
    workers: Arc<WorkerPool>,
    originals: Originals,
    jobs: Jobs,
    rows: Arc<RowCache>,
    searches: Arc<Semaphore>,
    open: OpenCollections,
    writes: WriteLane,
}

/// Makes the processes that read files.
pub fn worker_pool(config: &Config) -> Result<WorkerPool> {
    let program = std::env::current_exe().map_err(|error| Error::Internal(error.to_string()))?;
    let command = WorkerCommand { program, args: vec!["extract-worker".into()] };
    let pool = WorkerPool::new(command, ragstone_ingest::Limits::default(), config.threads);
    let pool = pool.with_passwords(config.passwords.clone());
    let Some(Ocr { command, page_seconds, pages_max }) = &config.ocr else { return Ok(pool) };
    let Some((program, args)) = command.split_first() else { return Ok(pool) };
    let (page_max, args) = (Duration::from_secs(*page_seconds), args.to_vec());
    Ok(pool.with_ocr(OcrCommand { program: program.into(), args, page_max, pages_max: *pages_max }))
}

impl Store {
    /// Opens the data folder that the settings name, and holds it until dropped.
    pub fn open(config: Config) -> Result<Arc<Self>> {
        let folder = DataFolder::open(&config.data)?;
        let workers = Arc::new(worker_pool(&config)?);
        let originals = Originals::new(folder.path());
        let jobs = Jobs::default();
        let models = Models::new(&config);
        let searches = Arc::new(Semaphore::new(config.threads.max(2)));
        let writes = WriteLane::start(config.threads)?;
        let open = OpenCollections::default();
        Ok(Arc::new(Self {
            config,
            folder,
            models,
            workers,
            originals,
            jobs,
            rows: Arc::default(),
            searches,
            open,
            writes,
        }))
    }

    /// Returns the settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the installed models.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Returns the jobs of this process.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Returns the pool of processes that read files.
    pub fn workers(&self) -> &Arc<WorkerPool> {
        &self.workers
    }

    /// Creates a collection.
    pub async fn create_collection(&self, new: NewCollection) -> Result<CollectionInfo> {
        let schema = self.schema_of(&new)?;
        let place = self.open.place(&new.name);
        let mut open = place.open.lock().await;
        let table = self.folder.create(&new.name, &schema).await?;
        let collection = self.open_collection(table).await?;
        let info = collection.info();
        *open = Some(collection);
        drop(open);
        self.close_idle().await;
        Ok(info)
    }

    /// Lists the collections by name, without opening those that are closed.
    ///
    /// A collection that cannot be read is left out and logged, so that one does not hide the others.
    pub async fn collections(&self) -> Result<Vec<CollectionInfo>> {
        let names = self.folder.list()?;
        let infos = futures::stream::iter(names).map(async |name| {
            let info = self.info_of(&name).await;
            info.inspect_err(|error| tracing::error!(collection = %name, %error, "collection not read")).ok()
        });
        Ok(infos.buffered(LISTED_AT_ONCE).filter_map(async |info| info).collect().await)
    }

    async fn info_of(&self, name: &CollectionName) -> Result<CollectionInfo> {
        let place = self.open.glance(name);
        let open = place.open.lock().await;
        if let Some(collection) = &*open {
            return Ok(collection.info());
        }
        if let Some(info) = place.remembered() {
            return Ok(info);
        }
        let info = match self.folder.open_table(name).await {
            Ok(table) => closed_info(&table).await,
            Err(error) => Err(error),
        };
        match &info {
            Ok(info) => place.remember(info.clone()),
            Err(_) => {
                drop(open);
                self.open.forget(name, &place);
            }
        }
        info
    }

    /// Returns a collection, opened if it was not.
    pub async fn collection(&self, name: &CollectionName) -> Result<Arc<Collection>> {
        let place = self.open.place(name);
        let mut open = place.open.lock().await;
        if let Some(collection) = &*open {
            return Ok(collection.clone());
        }
        let table = match self.folder.open_table(name).await {
            Ok(table) => table,
            Err(error) => {
                drop(open);
                self.open.forget(name, &place);
                return Err(error);
            }
        };
        let collection = self.open_collection(table).await?;
        place.forget();
        *open = Some(collection.clone());
        drop(open);
        self.close_idle().await;
        Ok(collection)
    }

    /// Returns the number of open collections, and roughly the bytes that they hold in memory.
    pub fn in_memory(&self) -> (usize, usize) {
        let open = self.open.open();
        (open.len(), open.iter().map(|(_, bytes)| bytes).sum())
    }

    /// Returns how a model of the store embeds into vectors of some forms; loads it if it was not.
    pub fn embedding_for(&self, model: &NewModel, forms: VectorForms) -> Result<EmbeddingSchema> {
        let embedding = self.embedding_of(model, forms)?;
        check_forms(&embedding).map(|()| embedding)
    }

    /// Removes a collection with all its versions.
    pub async fn drop_collection(&self, name: &CollectionName) -> Result<()> {
        let place = self.open.place(name);
        let mut open = place.open.lock().await;
        if let Some(collection) = open.take() {
            collection.close().await;
        }
        place.forget();
        let dropped = self.folder.drop_table(name);
        drop(open);
        self.open.forget(name, &place);
        dropped
    }

    /// Finishes what every writer has begun.
    pub async fn close(&self) {
        for place in self.open.take_all() {
            if let Some(collection) = place.open.lock().await.take() {
                collection.close().await;
            }
        }
    }

    /// Closes collections that nobody uses and that have been idle for longest, where too many are open.
    async fn close_idle(&self) {
        for place in self.open.idle(COLLECTIONS_OPEN, self.config.collections_mib << 20) {
            let Ok(mut open) = place.open.try_lock() else { continue };
            // The lock is held until the writer has ended, so that nobody opens the collection beside it.
            if let Some(collection) = open.take_if(|collection| Arc::strong_count(collection) == 1) {
                collection.close().await;
                place.remember(collection.info());
            }
        }
    }

    async fn open_collection(&self, table: crate::table::Table) -> Result<Arc<Collection>> {
        let services = collection::Services {
            models: self.models.clone(),
            workers: self.workers.clone(),
            originals: self.originals.clone(),
            rows: self.rows.clone(),
            searches: self.searches.clone(),
            writes: self.writes.handle(),
            threads: self.config.threads,
            keep_days: self.config.keep_days,
        };
        Collection::open(table, services).await
    }

    fn schema_of(&self, new: &NewCollection) -> Result<CollectionSchema> {
        if new.fields.len() > FIELDS_MAX {
            return Err(Error::LimitExceeded { what: "fields", limit: FIELDS_MAX as u64 });
        }
        for (at, declared) in new.fields.iter().enumerate() {
            alter::check_new_name(&declared.name)?;
            if new.fields[..at].iter().any(|other| other.name == declared.name) {
                let detail = format!("'{}' is declared twice", declared.name);
                return Err(Error::InvalidArgument { field: "fields", detail });
            }
        }
        alter::check_description(&new.description)?;
        let mut chunking = new.chunking.applied_to(&Chunking::default())?;
        let embedding = match &new.embedding {
            EmbeddingChoice::Dimension { dimension, metric } => {
                if !(2..=DIMENSION_MAX).contains(dimension) {
                    let detail = format!("{dimension} is not between 2 and {DIMENSION_MAX}");
                    return Err(Error::InvalidArgument { field: "embedding.dimension", detail });
                }
                EmbeddingSchema { model: None, dimension: *dimension, metric: *metric, forms: new.forms }
            }
            EmbeddingChoice::Default => {
                let model = NewModel { name: self.config.model.clone(), precision: None, dimension: None };
                self.embedding_of(&model, new.forms)?
            }
            EmbeddingChoice::Model(model) => self.embedding_of(model, new.forms)?,
        };
        check_forms(&embedding)?;
        if let Some(identity) = &embedding.model {
            chunking = document::fitted(&new.chunking, chunking, &self.models.get_same(identity)?)?;
        }
        Ok(CollectionSchema { description: new.description.clone(), embedding, chunking, fields: new.fields.clone() })
    }

    fn embedding_of(&self, model: &NewModel, forms: VectorForms) -> Result<EmbeddingSchema> {
        let NewModel { name, precision, dimension } = model;
        if self.models.is_external(name) && precision.is_some_and(|precision| precision != Precision::F32) {
            let detail = "an external model computes as its endpoint does".to_owned();
            return Err(Error::InvalidArgument { field: "embedding.precision", detail });
        }
        let embedder = self.models.get(name, precision.unwrap_or(self.config.precision), *dimension)?;
        let identity = embedder.identity().clone();
        Ok(EmbeddingSchema { dimension: identity.dimension, model: Some(identity), metric: Metric::Cosine, forms })
    }
}

/// Checks that vectors are long enough for the form in which a walk reads them.
fn check_forms(embedding: &EmbeddingSchema) -> Result<()> {
    if embedding.forms.walk == ShortForm::Bits && sketch_stride(embedding.dimension) == 0 {
        let detail = "walks by bits need vectors of 256 dimensions or more".to_owned();
        return Err(Error::InvalidArgument { field: "embedding.walk", detail });
    }
    Ok(())
}
