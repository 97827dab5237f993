//! What the steps of a search cost on this machine: two probes of a few milliseconds at start, by which typical times are
//! scaled.
//!
//! The plan compares times, so a machine whose memory is slow beside its arithmetic, or that lacks wide instructions,
//! should choose otherwise. A process that never probes uses the typical times.

use crate::index::distance::Kernels;
use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds that steps of a search take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// To look at the short form of an allowed row, for each cache line of it.
    pub line_ns: f64,
    /// To rank one row that the sketches let through.
    pub sifted_row_ns: f64,
    /// For each row of the candidate list of a plain walk.
    pub walk_row_ns: f64,
    /// The same for a walk that steps over rows that are not allowed.
    pub within_row_ns: f64,
}

/// Measured at 200,000 x 384 on the machine of benches/README.md.
const TYPICAL: Costs = Costs { line_ns: 12.0, sifted_row_ns: 90.0, walk_row_ns: 1_300.0, within_row_ns: 4_300.0 };
/// What the probes took there: a row of bits, and a row of codes.
const TYPICAL_PROBES: Probes = Probes { bits_ns: 8.4, codes_ns: 21.0 };
/// How far a probe may move a time; what lies beyond is a disturbance.
const SCALE_MAX: f64 = 8.0;

const DIMENSION: usize = 384;
const WORDS: usize = 8;
/// Rows of each probe: 8 and 12 MiB, more than the caches of one core.
const ROWS: usize = 1 << 15;
const BIT_ROWS: usize = 1 << 17;
/// Passes, of which the fastest counts.
const PASSES: usize = 5;

static MEASURED: OnceLock<Costs> = OnceLock::new();

/// Nanoseconds for a row.
#[derive(Clone, Copy, Debug)]
struct Probes {
    bits_ns: f64,
    codes_ns: f64,
}

impl Costs {
    /// Returns the costs that plans are made from.
    pub fn get() -> Self {
        MEASURED.get().copied().unwrap_or(TYPICAL)
    }

    /// Measures them, once in a process; takes about 50 ms, and 20 MiB until it is done.
    pub fn calibrate() -> Self {
        *MEASURED.get_or_init(|| {
            let probes = probe();
            let costs = scaled(probes);
            tracing::info!(bits_ns = probes.bits_ns, codes_ns = probes.codes_ns, ?costs, "costs measured");
            costs
        })
    }
}

fn scaled(probes: Probes) -> Costs {
    let scale = |found: f64, typical: f64| (found / typical).clamp(1.0 / SCALE_MAX, SCALE_MAX);
    let bits = scale(probes.bits_ns, TYPICAL_PROBES.bits_ns);
    let codes = scale(probes.codes_ns, TYPICAL_PROBES.codes_ns);
    Costs {
        line_ns: TYPICAL.line_ns * bits,
        sifted_row_ns: TYPICAL.sifted_row_ns * codes,
        walk_row_ns: TYPICAL.walk_row_ns * codes,
        within_row_ns: TYPICAL.within_row_ns * codes,
    }
}

/// Scores rows of bits in rising order, as a scan does, and rows of codes in no order, as a walk does.
fn probe() -> Probes {
    let kernels = Kernels::get();
    let query: Vec<i8> = (0..WORDS * 64).map(|at| (at * 37) as i8).collect();
    let bits: Vec<u64> = (0..BIT_ROWS * WORDS).map(|at| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let codes: Vec<u8> = (0..ROWS * DIMENSION).map(|at| (at * 131) as u8).collect();
    let rising: Vec<u32> = (0..BIT_ROWS as u32).step_by(4).collect();
    // An odd factor visits every row once, far from the one before.
    let scattered: Vec<u32> = (0..ROWS as u32).map(|at| at.wrapping_mul(20_021) % ROWS as u32).collect();
    let mut out = vec![0; ROWS];
    let bits_ns = fastest(rising.len(), || kernels.sum_set_rows(&query, &bits, WORDS, &rising, &mut out));
    let codes_ns = fastest(ROWS, || kernels.dot_i8_rows(&query[..DIMENSION], &codes, &scattered, &mut out));
    Probes { bits_ns, codes_ns }
}

fn fastest(rows: usize, mut pass: impl FnMut()) -> f64 {
    let times = (0..PASSES).map(|_| {
        let started = Instant::now();
        pass();
        started.elapsed().as_nanos() as f64 / rows as f64
    });
    times.fold(f64::MAX, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_scaled_by_what_the_probes_took() {
        assert_eq!(scaled(TYPICAL_PROBES), TYPICAL);
        let slow = scaled(Probes { bits_ns: TYPICAL_PROBES.bits_ns, codes_ns: 3.0 * TYPICAL_PROBES.codes_ns });
        assert_eq!((slow.line_ns, slow.walk_row_ns), (TYPICAL.line_ns, 3.0 * TYPICAL.walk_row_ns));
        let disturbed = scaled(Probes { bits_ns: 1e9, codes_ns: 0.0 });
        assert_eq!((disturbed.line_ns, disturbed.walk_row_ns), (8.0 * TYPICAL.line_ns, TYPICAL.walk_row_ns / 8.0));
    }

    #[test]
    fn probes_find_times() {
        let probes = probe();
        assert!(probes.bits_ns > 0.0 && probes.codes_ns > 0.0 && probes.codes_ns < 1e6);
    }
}
