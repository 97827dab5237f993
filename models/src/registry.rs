//! The models in a folder: finds them by name, lists and describes them, and removes them.
//!
//! A model's folder is enough to know it; there is no other record. It does not load weights.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::ModelError;
use crate::folder::{is_inside, read_text_file, unreadable, weights_path};
use crate::header::Header;
use crate::profile::Profile;
use crate::reranker::RerankerSpec;
use crate::spec::ModelSpec;

/// Longest licence that is repeated from a model's own description.
const LICENCE_CHARS_MAX: usize = 64;

/// Says what a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// It turns texts into vectors.
    Embedder,
    /// It scores texts for a query.
    Reranker,
}

/// Describes one model folder below a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// The folder's name, by which the model is loaded.
    pub name: String,
    /// What the model is for.
    pub kind: ModelKind,
    /// The kind of transformer; `None` when the folder cannot be used.
    pub family: Option<&'static str>,
    /// The length of a vector; `None` when the folder cannot be used or is a reranker's.
    pub dimension: Option<usize>,
    /// The longest input in tokens; `None` when the folder cannot be used.
    pub max_tokens: Option<usize>,
    /// The size of the weights file.
    pub weights_bytes: u64,
    /// How the weights file holds numbers; `None` when it cannot be read.
    pub precision: Option<String>,
    /// The licence that the folder states, or its profile's.
    pub licence: Option<String>,
    /// Why the folder cannot be used.
    pub problem: Option<String>,
}

/// Returns the folder of the named embedding model, or `None` when there is none or the name would leave the root.
pub fn find_model(root: &Path, name: &str) -> Option<PathBuf> {
    find(root, name).filter(|folder| folder.join("modules.json").is_file())
}

/// Returns the folder of the named reranker, or `None` when there is none or the name would leave the root.
pub fn find_reranker(root: &Path, name: &str) -> Option<PathBuf> {
    find(root, name).filter(|folder| kind_of(folder) == Some(ModelKind::Reranker))
}

/// Describes the named model, or returns `None` when there is none.
pub fn show_model(root: &Path, name: &str) -> Option<ModelSummary> {
    describe(name, &find(root, name)?)
}

/// Lists the model folders directly below a root, by name. A root that does not exist has none.
///
/// # Errors
/// `Io` when the root cannot be listed; a folder that cannot be used is listed with its problem.
pub fn list_models(root: &Path) -> Result<Vec<ModelSummary>, ModelError> {
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        outcome => outcome.map_err(|error| unreadable(root, &error))?,
    };
    let mut models = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(root, &error))?.file_name();
        models.extend(show_model(root, &name.to_string_lossy()));
    }
    models.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(models)
}

/// Removes the named model. It is gone at once; a crash leaves at most a hidden folder that nobody names.
///
/// # Errors
/// `InvalidName` when no model has that name.
pub fn remove_model(root: &Path, name: &str) -> Result<(), ModelError> {
    let missing = || ModelError::InvalidName { name: name.to_string(), detail: "is not that of an installed model" };
    let folder = find(root, name).filter(|folder| kind_of(folder).is_some()).ok_or_else(missing)?;
    let failed = |error: std::io::Error| unreadable(&folder, &error);
    if folder.is_symlink() {
        return std::fs::remove_file(&folder).map_err(failed);
    }
    let hidden = root.join(format!(".removed-{}-{}", name.replace('/', "-"), std::process::id()));
    std::fs::rename(&folder, &hidden).map_err(failed)?;
    std::fs::remove_dir_all(&hidden).map_err(failed)
}

/// Returns the folder of that name if it is below the root and not hidden.
fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let visible = is_inside(name) && !name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    visible.then(|| root.join(name)).filter(|folder| folder.is_dir())
}

/// Returns what a folder holds, or `None` if it is no model's.
pub(crate) fn kind_of(folder: &Path) -> Option<ModelKind> {
    let modules = read_text_file(&folder.join("modules.json")).ok();
    let pools = modules.as_ref().is_some_and(|text| String::from_utf8_lossy(text).contains("Pooling"));
    match RerankerSpec::read(folder) {
        Ok(_) if !pools => Some(ModelKind::Reranker),
        _ => modules.map(|_| ModelKind::Embedder),
    }
}

/// Describes the model in a folder, or returns `None` if it holds none.
pub(crate) fn describe(name: &str, folder: &Path) -> Option<ModelSummary> {
    kind_of(folder).map(|kind| summarize(name.to_string(), kind, folder))
}

fn summarize(name: String, kind: ModelKind, folder: &Path) -> ModelSummary {
    let described = match kind {
        ModelKind::Embedder => ModelSpec::read(folder)
            .map(|spec| (spec.architecture.family, Some(spec.dimension()), spec.max_tokens, spec.transformer)),
        ModelKind::Reranker => RerankerSpec::read(folder)
            .map(|spec| (spec.architecture.family, None, spec.max_tokens, folder.to_path_buf())),
    };
    let transformer = described.as_ref().map_or(folder, |(.., transformer)| transformer);
    let header = weights_path(transformer).and_then(|path| Header::read(&path));
    let problem = described.as_ref().err().or(header.as_ref().err()).map(ModelError::to_string);
    let usable = described.ok().filter(|_| problem.is_none());
    ModelSummary {
        kind,
        family: usable.as_ref().map(|(family, ..)| *family),
        dimension: usable.as_ref().and_then(|(_, dimension, ..)| *dimension),
        max_tokens: usable.as_ref().map(|(_, _, max_tokens, _)| *max_tokens),
        weights_bytes: header.as_ref().map_or(0, |header| header.bytes),
        precision: header.ok().map(|header| header.precision),
        licence: read_licence(folder).or(Profile::find(&name).map(|profile| profile.licence.to_string())),
        problem,
        name,
    }
}

/// Returns the licence in the front matter of a model's description.
fn read_licence(folder: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&read_text_file(&folder.join("README.md")).ok()?).into_owned();
    let front = text.strip_prefix("---\n")?.split("\n---").next()?;
    let licence = front.lines().find_map(|line| line.strip_prefix("license:"))?.trim();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._+ ".contains(letter);
    let sound = !licence.is_empty() && licence.len() <= LICENCE_CHARS_MAX && licence.chars().all(plain);
    sound.then(|| licence.to_string())
}
