//! Which family of transformers a folder holds, and what its configuration says.
//!
//! DistilBERT, RoBERTa and XLM-RoBERTa are BERT under other names, with other first positions and types, so they have one
//! configuration and one encoder runs them all. The others are run by the model library.
//!
//! It does not read weights and does not compute.

use std::path::Path;

use candle_transformers::models::{jina_bert, modernbert, nomic_bert, qwen3};
use serde::Deserialize;
use serde_json::Value;

use crate::error::ModelError;
use crate::limits::{ALIBI_NUMBERS_MAX, HEAD_NUMBERS_MAX, LAYERS_MAX, POSITIONS_MAX, WIDTH_MAX};
use crate::spec::read_json;

/// Says what a transformer is made of.
#[derive(Debug, Clone)]
pub(crate) struct Architecture {
    /// The word of the configuration, but `jina_bert` for its BERT with ALiBi.
    pub(crate) family: &'static str,
    pub(crate) shape: Shape,
    pub(crate) settings: Settings,
}

/// What all families have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) hidden: usize,
    /// Numbers of a row inside a layer.
    pub(crate) inner: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    /// Numbers of a row in a head; 0 if heads do not divide a row.
    pub(crate) head_numbers: usize,
    pub(crate) vocabulary: usize,
    /// The longest input in tokens.
    pub(crate) positions: usize,
}

/// What the runner of a family reads.
#[derive(Debug, Clone)]
pub(crate) enum Settings {
    Bert(BertConfig),
    ModernBert(modernbert::Config),
    NomicBert(nomic_bert::Config),
    JinaBert(jina_bert::Config),
    Qwen3(qwen3::Config),
}

/// The configuration of BERT and of those that are BERT under other names.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BertConfig {
    pub(crate) vocab_size: usize,
    #[serde(alias = "dim")]
    pub(crate) hidden_size: usize,
    #[serde(alias = "n_layers")]
    pub(crate) num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    pub(crate) num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    pub(crate) intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: String,
    /// Rows of the table of positions; the first ones belong to no token where the padding comes before.
    pub(crate) max_position_embeddings: usize,
    #[serde(default = "one")]
    pub(crate) type_vocab_size: usize,
    #[serde(default = "usual_epsilon")]
    pub(crate) layer_norm_eps: f64,
    #[serde(default)]
    pub(crate) pad_token_id: u32,
}

#[derive(Deserialize)]
struct KindFile {
    model_type: String,
    position_embedding_type: Option<String>,
    auto_map: Option<Value>,
    rotary_scaling_factor: Option<f64>,
    #[serde(default)]
    prenorm: bool,
    #[serde(default)]
    use_rms_norm: bool,
    n_embd: Option<usize>,
}

const SUPPORTED: &str =
    "bert (also with alibi), distilbert, roberta, camembert, xlm-roberta, modernbert, nomic_bert and qwen3";

fn one() -> usize {
    1
}

fn usual_epsilon() -> f64 {
    1e-12
}

impl Architecture {
    /// Reads and checks a `config.json`.
    pub(crate) fn read(path: &Path) -> Result<Architecture, ModelError> {
        let kind: KindFile = read_json(path)?;
        // The library's reader would take its own defaults for whatever is missing.
        if kind.model_type == "nomic_bert" && kind.n_embd.is_none() {
            let detail = "it has no `n_embd`".to_string();
            return Err(ModelError::InvalidFile { path: path.to_path_buf(), detail });
        }
        let positions = kind.position_embedding_type.as_deref().unwrap_or("absolute");
        let architecture = match (kind.model_type.as_str(), positions) {
            ("bert", "alibi") => jina(&kind, read_json(path)?)?,
            ("modernbert", _) => modern(read_json(path)?)?,
            ("nomic_bert", _) => nomic(&kind, read_json(path)?)?,
            ("qwen3", _) => qwen3(read_json(path)?)?,
            ("bert" | "distilbert" | "roberta" | "camembert" | "xlm-roberta", "absolute") => {
                bert(&kind.model_type, read_json(path)?)?
            }
            ("bert" | "distilbert" | "roberta" | "camembert" | "xlm-roberta", other) => {
                return Err(unsupported("position embedding", other, "absolute, and alibi for bert"));
            }
            (other, _) => return Err(unsupported("architecture", other, SUPPORTED)),
        };
        architecture.shape.check(path)?;
        Ok(architecture)
    }

    /// Says that no input will be longer, so that tables of positions need not be.
    pub(crate) fn limit_positions(&mut self, tokens: usize) -> Result<(), ModelError> {
        match &mut self.settings {
            Settings::Bert(_) => {}
            Settings::ModernBert(config) => config.max_position_embeddings = tokens,
            Settings::NomicBert(config) => config.n_positions = tokens,
            Settings::JinaBert(_) if tokens.pow(2).saturating_mul(self.shape.heads) > ALIBI_NUMBERS_MAX => {
                let supported = "tables of at most 2^30 numbers, such as 16 heads of 8192 tokens";
                return Err(unsupported("max_seq_length with alibi", &tokens.to_string(), supported));
            }
            Settings::JinaBert(config) => config.max_position_embeddings = tokens,
            Settings::Qwen3(config) => config.max_position_embeddings = tokens,
        }
        Ok(())
    }
}

impl Shape {
    fn check(&self, path: &Path) -> Result<(), ModelError> {
        let Shape { hidden, inner, layers, heads, head_numbers, vocabulary, positions } = *self;
        let detail = if !(1..=HEAD_NUMBERS_MAX).contains(&head_numbers) {
            format!("{hidden} numbers for {heads} heads, expected to divide, and at most {HEAD_NUMBERS_MAX} for each")
        } else if let Some(size) =
            [hidden, inner, heads, vocabulary].into_iter().find(|size| !(1..=WIDTH_MAX).contains(size))
        {
            format!("a size is {size}, expected 1 to {WIDTH_MAX}")
        } else if !(1..=LAYERS_MAX).contains(&layers) {
            format!("{layers} layers, expected 1 to {LAYERS_MAX}")
        } else if !(1..=POSITIONS_MAX).contains(&positions) {
            format!("{positions} positions, expected 1 to {POSITIONS_MAX}")
        } else {
            return Ok(());
        };
        Err(ModelError::InvalidFile { path: path.to_path_buf(), detail })
    }
}

fn bert(family: &str, config: BertConfig) -> Result<Architecture, ModelError> {
    if config.hidden_act != "gelu" {
        return Err(unsupported("activation", &config.hidden_act, "gelu"));
    }
    let (family, first) = match family {
        "bert" => ("bert", 0),
        "distilbert" => ("distilbert", 0),
        "roberta" => ("roberta", config.pad_token_id as usize + 1),
        "camembert" => ("camembert", config.pad_token_id as usize + 1),
        _ => ("xlm-roberta", config.pad_token_id as usize + 1),
    };
    let shape = Shape {
        hidden: config.hidden_size,
        inner: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        head_numbers: divide(config.hidden_size, config.num_attention_heads),
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings.saturating_sub(first),
    };
    Ok(Architecture { family, shape, settings: Settings::Bert(config) })
}

fn modern(config: modernbert::Config) -> Result<Architecture, ModelError> {
    if config.global_attn_every_n_layers == 0 {
        return Err(unsupported("global_attn_every_n_layers", "0", "at least 1"));
    }
    let shape = Shape {
        hidden: config.hidden_size,
        inner: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        head_numbers: divide(config.hidden_size, config.num_attention_heads),
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings,
    };
    Ok(Architecture { family: "modernbert", shape, settings: Settings::ModernBert(config) })
}

/// Long inputs of a folder with scaled rotation would need other angles than the model library has.
fn nomic(kind: &KindFile, config: nomic_bert::Config) -> Result<Architecture, ModelError> {
    if kind.prenorm || kind.use_rms_norm || config.activation_function != "swiglu" {
        return Err(unsupported("nomic_bert variant", &config.activation_function, "swiglu with norms behind"));
    }
    if !(0.0..=1.0).contains(&config.rotary_emb_fraction) {
        return Err(unsupported("rotary_emb_fraction", &config.rotary_emb_fraction.to_string(), "0 to 1"));
    }
    if let Some(factor) = kind.rotary_scaling_factor {
        return Err(unsupported("rotary_scaling_factor", &factor.to_string(), "none"));
    }
    let shape = Shape {
        hidden: config.n_embd,
        inner: config.n_inner,
        layers: config.n_layer,
        heads: config.n_head,
        head_numbers: divide(config.n_embd, config.n_head),
        vocabulary: config.vocab_size,
        positions: config.n_positions,
    };
    Ok(Architecture { family: "nomic_bert", shape, settings: Settings::NomicBert(config) })
}

fn jina(kind: &KindFile, config: jina_bert::Config) -> Result<Architecture, ModelError> {
    let code = kind.auto_map.as_ref().map(Value::to_string).unwrap_or_default();
    if code.contains("qk-post-norm") {
        return Err(unsupported("jina variant", "qk-post-norm", "jina-bert-implementation"));
    }
    let shape = Shape {
        hidden: config.hidden_size,
        inner: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        head_numbers: divide(config.hidden_size, config.num_attention_heads),
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings,
    };
    Ok(Architecture { family: "jina_bert", shape, settings: Settings::JinaBert(config) })
}

fn qwen3(config: qwen3::Config) -> Result<Architecture, ModelError> {
    let groups = config.num_attention_heads.checked_rem(config.num_key_value_heads);
    if groups != Some(0) || config.use_sliding_window {
        return Err(unsupported(
            "qwen3 variant",
            "these heads or a sliding window",
            "grouped heads and full attention",
        ));
    }
    let shape = Shape {
        hidden: config.hidden_size,
        inner: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        head_numbers: config.head_dim,
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings,
    };
    Ok(Architecture { family: "qwen3", shape, settings: Settings::Qwen3(config) })
}

/// Returns the numbers of a row in a head, or 0 if heads do not divide it.
fn divide(hidden: usize, heads: usize) -> usize {
    if heads != 0 && hidden.is_multiple_of(heads) { hidden / heads } else { 0 }
}

fn unsupported(part: &'static str, found: &str, supported: &'static str) -> ModelError {
    ModelError::Unsupported { part, found: found.to_string(), supported }
}
