//! How numbers are held while the encoder computes.
//!
//! It does not compute.

use serde::{Deserialize, Serialize};

use crate::gemm::{ByteKernel, HalfKernel, Level, SplitKernel};

/// Chooses how weights and the inputs of products are held. Sums, and on the CPU all that is between products, are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits, as the model was published. Where the processor has tiles, each product of weights is made of three of bf16,
    /// and is within 2^-14 of itself; vectors differ from those of other processors in the sixth digit.
    #[default]
    F32,
    /// 16 bits with the range of f32; weights take half the memory.
    Bf16,
    /// Bytes: weights with a scale for each output, inputs with a scale for each token; a quarter of the memory.
    Int8,
}

impl Precision {
    /// Returns the precision of a word that flags and identities use.
    pub fn parse(name: &str) -> Option<Precision> {
        [Precision::F32, Precision::Bf16, Precision::Int8].into_iter().find(|precision| precision.name() == name)
    }

    /// Returns the word that flags and identities use.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }

    pub(crate) fn is_f32(&self) -> bool {
        *self == Precision::F32
    }
}

/// The kernels of a precision on this processor.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    F32(Level),
    /// Numbers of f32 as two of bf16.
    Split(Level, SplitKernel),
    Bf16(Level, HalfKernel),
    Int8(Level, ByteKernel),
}

impl Engine {
    /// Returns the fastest kernels of this processor.
    pub(crate) fn get(precision: Precision) -> Engine {
        match precision {
            Precision::F32 => match SplitKernel::get() {
                Some(kernel) => Engine::Split(Level::get(), kernel),
                None => Engine::F32(Level::get()),
            },
            Precision::Bf16 => Engine::Bf16(Level::get(), HalfKernel::get()),
            Precision::Int8 => Engine::Int8(Level::get(), ByteKernel::get()),
        }
    }

    /// Returns the level for all that is not a product of weights.
    pub(crate) fn level(self) -> Level {
        match self {
            Engine::F32(level) | Engine::Split(level, _) | Engine::Bf16(level, _) | Engine::Int8(level, _) => level,
        }
    }

    /// Returns the kernel for products of halves between tokens, where it is much faster than that for floats.
    pub(crate) fn tiles(self) -> Option<HalfKernel> {
        let kernel = HalfKernel::get();
        (matches!(self, Engine::Bf16(..) | Engine::Int8(..)) && kernel.is_tiles()).then_some(kernel)
    }

    /// Returns the name for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::F32(level) => level.name(),
            Engine::Split(_, kernel) => kernel.name(),
            Engine::Bf16(_, kernel) => kernel.name(),
            Engine::Int8(_, kernel) => kernel.name(),
        }
    }
}
