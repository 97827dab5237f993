//! Passes over one panel: what follows a product while its result is in the first cache.

use super::lanes::Lanes;
use crate::gemm::{Arithmetic, PANEL, Pass};
use crate::scalar::gelu;

/// Adds a bias to every row of a panel.
pub(crate) struct AddBias<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
}

impl Pass for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for row in self.values.as_chunks_mut::<PANEL>().0 {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value += bias;
            }
        }
    }
}

/// Adds a bias to every row of a panel and applies the exact (erf) form of GELU.
pub(crate) struct AddBiasGelu<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
}

impl Pass for AddBiasGelu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for row in self.values.as_chunks_mut::<PANEL>().0 {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value = gelu::<A>(*value + bias);
            }
        }
    }
}

/// Adds a bias and the residual to every row of a panel.
pub(crate) struct AddBiasResidual<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
    pub(crate) residual: &'a [f32],
}

impl Pass for AddBiasResidual<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let residual = self.residual.as_chunks::<PANEL>().0;
        for (row, residual) in self.values.as_chunks_mut::<PANEL>().0.iter_mut().zip(residual) {
            for ((value, bias), residual) in row.iter_mut().zip(self.bias).zip(residual) {
                *value += bias + residual;
            }
        }
    }
}

/// Writes every row of a panel times its own factor.
pub(crate) struct ScaleRows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) factors: &'a [f32],
    pub(crate) out: &'a mut [f32],
}

impl Pass for ScaleRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let rows = self.values.as_chunks::<PANEL>().0.iter().zip(self.factors);
        for (out, (row, factor)) in self.out.as_chunks_mut::<PANEL>().0.iter_mut().zip(rows) {
            for (out, value) in out.iter_mut().zip(row) {
                *out = value * factor;
            }
        }
    }
}
