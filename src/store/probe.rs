//! Probes of this machine, by which the planner's typical times are scaled; a few milliseconds when a server starts.
//!
//! What a search costs by them is decided in `query`.

use crate::index::distance::Kernels;
use crate::query::cost::{Costs, Probes};
use std::time::Instant;

const DIMENSION: usize = 384;
const WORDS: usize = 8;
/// Rows of each probe: 8 and 12 MiB, more than the caches of one core.
const BIT_ROWS: usize = 1 << 17;
const CODE_ROWS: usize = 1 << 15;
/// Passes, of which the fastest counts.
const PASSES: usize = 5;

/// Measures what the planner needs to know; takes about 50 ms, and 20 MiB until it is done.
pub fn calibrate_planner() {
    let probes = probe();
    let costs = Costs::calibrate(probes);
    tracing::info!(bits_ns = probes.bits_ns, codes_ns = probes.codes_ns, ?costs, "costs of searches measured");
}

fn probe() -> Probes {
    let kernels = Kernels::get();
    let query: Vec<i8> = (0..WORDS * 64).map(|at| (at * 37) as i8).collect();
    let bits: Vec<u64> = (0..BIT_ROWS * WORDS).map(|at| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let codes: Vec<u8> = (0..CODE_ROWS * DIMENSION).map(|at| (at * 131) as u8).collect();
    let rising: Vec<u32> = (0..BIT_ROWS as u32).step_by(4).collect();
    // An odd factor visits every row once, far from the one before.
    let scattered: Vec<u32> = (0..CODE_ROWS as u32).map(|at| at.wrapping_mul(20_021) % CODE_ROWS as u32).collect();
    let mut out = vec![0; CODE_ROWS];
    let bits_ns = fastest(rising.len(), || kernels.sum_set_rows(&query, &bits, WORDS, &rising, &mut out));
    let codes_ns = fastest(CODE_ROWS, || kernels.dot_i8_rows(&query[..DIMENSION], &codes, &scattered, &mut out));
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
    fn probes_find_times() {
        let probes = probe();
        assert!(probes.bits_ns > 0.0 && probes.codes_ns > 0.0 && probes.codes_ns < 1e6);
    }
}
