//! Reads the configuration files of a sentence-transformers folder into one checked value.
//!
//! It does not read weights or the vocabulary, and it does not guess: what it cannot honour it refuses.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_transformers::models::bert::{Config, HiddenAct};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::ModelError;
use crate::folder::read;
use crate::pooling::Pooling;

/// Says how a folder wants its texts turned into vectors.
#[derive(Debug, Clone)]
pub(crate) struct ModelSpec {
    /// Where configuration, tokenizer and weights of the transformer lie.
    pub(crate) transformer: PathBuf,
    pub(crate) bert: Config,
    pub(crate) pooling: Pooling,
    pub(crate) normalize: bool,
    /// Special tokens included; never above the positions that the weights have.
    pub(crate) max_tokens: usize,
    pub(crate) lower_case: bool,
    pub(crate) query_prefix: String,
    pub(crate) document_prefix: String,
}

#[derive(Deserialize)]
struct ModuleFile {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
struct TransformerFile {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Deserialize, Default)]
struct PromptsFile {
    #[serde(default)]
    prompts: HashMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct ModelTypeFile {
    model_type: String,
}

impl ModelSpec {
    /// Reads and checks the configuration of a model folder.
    ///
    /// # Errors
    /// `MissingFile`, `InvalidFile`, or `Unsupported` with the part that cannot be honoured.
    pub(crate) fn read(folder: &Path) -> Result<ModelSpec, ModelError> {
        let modules: Vec<ModuleFile> = read_json(&folder.join("modules.json"))?;
        let (transformer, pooling, normalize) = match modules.as_slice() {
            [first, second] if is(first, "Transformer") && is(second, "Pooling") => (first, second, false),
            [first, second, third] if is(first, "Transformer") && is(second, "Pooling") && is(third, "Normalize") => {
                (first, second, true)
            }
            _ => return Err(unsupported_modules(&modules)),
        };
        let transformer = folder.join(&transformer.path);
        let bert = read_bert(&transformer.join("config.json"))?;
        let settings: TransformerFile = read_optional(&transformer.join("sentence_bert_config.json"))?;
        let prompts: PromptsFile = read_optional(&folder.join("config_sentence_transformers.json"))?;
        let spec = ModelSpec {
            pooling: Pooling::read(&folder.join(&pooling.path).join("config.json"))?,
            max_tokens: settings.max_seq_length.unwrap_or(bert.max_position_embeddings),
            lower_case: settings.do_lower_case,
            query_prefix: prompts.first(&["query"]),
            document_prefix: prompts.first(&["document", "passage", "corpus"]),
            transformer,
            bert,
            normalize,
        };
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), ModelError> {
        let path = self.transformer.join("config.json");
        let bert = &self.bert;
        let detail = if bert.num_attention_heads == 0 || !bert.hidden_size.is_multiple_of(bert.num_attention_heads) {
            format!("hidden_size {} does not divide into {} heads", bert.hidden_size, bert.num_attention_heads)
        } else if bert.hidden_size == 0 || bert.num_hidden_layers == 0 {
            "hidden_size and num_hidden_layers must be above zero".to_string()
        } else if self.max_tokens > bert.max_position_embeddings {
            format!("max_seq_length {} is above {} positions", self.max_tokens, bert.max_position_embeddings)
        } else {
            return Ok(());
        };
        Err(ModelError::InvalidFile { path, detail })
    }
}

impl PromptsFile {
    fn first(&self, names: &[&str]) -> String {
        names.iter().find_map(|name| self.prompts.get(*name).cloned().flatten()).unwrap_or_default()
    }
}

/// Compares the last word of a module's type, because the words before it are a path that moves between releases.
fn is(module: &ModuleFile, name: &str) -> bool {
    module.kind.rsplit('.').next() == Some(name)
}

fn unsupported_modules(modules: &[ModuleFile]) -> ModelError {
    let kinds: Vec<&str> = modules.iter().map(|module| module.kind.as_str()).collect();
    ModelError::Unsupported {
        part: "module chain",
        found: kinds.join(", "),
        supported: "Transformer, Pooling and, at the end, Normalize",
    }
}

fn read_bert(path: &Path) -> Result<Config, ModelError> {
    let ModelTypeFile { model_type } = read_json(path)?;
    if model_type != "bert" {
        return Err(ModelError::Unsupported { part: "architecture", found: model_type, supported: "bert" });
    }
    let bert: Config = read_json(path)?;
    if bert.hidden_act != HiddenAct::Gelu {
        let found = format!("{:?}", bert.hidden_act);
        return Err(ModelError::Unsupported { part: "activation", found, supported: "gelu" });
    }
    Ok(bert)
}

/// Reads a JSON file of the model folder.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let bytes = read(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ModelError::InvalidFile { path: path.to_path_buf(), detail: error.to_string() })
}

fn read_optional<T: DeserializeOwned + Default>(path: &Path) -> Result<T, ModelError> {
    match read_json(path) {
        Err(ModelError::MissingFile { .. }) => Ok(T::default()),
        outcome => outcome,
    }
}
