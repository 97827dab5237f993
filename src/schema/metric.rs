//! How the nearness of two vectors is measured.
//!
//! Computes nothing: the kernels are in `index/distance`.

use serde::{Deserialize, Serialize};

/// Measure of nearness of a collection, fixed when it is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Cosine of the angle, in [-1, 1]; vectors are stored normalised to length 1.
    #[default]
    Cosine,
    /// Dot product as it is.
    Dot,
    /// `1 / (1 + d)` of the Euclidean distance `d`, in (0, 1].
    L2,
}

impl Metric {
    /// Returns the name used in requests and in table metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
        }
    }
}
