//! The one error type of the product: a variant for each thing that a caller can act on, and its stable code.
//!
//! Knows no HTTP and no terminal: `api/error.rs` gives each code its status, `cli` its exit status.

use std::path::PathBuf;

/// Result with the product's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the data that tells the caller what to change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No collection of this name.
    #[error("collection '{name}' does not exist")]
    CollectionNotFound {
        /// Name asked for.
        name: String,
    },
    /// A collection of this name is there already.
    #[error("collection '{name}' exists already")]
    CollectionExists {
        /// Name asked for.
        name: String,
    },
    /// The name cannot be a collection's.
    #[error("collection name '{}' is not allowed", excerpt(name))]
    InvalidName {
        /// Name asked for.
        name: String,
    },
    /// The id cannot be a document's or chunk's.
    #[error("{kind} id of {bytes} bytes is not allowed")]
    InvalidId {
        /// `chunk` or `document`.
        kind: &'static str,
        /// Length found.
        bytes: usize,
    },
    /// The name cannot be a metadata field's.
    #[error("field name '{}' is not allowed", excerpt(field))]
    InvalidFieldName {
        /// Name asked for.
        field: String,
    },
    /// The name belongs to the store itself.
    #[error("field '{}' is reserved", excerpt(field))]
    ReservedField {
        /// Name asked for.
        field: String,
    },
    /// The collection has no such field.
    #[error("field '{}' does not exist", excerpt(field))]
    UnknownField {
        /// Name asked for.
        field: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// A value does not fit the type of its field.
    #[error("field '{}' is {expected}, got {found}", excerpt(field))]
    FieldTypeMismatch {
        /// Name of the field.
        field: String,
        /// Type of the field.
        expected: &'static str,
        /// Type of the value.
        found: &'static str,
    },
    /// A filter that cannot be read.
    #[error("filter is malformed at character {position}: {detail}")]
    InvalidFilter {
        /// Where, in characters from 0; 0 for the JSON form.
        position: usize,
        /// What was expected and found.
        detail: String,
    },
    /// No document of this id.
    #[error("document '{}' does not exist", excerpt(id))]
    DocumentNotFound {
        /// Id asked for.
        id: String,
    },
    /// Chunks of these ids are there already, and the caller asked to fail then.
    #[error("chunk '{}' exists already", excerpt(id))]
    ChunkExists {
        /// First id that exists.
        id: String,
    },
    /// No job of this id.
    #[error("job '{}' does not exist", excerpt(id))]
    JobNotFound {
        /// Id asked for.
        id: String,
    },
    /// No such version, tag or time.
    #[error("version '{}' does not exist", excerpt(asked))]
    VersionNotFound {
        /// What was asked for.
        asked: String,
        /// Oldest version that can be read.
        oldest: u64,
        /// Newest version.
        newest: u64,
    },
    /// No model of this name is installed.
    #[error("model '{}' is not installed", excerpt(model))]
    ModelNotFound {
        /// Name asked for.
        model: String,
        /// Names that are installed.
        installed: Vec<String>,
    },
    /// The collection was embedded by another model than the one offered.
    #[error("collection was embedded by {expected}, the installed model is {found}")]
    ModelMismatch {
        /// Identity that the collection stores.
        expected: String,
        /// Identity of the installed model.
        found: String,
    },
    /// The collection has no model, so a text cannot be embedded.
    #[error("collection '{name}' has no embedding model: send an embedding")]
    NoModel {
        /// Name of the collection.
        name: String,
    },
    /// A vector of the wrong length.
    #[error("embedding has {found} dimensions, the collection has {expected}")]
    DimensionMismatch {
        /// Dimension of the collection.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A vector with NaN, an infinity, or, for cosine, length zero.
    #[error("embedding is not usable: {detail}")]
    InvalidEmbedding {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A request that is well formed and makes no sense.
    #[error("{field}: {detail}")]
    InvalidArgument {
        /// Which part of the request.
        field: &'static str,
        /// What was found and what is allowed.
        detail: String,
    },
    /// A body that cannot be read.
    #[error("request is malformed: {detail}")]
    Malformed {
        /// What the parser said.
        detail: String,
    },
    /// Something is larger than its limit.
    #[error("{what} is over the limit of {limit}")]
    LimitExceeded {
        /// Which bound, with its unit.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A file that gave no document.
    #[error(transparent)]
    Read(#[from] ragstone_ingest::ReadError),
    /// More work waits than the server takes.
    #[error("{what} is full")]
    Busy {
        /// Which queue.
        what: &'static str,
    },
    /// The server is stopping.
    #[error("server is stopping")]
    Stopping,
    /// No space left for writing.
    #[error("disk is full")]
    DiskFull,
    /// Another process has the data folder open.
    #[error("data folder {} is in use by another process", path.display())]
    DataFolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("data folder {}: {detail}", path.display())]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Bytes on disk are not what was written.
    #[error("{what} is damaged: {detail}")]
    Damaged {
        /// Which file or object.
        what: String,
        /// How it was noticed.
        detail: String,
    },
    /// A setting that cannot be used.
    #[error("setting {name}: {detail}")]
    InvalidSetting {
        /// Name of the setting.
        name: String,
        /// What was found and what is allowed.
        detail: String,
    },
    /// A server that was asked did not answer as it should.
    #[error("server {url}: {detail}")]
    Remote {
        /// Which server.
        url: String,
        /// What it said.
        detail: String,
    },
    /// An external embedder did not answer as it should.
    #[error("embedder '{name}': {detail}")]
    Embedder {
        /// Its name in the settings.
        name: String,
        /// What was wrong, without anything secret.
        detail: String,
    },
    /// The table library failed.
    #[error("storage: {0}")]
    Storage(String),
    /// The model failed.
    #[error("model: {0}")]
    Model(String),
    /// An index operation failed.
    #[error("index: {0}")]
    Index(String),
    /// A task ended without an answer: a defect of this program.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Returns the stable snake_case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CollectionNotFound { .. } => "collection_not_found",
            Self::CollectionExists { .. } => "collection_exists",
            Self::InvalidName { .. } => "invalid_name",
            Self::InvalidId { .. } => "invalid_id",
            Self::InvalidFieldName { .. } => "invalid_field_name",
            Self::ReservedField { .. } => "reserved_field",
            Self::UnknownField { .. } => "unknown_field",
            Self::FieldTypeMismatch { .. } => "field_type_mismatch",
            Self::InvalidFilter { .. } => "invalid_filter",
            Self::DocumentNotFound { .. } => "document_not_found",
            Self::ChunkExists { .. } => "chunk_exists",
            Self::JobNotFound { .. } => "job_not_found",
            Self::VersionNotFound { .. } => "version_not_found",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::ModelMismatch { .. } => "model_mismatch",
            Self::NoModel { .. } => "no_model",
            Self::DimensionMismatch { .. } => "dimension_mismatch",
            Self::InvalidEmbedding { .. } => "invalid_embedding",
            Self::InvalidArgument { .. } => "invalid_argument",
            Self::Malformed { .. } => "malformed_request",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::Read(error) => error.code(),
            Self::Busy { .. } => "busy",
            Self::Stopping => "stopping",
            Self::DiskFull => "disk_full",
            Self::DataFolderInUse { .. } => "data_folder_in_use",
            Self::DataFolder { .. } => "data_folder",
            Self::Damaged { .. } => "damaged",
            Self::InvalidSetting { .. } => "invalid_setting",
            Self::Remote { .. } => "remote",
            Self::Embedder { .. } => "embedder_failed",
            Self::Storage(_) => "storage",
            Self::Model(_) => "model",
            Self::Index(_) => "index",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns what the caller can do next, where that is more than reading the message.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::CollectionNotFound { .. } => "create it with POST /v1/collections, or list them with GET".to_owned(),
            Self::InvalidName { .. } => "use 1 to 64 of a-z A-Z 0-9 _ -, starting with a letter or digit".to_owned(),
            Self::InvalidId { .. } => "use 1 to 512 bytes without control characters".to_owned(),
            Self::InvalidFieldName { .. } => {
                "use 1 to 128 bytes without control characters, dots, quotes, backticks or a leading _".to_owned()
            }
            Self::ReservedField { .. } => "choose another name for this metadata field".to_owned(),
            Self::UnknownField { nearest: Some(name), .. } => format!("did you mean '{name}'?"),
            Self::ChunkExists { .. } => "use on_conflict overwrite or skip to accept existing ids".to_owned(),
            Self::VersionNotFound { oldest, newest, .. } => format!("versions {oldest} to {newest} can be read"),
            Self::ModelNotFound { installed, .. } if installed.is_empty() => {
                "no model is installed: run `ragstone models pull`".to_owned()
            }
            Self::ModelNotFound { installed, .. } => format!("installed: {}", installed.join(", ")),
            Self::ModelMismatch { .. } => "install the model that the collection names, or create a new one".to_owned(),
            Self::Busy { .. } => "wait as long as Retry-After says and send it again".to_owned(),
            Self::Embedder { name, .. } => {
                format!("check [embedders.{name}] in the settings, and the endpoint it names")
            }
            Self::DiskFull => "free space; reads and deletes keep working".to_owned(),
            Self::DataFolderInUse { .. } => "stop the other process, or use --server with its address".to_owned(),
            Self::Damaged { .. } => "run `ragstone verify`; restore the object or an earlier version".to_owned(),
            _ => return None,
        })
    }

    /// Returns the name of the field that the error is about.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::InvalidFieldName { field }
            | Self::ReservedField { field }
            | Self::UnknownField { field, .. }
            | Self::FieldTypeMismatch { field, .. } => Some(field),
            Self::InvalidArgument { field, .. } => Some(field),
            Self::InvalidFilter { .. } => Some("filter"),
            Self::DimensionMismatch { .. } | Self::InvalidEmbedding { .. } => Some("embedding"),
            Self::InvalidName { .. } => Some("name"),
            Self::InvalidId { .. } => Some("id"),
            _ => None,
        }
    }

    /// Returns the limit that was exceeded.
    pub fn limit(&self) -> Option<u64> {
        match self {
            Self::LimitExceeded { limit, .. } => Some(*limit),
            Self::Read(ragstone_ingest::ReadError::LimitExceeded { limit, .. }) => Some(*limit),
            _ => None,
        }
    }
}

/// Shortens a caller's text for a message, so that a megabyte of it cannot fill the log.
fn excerpt(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
