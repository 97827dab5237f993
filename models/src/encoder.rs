//! Loads a model folder and turns many texts into vectors at once.
//!
//! Texts are tokenized, cut into batches of bounded size, and the batches are worked side by side, one thread each. It
//! does not queue, and it keeps no state between calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::batch;
use crate::bert::{PackedBert, text_rows};
use crate::error::ModelError;
use crate::folder::{read, sha256_hex};
use crate::gemm::{Helpers, Team};
use crate::identity::Identity;
use crate::padded::PaddedBert;
use crate::pooling::{Pooling, normalize};
use crate::precision::Precision;
use crate::room::Rooms;
use crate::spec::ModelSpec;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// Tokens in one batch on the CPU. Chosen so that weights are reused often enough and activations stay in the cache.
const PACKED_TOKENS_MAX: usize = 128;
/// Texts that a thread tokenizes before it takes the next ones. Chosen far above the cost of starting a thread.
const TOKENIZED_TEXTS_MAX: usize = 64;
/// Tokens in one batch on a GPU, before padding.
const PADDED_TOKENS_MAX: usize = 16_384;

/// Says how a model is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many batches are worked side by side on the CPU; at least one.
    pub threads: usize,
    /// Where the model runs.
    pub device: Device,
    /// How numbers are held while the model computes; a GPU computes in f32 only.
    pub precision: Precision,
}

/// Chooses where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The first GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The first GPU; loading fails if there is none.
    Cuda,
}

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
    pooling: Pooling,
    bert: Bert,
    rooms: Rooms,
    /// They share the work of a text that is encoded alone.
    helpers: Helpers,
    /// Calls that are encoding.
    at_work: AtomicUsize,
    threads: usize,
}

enum Bert {
    Packed(PackedBert),
    Padded(PaddedBert),
}

impl Encoder {
    /// Loads a model folder under a name. Reads the whole weights file, hashes it, and holds it in memory.
    ///
    /// # Errors
    /// Any error about files, shapes and options; `DeviceMissing` when CUDA is demanded and not there.
    pub fn load(folder: &Path, name: &str, options: &LoadOptions) -> Result<Encoder, ModelError> {
        let started = Instant::now();
        if options.threads == 0 {
            return Err(ModelError::InvalidOption { option: "threads", found: 0, expected: "at least 1" });
        }
        let spec = ModelSpec::read(folder)?;
        let device = choose_device(options)?;
        let weights = Weights::read(&spec.transformer.join("model.safetensors"), &device)?;
        let identity = identify(name, &spec, &weights.sha256, options.precision)?;
        let tokenizer = Arc::new(Tokenizer::load(&spec)?);
        let bert = match device {
            candle_core::Device::Cpu => Bert::Packed(PackedBert::load(weights, &spec.bert, options.precision)?),
            device => Bert::Padded(PaddedBert::load(weights, &spec.bert, &device)?),
        };
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(
            model = name,
            revision = identity.revision,
            kernels = bert.kernels(),
            duration_ms,
            "model loaded"
        );
        let helpers = match &bert {
            Bert::Packed(_) => options.threads - 1,
            Bert::Padded(_) => 0,
        };
        let no_start = |error| ModelError::Compute { detail: format!("encoding helpers do not start: {error}") };
        Ok(Encoder {
            identity,
            tokenizer,
            pooling: spec.pooling,
            bert,
            rooms: Rooms::new(options.threads),
            helpers: Helpers::spawn(helpers).map_err(no_start)?,
            at_work: AtomicUsize::new(0),
            threads: options.threads,
        })
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
    /// A text's vector does not depend on the texts beside it. Texts beyond the model's limit are cut.
    pub fn encode(&self, texts: &[&str], kind: TextKind) -> Result<Vec<f32>, ModelError> {
        let parts: Vec<&[&str]> = texts.chunks(TOKENIZED_TEXTS_MAX).collect();
        let mut tokens = side_by_side(parts.len(), self.threads, |number| {
            parts[number].iter().map(|text| self.tokenize(text, kind)).collect::<Result<Vec<_>, _>>()
        })?;
        tokens.sort_unstable_by_key(|(number, _)| *number);
        let tokens: Vec<Vec<u32>> = tokens.into_iter().flat_map(|(_, tokens)| tokens).collect();
        self.encode_tokens(&tokens)
    }

    /// Returns the ids of one text, with prefix and special tokens.
    pub(crate) fn tokenize(&self, text: &str, kind: TextKind) -> Result<Vec<u32>, ModelError> {
        let prefix = match kind {
            TextKind::Query => &self.identity.query_prefix,
            TextKind::Document => &self.identity.document_prefix,
        };
        self.tokenizer.encode(prefix, text)
    }

    /// Returns one vector a text for texts that are tokenized already.
    pub(crate) fn encode_tokens(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, ModelError> {
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        let total: usize = lengths.iter().sum();
        let (workers, limit) = match self.bert {
            Bert::Packed(_) => (self.threads, PACKED_TOKENS_MAX.min(total.div_ceil(self.threads))),
            Bert::Padded(_) => (1, PADDED_TOKENS_MAX),
        };
        let batches = batch::cut(&lengths, limit);
        let at_work = AtWork::enter(&self.at_work);
        let share = batches.len() == 1 && at_work.is_alone;
        let pooled = side_by_side(batches.len(), workers, |number| {
            let batch: Vec<&[u32]> = batches[number].iter().map(|&text| texts[text].as_slice()).collect();
            self.encode_batch(&batch, if share { self.helpers.lead() } else { Team::Alone })
        })?;
        let width = self.identity.dimension;
        let mut vectors = vec![0.0; texts.len() * width];
        for (number, values) in pooled {
            for (&text, vector) in batches[number].iter().zip(values.chunks_exact(width)) {
                vectors[text * width..][..width].copy_from_slice(vector);
            }
        }
        Ok(vectors)
    }

    fn encode_batch(&self, texts: &[&[u32]], team: Team) -> Result<Vec<f32>, ModelError> {
        match &self.bert {
            Bert::Packed(bert) => Ok(self.rooms.with(|room| self.pool(texts, bert.forward(texts, &team, room)))),
            Bert::Padded(bert) => Ok(self.pool(texts, &bert.forward(texts)?)),
        }
    }

    fn pool(&self, texts: &[&[u32]], rows: &[f32]) -> Vec<f32> {
        let width = self.identity.dimension;
        let mut vectors = vec![0.0; texts.len() * width];
        for (range, vector) in text_rows(texts).into_iter().zip(vectors.chunks_exact_mut(width)) {
            self.pooling.pool(&rows[range.start * width..range.end * width], vector);
            if self.identity.normalize {
                normalize(vector);
            }
        }
        vectors
    }
}

impl Bert {
    fn kernels(&self) -> &'static str {
        match self {
            Bert::Packed(bert) => bert.kernels(),
            Bert::Padded(_) => "cuda",
        }
    }
}

fn choose_device(options: &LoadOptions) -> Result<candle_core::Device, ModelError> {
    let missing = |error: candle_core::Error| ModelError::DeviceMissing { wanted: "cuda", detail: error.to_string() };
    match (options.device, options.precision) {
        (Device::Cpu, _) => Ok(candle_core::Device::Cpu),
        (Device::Auto, Precision::F32) if candle_core::utils::cuda_is_available() => cuda().map_err(missing),
        (Device::Auto, _) => Ok(candle_core::Device::Cpu),
        (Device::Cuda, Precision::F32) => cuda().map_err(missing),
        (Device::Cuda, precision) => {
            let found = precision.name().to_string();
            Err(ModelError::Unsupported { part: "precision on a gpu", found, supported: "f32" })
        }
    }
}

fn cuda() -> candle_core::Result<candle_core::Device> {
    candle_core::Device::new_cuda(0)
}

fn identify(name: &str, spec: &ModelSpec, weights_sha256: &str, precision: Precision) -> Result<Identity, ModelError> {
    let config = read(&spec.transformer.join("config.json"))?;
    let tokenizer = read(&spec.transformer.join("tokenizer.json"))?;
    let lower_case: &[u8] = if spec.lower_case { b"lower" } else { b"" };
    let parts = [sha256_hex(&[&config]), sha256_hex(&[&tokenizer]), weights_sha256.to_string()].concat();
    let mut revision = sha256_hex(&[parts.as_bytes(), lower_case]);
    revision.truncate(16);
    Ok(Identity {
        name: name.to_string(),
        revision,
        weights_sha256: weights_sha256.to_string(),
        dimension: spec.bert.hidden_size,
        pooling: spec.pooling.name().to_string(),
        normalize: spec.normalize,
        query_prefix: spec.query_prefix.clone(),
        document_prefix: spec.document_prefix.clone(),
        max_tokens: spec.max_tokens,
        precision,
    })
}

/// Counts a call as long as it lives.
///
/// Helpers are for a call that has the processor to itself: beside other work the system may stop a helper in the middle
/// of a part, and the query waits for it.
struct AtWork<'a> {
    calls: &'a AtomicUsize,
    is_alone: bool,
}

impl AtWork<'_> {
    fn enter(calls: &AtomicUsize) -> AtWork<'_> {
        AtWork { calls, is_alone: calls.fetch_add(1, Ordering::Relaxed) == 0 }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Works jobs 0 to `jobs` on up to `workers` threads, the caller's among them; each takes the next job as it gets free.
fn side_by_side<T: Send>(
    jobs: usize,
    workers: usize,
    work: impl Fn(usize) -> Result<T, ModelError> + Sync,
) -> Result<Vec<(usize, T)>, ModelError> {
    let next = AtomicUsize::new(0);
    let run = || -> Result<Vec<(usize, T)>, ModelError> {
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return Ok(done);
            }
            done.push((job, work(job)?));
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..workers.min(jobs)).map(|_| scope.spawn(run)).collect();
        let mut done = run()?;
        for helper in helpers {
            let panicked = |_| ModelError::Compute { detail: "an encoding thread panicked".to_string() };
            done.extend(helper.join().map_err(panicked)??);
        }
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_worked_once() {
        for workers in [1, 2, 5] {
            let mut done = side_by_side(7, workers, |job| Ok(vec![job as f32])).unwrap();
            done.sort_by_key(|(job, _)| *job);
            assert_eq!(done, (0..7).map(|job| (job, vec![job as f32])).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_failed_job_fails_the_call() {
        let failed = side_by_side(7, 3, |job| if job == 5 { Err(ModelError::Stopped) } else { Ok(()) });
        assert_eq!(failed, Err(ModelError::Stopped));
    }
}
