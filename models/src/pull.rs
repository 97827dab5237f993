//! Brings a model into the models folder: fetches its files, checks them, and puts the folder in place in one step.
//!
//! Where the files come from is the caller's: a folder, or a hub through a client of its own. Only the files that are
//! read are fetched, and weights only as safetensors, because other formats can run code when they are read. Texts are
//! small and fetched anew each time; weights that broke off are kept, and fetched on by the next attempt.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ModelError;
use crate::folder::{WEIGHTS, is_inside, unreadable, weights_path};
use crate::header::Header;
use crate::limits::{MODULES_MAX, NAME_BYTES_MAX, SMALL_FILE_BYTES_MAX, TEXT_FILE_BYTES_MAX, WEIGHTS_BYTES_MAX};
use crate::manifest;
use crate::partial::{Fetched, Partial, Scratch, remove_if_there};
use crate::profile::Profile;
use crate::registry::{ModelKind, ModelSummary, describe, kind_of};
use crate::reranker::RerankerSpec;
use crate::spec::{ModelSpec, read_json, read_optional};

const PROMPTS: &str = "config_sentence_transformers.json";
/// Bytes that weights may have for each megabyte that their profile states: it is rounded, and an edition may grow.
const PROFILE_MEGABYTE_BYTES: u64 = 1_250_000;
const ONLY: &str = "one with its weights as safetensors, in one file";

/// Copies a model's folder into the root under a name; where the folder has a list of hashes, they must be right.
///
/// # Errors
/// As for [`pull_model`], and `Unsupported` with the name of weights in another format.
pub fn pull_folder(root: &Path, name: &str, source: &Path) -> Result<ModelSummary, ModelError> {
    if source.join("SHA256SUMS").exists() {
        manifest::verify(source)?;
    }
    weights_path(source)?;
    let mut fetch = |file: &str, out: &mut Partial| match File::open(source.join(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Fetched::Missing),
        opened => io::copy(&mut opened?, out).map(|_| Fetched::Whole { sha256: None }),
    };
    pull_model(root, name, None, &mut fetch)
}

/// What fetches the named file into a place, and says whether there is such a file.
pub type Fetch<'a> = dyn FnMut(&str, &mut Partial) -> io::Result<Fetched> + 'a;

/// Fetches a model's files into the root under a name, checks them, and describes the model.
///
/// With a profile, its hashes must be right, and its prompts are written down where the model has none. Hashes that the
/// source states must be right too. The folder appears complete or not at all.
///
/// # Errors
/// `InvalidName` for a name that is taken or cannot be a folder's, `Io` for a file that could not be fetched,
/// `HashMismatch`, and any error about files that cannot be honoured.
pub fn pull_model(
    root: &Path,
    name: &str,
    profile: Option<&Profile>,
    fetch: &mut Fetch<'_>,
) -> Result<ModelSummary, ModelError> {
    check_name(root, name)?;
    let mut scratch = Scratch::open(root, name)?;
    let folder = scratch.folder();
    fetch_all(&mut scratch, &folder, profile, fetch)?;
    let place = || -> io::Result<()> {
        File::open(&folder)?.sync_all()?;
        std::fs::rename(&folder, root.join(name))?;
        File::open(root)?.sync_all()
    };
    place().map_err(|error| unreadable(&root.join(name), &error))?;
    describe(name, &root.join(name)).ok_or_else(|| ModelError::MissingFile { path: root.join(name) })
}

fn fetch_all(
    scratch: &mut Scratch,
    folder: &Path,
    profile: Option<&Profile>,
    fetch: &mut Fetch<'_>,
) -> Result<(), ModelError> {
    let mut files = Files { scratch, folder, profile, fetch, names: Vec::new() };
    let weights = files.fetch_texts()?;
    if let Some(profile) = profile {
        files.add_prompts(profile)?;
    }
    check_texts(folder)?;
    for file in weights {
        files.require(&file)?;
        Header::read(&folder.join(file))?;
    }
    for (file, sha256) in profile.map_or(&[][..], |profile| profile.sha256) {
        manifest::check_file(&folder.join(file), sha256)?;
    }
    manifest::write(folder, &files.names)
}

/// The files of a model on their way into a folder.
struct Files<'a> {
    scratch: &'a mut Scratch,
    folder: &'a Path,
    profile: Option<&'a Profile>,
    fetch: &'a mut Fetch<'a>,
    /// What was fetched.
    names: Vec<String>,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Files<'_> {
    /// Fetches all files but the weights, whose names it returns.
    fn fetch_texts(&mut self) -> Result<Vec<String>, ModelError> {
        for name in ["README.md", "LICENSE", PROMPTS] {
            self.get(name)?;
        }
        let modules: Vec<Module> = match self.get("modules.json")? {
            true => read_json(&self.folder.join("modules.json"))?,
            false => Vec::new(),
        };
        let sound = modules.len() <= MODULES_MAX && modules.iter().all(|module| is_inside(&module.path));
        if !sound {
            let detail = format!("it has more than {MODULES_MAX} modules, or one elsewhere");
            return Err(ModelError::InvalidFile { path: self.folder.join("modules.json"), detail });
        }
        let transformer = modules.first().map_or("", |module| module.path.as_str());
        self.require(&below(transformer, "config.json"))?;
        self.require(&below(transformer, "tokenizer.json"))?;
        self.get(&below(transformer, "tokenizer_config.json"))?;
        self.get(&below(transformer, "sentence_bert_config.json"))?;
        let mut weights = vec![below(transformer, WEIGHTS)];
        for module in modules.iter().skip(1) {
            self.get(&below(&module.path, "config.json"))?;
            if module.kind.ends_with(".Dense") {
                weights.push(below(&module.path, WEIGHTS));
            }
        }
        Ok(weights)
    }

    /// Writes down what goes before queries and documents, where the model does not.
    fn add_prompts(&mut self, profile: &Profile) -> Result<(), ModelError> {
        let path = self.folder.join(PROMPTS);
        let mut config: serde_json::Map<String, Value> = read_optional(&path)?;
        let named = config.get("prompts").and_then(Value::as_object);
        let has_some = named
            .is_some_and(|prompts| prompts.values().any(|prompt| prompt.as_str().is_some_and(|text| !text.is_empty())));
        if has_some || (profile.query_prompt.is_empty() && profile.document_prompt.is_empty()) {
            return Ok(());
        }
        config.insert("prompts".into(), json!({"query": profile.query_prompt, "document": profile.document_prompt}));
        let text = Value::Object(config).to_string();
        std::fs::write(&path, text).map_err(|error| unreadable(&path, &error))?;
        if !self.names.iter().any(|name| name == PROMPTS) {
            self.names.push(PROMPTS.to_string());
        }
        Ok(())
    }

    fn require(&mut self, name: &str) -> Result<(), ModelError> {
        if self.get(name)? {
            return Ok(());
        }
        match name.ends_with(WEIGHTS) {
            true => Err(ModelError::Unsupported { part: "model", found: format!("without {name}"), supported: ONLY }),
            false => Err(ModelError::MissingFile { path: PathBuf::from(name) }),
        }
    }

    /// Fetches a file and says whether there is one.
    fn get(&mut self, name: &str) -> Result<bool, ModelError> {
        let (path, limit) = (self.folder.join(name), self.limit(name));
        let mut write = || -> io::Result<Fetched> {
            std::fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
            if !name.ends_with(WEIGHTS) {
                remove_if_there(&path)?;
            }
            let mut out = Partial::open(&path, self.scratch.tag_path(name), limit)?;
            let fetched = (self.fetch)(name, &mut out);
            match &fetched {
                Ok(_) => out.finish()?,
                Err(_) if out.tag().is_some() && out.held() > 0 => self.scratch.keep(),
                Err(_) => {}
            }
            fetched
        };
        let failed = |error: io::Error| ModelError::Io { path: PathBuf::from(name), detail: error.to_string() };
        match write().map_err(failed)? {
            Fetched::Missing => {
                std::fs::remove_file(&path).map_err(|error| unreadable(&path, &error))?;
                return Ok(false);
            }
            Fetched::Whole { sha256: Some(sha256) } => manifest::check_file(&path, &sha256)?,
            Fetched::Whole { sha256: None } => {}
        }
        self.names.push(name.to_string());
        Ok(true)
    }

    /// Returns how many bytes a file may have.
    fn limit(&self, name: &str) -> u64 {
        match (name.ends_with(WEIGHTS), self.profile) {
            (true, Some(profile)) => u64::from(profile.weights_megabytes) * PROFILE_MEGABYTE_BYTES,
            (true, None) => WEIGHTS_BYTES_MAX,
            (false, _) if name.ends_with("tokenizer.json") => TEXT_FILE_BYTES_MAX,
            (false, _) => SMALL_FILE_BYTES_MAX,
        }
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

fn check_name(root: &Path, name: &str) -> Result<(), ModelError> {
    let refused = |detail| Err(ModelError::InvalidName { name: name.to_string(), detail });
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || name.contains('/') || !is_inside(name)
    {
        return refused("cannot be that of a folder");
    }
    if root.join(name).symlink_metadata().is_ok() {
        return refused("is taken; remove that model first");
    }
    Ok(())
}

/// Checks all that can be known before the weights are there.
fn check_texts(folder: &Path) -> Result<(), ModelError> {
    match kind_of(folder) {
        Some(ModelKind::Embedder) => ModelSpec::read(folder).map(drop),
        _ => RerankerSpec::read(folder).map(drop),
    }
}
