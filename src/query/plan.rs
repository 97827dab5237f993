//! Choosing how the dense leg runs, from the number of allowed rows and what the graph covers.
//!
//! A scan costs one distance for each allowed row; a walk costs a number of distances that hardly depends on the size,
//! and more the fewer rows are allowed. The cheaper one by that count is taken. Nothing is run here.

use serde::Serialize;

/// Distances that a walk computes for each entry of its candidate list, measured at 100,000 rows and degree 32.
const DISTANCES_PER_EFFORT: usize = 14;
/// How much dearer a distance of a walk is than one of a scan, since it reads memory out of order.
const WALK_DISTANCE_COST: usize = 4;
/// Share of allowed rows below which a filtered walk finds too few of them to be worth starting.
const WALK_SHARE_MIN: f64 = 0.02;
/// Smallest candidate list of a walk.
const EFFORT_MIN: usize = 96;

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
    /// Distances expected for the strategy taken.
    pub estimated_distances: usize,
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
    /// Whether the caller asked for the exact answer.
    pub exact: bool,
}

impl Situation {
    /// Chooses the strategy, the effort and the expected number of distances.
    pub fn choose(&self) -> (Strategy, usize, usize) {
        if self.exact {
            return (Strategy::Exact, 0, self.allowed);
        }
        if self.covered == 0 || self.allowed == 0 {
            return (Strategy::Scan, 0, self.allowed);
        }
        let share = self.allowed as f64 / self.rows.max(1) as f64;
        let effort = EFFORT_MIN.max(2 * self.wanted);
        let walk = (effort * DISTANCES_PER_EFFORT) as f64 / share.max(WALK_SHARE_MIN);
        let walk = walk as usize;
        if share < WALK_SHARE_MIN || self.allowed <= walk * WALK_DISTANCE_COST {
            return (Strategy::Scan, 0, self.allowed);
        }
        let strategy = if self.allowed == self.rows { Strategy::Graph } else { Strategy::GraphFiltered };
        (strategy, effort, walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(allowed: usize, rows: usize, covered: usize) -> Strategy {
        Situation { allowed, rows, covered, wanted: 10, exact: false }.choose().0
    }

    #[test]
    fn few_allowed_rows_are_scanned_and_many_are_walked() {
        assert_eq!(choose(1_000, 1_000, 1_000), Strategy::Scan);
        assert_eq!(choose(100_000, 100_000, 100_000), Strategy::Graph);
        assert_eq!(choose(50_000, 100_000, 100_000), Strategy::GraphFiltered);
        assert_eq!(choose(1_000, 100_000, 100_000), Strategy::Scan);
        assert_eq!(choose(100_000, 100_000, 0), Strategy::Scan);
        assert_eq!(choose(0, 100_000, 100_000), Strategy::Scan);
    }
}
