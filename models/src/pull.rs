//! Brings a model into the models folder: fetches its files, checks them, and puts the folder in place in one step.
//!
//! Where the files come from is the caller's: a folder, or a hub through a client of its own. Only the files that are
//! read are fetched, and weights only as safetensors, because other formats can run code when they are read.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ModelError;
use crate::folder::{WEIGHTS, is_inside, unreadable, weights_path};
use crate::header::Header;
use crate::limits::{MODULES_MAX, NAME_BYTES_MAX, TEXT_FILE_BYTES_MAX, WEIGHTS_BYTES_MAX};
use crate::manifest;
use crate::profile::Profile;
use crate::registry::{ModelKind, ModelSummary, describe, kind_of};
use crate::reranker::RerankerSpec;
use crate::spec::{ModelSpec, read_json, read_optional};

const PROMPTS: &str = "config_sentence_transformers.json";
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
    pull_model(root, name, None, &mut |file, out| match File::open(source.join(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        opened => io::copy(&mut opened?, out).map(|_| true),
    })
}

/// Fetches a model's files into the root under a name, checks them, and describes the model.
///
/// `fetch` writes the named file and says whether there is such a file. With a profile, its hashes must be right, and its
/// prompts are written down where the model has none. The folder appears complete or not at all.
///
/// # Errors
/// `InvalidName` for a name that is taken or cannot be a folder's, `Io` for a file that could not be fetched,
/// `HashMismatch`, and any error about files that cannot be honoured.
pub fn pull_model(
    root: &Path,
    name: &str,
    profile: Option<&Profile>,
    fetch: &mut dyn FnMut(&str, &mut dyn Write) -> io::Result<bool>,
) -> Result<ModelSummary, ModelError> {
    check_name(root, name)?;
    let scratch = Scratch::create(root, name)?;
    let mut files = Files { folder: &scratch.0, fetch, names: Vec::new() };
    let weights = files.fetch_texts()?;
    if let Some(profile) = profile {
        files.add_prompts(profile)?;
    }
    check_texts(&scratch.0)?;
    for file in weights {
        files.require(&file)?;
        Header::read(&scratch.0.join(file))?;
    }
    for (file, sha256) in profile.map_or(&[][..], |profile| profile.sha256) {
        manifest::check_file(&scratch.0.join(file), sha256)?;
    }
    manifest::write(&scratch.0, &files.names)?;
    let place = || -> io::Result<()> {
        File::open(&scratch.0)?.sync_all()?;
        std::fs::rename(&scratch.0, root.join(name))?;
        File::open(root)?.sync_all()
    };
    place().map_err(|error| unreadable(&root.join(name), &error))?;
    describe(name, &root.join(name)).ok_or_else(|| ModelError::MissingFile { path: root.join(name) })
}

/// A folder that is removed unless it was put in place.
struct Scratch(PathBuf);

impl Scratch {
    fn create(root: &Path, name: &str) -> Result<Scratch, ModelError> {
        let folder = root.join(format!(".pull-{name}-{}", std::process::id()));
        std::fs::create_dir_all(root)
            .and_then(|()| std::fs::create_dir(&folder))
            .map_err(|error| unreadable(&folder, &error))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The files of a model on their way into a folder.
struct Files<'a> {
    folder: &'a Path,
    fetch: &'a mut dyn FnMut(&str, &mut dyn Write) -> io::Result<bool>,
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
        let limit = if name.ends_with(WEIGHTS) { WEIGHTS_BYTES_MAX } else { TEXT_FILE_BYTES_MAX };
        let path = self.folder.join(name);
        let mut write = || -> io::Result<bool> {
            std::fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
            let mut out = Bounded { file: File::create(&path)?, left: limit };
            let found = (self.fetch)(name, &mut out)?;
            out.file.sync_all()?;
            Ok(found)
        };
        let found = write().map_err(|error| ModelError::Io { path: PathBuf::from(name), detail: error.to_string() })?;
        match found {
            true => self.names.push(name.to_string()),
            false => std::fs::remove_file(&path).map_err(|error| unreadable(&path, &error))?,
        }
        Ok(found)
    }
}

/// A file that takes so many bytes more.
struct Bounded {
    file: File,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other("the file is larger than such a file may be"));
        }
        let count = self.file.write(bytes)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
