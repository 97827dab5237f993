//! The bytes of ingested files, each kept once under its hash.
//!
//! They lie beside the tables and no table needs them to be correct; a file that several collections hold is stored
//! once.

use crate::error::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder of original files below the data folder.
const FOLDER: &str = "_originals";

/// Original files by SHA-256.
#[derive(Clone)]
pub struct Originals {
    root: Arc<PathBuf>,
}

impl Originals {
    /// Names the place below a data folder.
    pub fn new(data: &Path) -> Self {
        Self { root: Arc::new(data.join(FOLDER)) }
    }

    /// Keeps bytes under their hash, durably; nothing happens where they are there already.
    pub fn keep(&self, sha256: &[u8; 32], bytes: &[u8]) -> Result<()> {
        let path = self.path(sha256);
        if std::fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64) {
            return Ok(());
        }
        self.write(&path, bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DiskFull,
            _ => Error::DataFolder { path: path.clone(), detail: error.to_string() },
        })
    }

    /// Reads the bytes of a hash, `None` where they are not kept.
    pub fn read(&self, sha256: &[u8; 32]) -> Option<Vec<u8>> {
        std::fs::read(self.path(sha256)).ok()
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    }

    fn path(&self, sha256: &[u8; 32]) -> PathBuf {
        let name = hex(sha256);
        self.root.join(&name[..2]).join(name)
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
