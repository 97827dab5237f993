//! Scores how well texts answer a query, reading both at once: cross-encoders with one score.
//!
//! The transformer is that of the embedders. Of a pair's rows only the first one counts: it goes through the two products
//! of the head. It does not choose which texts are worth scoring, and it does not sort.

use std::path::Path;
use std::time::Instant;

use serde::Deserialize;

use crate::bert::Reads;
use crate::dense::{Activation, Dense};
use crate::error::ModelError;
use crate::family::{Architecture, Settings};
use crate::options::LoadOptions;
use crate::parallel::side_by_side;
use crate::spec::{limit_tokens, read_json, read_optional};
use crate::tokenizer::{Tokenizer, Tokens};
use crate::transformer::{Job, Transformer};
use crate::weights::Weights;

/// Texts that a thread tokenizes before it takes the next ones. Chosen far above the cost of starting a thread.
const TOKENIZED_TEXTS_MAX: usize = 16;

/// Scores texts for a query. Immutable after loading, so threads share it.
pub struct Reranker {
    name: String,
    weights_sha256: String,
    tokenizer: Tokenizer,
    transformer: Transformer,
    head: [Dense; 2],
}

/// How a folder wants its pairs scored.
pub(crate) struct RerankerSpec {
    pub(crate) architecture: Architecture,
    pub(crate) max_tokens: usize,
    activation: Activation,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    architectures: Vec<String>,
    num_labels: Option<usize>,
    id2label: Option<serde_json::Map<String, serde_json::Value>>,
    sentence_transformers: Option<ActivationFile>,
    sbert_ce_default_activation_function: Option<String>,
}

#[derive(Deserialize, Default)]
struct ActivationFile {
    activation_fn: Option<String>,
}

impl RerankerSpec {
    /// Reads and checks the configuration of a folder.
    ///
    /// # Errors
    /// `Unsupported` for a model that does not end in one score for a pair.
    pub(crate) fn read(folder: &Path) -> Result<RerankerSpec, ModelError> {
        let path = folder.join("config.json");
        let config: ConfigFile = read_json(&path)?;
        if !config.is_reranker() {
            let (found, supported) = (config.architectures.join(", "), "a …ForSequenceClassification with one label");
            return Err(ModelError::Unsupported { part: "reranker", found, supported });
        }
        let mut architecture = Architecture::read(&path)?;
        if !matches!(architecture.settings, Settings::Bert(_)) {
            let (found, supported) = (architecture.family.to_string(), "bert, distilbert, roberta and xlm-roberta");
            return Err(ModelError::Unsupported { part: "reranker", found, supported });
        }
        let other: ActivationFile = read_optional(&folder.join("config_sentence_transformers.json"))?;
        let named = [
            config.sentence_transformers.and_then(|file| file.activation_fn),
            config.sbert_ce_default_activation_function,
            other.activation_fn,
        ];
        let named = named.into_iter().flatten().next();
        let activation = named.map_or(Ok(Activation::Sigmoid), |name| Activation::read(&name))?;
        let max_tokens = limit_tokens(folder, None, &mut architecture)?;
        Ok(RerankerSpec { architecture, max_tokens, activation })
    }

    /// Takes the products of the head out of the weights, under the names of the family.
    fn take_head(&self, weights: &mut Weights) -> Result<[Dense; 2], ModelError> {
        let hidden = self.architecture.shape.hidden;
        let (first, inner, second) = match self.architecture.family {
            "bert" => ("bert.pooler.dense", Activation::Tanh, "classifier"),
            "distilbert" => ("pre_classifier", Activation::Relu, "classifier"),
            _ => ("classifier.dense", Activation::Tanh, "classifier.out_proj"),
        };
        let first = Dense::take(weights, first, (hidden, hidden), inner)?;
        Ok([first, Dense::take(weights, second, (1, hidden), self.activation)?])
    }
}

impl ConfigFile {
    fn is_reranker(&self) -> bool {
        let labels = self.id2label.as_ref().map(|labels| labels.len()).or(self.num_labels);
        self.architectures.iter().any(|name| name.ends_with("ForSequenceClassification")) && labels == Some(1)
    }
}

impl Reranker {
    /// Loads the folder of a cross-encoder under a name.
    ///
    /// # Errors
    /// Any error about files, shapes and options; `InvalidOption` for a `dimension`, since a score has none.
    pub fn load(folder: &Path, name: &str, options: &LoadOptions) -> Result<Reranker, ModelError> {
        let started = Instant::now();
        if let Some(found) = options.dimension {
            return Err(ModelError::InvalidOption { option: "dimension", found, expected: "none for a reranker" });
        }
        let spec = RerankerSpec::read(folder)?;
        let tokenizer = Tokenizer::load(folder, spec.max_tokens, spec.architecture.shape.vocabulary)?;
        let (transformer, (head, weights_sha256)) =
            Transformer::load(folder, &spec.architecture, options, Reads::FirstRow, |weights| {
                Ok((spec.take_head(weights)?, weights.sha256.clone()))
            })?;
        let (family, kernels) = (spec.architecture.family, transformer.kernels());
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(model = name, family, kernels, duration_ms, "reranker loaded");
        Ok(Reranker { name: name.to_string(), weights_sha256, tokenizer, transformer, head })
    }

    /// Returns the name under which the model was loaded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the SHA-256 of the weights file, in hex.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// Returns the longest pair of the model in tokens, special tokens included; of a longer pair the text is cut.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// Returns one score a text, in the order of the texts; higher is better, and from 0 to 1 for most models.
    ///
    /// A text's score does not depend on the texts beside it. Works on the calling thread and up to `threads - 1` others.
    ///
    /// # Errors
    /// `QueryTooLong` when the query leaves no room for a text; `DeadlinePassed` when the deadline passes before the last
    /// batch of about 128 tokens begins, so an answer is late by one batch at most.
    pub fn scores(&self, query: &str, texts: &[&str], deadline: Option<Instant>) -> Result<Vec<f32>, ModelError> {
        let query = self.tokenizer.split_query(query)?;
        let parts: Vec<&[&str]> = texts.chunks(TOKENIZED_TEXTS_MAX).collect();
        let mut pairs = side_by_side(parts.len(), self.transformer.threads(), |number| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(ModelError::DeadlinePassed { texts: texts.len() });
            }
            parts[number].iter().map(|text| self.tokenizer.pair(&query, text)).collect::<Result<Vec<_>, _>>()
        })?;
        pairs.sort_unstable_by_key(|(number, _)| *number);
        let pairs: Vec<Tokens> = pairs.into_iter().flat_map(|(_, pairs)| pairs).collect();
        let finish = |rows: &[f32], score: &mut [f32]| self.score(rows, score);
        self.transformer.run(&Job { texts: &pairs, threads: self.transformer.threads(), width: 1, deadline, finish })
    }

    /// Writes the score of a pair. The head reads as many values as its first product has inputs: the first row.
    fn score(&self, rows: &[f32], score: &mut [f32]) {
        let [first, second] = &self.head;
        score.copy_from_slice(&second.apply(&first.apply(rows)));
    }
}
