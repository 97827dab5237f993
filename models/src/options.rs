//! How a model is to be run, and where.

use crate::error::ModelError;
use crate::gpu;
use crate::precision::Precision;

/// Says how a model is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many batches are worked side by side on the CPU; at least one.
    pub threads: usize,
    /// Where the model runs.
    pub device: Device,
    /// How numbers are held while the model computes. A GPU computes in f32 and bf16, families other than BERT's in f32.
    pub precision: Precision,
    /// How many numbers of a vector are kept, for models that allow it; all that the folder keeps if `None`.
    pub dimension: Option<usize>,
}

/// Chooses where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The first GPU if there is one that computes in the precision and has room for the weights, else the CPU.
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
            (Device::Auto, Precision::Int8) => Ok(candle_core::Device::Cpu),
            (Device::Auto, precision) => Ok(gpu::find(precision).unwrap_or(candle_core::Device::Cpu)),
            (Device::Cuda, Precision::Int8) => {
                let found = self.precision.name().to_string();
                Err(ModelError::Unsupported { part: "precision on a gpu", found, supported: "f32 and bf16" })
            }
            (Device::Cuda, precision) => {
                gpu::find(precision).map_err(|detail| ModelError::DeviceMissing { wanted: "cuda", detail })
            }
        }
    }
}
