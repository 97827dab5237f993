//! The arithmetic between the matrix products, in place on slices of f32: each function is one pass over its data.
//!
//! Loops run over fixed lanes and call nothing, so that the compiler vectorises them. Sums are taken in an order that
//! depends on the width of a row only, so a row's result does not depend on the rows beside it.
//!
//! It does not multiply matrices and does not start threads.

/// How many partial results a reduction keeps: one 512-bit register of f32.
const LANES: usize = 16;

/// Adds a bias to every row.
pub(crate) fn add_bias(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len()) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    }
}

/// Adds a bias to every row and applies the exact (erf) form of GELU.
pub(crate) fn add_bias_gelu(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len()) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value = gelu(*value + bias);
        }
    }
}

/// Adds a bias and the residual to every row.
pub(crate) fn add_bias_residual(values: &mut [f32], bias: &[f32], residual: &[f32]) {
    let width = bias.len();
    for (row, residual) in values.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
        for ((value, bias), residual) in row.iter_mut().zip(bias).zip(residual) {
            *value += bias + residual;
        }
    }
}

/// Normalises every row to mean zero and variance one, then scales and shifts it.
pub(crate) fn layer_norm(values: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let width = scale.len();
    for row in values.chunks_exact_mut(width) {
        let mean = reduce(row, 0.0, |sum, value| sum + value, |a, b| a + b) / width as f32;
        row.iter_mut().for_each(|value| *value -= mean);
        let variance = reduce(row, 0.0, |sum, value| sum + value * value, |a, b| a + b) / width as f32;
        let factor = 1.0 / (variance + epsilon).sqrt();
        for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
            *value = *value * factor * scale + shift;
        }
    }
}

/// Turns every row of scores into weights that sum to one.
pub(crate) fn softmax(values: &mut [f32], width: usize) {
    for row in values.chunks_exact_mut(width) {
        let larger = |a: f32, b: f32| if a > b { a } else { b };
        let largest = reduce(row, f32::MIN, larger, larger);
        row.iter_mut().for_each(|value| *value = exp(*value - largest));
        let factor = 1.0 / reduce(row, 0.0, |sum, value| sum + value, |a, b| a + b);
        row.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Folds a row into one value, lane by lane first.
#[inline(always)]
fn reduce(row: &[f32], start: f32, step: impl Fn(f32, f32) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane = step(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = step(*lane, *value);
    }
    lanes.into_iter().reduce(join).unwrap_or(start)
}

/// Returns x times the normal distribution's share below x.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Returns the error function, at most 5e-7 off: four units in the last place near one.
///
/// erf(x)/x is a quotient of two polynomials in x², fitted here by iterated least squares on [0, 3.92]; beyond that end
/// the error function differs from one by less than f32 can tell.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const END: f32 = 3.92;
    let x = if x > END { END } else { x };
    let x = if x < -END { -END } else { x };
    let square = x * x;
    let at_zero = std::f32::consts::FRAC_2_SQRT_PI;
    let above = polynomial(square, [at_zero, 0.190_132_4, 0.051_555_98, 0.003_598_480_3, 0.000_230_722_86]);
    let below = polynomial(
        square,
        [1.0, 0.501_833_2, 0.112_972_39, 0.014_463_045, 0.001_057_793_3, 0.000_023_154_19, -0.000_000_111_936_59],
    );
    x * above / below
}

/// Returns e to the power of x for x at or below zero, within 2e-7 of the value; below -87 it stays at e^-87.
///
/// The power is split into a whole power of two, which goes straight into the exponent bits, and a rest within half a
/// power of two, for which seven terms of the series are enough.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves a float no room for a fraction, so the sum's low bits are the rounded integer.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, so that a multiple of it can be subtracted without rounding.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -0.000_212_194_44;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    power * polynomial(rest, [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0])
}

/// Evaluates a polynomial whose coefficients start at the constant.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients.into_iter().rev() {
        sum = sum * x + coefficient;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums the series of erf in f64; exact enough for |x| up to 4.
    fn erf_series(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / n as f64;
            sum += term / (2 * n + 1) as f64;
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn erf_follows_its_series() {
        for step in -4_000..=4_000 {
            let x = step as f32 / 1_000.0;
            let difference = (erf(x) as f64 - erf_series(x as f64)).abs();
            assert!(difference < 5e-7, "erf({x}) is {difference:e} off");
        }
        assert!((erf(100.0) - 1.0).abs() < 5e-7 && (erf(-100.0) + 1.0).abs() < 5e-7);
    }

    #[test]
    fn exp_follows_the_library() {
        for step in 0..=86_000 {
            let x = -step as f32 / 1_000.0;
            let expected = (x as f64).exp();
            let difference = (exp(x) as f64 - expected).abs() / expected;
            assert!(difference < 2e-7, "exp({x}) is {difference:e} off");
        }
        assert!(exp(-1e30) < 1e-37);
    }

    #[test]
    fn softmax_rows_sum_to_one_at_any_width() {
        for width in [1, 2, 15, 16, 17, 33, 256] {
            let mut values: Vec<f32> = (0..3 * width).map(|i| ((i * 37) % 101) as f32 - 200.0).collect();
            softmax(&mut values, width);
            for row in values.chunks_exact(width) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn layer_norm_leaves_mean_zero_and_variance_one() {
        let width = 37;
        let mut values: Vec<f32> = (0..2 * width).map(|i| (i * i % 23) as f32).collect();
        layer_norm(&mut values, &vec![1.0; width], &vec![0.0; width], 1e-12);
        for row in values.chunks_exact(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|value| value * value).sum::<f32>() / width as f32;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4);
        }
    }
}
