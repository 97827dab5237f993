//! Reads the configuration files of a sentence-transformers folder into one checked value.
//!
//! It does not read weights or the vocabulary, and it does not guess: what it cannot honour it refuses.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::dense::DenseSpec;
use crate::error::ModelError;
use crate::family::Architecture;
use crate::folder::read_text_file;
use crate::limits::DENSE_MODULES_MAX;
use crate::pooling::Pooling;

/// Says how a folder wants its texts turned into vectors.
#[derive(Debug, Clone)]
pub(crate) struct ModelSpec {
    /// Where configuration, tokenizer and weights of the transformer lie.
    pub(crate) transformer: PathBuf,
    pub(crate) architecture: Architecture,
    pub(crate) pooling: Pooling,
    /// What is done to the pooled vector, in this order.
    pub(crate) dense: Vec<DenseSpec>,
    /// How many numbers of a vector the folder wants kept.
    pub(crate) truncate_dim: Option<usize>,
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
    default_prompt_name: Option<String>,
    truncate_dim: Option<usize>,
}

#[derive(Deserialize, Default)]
struct TokenizerFile {
    /// A huge number where there is no limit.
    model_max_length: Option<f64>,
}

impl ModelSpec {
    /// Reads and checks the configuration of a model folder.
    ///
    /// # Errors
    /// `MissingFile`, `InvalidFile`, or `Unsupported` with the part that cannot be honoured.
    pub(crate) fn read(folder: &Path) -> Result<ModelSpec, ModelError> {
        let modules: Vec<ModuleFile> = read_json(&folder.join("modules.json"))?;
        let chain = Chain::read(&modules)?;
        let transformer = folder.join(&chain.transformer.path);
        let settings: TransformerFile = read_optional(&transformer.join("sentence_bert_config.json"))?;
        let prompts: PromptsFile = read_optional(&folder.join("config_sentence_transformers.json"))?;
        let mut architecture = Architecture::read(&transformer.join("config.json"))?;
        let max_tokens = limit_tokens(&transformer, settings.max_seq_length, &mut architecture)?;
        let dense = chain.dense.iter().map(|module| DenseSpec::read(&folder.join(&module.path)));
        let spec = ModelSpec {
            pooling: Pooling::read(&folder.join(&chain.pooling.path).join("config.json"))?,
            dense: dense.collect::<Result<_, _>>()?,
            truncate_dim: prompts.truncate_dim,
            max_tokens,
            lower_case: settings.do_lower_case,
            query_prefix: prompts.first(&["query"]),
            document_prefix: prompts.first(&["document", "passage", "corpus"]),
            transformer,
            architecture,
            normalize: chain.normalize,
        };
        spec.check_widths(folder)?;
        Ok(spec)
    }

    /// Returns the length of a vector, if nothing more is cut off.
    pub(crate) fn dimension(&self) -> usize {
        self.truncate_dim.unwrap_or(self.full_dimension())
    }

    /// Returns the length of a vector before numbers are cut off.
    pub(crate) fn full_dimension(&self) -> usize {
        self.dense.last().map_or(self.architecture.shape.hidden, |dense| dense.outputs)
    }

    fn check_widths(&self, folder: &Path) -> Result<(), ModelError> {
        let mut width = self.architecture.shape.hidden;
        for dense in &self.dense {
            if dense.inputs != width {
                let detail = format!("a Dense module has in_features {}, expected {width}", dense.inputs);
                return Err(ModelError::InvalidFile { path: folder.join("modules.json"), detail });
            }
            width = dense.outputs;
        }
        if !(1..=width).contains(&self.dimension()) {
            let detail = format!("truncate_dim is {}, expected 1 to {width}", self.dimension());
            return Err(ModelError::InvalidFile { path: folder.join("config_sentence_transformers.json"), detail });
        }
        Ok(())
    }
}

/// The modules that a folder chains.
struct Chain<'a> {
    transformer: &'a ModuleFile,
    pooling: &'a ModuleFile,
    dense: &'a [ModuleFile],
    normalize: bool,
}

impl Chain<'_> {
    fn read(modules: &[ModuleFile]) -> Result<Chain<'_>, ModelError> {
        let (rest, normalize) = match modules {
            [rest @ .., last] if is(last, "Normalize") => (rest, true),
            _ => (modules, false),
        };
        match rest {
            [transformer, pooling, dense @ ..]
                if is(transformer, "Transformer")
                    && is(pooling, "Pooling")
                    && dense.len() <= DENSE_MODULES_MAX
                    && dense.iter().all(|module| is(module, "Dense"))
                    && modules.iter().all(|module| crate::folder::is_inside(&module.path)) =>
            {
                Ok(Chain { transformer, pooling, dense, normalize })
            }
            _ => Err(unsupported_modules(modules)),
        }
    }
}

impl PromptsFile {
    /// Returns the first of the named prompts that is there, else the default one.
    fn first(&self, names: &[&str]) -> String {
        let named = |name: &str| self.prompts.get(name).cloned().flatten();
        let default = || self.default_prompt_name.as_deref().and_then(named);
        names.iter().find_map(|name| named(name)).or_else(default).unwrap_or_default()
    }
}

/// Returns the longest input of a model: what its folder says, else what its tokenizer and its positions allow.
pub(crate) fn limit_tokens(
    folder: &Path,
    wanted: Option<usize>,
    architecture: &mut Architecture,
) -> Result<usize, ModelError> {
    let positions = architecture.shape.positions;
    let tokenizer: TokenizerFile = read_optional(&folder.join("tokenizer_config.json"))?;
    let allowed = tokenizer.model_max_length.map_or(positions, |length| positions.min(length as usize));
    let tokens = wanted.unwrap_or(allowed);
    if tokens > positions {
        let detail = format!("max_seq_length {tokens} is above {positions} positions");
        return Err(ModelError::InvalidFile { path: folder.join("config.json"), detail });
    }
    architecture.limit_positions(tokens)?;
    Ok(tokens)
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
        supported: "Transformer, Pooling, up to 8 Dense and, at the end, Normalize, in folders of the model's",
    }
}

/// Reads a JSON file of the model folder.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let bytes = read_text_file(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ModelError::InvalidFile { path: path.to_path_buf(), detail: error.to_string() })
}

/// Reads a JSON file of the model folder that need not be there.
pub(crate) fn read_optional<T: DeserializeOwned + Default>(path: &Path) -> Result<T, ModelError> {
    match read_json(path) {
        Err(ModelError::MissingFile { .. }) => Ok(T::default()),
        outcome => outcome,
    }
}
