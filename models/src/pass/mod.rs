//! The arithmetic between the products: each pass is one walk over its data, compiled for each level of the processor.
//!
//! Loops run over whole panels and call nothing, so that the compiler vectorises them. Sums are taken in an order that
//! depends on the width of a row only, so a row's result does not depend on the rows beside it. Matrices lie in panels as
//! [`crate::gemm`] describes; `stride` is the distance between panels.
//!
//! It does not multiply matrices and does not start threads.

mod lanes;
mod panel;
mod row;
mod turn;

pub(crate) use lanes::fold_lanes;
pub(crate) use panel::{AddBias, AddBiasGelu, AddBiasResidual, ScaleRows};
pub(crate) use row::{LayerNorm, Softmax};
pub(crate) use turn::{PairColumns, PairRows, RoundHalves, SplitHalves, Transpose};
