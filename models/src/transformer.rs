//! Runs many texts through a transformer: cuts them into batches of bounded size and works these side by side.
//!
//! It does not tokenize, and what becomes of a text's rows is the caller's.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::batch;
use crate::bert::{PackedBert, Reads, text_rows};
use crate::error::ModelError;
use crate::family::{Architecture, Settings};
use crate::folder::weights_path;
use crate::gemm::{Helpers, Team};
use crate::library::LibraryModel;
use crate::options::{Device, LoadOptions};
use crate::padded::PaddedBert;
use crate::parallel::side_by_side;
use crate::precision::Precision;
use crate::room::Rooms;
use crate::tokenizer::Tokens;
use crate::weights::Weights;

/// Tokens in one batch on the CPU. Chosen so that weights are reused often enough and activations stay in the cache.
const PACKED_TOKENS_MAX: usize = 128;
/// Tokens in one batch on a GPU, padding included. Chosen so that starting an operation takes no time beside doing it.
const PADDED_TOKENS_MAX: usize = 16_384;
/// Scores that the attention of one batch on a GPU holds at once: half a gigabyte of f32, three times over in a layer.
const PADDED_SCORES_MAX: usize = 1 << 27;

/// A transformer with all that running it needs. Immutable after loading, so threads share it.
pub(crate) struct Transformer {
    runner: Runner,
    rooms: Rooms,
    /// They share the work of a text that is encoded alone.
    helpers: Helpers,
    /// Calls that are encoding.
    at_work: AtomicUsize,
    threads: usize,
    heads: usize,
}

enum Runner {
    Packed(PackedBert),
    Padded(PaddedBert),
    Library(LibraryModel),
}

/// What is done with texts.
pub(crate) struct Job<'a, F> {
    pub(crate) texts: &'a [Tokens],
    /// How many threads may work, the caller's among them; at least one.
    pub(crate) threads: usize,
    /// How many values `finish` writes for a text.
    pub(crate) width: usize,
    /// When the work is to be given up.
    pub(crate) deadline: Option<Instant>,
    /// Turns the rows of a text, or at least those that count, into its values.
    pub(crate) finish: F,
}

impl Transformer {
    /// Loads the transformer of a folder, of whose rows those count; `head` takes what is the caller's out of the weights.
    pub(crate) fn load<T>(
        folder: &Path,
        architecture: &Architecture,
        options: &LoadOptions,
        reads: Reads,
        head: impl FnOnce(&mut Weights) -> Result<T, ModelError>,
    ) -> Result<(Transformer, T), ModelError> {
        if options.threads == 0 {
            return Err(ModelError::InvalidOption { option: "threads", found: 0, expected: "at least 1" });
        }
        let (device, mut weights) = read_weights(&weights_path(folder)?, options)?;
        let head = head(&mut weights)?;
        architecture.prepare(&mut weights)?;
        let runner = Runner::load(weights, architecture, options.precision, reads, &device)?;
        let helpers = if matches!(runner, Runner::Packed(_)) { options.threads - 1 } else { 0 };
        let no_start = |error| ModelError::Compute { detail: format!("encoding helpers do not start: {error}") };
        let transformer = Transformer {
            runner,
            rooms: Rooms::new(options.threads),
            helpers: Helpers::spawn(helpers).map_err(no_start)?,
            at_work: AtomicUsize::new(0),
            threads: options.threads,
            heads: architecture.shape.heads,
        };
        Ok((transformer, head))
    }

    /// Returns the name of what runs the transformer, for logs.
    pub(crate) fn kernels(&self) -> &'static str {
        match &self.runner {
            Runner::Packed(bert) => bert.kernels(),
            Runner::Padded(bert) => bert.kernels(),
            Runner::Library(model) => model.kernels(),
        }
    }

    /// Returns how many batches can be worked side by side.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Returns the values of every text, one behind the other, in the order of the texts.
    ///
    /// A text's values do not depend on the texts beside it. No text is empty or too long, and every id is known.
    ///
    /// # Errors
    /// `DeadlinePassed` when it passes before the last batch begins.
    pub(crate) fn run<F: Fn(&[f32], &mut [f32]) + Sync>(&self, job: &Job<F>) -> Result<Vec<f32>, ModelError> {
        let lengths: Vec<usize> = job.texts.iter().map(|text| text.ids.len()).collect();
        let total: usize = lengths.iter().sum();
        let (workers, tokens) = match self.runner {
            Runner::Packed(_) => (job.threads, PACKED_TOKENS_MAX.min(total.div_ceil(job.threads))),
            Runner::Padded(_) => (1, PADDED_TOKENS_MAX),
            Runner::Library(_) => (1, PACKED_TOKENS_MAX),
        };
        let padded_pairs = matches!(self.runner, Runner::Padded(_)).then_some(PADDED_SCORES_MAX / self.heads);
        let limit = batch::Limit { tokens, padded_pairs };
        let batches = batch::cut(&lengths, limit);
        let at_work = AtWork::enter(&self.at_work);
        let share = job.threads > 1 && batches.len() == 1 && at_work.is_alone;
        let finished = side_by_side(batches.len(), workers, |number| {
            if job.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(ModelError::DeadlinePassed { texts: job.texts.len() });
            }
            let texts: Vec<&Tokens> = batches[number].iter().map(|&text| &job.texts[text]).collect();
            self.run_batch(job, &texts, if share { self.helpers.lead() } else { Team::Alone })
        })?;
        let mut values = vec![0.0; job.texts.len() * job.width];
        for (number, batch) in finished {
            for (&text, found) in batches[number].iter().zip(batch.chunks_exact(job.width)) {
                values[text * job.width..][..job.width].copy_from_slice(found);
            }
        }
        Ok(values)
    }

    fn run_batch<F: Fn(&[f32], &mut [f32])>(
        &self,
        job: &Job<F>,
        texts: &[&Tokens],
        team: Team,
    ) -> Result<Vec<f32>, ModelError> {
        let finish = |rows: &[f32], ranges: Vec<Range<usize>>| {
            let hidden = rows.len() / ranges.last().map_or(1, |range| range.end);
            let mut values = vec![0.0; texts.len() * job.width];
            for (range, values) in ranges.into_iter().zip(values.chunks_exact_mut(job.width)) {
                (job.finish)(&rows[range.start * hidden..range.end * hidden], values);
            }
            values
        };
        match &self.runner {
            Runner::Packed(bert) => {
                Ok(self.rooms.with(|room| finish(bert.forward(texts, &team, room), bert.output_rows(texts))))
            }
            Runner::Padded(bert) => Ok(finish(&bert.forward(texts)?, bert.output_rows(texts))),
            Runner::Library(model) => Ok(finish(&model.forward(texts)?, text_rows(texts))),
        }
    }
}

impl Runner {
    fn load(
        mut weights: Weights,
        architecture: &Architecture,
        precision: Precision,
        reads: Reads,
        device: &candle_core::Device,
    ) -> Result<Runner, ModelError> {
        let positions = architecture.shape.positions;
        match (&architecture.settings, device) {
            (Settings::Bert(config), candle_core::Device::Cpu) => {
                Ok(Runner::Packed(PackedBert::load(&mut weights, config, positions, precision, reads)?))
            }
            (Settings::Bert(config), _) => {
                Ok(Runner::Padded(PaddedBert::load(&mut weights, config, positions, precision, reads)?))
            }
            (settings, device) if precision.is_f32() => {
                Ok(Runner::Library(LibraryModel::load(weights, settings, device)?))
            }
            _ => {
                let found = format!("{} for {}", precision.name(), architecture.family);
                Err(ModelError::Unsupported { part: "precision", found, supported: "f32 for this family" })
            }
        }
    }
}

/// Reads the weights onto the chosen device, or onto the CPU where a GPU that nobody demanded has no room for them.
fn read_weights(path: &Path, options: &LoadOptions) -> Result<(candle_core::Device, Weights), ModelError> {
    let device = options.choose_device()?;
    match Weights::read(path, &device) {
        Err(error) if options.device == Device::Auto && device.is_cuda() => {
            let weights = Weights::read(path, &candle_core::Device::Cpu)?;
            tracing::warn!(device = "cpu", %error, "the GPU does not take the model, it runs on the CPU");
            Ok((candle_core::Device::Cpu, weights))
        }
        weights => Ok((device, weights?)),
    }
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
