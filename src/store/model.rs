//! The installed models, each loaded once when it is first needed.
//!
//! How a model runs belongs to the models crate; fetching its files is done outside this process.

use crate::error::{Error, Result};
use ragstone_models::{
    Device, Embedder, Identity, LoadOptions, ModelError, ModelKind, ModelSummary, Precision, Priority, Reranker,
    TextKind,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::limits::EMBEDS_WAITING_MAX;

/// Models in a folder, loaded on demand.
#[derive(Clone)]
pub struct Models {
    root: PathBuf,
    threads: usize,
    loaded: Arc<Mutex<HashMap<(String, Precision), Embedder>>>,
    rerankers: Arc<Mutex<HashMap<String, Arc<Reranker>>>>,
}

impl Models {
    /// Names a folder of model folders; nothing is loaded.
    pub fn new(root: PathBuf, threads: usize) -> Self {
        Self { root, threads, loaded: Arc::default(), rerankers: Arc::default() }
    }

    /// Returns the folder of the models.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Lists the installed models.
    pub fn list(&self) -> Result<Vec<ModelSummary>> {
        ragstone_models::list_models(&self.root).map_err(from_model)
    }

    /// Returns a model by name, loaded in a precision if it was not; takes about a second then.
    pub fn get(&self, name: &str, precision: Precision) -> Result<Embedder> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), precision);
        if let Some(embedder) = loaded.get(&key) {
            return Ok(embedder.clone());
        }
        let folder =
            ragstone_models::find_model(&self.root, name).ok_or_else(|| self.not_found(name, ModelKind::Embedder))?;
        let options = self.options(precision);
        let embedder = Embedder::spawn(&folder, name, &options, EMBEDS_WAITING_MAX).map_err(from_model)?;
        loaded.insert(key, embedder.clone());
        Ok(embedder)
    }

    /// Returns a reranker by name, loaded if it was not.
    pub fn reranker(&self, name: &str) -> Result<Arc<Reranker>> {
        let mut loaded = self.rerankers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reranker) = loaded.get(name) {
            return Ok(reranker.clone());
        }
        let folder = ragstone_models::find_reranker(&self.root, name)
            .ok_or_else(|| self.not_found(name, ModelKind::Reranker))?;
        let reranker = Arc::new(Reranker::load(&folder, name, &self.options(Precision::F32)).map_err(from_model)?);
        loaded.insert(name.to_owned(), reranker.clone());
        Ok(reranker)
    }

    fn options(&self, precision: Precision) -> LoadOptions {
        LoadOptions { threads: self.threads, device: Device::Auto, precision, dimension: None }
    }

    fn not_found(&self, name: &str, kind: ModelKind) -> Error {
        let installed = self.list().unwrap_or_default().into_iter().filter(|model| model.kind == kind);
        Error::ModelNotFound { model: name.to_owned(), installed: installed.map(|model| model.name).collect() }
    }

    /// Returns the model that a collection was embedded by, and refuses another one of the same name.
    pub fn get_same(&self, identity: &Identity) -> Result<Embedder> {
        let embedder = self.get(&identity.name, identity.precision)?;
        if embedder.identity() != identity {
            let describe = |identity: &Identity| {
                let weights = identity.weights_sha256.get(..12).unwrap_or(&identity.weights_sha256);
                format!("{} with weights {weights}", identity.name)
            };
            return Err(Error::ModelMismatch { expected: describe(identity), found: describe(embedder.identity()) });
        }
        Ok(embedder)
    }
}

/// Embeds texts on the model's own thread; blocks the calling thread until they are done.
pub fn embed(embedder: &Embedder, texts: Vec<String>, kind: TextKind, priority: Priority) -> Result<Vec<f32>> {
    embedder.embed(texts, kind, priority).map_err(from_model)
}

/// Embeds a question on the calling thread, beside whatever the model's own thread does.
pub fn embed_query(embedder: &Embedder, text: &str) -> Result<Vec<f32>> {
    embedder.embed_query(text).map_err(from_model)
}

/// Gives an error of a model the code that callers know.
pub(super) fn from_model(error: ModelError) -> Error {
    match error {
        ModelError::Busy { .. } => Error::Busy { what: "embedding queue" },
        ModelError::DeadlinePassed { .. } => Error::Busy { what: "time to rerank" },
        ModelError::QueryTooLong { .. } => Error::InvalidArgument { field: "query", detail: error.to_string() },
        ModelError::Unsupported { .. } => Error::InvalidArgument { field: "embedding", detail: error.to_string() },
        other => Error::Model(other.to_string()),
    }
}
