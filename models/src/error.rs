//! Everything that can go wrong with a model, with the data a caller needs to act on it.
//!
//! It does not choose status codes or log.

use std::path::PathBuf;

/// Tells why a model could not be loaded or a text not embedded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A file that every model folder needs is not there.
    #[error("model file is missing: {}", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("model file {} cannot be read: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the layer below says.
        detail: String,
    },
    /// A file of the model folder does not say what it must.
    #[error("model file {} is invalid: {detail}", path.display())]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// What the layer below says.
        detail: String,
    },
    /// The folder asks for something this crate does not do.
    #[error("{part} `{found}` is not supported, only {supported}")]
    Unsupported {
        /// Which part of the folder asks for it.
        part: &'static str,
        /// What is there.
        found: String,
        /// What would do.
        supported: &'static str,
    },
    /// The weights lack a tensor.
    #[error("weights have no tensor `{tensor}`")]
    MissingTensor {
        /// Its name in the file.
        tensor: String,
    },
    /// A tensor or a vocabulary does not fit the configuration.
    #[error("`{tensor}` has shape {found:?}, expected {expected:?}")]
    WrongShape {
        /// Its name in the file.
        tensor: String,
        /// What is there.
        found: Vec<usize>,
        /// What should be there.
        expected: Vec<usize>,
    },
    /// A file differs from its recorded hash.
    #[error("model file {} has sha256 {found}, expected {expected}", path.display())]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// An option has a value outside its range.
    #[error("option `{option}` is {found}, expected {expected}")]
    InvalidOption {
        /// The name of the option.
        option: &'static str,
        /// What is there.
        found: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The wanted device is not there.
    #[error("device `{wanted}` is not available: {detail}")]
    DeviceMissing {
        /// The device asked for.
        wanted: &'static str,
        /// What the layer below says.
        detail: String,
    },
    /// The tokenizer refused a text.
    #[error("text cannot be tokenized: {detail}")]
    Tokenize {
        /// What the layer below says.
        detail: String,
    },
    /// A query leaves no room for a text beside it.
    #[error("query has {tokens} tokens, the model allows {limit} beside a text")]
    QueryTooLong {
        /// How many it has.
        tokens: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The time that the caller allowed has passed.
    #[error("the deadline passed before all {texts} texts were scored")]
    DeadlinePassed {
        /// How many there were.
        texts: usize,
    },
    /// A name cannot be that of a model folder, or is taken.
    #[error("model name `{name}` {detail}")]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A tensor operation failed.
    #[error("model computation failed: {detail}")]
    Compute {
        /// What the layer below says.
        detail: String,
    },
    /// The queue is full; the same request may succeed later.
    #[error("embedding queue is full, its limit is {queue} requests")]
    Busy {
        /// How many requests may wait.
        queue: usize,
    },
    /// The embedding threads have ended.
    #[error("embedding threads have stopped")]
    Stopped,
}

impl ModelError {
    /// Returns the stable name of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            ModelError::MissingFile { .. } => "model_file_missing",
            ModelError::Io { .. } => "model_file_unreadable",
            ModelError::InvalidFile { .. } => "model_file_invalid",
            ModelError::Unsupported { .. } => "model_unsupported",
            ModelError::MissingTensor { .. } => "model_tensor_missing",
            ModelError::WrongShape { .. } => "model_shape_mismatch",
            ModelError::HashMismatch { .. } => "model_hash_mismatch",
            ModelError::InvalidOption { .. } => "model_option_invalid",
            ModelError::DeviceMissing { .. } => "model_device_missing",
            ModelError::Tokenize { .. } => "model_tokenize_failed",
            ModelError::QueryTooLong { .. } => "model_query_too_long",
            ModelError::DeadlinePassed { .. } => "model_deadline_passed",
            ModelError::InvalidName { .. } => "model_name_invalid",
            ModelError::Compute { .. } => "model_compute_failed",
            ModelError::Busy { .. } => "model_busy",
            ModelError::Stopped => "model_stopped",
        }
    }
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> ModelError {
        ModelError::Compute { detail: error.to_string() }
    }
}
