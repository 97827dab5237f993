//! The instruction set of the passes and the f32 products, chosen once.
//!
//! A pass is a loop that the compiler vectorises; [`Level::run`] compiles it once for each instruction set. It does not
//! know what passes do.

use std::sync::OnceLock;

/// The instructions that this processor has.
///
/// The SIMD variants hold a value that exists only after the processor was asked, so running them is safe.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Any processor.
    Portable,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// Proof that the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

/// Proof that the processor has AVX-512 F, BW, DQ and VL.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

/// Work on slices that is compiled for each level. `run` must be `#[inline(always)]`, or it stays portable code.
pub(crate) trait Pass {
    /// What the work returns.
    type Output;

    /// Does the work.
    fn run<A: Arithmetic>(self) -> Self::Output;
}

/// How a level multiplies and adds.
pub(crate) trait Arithmetic {
    /// Returns `a * b + c`, rounded once where the processor can, else twice.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;
}

/// Rounds once.
pub(crate) struct Fused;

impl Arithmetic for Fused {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// Rounds twice, where rounding once would be a call into a library.
#[cfg(not(target_arch = "aarch64"))]
struct Plain;

#[cfg(not(target_arch = "aarch64"))]
impl Arithmetic for Plain {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

#[cfg(target_arch = "aarch64")]
type Portable = Fused;
#[cfg(not(target_arch = "aarch64"))]
type Portable = Plain;

impl Level {
    /// Returns the highest level of this processor.
    pub(crate) fn get() -> Level {
        static CHOSEN: OnceLock<Level> = OnceLock::new();
        *CHOSEN.get_or_init(|| Level::available().pop().unwrap_or(Level::Portable))
    }

    /// Returns every level that this processor has, the lowest first.
    pub(crate) fn available() -> Vec<Level> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(Avx2::detect().map(Level::Avx2));
            levels.extend(Avx512::detect().map(Level::Avx512));
        }
        levels
    }

    /// Returns the name for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
        }
    }

    /// Runs a pass as compiled for this level.
    #[inline]
    pub(crate) fn run<P: Pass>(self, pass: P) -> P::Output {
        match self {
            Level::Portable => pass.run::<Portable>(),
            // SAFETY: a value of `Avx2` exists only after `detect` found the features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => unsafe { run_avx2(pass) },
            // SAFETY: a value of `Avx512` exists only after `detect` found the features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => unsafe { run_avx512(pass) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<P: Pass>(pass: P) -> P::Output {
    pass.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512<P: Pass>(pass: P) -> P::Output {
    pass.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Asks the processor.
    fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Asks the processor.
    fn detect() -> Option<Avx512> {
        let found = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        found.then_some(Avx512(()))
    }
}
