//! What every command gets: the checked settings and the form of its output.
//!
//! Reads no flags of single commands.

use super::args::GlobalArgs;
use super::failure::Failure;
use crate::config::{Config, Overrides};
use crate::error::{Error, Result};
use crate::schema::CollectionName;
use crate::store::{Collection, Store};
use ragstone_ingest::worker::WorkerPool;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Settings and form of output.
pub struct Context {
    /// Checked settings.
    pub config: Config,
    /// Whether output is for machines.
    pub json: bool,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did all of its work.
    Done,
    /// It found nothing, or some files failed.
    Partly,
    /// It ran to its end and found damage.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => ExitCode::SUCCESS,
            Exit::Partly => ExitCode::from(1),
            Exit::Failed => ExitCode::from(2),
        }
    }
}

impl Context {
    /// Puts flags, environment and settings file together.
    pub fn new(global: &GlobalArgs, listen: Option<String>, password_file: Option<PathBuf>) -> Result<Self> {
        let overrides = Overrides {
            config: global.config.clone(),
            data: global.data.clone(),
            models: global.models.clone(),
            listen,
            password_file,
        };
        let config = Config::load(overrides)?;
        let data = config.data.to_string_lossy();
        if data.contains("://") {
            let detail = format!("'{data}' is not a folder of this machine");
            return Err(Error::InvalidSetting { name: "data".into(), detail });
        }
        Ok(Self { config, json: global.json })
    }

    /// Opens the data folder.
    pub fn open_store(&self) -> Result<Arc<Store>> {
        Store::open(self.config.clone())
    }

    /// Opens the data folder for some work, and finishes what was written whether that failed or not.
    pub async fn with_store<T>(&self, work: impl AsyncFnOnce(Arc<Store>) -> Result<T, Failure>) -> Result<T, Failure> {
        let store = self.open_store()?;
        let result = work(store.clone()).await;
        store.close().await;
        result
    }

    /// Opens the data folder for some work on one collection.
    pub async fn with_collection<T>(
        &self,
        name: &CollectionName,
        work: impl AsyncFnOnce(Arc<Collection>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_store(async |store| work(store.collection(name).await?).await).await
    }

    /// Makes the processes that read files.
    pub fn worker_pool(&self) -> Result<WorkerPool> {
        crate::store::worker_pool(&self.config)
    }
}
