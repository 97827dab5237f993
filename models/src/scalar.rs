//! The functions of one number that the passes apply: GELU and e to a power.
//!
//! They branch by choosing between values and call nothing, so that loops over them vectorise.

use crate::gemm::Arithmetic;

/// Returns x times the normal distribution's share below x.
#[inline(always)]
pub(crate) fn gelu<A: Arithmetic>(x: f32) -> f32 {
    let half = 0.5 * x;
    A::multiply_add(half, erf::<A>(x * std::f32::consts::FRAC_1_SQRT_2), half)
}

/// Returns the error function, at most 5e-7 off: four units in the last place near one.
///
/// erf(x)/x is a quotient of two polynomials in x², fitted here by iterated least squares on [0, 3.92]; beyond that end
/// the error function differs from one by less than f32 can tell.
#[inline(always)]
fn erf<A: Arithmetic>(x: f32) -> f32 {
    const END: f32 = 3.92;
    let x = if x > END { END } else { x };
    let x = if x < -END { -END } else { x };
    let square = x * x;
    let at_zero = std::f32::consts::FRAC_2_SQRT_PI;
    let above = polynomial::<A, _>(square, [at_zero, 0.190_132_4, 0.051_555_98, 0.003_598_480_3, 0.000_230_722_86]);
    let below = polynomial::<A, _>(
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
pub(crate) fn exp<A: Arithmetic>(x: f32) -> f32 {
    /// Adding it leaves a float no room for a fraction, so the sum's low bits are the rounded integer.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, so that a multiple of it can be subtracted without rounding.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -0.000_212_194_44;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = A::multiply_add(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = A::multiply_add(whole, -LN_2_LOW, A::multiply_add(whole, -LN_2_HIGH, x));
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    power * polynomial::<A, _>(rest, [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0])
}

/// Evaluates a polynomial whose coefficients start at the constant.
#[inline(always)]
fn polynomial<A: Arithmetic, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for coefficient in coefficients[..N - 1].iter().rev() {
        sum = A::multiply_add(sum, x, *coefficient);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::Fused;

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
            let difference = (erf::<Fused>(x) as f64 - erf_series(x as f64)).abs();
            assert!(difference < 5e-7, "erf({x}) is {difference:e} off");
        }
        assert!((erf::<Fused>(100.0) - 1.0).abs() < 5e-7 && (erf::<Fused>(-100.0) + 1.0).abs() < 5e-7);
    }

    #[test]
    fn exp_follows_the_library() {
        for step in 0..=86_000 {
            let x = -step as f32 / 1_000.0;
            let expected = (x as f64).exp();
            let difference = (exp::<Fused>(x) as f64 - expected).abs() / expected;
            assert!(difference < 2e-7, "exp({x}) is {difference:e} off");
        }
        assert!(exp::<Fused>(-1e30) < 1e-37);
    }
}
