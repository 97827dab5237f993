//! How a model is to be run, and where.

use std::sync::OnceLock;

use crate::error::ModelError;
use crate::precision::Precision;

/// Says how a model is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many batches are worked side by side on the CPU; at least one.
    pub threads: usize,
    /// Where the model runs.
    pub device: Device,
    /// How numbers are held while the model computes; a GPU, and families other than BERT's, compute in f32 only.
    pub precision: Precision,
    /// How many numbers of a vector are kept, for models that allow it; all that the folder keeps if `None`.
    pub dimension: Option<usize>,
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

impl LoadOptions {
    /// Returns the device that the options choose on this machine.
    pub(crate) fn choose_device(&self) -> Result<candle_core::Device, ModelError> {
        match (self.device, self.precision) {
            (Device::Cpu, _) => Ok(candle_core::Device::Cpu),
            (Device::Auto, Precision::F32) => Ok(gpu().as_ref().cloned().unwrap_or(candle_core::Device::Cpu)),
            (Device::Auto, _) => Ok(candle_core::Device::Cpu),
            (Device::Cuda, Precision::F32) => {
                let missing = |detail: &String| ModelError::DeviceMissing { wanted: "cuda", detail: detail.clone() };
                gpu().as_ref().cloned().map_err(missing)
            }
            (Device::Cuda, precision) => {
                let found = precision.name().to_string();
                Err(ModelError::Unsupported { part: "precision on a gpu", found, supported: "f32" })
            }
        }
    }
}

/// Returns the first GPU, or why there is none. It is looked for once, and said once what was found.
fn gpu() -> &'static Result<candle_core::Device, String> {
    static GPU: OnceLock<Result<candle_core::Device, String>> = OnceLock::new();
    GPU.get_or_init(|| {
        if !candle_core::utils::cuda_is_available() {
            return Err("this build is for the CPU only".to_string());
        }
        let found = candle_core::Device::new_cuda(0).map_err(|error| error.to_string());
        match &found {
            Ok(_) => tracing::info!(device = "cuda:0", "models in f32 run on the GPU"),
            Err(error) => tracing::warn!(device = "cpu", %error, "no GPU can be used, models run on the CPU"),
        }
        found
    })
}
