//! The models that collections may use: installed ones, each loaded once when it is first needed, and external ones.
//!
//! How a model runs belongs to the models crate, how an endpoint is asked to `remote`. A vector cut to fewer dimensions is
//! cut from the same loaded model.

use super::embedder::Embedder;
use crate::config::Config;
use crate::config::limits::EMBEDS_WAITING_MAX;
use crate::error::{Error, Result};
use crate::remote::Endpoint;
use ragstone_models::{Device, Identity, LoadOptions, ModelError, ModelKind, ModelSummary, Precision, Reranker};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Fewest dimensions that a vector may be cut to.
const DIMENSION_MIN: usize = 2;

/// A model in a precision, whole or cut to so many dimensions.
type Key = (String, Precision, Option<usize>);
type Loaded = HashMap<Key, Embedder>;

/// Models in a folder, loaded on demand, and those of the settings.
#[derive(Clone)]
pub struct Models {
    root: PathBuf,
    threads: usize,
    external: Arc<BTreeMap<String, crate::config::Embedder>>,
    loaded: Arc<Mutex<Loaded>>,
    rerankers: Arc<Mutex<HashMap<String, Arc<Reranker>>>>,
}

impl Models {
    /// Names the models of the settings; nothing is loaded.
    pub fn new(config: &Config) -> Self {
        Self {
            root: config.models.clone(),
            threads: config.threads,
            external: Arc::new(config.embedders.clone()),
            loaded: Arc::default(),
            rerankers: Arc::default(),
        }
    }

    /// Returns the folder of the models.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Lists the installed models, and behind them the external ones.
    pub fn list(&self) -> Result<Vec<ModelSummary>> {
        let mut models = ragstone_models::list_models(&self.root).map_err(from_model)?;
        models.retain(|model| !self.external.contains_key(&model.name));
        models.extend(self.external.iter().map(|(name, settings)| ModelSummary {
            name: name.clone(),
            kind: ModelKind::Embedder,
            family: Some("external"),
            dimension: Some(settings.dimension),
            max_tokens: Some(settings.max_tokens),
            weights_bytes: 0,
            precision: None,
            licence: None,
            problem: None,
        }));
        Ok(models)
    }

    /// Says whether a model is behind an endpoint; then a name of an installed model does not count.
    pub fn is_external(&self, name: &str) -> bool {
        self.external.contains_key(name)
    }

    /// Returns a model by name, loaded in a precision if it was not, whose vectors are cut if a dimension is given.
    ///
    /// Loading takes about a second.
    pub fn get(&self, name: &str, precision: Precision, dimension: Option<usize>) -> Result<Embedder> {
        let precision = if self.is_external(name) { Precision::F32 } else { precision };
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = self.whole(&mut loaded, name, precision)?;
        let Some(dimension) = dimension.filter(|dimension| *dimension != whole.identity().dimension) else {
            return Ok(whole);
        };
        let full = whole.full_dimension();
        if !(DIMENSION_MIN..=full).contains(&dimension) {
            let detail =
                format!("{dimension} is not between {DIMENSION_MIN} and {full}, the length of the model's vectors");
            return Err(Error::InvalidArgument { field: "embedding.dimension", detail });
        }
        let key = (name.to_owned(), precision, Some(dimension));
        if let Some(embedder) = loaded.get(&key) {
            return Ok(embedder.clone());
        }
        let embedder = whole.cut(dimension)?;
        loaded.insert(key, embedder.clone());
        Ok(embedder)
    }

    /// Returns a model whose vectors are as long as its folder says.
    fn whole(&self, loaded: &mut MutexGuard<'_, Loaded>, name: &str, precision: Precision) -> Result<Embedder> {
        let key = (name.to_owned(), precision, None);
        if let Some(embedder) = loaded.get(&key) {
            return Ok(embedder.clone());
        }
        let embedder = match self.external.get(name) {
            Some(settings) => Embedder::external(name, Endpoint::new(name, settings)?),
            None => {
                let folder = ragstone_models::find_model(&self.root, name);
                let folder = folder.ok_or_else(|| self.not_found(name, ModelKind::Embedder))?;
                let options = self.options(precision);
                let spawned = ragstone_models::Embedder::spawn(&folder, name, &options, EMBEDS_WAITING_MAX);
                Embedder::Installed(spawned.map_err(from_model)?)
            }
        };
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
        let mismatch = |found: String| Error::ModelMismatch { expected: describe(identity), found };
        let embedder =
            self.get(&identity.name, identity.precision, Some(identity.dimension)).map_err(|error| match error {
                Error::InvalidArgument { detail, .. } => mismatch(format!("one of this name: {detail}")),
                other => other,
            })?;
        match embedder.is_same(identity) {
            true => Ok(embedder),
            false => Err(mismatch(describe(embedder.identity()))),
        }
    }
}

/// Names what an operator can tell models apart by.
fn describe(identity: &Identity) -> String {
    let Identity { name, dimension, revision, .. } = identity;
    match identity.weights_sha256.get(..12) {
        Some(weights) => format!("{name} with weights {weights} and {dimension} dimensions"),
        None => format!("{name} of revision {revision} with {dimension} dimensions"),
    }
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
