//! The data folder: its lock, and the tables in it.
//!
//! One process at a time holds a data folder, by a lock file that the system releases when the process ends. What lies
//! inside a table belongs to the rest of this module.

use super::checksum::ChecksumLog;
use super::durable::DurableWrapper;
use super::{Table, storage};
use crate::error::{Error, Result};
use crate::schema::{CollectionName, CollectionSchema, row};
use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::Schema;
use lance::Dataset;
use lance::dataset::builder::DatasetBuilder;
use lance::dataset::{WriteMode, WriteParams};
use lance::session::Session;
use lance_io::object_store::{ObjectStoreParams, ObjectStoreRegistry};
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Key of the schema metadata under which the settings of a collection lie.
pub(super) const SETTINGS_KEY: &str = "ragstone.settings";

const LOCK_NAME: &str = ".ragstone.lock";
const TABLE_SUFFIX: &str = "lance";
const INDEX_CACHE_BYTES: usize = 64 << 20;
const METADATA_CACHE_BYTES: usize = 256 << 20;

/// A data folder that this process holds.
pub struct DataFolder {
    path: PathBuf,
    session: Arc<Session>,
    // Held for its lock, which ends with it.
    _lock: File,
}

impl DataFolder {
    /// Opens a data folder, creates it where it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| Error::DataFolder { path: path.to_owned(), detail: error.to_string() };
        std::fs::create_dir_all(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = File::create(path.join(LOCK_NAME)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::DataFolderInUse { path }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let registry = Arc::new(ObjectStoreRegistry::default());
        let session = Arc::new(Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, registry));
        Ok(Self { path, session, _lock: lock })
    }

    /// Returns the absolute path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lists the collections by name.
    ///
    /// A table exists when it has a version; a folder that a crash left without one is not listed.
    pub fn list(&self) -> Result<Vec<CollectionName>> {
        let failed = |error: std::io::Error| Error::DataFolder { path: self.path.clone(), detail: error.to_string() };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if path.extension().is_some_and(|suffix| suffix == TABLE_SUFFIX)
                && let Some(Ok(name)) = stem.map(CollectionName::parse)
                && self.exists(&name)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns whether a collection exists.
    pub fn exists(&self, name: &CollectionName) -> bool {
        std::fs::read_dir(self.table_path(name).join("_versions"))
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|e| is_manifest(&e.path()))))
    }

    /// Creates an empty table as version 1.
    pub async fn create(&self, name: &CollectionName, schema: &CollectionSchema) -> Result<Table> {
        if self.exists(name) {
            return Err(Error::CollectionExists { name: name.to_string() });
        }
        let folder = self.table_path(name);
        let settings = serde_json::to_string(&schema.settings()).map_err(|error| Error::Internal(error.to_string()))?;
        let arrow = row::arrow_schema(schema);
        let metadata = HashMap::from([(SETTINGS_KEY.to_owned(), settings)]);
        let arrow = Arc::new(Schema::new_with_metadata(arrow.fields().clone(), metadata));
        let checksums = Arc::new(ChecksumLog::new(&folder));
        let params = WriteParams {
            mode: WriteMode::Create,
            enable_stable_row_ids: true,
            session: Some(self.session.clone()),
            store_params: Some(store_params(&checksums)),
            ..WriteParams::default()
        };
        let empty = RecordBatchIterator::new(Vec::<std::result::Result<RecordBatch, _>>::new(), arrow);
        let dataset = Dataset::write(empty, &uri(&folder), Some(params)).await.map_err(storage)?;
        checksums.sync().map_err(|error| Error::DataFolder { path: folder.clone(), detail: error.to_string() })?;
        Ok(Table { name: name.clone(), folder, dataset: Arc::new(dataset), checksums })
    }

    /// Opens the newest version of a table.
    ///
    /// A newest manifest without content, as a power loss leaves it on a disk that does not keep its promises, is set
    /// aside, and the version before it is opened.
    pub async fn open_table(&self, name: &CollectionName) -> Result<Table> {
        if !self.exists(name) {
            return Err(Error::CollectionNotFound { name: name.to_string() });
        }
        let folder = self.table_path(name);
        set_aside_empty_manifests(&folder)?;
        let checksums = Arc::new(ChecksumLog::new(&folder));
        let dataset = DatasetBuilder::from_uri(uri(&folder))
            .with_session(self.session.clone())
            .with_store_params(store_params(&checksums))
            .load()
            .await
            .map_err(storage)?;
        Ok(Table { name: name.clone(), folder, dataset: Arc::new(dataset), checksums })
    }

    /// Removes a table with everything in its folder.
    ///
    /// The folder is renamed first, so that a crash in between leaves no half of a collection.
    pub fn drop_table(&self, name: &CollectionName) -> Result<()> {
        if !self.exists(name) {
            return Err(Error::CollectionNotFound { name: name.to_string() });
        }
        let failed = |error: std::io::Error| Error::DataFolder { path: self.path.clone(), detail: error.to_string() };
        let removed = self.path.join(format!(".dropped-{}", uuid::Uuid::new_v4()));
        std::fs::rename(self.table_path(name), &removed).map_err(failed)?;
        std::fs::remove_dir_all(&removed).map_err(failed)
    }

    fn table_path(&self, name: &CollectionName) -> PathBuf {
        self.path.join(format!("{name}.{TABLE_SUFFIX}"))
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "manifest")
}

fn set_aside_empty_manifests(folder: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::DataFolder { path: folder.to_owned(), detail: error.to_string() };
    for entry in std::fs::read_dir(folder.join("_versions")).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_manifest(&entry.path()) && entry.metadata().map_err(failed)?.len() == 0 {
            tracing::warn!(manifest = %entry.path().display(), "empty manifest set aside");
            std::fs::rename(entry.path(), entry.path().with_extension("empty")).map_err(failed)?;
        }
    }
    Ok(())
}

fn store_params(checksums: &Arc<ChecksumLog>) -> ObjectStoreParams {
    ObjectStoreParams {
        object_store_wrapper: Some(Arc::new(DurableWrapper::new(checksums.clone()))),
        ..ObjectStoreParams::default()
    }
}

/// Returns the URI under which Lance sends every byte through the object store, and not past it.
fn uri(folder: &Path) -> String {
    let mut uri = String::from("file-object-store://");
    for byte in folder.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
