//! The forms in which a collection keeps its vectors: in the table, and in what a walk reads.
//!
//! Nothing is converted here but single values.

use arrow::datatypes::{ArrowPrimitiveType, Float16Type};
use serde::{Deserialize, Serialize};

/// A number of 16 bits as Arrow holds it.
pub type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// How the values of vectors are stored in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// In 32 bits, as they came.
    #[default]
    F32,
    /// In 16 bits: half of the bytes for three digits. Vectors are rounded when they are written, so that memory and table
    /// say the same.
    F16,
}

/// What of a vector a walk through the graph reads; what it finds is ranked by the vectors themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortForm {
    /// A byte for each dimension.
    #[default]
    Bytes,
    /// A bit for each dimension: a sixth of the bytes that a walk reads of each vector, for a longer walk.
    Bits,
}

/// The forms of a collection's vectors, chosen when it is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorForms {
    /// In the table.
    #[serde(default)]
    pub storage: Storage,
    /// In a walk.
    #[serde(default)]
    pub walk: ShortForm,
}

impl Storage {
    /// Rounds values to what is stored; `false` where one of them is beyond it.
    pub fn round(self, values: &mut [f32]) -> bool {
        if self == Self::F16 {
            values.iter_mut().for_each(|value| *value = Half::from_f32(*value).to_f32());
        }
        values.iter().all(|value| value.is_finite())
    }
}
