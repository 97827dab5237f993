//! What can go wrong with a generation.
//!
//! A generation is a cache of the table: any of these is mended by building it again.

use std::io;
use std::path::{Path, PathBuf};

/// Error of writing or opening a generation.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Bytes are not what was written.
    #[error("generation {} is damaged: {section}: {detail}", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// Which part of the file.
        section: &'static str,
        /// What was found and what was expected.
        detail: String,
    },
    /// The file was written by another version of this program.
    #[error("generation {} has format {found}, expected {expected}", path.display())]
    Format {
        /// The folder.
        path: PathBuf,
        /// Format found.
        found: u32,
        /// Format that this program reads.
        expected: u32,
    },
    /// The vectors handed over do not fit together.
    #[error("vectors of a generation: {what}: found {found}, expected {expected}")]
    Input {
        /// Which number.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number expected, or the largest allowed one.
        expected: usize,
    },
    /// The system refused.
    #[error("generation {}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("building a generation was cancelled")]
    Cancelled,
}

impl IndexError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }
}
