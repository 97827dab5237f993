//! BM25 in fixed point: what one term adds to the score of one document.
//!
//! Contributions are integers, so their sum does not depend on the order in which terms are visited: pruned search,
//! plain search and scores of given slots agree to the last bit, and ties are real ties. It decides no term's fate;
//! statistics come from the caller.

/// How soon repetitions of a term stop counting; the value that the literature and most engines use.
const K1: f32 = 1.2;

/// How much a document's length counts; the value that the literature and most engines use.
const B: f32 = 0.75;

/// Steps in one unit of score. With at most 256 terms, each below 200, sums stay within `u32`.
const STEPS: f32 = 65_536.0;

/// Most repetitions of a term in a query that still add weight; keeps sums of contributions within `u32`.
const QUERY_REPETITIONS_MAX: u32 = 4;

/// A sum of contributions, in steps.
pub type Steps = u32;

/// How lengths weigh in one state of an index.
#[derive(Debug, Clone, Copy)]
pub struct LengthNorm {
    per_token: f32,
}

impl LengthNorm {
    /// Returns the norm for an index of that many documents with that many tokens in all.
    pub fn new(documents: u32, tokens: u64) -> Self {
        let length_mean = (tokens as f64 / f64::from(documents.max(1))).max(1.0);
        Self { per_token: K1 * B / length_mean as f32 }
    }

    /// Returns what a term adds to a document of that length in which it occurs that often; at least one step.
    ///
    /// Every operation is monotone under rounding, so more occurrences and a smaller length never add less: the value
    /// at a block's greatest count and smallest length bounds the whole block.
    #[inline]
    pub fn contribution(self, weight: f32, occurrences: u32, length: u32) -> Steps {
        let norm = K1 * (1.0 - B) + self.per_token * to_float(length);
        let share = 1.0 / (1.0 + norm / to_float(occurrences));
        ((weight * share * STEPS) as i32).max(1) as Steps
    }
}

/// Converts a number below 2^31, which processors do to several at once.
#[inline]
fn to_float(number: u32) -> f32 {
    (number & i32::MAX as u32) as i32 as f32
}

/// Returns how telling a term is that `holders` of `documents` hold; above zero always.
pub fn idf(documents: u32, holders: u32) -> f32 {
    let (documents, holders) = (f64::from(documents.max(holders)), f64::from(holders));
    ((documents - holders + 0.5) / (holders + 0.5)).ln_1p() as f32
}

/// Returns the most that a query term can add, given its idf and how often the query says it.
pub fn weight(idf: f32, repetitions: u32) -> f32 {
    idf * (K1 + 1.0) * repetitions.min(QUERY_REPETITIONS_MAX) as f32
}

/// Returns a sum of contributions as the BM25 score that callers see.
pub fn score_of_steps(steps: Steps) -> f32 {
    steps as f32 / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contribution_is_the_textbook_formula() {
        let (idf, occurrences, length, mean) = (2.5_f64, 3.0_f64, 80.0_f64, 100.0_f64);
        let expected = idf * occurrences * 2.2 / (occurrences + 1.2 * (0.25 + 0.75 * length / mean));
        let steps = LengthNorm::new(10, 1000).contribution(weight(2.5, 1), 3, 80);
        assert!((f64::from(score_of_steps(steps)) - expected).abs() < 1e-4, "{} for {expected}", score_of_steps(steps));
    }

    #[test]
    fn a_term_in_every_document_still_adds_something() {
        let everywhere = idf(1_000_000, 1_000_000);
        assert!(everywhere > 0.0);
        assert!(LengthNorm::new(1_000_000, 100_000_000).contribution(weight(everywhere, 1), 1, 100_000) >= 1);
    }

    #[test]
    fn more_occurrences_and_less_length_never_add_less() {
        let norm = LengthNorm::new(1000, 151_234);
        let weight = weight(idf(1000, 37), 1);
        for occurrences in 1..200 {
            for length in occurrences..400 {
                let here = norm.contribution(weight, occurrences, length);
                assert!(norm.contribution(weight, occurrences + 1, length) >= here);
                assert!(norm.contribution(weight, occurrences, length + 1) <= here);
            }
        }
    }

    #[test]
    fn the_largest_query_fits_its_sum() {
        let most =
            LengthNorm::new(u32::MAX, u64::from(u32::MAX)).contribution(weight(idf(u32::MAX, 0), 9), u32::MAX, 0);
        assert!(u64::from(most) * 256 < u64::from(Steps::MAX));
    }
}
