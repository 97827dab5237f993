//! Finds model folders below a root, lists them and checks their files against recorded hashes.
//!
//! It does not download anything.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::ModelError;
use crate::limits::TEXT_FILE_BYTES_MAX;
use crate::spec::ModelSpec;

/// The file that lists each file's hash, in the format of `sha256sum`.
const HASH_LIST: &str = "SHA256SUMS";
/// The only file that weights are read from.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// Describes one model folder below a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// The folder's name, by which the model is loaded.
    pub name: String,
    /// The length of a vector; `None` when the folder cannot be used.
    pub dimension: Option<usize>,
    /// The longest input in tokens; `None` when the folder cannot be used.
    pub max_tokens: Option<usize>,
    /// The size of the weights file.
    pub weights_bytes: u64,
    /// Why the folder cannot be used.
    pub problem: Option<String>,
}

/// Returns the folder of the named model, or `None` when there is none or the name would leave the root.
pub fn find_model(root: &Path, name: &str) -> Option<PathBuf> {
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let folder = root.join(name);
    (inside && !name.is_empty() && folder.join("modules.json").is_file()).then_some(folder)
}

/// Lists the model folders directly below a root, by name. A root that does not exist has none.
///
/// # Errors
/// `Io` when the root cannot be listed; a folder that cannot be used is listed with its problem.
pub fn list_models(root: &Path) -> Result<Vec<ModelSummary>, ModelError> {
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        outcome => outcome.map_err(|error| unreadable(root, error))?,
    };
    let mut models = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(root, error))?.file_name().to_string_lossy().into_owned();
        if let Some(folder) = find_model(root, &name) {
            models.push(summarize(name, &folder));
        }
    }
    models.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(models)
}

/// Checks every file of a model folder against its `SHA256SUMS` and returns how many there are.
///
/// # Errors
/// `HashMismatch` with the first file that differs, `MissingFile` when the list or a listed file is not there.
pub fn verify(folder: &Path) -> Result<usize, ModelError> {
    let list_path = folder.join(HASH_LIST);
    let list = String::from_utf8_lossy(&read(&list_path)?).into_owned();
    for line in list.lines() {
        let (expected, name) = line.split_once("  ").ok_or_else(|| ModelError::InvalidFile {
            path: list_path.clone(),
            detail: format!("line `{line}` is not a hash, two spaces and a name"),
        })?;
        let path = folder.join(name);
        let found = sha256_hex(&[&read(&path)?]);
        if found != expected {
            return Err(ModelError::HashMismatch { path, found, expected: expected.to_string() });
        }
    }
    Ok(list.lines().count())
}

fn summarize(name: String, folder: &Path) -> ModelSummary {
    let spec = ModelSpec::read(folder);
    let weights = spec.as_ref().ok().map(|spec| spec.transformer.join(WEIGHTS));
    let size = weights.and_then(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len());
    let problem = match (&spec, size) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), None) => Some("model.safetensors is missing".to_string()),
        (Ok(_), Some(_)) => None,
    };
    let usable = spec.ok().filter(|_| problem.is_none());
    ModelSummary {
        name,
        dimension: usable.as_ref().map(|spec| spec.dimension()),
        max_tokens: usable.as_ref().map(|spec| spec.max_tokens),
        weights_bytes: size.unwrap_or(0),
        problem,
    }
}

/// Returns the weights file of a folder.
///
/// # Errors
/// `Unsupported` with the name of weights in another format, `MissingFile` when there are none.
pub(crate) fn weights_path(folder: &Path) -> Result<PathBuf, ModelError> {
    let path = folder.join(WEIGHTS);
    let others = ["pytorch_model.bin", "model.safetensors.index.json", "tf_model.h5", "flax_model.msgpack"];
    match others.into_iter().find(|other| !path.is_file() && folder.join(other).exists()) {
        Some(other) => {
            Err(ModelError::Unsupported { part: "weights file", found: other.to_string(), supported: WEIGHTS })
        }
        None => Ok(path),
    }
}

/// Says whether a path names something below the folder that it is relative to, or that folder itself.
pub(crate) fn is_inside(path: &str) -> bool {
    !path.contains(['\\', '\0']) && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Reads a file whose size is bounded.
pub(crate) fn read_text_file(path: &Path) -> Result<Vec<u8>, ModelError> {
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if bytes > TEXT_FILE_BYTES_MAX {
        let detail = format!("it has {bytes} bytes, the limit is {TEXT_FILE_BYTES_MAX}");
        return Err(ModelError::InvalidFile { path: path.to_path_buf(), detail });
    }
    read(path)
}

/// Reads a whole file of a model folder.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ModelError::MissingFile { path: path.to_path_buf() },
        _ => unreadable(path, error),
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> ModelError {
    ModelError::Io { path: path.to_path_buf(), detail: error.to_string() }
}

/// Returns the SHA-256 of the parts, one behind the other, in hex.
pub(crate) fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
