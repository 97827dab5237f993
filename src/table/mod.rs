//! The owner of table bytes: one versioned Lance table for each collection.
//!
//! A data folder is a valid LanceDB folder: `<data>/<collection>.lance`. [`DataFolder`] holds its lock and lists, creates
//! and drops tables; [`Table`] reads one version and commits the next. A change, however it is composed of new rows and
//! removed ones, is one commit: new fragments and deletion vectors are written first, and the manifest that names them
//! is put last. An upsert is a removal and an insertion in that same commit, so **a row id stands for one immutable
//! row**: whatever was computed from a row (vector, postings, columns) holds at every version where its row id lives.
//! That is why Lance's `merge_insert`, which keeps the row id of a changed row, is not used.
//!
//! Every object goes through [`durable`]: synced before it counts as written, with its checksum logged.
//! What a row means belongs to `schema`; who may write when belongs to `store`, which keeps one writer per table.

mod alter;
mod checksum;
mod commit;
mod durable;
mod folder;
mod maintain;
mod read;
mod reembed;
mod version;

pub use alter::SchemaChange;
pub use checksum::VerifyReport;
pub use commit::{Changes, Committed};
pub use folder::DataFolder;
pub use maintain::{FRAGMENT_ROWS, Join, Joined};
pub use read::{ROW_ID, ROW_VERSION};
pub use version::{VersionInfo, VersionRef};

use crate::error::{Error, Result};
use crate::schema::{CollectionName, CollectionSchema, Version};
use lance::Dataset;
use std::path::PathBuf;
use std::sync::Arc;

/// One version of a collection's table; cheap to clone, and unchanging.
#[derive(Clone)]
pub struct Table {
    name: CollectionName,
    folder: PathBuf,
    dataset: Arc<Dataset>,
    checksums: Arc<checksum::ChecksumLog>,
}

impl Table {
    /// Returns the name of the collection.
    pub fn name(&self) -> &CollectionName {
        &self.name
    }

    /// Returns the version that this handle reads.
    pub fn version(&self) -> Version {
        Version(self.dataset.version().version)
    }

    /// Returns when this version was committed.
    pub fn timestamp(&self) -> chrono::DateTime<chrono::Utc> {
        self.dataset.version().timestamp
    }

    /// Returns the folder of the table, under which index generations lie too.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Returns what the collection is made of at this version.
    pub fn schema(&self) -> Result<CollectionSchema> {
        let schema = self.dataset.schema();
        let damaged = |detail: String| Error::Damaged { what: format!("table of collection '{}'", self.name), detail };
        let stored = schema
            .metadata
            .get(folder::SETTINGS_KEY)
            .ok_or_else(|| damaged("it was not made by this program: the settings are missing".into()))?;
        let settings = serde_json::from_str(stored).map_err(|error| damaged(error.to_string()))?;
        Ok(CollectionSchema::from_parts(settings, &schema.into()))
    }

    fn with_dataset(&self, dataset: Dataset) -> Self {
        Self { dataset: Arc::new(dataset), ..self.clone() }
    }
}

/// Turns a failure of the table library into the product's error.
///
/// A full disk is told apart, since the caller can act on it.
fn storage(error: lance::Error) -> Error {
    let text = error.to_string();
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return Error::DiskFull;
    }
    Error::Storage(text)
}
