//! What the steps of a search cost: typical times, scaled by what two probes took on this machine.
//!
//! The plan compares times, so a machine whose memory is slow beside its arithmetic, or that lacks wide instructions,
//! should choose otherwise. A process that is told of no probes uses the typical times; the probes are `store`'s.

use std::sync::OnceLock;

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
pub(super) const TYPICAL: Costs =
    Costs { line_ns: 8.5, sifted_row_ns: 75.0, walk_row_ns: 1_000.0, within_row_ns: 3_300.0 };
/// What the probes took there: a row of bits, and a row of codes.
const TYPICAL_PROBES: Probes = Probes { bits_ns: 9.2, codes_ns: 17.2 };
/// How far a probe may move a time; what lies beyond is a disturbance.
const SCALE_MAX: f64 = 8.0;

static MEASURED: OnceLock<Costs> = OnceLock::new();

/// What the probes took, in nanoseconds for a row.
#[derive(Clone, Copy, Debug)]
pub struct Probes {
    /// Rows of 512 bits, every fourth of many, in rising order: as a scan reads them.
    pub bits_ns: f64,
    /// Rows of 384 codes in no order: as a walk reads them.
    pub codes_ns: f64,
}

impl Costs {
    /// Returns the costs that plans are made from.
    pub fn get() -> Self {
        MEASURED.get().copied().unwrap_or(TYPICAL)
    }

    /// Makes plans from what the probes took, from now on; the first probes of a process count.
    pub fn calibrate(probes: Probes) -> Self {
        *MEASURED.get_or_init(|| scaled(probes))
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
}
