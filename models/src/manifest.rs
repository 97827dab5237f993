//! The list of a model folder's files with their hashes: written when the model is pulled, compared when it is verified.
//!
//! It does not say where the right hashes come from.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::ModelError;
use crate::folder::{WEIGHTS, is_inside, read_text_file, sha256_of_file, unreadable};
use crate::header::Header;

/// The file that lists each file's hash, in the format of `sha256sum`.
const HASH_LIST: &str = "SHA256SUMS";

/// Checks every file of a model folder against its `SHA256SUMS`, and the headers of its weights, and returns how many
/// files there are.
///
/// # Errors
/// `HashMismatch` with the first file that differs, `MissingFile` when the list or a listed file is not there,
/// `InvalidFile` for a list that leaves out weights or tokenizer or names a file elsewhere, and for weights that are not
/// whole.
pub fn verify(folder: &Path) -> Result<usize, ModelError> {
    let path = folder.join(HASH_LIST);
    let invalid = |detail: String| ModelError::InvalidFile { path: path.clone(), detail };
    let list = String::from_utf8_lossy(&read_text_file(&path)?).into_owned();
    let lines: Option<Vec<(&str, &str)>> = list.lines().map(|line| line.split_once("  ")).collect();
    let lines = lines.ok_or_else(|| invalid("a line is not a hash, two spaces and a name".to_string()))?;
    let missing = |name: &String| lines.iter().all(|(_, listed)| listed != name);
    if let Some(name) = find_essential(folder)?.into_iter().find(missing) {
        return Err(invalid(format!("it does not list {name}")));
    }
    for (expected, name) in &lines {
        if !is_inside(name) {
            return Err(invalid(format!("`{name}` is not inside the folder")));
        }
        check_file(&folder.join(name), expected)?;
    }
    Ok(lines.len())
}

/// Returns the weights and tokenizers in a folder and the folders in it.
fn find_essential(folder: &Path) -> Result<Vec<String>, ModelError> {
    let mut parts = vec![String::new()];
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let name = entry.map_err(|error| unreadable(folder, &error))?.file_name();
        parts.push(format!("{}/", name.to_string_lossy()));
    }
    let names = parts.iter().flat_map(|part| [WEIGHTS, "tokenizer.json"].map(|name| format!("{part}{name}")));
    Ok(names.filter(|name| folder.join(name).is_file()).collect())
}

/// Compares one file with its hash; of weights it reads the header too.
pub(crate) fn check_file(path: &Path, expected: &str) -> Result<(), ModelError> {
    let found = sha256_of_file(path)?;
    if found != expected {
        return Err(ModelError::HashMismatch { path: path.to_path_buf(), found, expected: expected.to_string() });
    }
    match path.ends_with(WEIGHTS) {
        true => Header::read(path).map(drop),
        false => Ok(()),
    }
}

/// Writes the list of the named files, synced.
pub(crate) fn write(folder: &Path, names: &[String]) -> Result<(), ModelError> {
    let mut list = String::new();
    for name in names {
        list += &format!("{}  {name}\n", sha256_of_file(&folder.join(name))?);
    }
    let path = folder.join(HASH_LIST);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&path)?;
        file.write_all(list.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| unreadable(&path, &error))
}
