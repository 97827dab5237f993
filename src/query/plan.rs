//! Choosing how the dense leg runs, from the number of allowed rows and what the graph covers.
//!
//! A scan costs the same for each allowed row; a walk costs the same for each row of its candidate list, whatever the size
//! of the graph, and its list must be longer the fewer rows are allowed. The one that costs less time is taken. Nothing is
//! run here.

use super::cost::Costs;
use crate::index::generation::WITHIN_SHARE_MAX;
use crate::index::graph::{code_stride, sketch_stride};
use crate::schema::ShortForm;
use serde::Serialize;

/// Times are for vectors of this length; codes of longer ones take as much longer.
const DIMENSION: f64 = 384.0;
/// Candidate list of a walk that finds 99 of 100 of the ten nearest rows where all are allowed.
const EFFORT: f64 = 128.0;
/// How the list grows as fewer rows are allowed: by its length times this, over the share.
const EFFORT_OVER_SHARE: f64 = 0.06;

/// How many times longer the list is where a walk reads one bit for each dimension, whose scores are rougher.
const EFFORT_OF_BITS: f64 = 1.5;

/// How the dense leg runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Every allowed row is compared, because that is cheaper.
    Scan,
    /// The graph is walked.
    Graph,
    /// The graph is walked, and only allowed rows count.
    GraphFiltered,
    /// Every allowed row is compared, because the caller asked for it.
    Exact,
    /// There is no dense leg.
    None,
}

/// What was chosen, with the numbers behind it.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// How the dense leg ran.
    pub strategy: Strategy,
    /// Rows that pass the filter.
    pub allowed: usize,
    /// Rows that live.
    pub rows: usize,
    /// Rows that the graph covers.
    pub covered: usize,
    /// Length of the walk's candidate list; 0 for a scan.
    pub effort: usize,
    /// Microseconds expected of a scan and of a walk; 0 where there was no choice.
    pub estimated_us: Estimate,
    /// Distances computed.
    pub distances: u64,
    /// Weights of the legs in the fusion, dense and lexical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leg_weights: Option<[f32; 2]>,
    /// The filter as it was understood.
    pub filter: String,
    /// Milliseconds of each stage.
    pub stages_ms: std::collections::BTreeMap<&'static str, f64>,
}

/// What the two ways are expected to take, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Sifting every allowed row.
    pub scan: u64,
    /// Walking the graph.
    pub walk: u64,
}

/// What the choice is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Rows that pass the filter.
    pub allowed: usize,
    /// Rows that live.
    pub rows: usize,
    /// Rows that the graph covers, 0 without one.
    pub covered: usize,
    /// Hits that the leg must give.
    pub wanted: usize,
    /// Length of a vector.
    pub dimension: usize,
    /// What a walk reads of a row.
    pub walk: ShortForm,
    /// Whether the caller asked for the exact answer.
    pub exact: bool,
}

impl Situation {
    /// Chooses the strategy and the effort, and returns the times they were chosen by.
    pub fn choose(&self, costs: &Costs) -> (Strategy, usize, Estimate) {
        if self.exact {
            return (Strategy::Exact, 0, Estimate::default());
        }
        if self.covered == 0 || self.allowed == 0 {
            return (Strategy::Scan, 0, Estimate::default());
        }
        let share = self.allowed as f64 / self.rows.max(1) as f64;
        let effort = self.effort(share);
        let estimate = Estimate { scan: self.scan_us(costs), walk: self.walk_us(costs, share, effort) };
        if estimate.scan <= estimate.walk {
            return (Strategy::Scan, 0, estimate);
        }
        let strategy = if self.allowed == self.rows { Strategy::Graph } else { Strategy::GraphFiltered };
        (strategy, effort, estimate)
    }

    /// A plain walk looks at more rows than its effort by one over the share, so that its own effort can be less.
    fn effort(&self, share: f64) -> usize {
        let effort = match share < WITHIN_SHARE_MAX {
            true => EFFORT * (1.0 + EFFORT_OVER_SHARE / share),
            false => EFFORT * (0.25 + 0.75 * share),
        };
        let longer = if self.walk == ShortForm::Bits { EFFORT_OF_BITS } else { 1.0 };
        ((effort * longer) as usize).max(2 * self.wanted)
    }

    fn scan_us(&self, costs: &Costs) -> u64 {
        let words = match sketch_stride(self.dimension) {
            0 => code_stride(self.dimension) / 8,
            words => words,
        };
        let row_ns = costs.line_ns * (words as f64 / 8.0).max(1.0);
        let sifted = (10 * self.wanted).max(200).min(self.allowed);
        ((self.allowed as f64 * row_ns + sifted as f64 * costs.sifted_row_ns) / 1e3) as u64
    }

    fn walk_us(&self, costs: &Costs, share: f64, effort: usize) -> u64 {
        let row_ns = if share < WITHIN_SHARE_MAX { costs.within_row_ns } else { costs.walk_row_ns / share };
        let longer = (self.dimension as f64 / DIMENSION).max(1.0);
        (effort as f64 * row_ns * longer / 1e3) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::cost::TYPICAL;

    fn choose(allowed: usize, rows: usize, covered: usize) -> Strategy {
        Situation { allowed, rows, covered, wanted: 10, dimension: 384, walk: ShortForm::Bytes, exact: false }
            .choose(&TYPICAL)
            .0
    }

    #[test]
    fn few_allowed_rows_are_scanned_and_many_are_walked() {
        assert_eq!(choose(1_000, 1_000, 1_000), Strategy::Scan);
        assert_eq!(choose(100_000, 100_000, 100_000), Strategy::Graph);
        assert_eq!(choose(50_000, 100_000, 100_000), Strategy::GraphFiltered);
        assert_eq!(choose(1_000, 100_000, 100_000), Strategy::Scan);
        assert_eq!(choose(100_000, 100_000, 0), Strategy::Scan);
        assert_eq!(choose(0, 100_000, 100_000), Strategy::Scan);
        assert_eq!(choose(20_000, 200_000, 200_000), Strategy::Scan);
        assert_eq!(choose(100_000, 1_000_000, 1_000_000), Strategy::GraphFiltered);
    }
}
