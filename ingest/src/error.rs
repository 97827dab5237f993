//! Why a file could not be read: one variant for each thing that a person can do about it.
//!
//! A [`ReadError`] concerns one file and never the batch around it. Codes are stable and part of the public contract.

use serde::{Deserialize, Serialize};

/// Formats that are read, as people call them.
const SUPPORTED: &str =
    "pdf, doc, docx, rtf, odt, ppt, pptx, xls, xlsx, epub, eml, msg, html, markdown, csv, json and plain text";

/// Reason for which one file gave no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReadError {
    /// Nothing in it.
    #[error("file is empty")]
    EmptyFile,
    /// A format that is known by name but not read.
    #[error("format {format} is not supported, supported are {SUPPORTED}")]
    UnsupportedFormat {
        /// Short name of the format found, for example `doc` or `png`.
        format: String,
    },
    /// Opens only with a password.
    #[error("file is encrypted: a password is needed")]
    Encrypted,
    /// Claims a format that it does not follow.
    #[error("{format} file is damaged: {detail}")]
    Corrupt {
        /// Short name of the format found.
        format: String,
        /// What was wrong, without text of the document.
        detail: String,
    },
    /// Opened, and held no text: most often a scan.
    #[error("no text found: {detail}")]
    NoText {
        /// `scanned` pages or `blank` ones.
        detail: String,
    },
    /// Asked for more than a limit allows.
    #[error("{what} is over the limit of {limit}")]
    LimitExceeded {
        /// Which bound, with its unit, for example `zip entries`.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// The worker process ran out of time on it.
    #[error("reading took longer than {limit_ms} ms")]
    Timeout {
        /// The bound.
        limit_ms: u64,
    },
    /// The worker process died on it.
    #[error("reader stopped: {detail}")]
    Crashed {
        /// How it ended, for example `signal 11`.
        detail: String,
    },
    /// The operating system did not give the file.
    #[error("file could not be opened: {detail}")]
    Unreadable {
        /// What the system said.
        detail: String,
    },
}

impl ReadError {
    /// Returns the stable snake_case code, as in the JSON form.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyFile => "empty_file",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::Encrypted => "encrypted",
            Self::Corrupt { .. } => "corrupt",
            Self::NoText { .. } => "no_text",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::Timeout { .. } => "timeout",
            Self::Crashed { .. } => "crashed",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}
