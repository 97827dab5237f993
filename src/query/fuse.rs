//! Joining the dense and the lexical ranking into one.
//!
//! Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) adds `weight / (k + rank)` over the legs; normalised
//! fusion adds weighted scores scaled to [0, 1] between the best hit of a leg and its last. Ties go to the lower slot,
//! so that an answer is stable. What a leg is worth for a query is judged in [`leg_weights`]; running legs is not here.

use serde::Deserialize;
use std::collections::HashMap;

/// Share of readable query text from which the dense leg counts fully.
const READABLE_FULL: f32 = 0.98;
/// Share of readable query text below which the dense leg does not count.
const READABLE_NONE: f32 = 0.8;

/// How the legs are joined.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fusion {
    /// Which formula.
    pub method: FusionMethod,
    /// Constant of reciprocal rank fusion: the larger, the less the first ranks stand out.
    pub k: f32,
    /// Weights of the legs; `None` lets the store judge them.
    pub weights: Option<Weights>,
}

impl Default for Fusion {
    fn default() -> Self {
        Self { method: FusionMethod::Rrf, k: 60.0, weights: None }
    }
}

/// Formula of the fusion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FusionMethod {
    /// Reciprocal ranks.
    #[default]
    Rrf,
    /// Scores scaled between the best and the last hit of each leg.
    Normalized,
}

/// Weights of the legs, each at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Weight of the dense leg.
    pub dense: f32,
    /// Weight of the lexical leg.
    pub lexical: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { dense: 1.0, lexical: 1.0 }
    }
}

/// Judges what each leg is worth for a query: a model that cannot read the words of a query ranks by chance.
pub fn leg_weights(given: Option<Weights>, readable: f32) -> Weights {
    given.unwrap_or_else(|| {
        let dense = ((readable - READABLE_NONE) / (READABLE_FULL - READABLE_NONE)).clamp(0.0, 1.0);
        Weights { dense, lexical: 1.0 }
    })
}

/// Joins two rankings, best first, into one; the score is the fused one.
pub fn fuse(fusion: &Fusion, weights: Weights, dense: &[(u32, f32)], lexical: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let mut scores: HashMap<u32, f32> = HashMap::with_capacity(dense.len() + lexical.len());
    for (leg, weight) in [(dense, weights.dense), (lexical, weights.lexical)] {
        if weight <= 0.0 {
            continue;
        }
        for (rank, &(slot, score)) in leg.iter().enumerate() {
            let part = match fusion.method {
                FusionMethod::Rrf => 1.0 / (fusion.k + rank as f32 + 1.0),
                FusionMethod::Normalized => scaled(score, leg),
            };
            *scores.entry(slot).or_default() += weight * part;
        }
    }
    let mut fused: Vec<(u32, f32)> = scores.into_iter().collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

fn scaled(score: f32, leg: &[(u32, f32)]) -> f32 {
    let (best, last) = (leg[0].1, leg[leg.len() - 1].1);
    if best > last { (score - last) / (best - last) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_both_legs_find_comes_first() {
        let fused = fuse(&Fusion::default(), Weights::default(), &[(1, 0.9), (2, 0.8)], &[(3, 9.0), (2, 8.0)]);
        assert_eq!(fused[0].0, 2);
        assert_eq!(fused.len(), 3);
    }

    #[test]
    fn ties_go_to_the_lower_slot() {
        let fused = fuse(&Fusion::default(), Weights::default(), &[(7, 0.9)], &[(3, 9.0)]);
        assert_eq!(fused.iter().map(|hit| hit.0).collect::<Vec<_>>(), [3, 7]);
    }

    #[test]
    fn a_leg_that_cannot_read_the_query_does_not_count() {
        let weights = leg_weights(None, 0.2);
        let fused = fuse(&Fusion::default(), weights, &[(1, 0.9)], &[(2, 5.0)]);
        assert_eq!(fused.iter().map(|hit| hit.0).collect::<Vec<_>>(), [2]);
        assert_eq!(leg_weights(Some(Weights::default()), 0.0), Weights::default());
    }

    #[test]
    fn normalised_fusion_follows_the_scores() {
        let fusion = Fusion { method: FusionMethod::Normalized, ..Fusion::default() };
        let fused = fuse(&fusion, Weights::default(), &[(1, 0.9), (2, 0.1), (3, 0.0)], &[(2, 5.0), (1, 4.0), (3, 0.0)]);
        assert_eq!(fused[0].0, 1);
    }
}
