//! Reads the files of a model folder, and hashes them.
//!
//! It does not know what is in them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::ModelError;
use crate::limits::TEXT_FILE_BYTES_MAX;

/// The only file that weights are read from.
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// What is hashed at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Returns the weights file of a folder.
///
/// # Errors
/// `Unsupported` with the name of weights in another format.
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
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

/// Opens a file of a model folder.
pub(crate) fn open(path: &Path) -> Result<File, ModelError> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

/// Returns what a refusal of the file system means.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> ModelError {
    let path = path.to_path_buf();
    match error.kind() {
        ErrorKind::NotFound => ModelError::MissingFile { path },
        _ => ModelError::Io { path, detail: error.to_string() },
    }
}

/// Returns the SHA-256 of a file in hex, without holding the file in memory.
pub(crate) fn sha256_of_file(path: &Path) -> Result<String, ModelError> {
    let (mut file, mut hasher, mut block) = (open(path)?, Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match file.read(&mut block).map_err(|error| unreadable(path, &error))? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&block[..count]),
        }
    }
}

/// Returns the SHA-256 of the parts, one behind the other, in hex.
pub(crate) fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
