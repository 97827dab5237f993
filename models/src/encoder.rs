//! Loads a model folder and turns many texts into vectors at once.
//!
//! Texts are tokenized, run through the transformer, and each text's rows become one vector: pooled, taken through the
//! folder's `Dense` modules, cut to the wanted length and normalised. It does not queue, and it keeps no state between
//! calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::bert::Reads;
use crate::dense::Dense;
use crate::error::ModelError;
use crate::folder::{read, sha256_hex};
use crate::identity::Identity;
use crate::options::LoadOptions;
use crate::parallel::side_by_side;
use crate::pooling::{Pooling, normalize};
use crate::spec::ModelSpec;
use crate::tokenizer::{Tokenizer, Tokens};
use crate::transformer::{Job, Transformer};

/// Texts that a thread tokenizes before it takes the next ones. Chosen far above the cost of starting a thread.
const TOKENIZED_TEXTS_MAX: usize = 64;

/// Says what a text is, because some models put different words before queries and documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A text that searches.
    Query,
    /// A text that is found.
    Document,
}

/// Turns texts into vectors. Immutable after loading, so threads share it.
pub struct Encoder {
    identity: Identity,
    tokenizer: Arc<Tokenizer>,
    transformer: Arc<Transformer>,
    head: Arc<Head>,
}

/// What becomes of a text's rows.
struct Head {
    hidden: usize,
    /// The length of a vector that is not cut.
    full_dimension: usize,
    pooling: Pooling,
    dense: Vec<Dense>,
    normalize: bool,
}

impl Encoder {
    /// Loads a model folder under a name. Reads the whole weights file, hashes it, and holds it in memory.
    ///
    /// # Errors
    /// Any error about files, shapes and options; `DeviceMissing` when CUDA is demanded and not there.
    pub fn load(folder: &Path, name: &str, options: &LoadOptions) -> Result<Encoder, ModelError> {
        let started = Instant::now();
        let spec = ModelSpec::read(folder)?;
        let dimension = choose_dimension(&spec, options.dimension)?;
        let reads = match spec.pooling {
            Pooling::Cls => Reads::FirstRow,
            Pooling::Mean => Reads::Mean,
            _ => Reads::AllRows,
        };
        let (transformer, weights_sha256) =
            Transformer::load(&spec.transformer, &spec.architecture, options, reads, |weights| {
                Ok(weights.sha256.clone())
            })?;
        let tokenizer = Tokenizer::load(&spec.transformer, spec.max_tokens, spec.architecture.shape.vocabulary)?;
        let tokenizer = Arc::new(tokenizer.with(spec.lower_case, &spec.document_prefix));
        let mut revision = Revision::new(&spec, &weights_sha256)?;
        let dense = spec.dense.iter().map(|dense| {
            let (dense, sha256) = dense.load()?;
            revision.parts.push(sha256);
            Ok(dense)
        });
        let dense = dense.collect::<Result<_, ModelError>>()?;
        let identity = Identity {
            name: name.to_string(),
            revision: revision.short(),
            weights_sha256,
            dimension,
            pooling: spec.pooling.name().to_string(),
            normalize: spec.normalize,
            query_prefix: spec.query_prefix.clone(),
            document_prefix: spec.document_prefix.clone(),
            max_tokens: spec.max_tokens,
            precision: options.precision,
        };
        let (revision, kernels) = (identity.revision.as_str(), transformer.kernels());
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(model = name, family = spec.architecture.family, revision, kernels, duration_ms, "model loaded");
        let hidden = spec.architecture.shape.hidden;
        let full_dimension = spec.full_dimension();
        let head = Head { hidden, full_dimension, pooling: spec.pooling, dense, normalize: spec.normalize };
        Ok(Encoder { identity, tokenizer, transformer: Arc::new(transformer), head: Arc::new(head) })
    }

    /// Returns an encoder that shares this one's model and gives the first numbers of its vectors, normalised again.
    ///
    /// # Errors
    /// `InvalidOption` for none, or for more than the model gives.
    pub fn cut(&self, dimension: usize) -> Result<Encoder, ModelError> {
        check_dimension(dimension, self.full_dimension())?;
        let (tokenizer, transformer, head) = (self.tokenizer.clone(), self.transformer.clone(), self.head.clone());
        Ok(Encoder { identity: Identity { dimension, ..self.identity.clone() }, tokenizer, transformer, head })
    }

    /// Returns how many numbers a vector of the model can have.
    pub fn full_dimension(&self) -> usize {
        self.head.full_dimension
    }

    /// Returns what makes this model's vectors this model's.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the model's tokenizer.
    pub fn tokenizer(&self) -> Arc<Tokenizer> {
        self.tokenizer.clone()
    }

    /// Returns one vector a text, one behind the other, in the order of the texts.
    ///
    /// A text's vector does not depend on the texts beside it, on a GPU but for rounding. Texts beyond the model's limit are
    /// cut. Any number of threads may call at once; each call has memory of its own, and on the CPU waits for no other.
    pub fn encode(&self, texts: &[&str], kind: TextKind) -> Result<Vec<f32>, ModelError> {
        let parts: Vec<&[&str]> = texts.chunks(TOKENIZED_TEXTS_MAX).collect();
        let mut tokens = side_by_side(parts.len(), self.transformer.threads(), |number| {
            parts[number].iter().map(|text| self.tokenize(text, kind)).collect::<Result<Vec<_>, _>>()
        })?;
        tokens.sort_unstable_by_key(|(number, _)| *number);
        let tokens: Vec<Tokens> = tokens.into_iter().flat_map(|(_, tokens)| tokens).collect();
        self.encode_tokens(&tokens, self.threads())
    }

    /// Returns the vector of a query, encoded on the calling thread alone.
    ///
    /// It is the vector that [`Encoder::encode`] returns. A lone query is done sooner there, by all threads, where they
    /// have processors to themselves; where they have not, a query that waits for none of them is done sooner.
    pub fn encode_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.encode_tokens(&[self.tokenize(text, TextKind::Query)?], 1)
    }

    /// Returns how many threads the encoder works on at most.
    pub(crate) fn threads(&self) -> usize {
        self.transformer.threads()
    }

    /// Returns the ids of one text, with prefix and special tokens.
    pub(crate) fn tokenize(&self, text: &str, kind: TextKind) -> Result<Tokens, ModelError> {
        let prefix = match kind {
            TextKind::Query => &self.identity.query_prefix,
            TextKind::Document => &self.identity.document_prefix,
        };
        self.tokenizer.encode(prefix, text)
    }

    /// Returns one vector a text for texts that are tokenized already, on up to so many threads.
    pub(crate) fn encode_tokens(&self, texts: &[Tokens], threads: usize) -> Result<Vec<f32>, ModelError> {
        let finish = |rows: &[f32], vector: &mut [f32]| self.head.write(rows, vector);
        self.transformer.run(&Job { texts, threads, width: self.identity.dimension, deadline: None, finish })
    }
}

impl Head {
    /// Writes the vector of one text; what the vector has no room for is cut off. Of rows that are pooled already there is
    /// one, and pooling it again changes nothing.
    fn write(&self, rows: &[f32], vector: &mut [f32]) {
        if self.dense.is_empty() && vector.len() == self.hidden {
            self.pooling.pool(rows, vector);
        } else {
            let mut whole = vec![0.0; self.hidden];
            self.pooling.pool(rows, &mut whole);
            let whole = self.dense.iter().fold(whole, |whole, dense| dense.apply(&whole));
            vector.copy_from_slice(&whole[..vector.len()]);
        }
        if self.normalize {
            normalize(vector);
        }
    }
}

fn choose_dimension(spec: &ModelSpec, wanted: Option<usize>) -> Result<usize, ModelError> {
    wanted.map_or(Ok(spec.dimension()), |wanted| check_dimension(wanted, spec.full_dimension()))
}

fn check_dimension(wanted: usize, full: usize) -> Result<usize, ModelError> {
    if (1..=full).contains(&wanted) {
        return Ok(wanted);
    }
    let expected = "1 to the length of the model's vectors";
    Err(ModelError::InvalidOption { option: "dimension", found: wanted, expected })
}

/// The hashes of all files that shape vectors.
struct Revision {
    parts: Vec<String>,
    lower_case: bool,
}

impl Revision {
    fn new(spec: &ModelSpec, weights_sha256: &str) -> Result<Revision, ModelError> {
        let mut parts = Vec::new();
        for name in ["config.json", "tokenizer.json"] {
            parts.push(sha256_hex(&[&read(&spec.transformer.join(name))?]));
        }
        parts.push(weights_sha256.to_string());
        Ok(Revision { parts, lower_case: spec.lower_case })
    }

    fn short(&self) -> String {
        let lower_case: &[u8] = if self.lower_case { b"lower" } else { b"" };
        let mut revision = sha256_hex(&[self.parts.concat().as_bytes(), lower_case]);
        revision.truncate(16);
        revision
    }
}
