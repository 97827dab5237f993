//! Searching by example: the vectors of given chunks become the question, and the chunks themselves no hits.
//!
//! The question is the mean of the examples, moved away from the mean of the counterexamples by as much as the two lie
//! apart (Rocchio 1971 with equal weights).

use super::collection::State;
use super::upsert::check_vector;
use crate::config::limits::EXAMPLES_MAX;
use crate::error::{Error, Result};
use crate::query::{Allowed, Filter};
use crate::schema::{Value, row};
use std::collections::BTreeMap;

/// Returns the question that examples and counterexamples ask, and the filter that leaves them out of the hits.
pub fn question(state: &State, like: &[String], unlike: &[String]) -> Result<(Vec<f32>, Filter)> {
    if like.len() + unlike.len() > EXAMPLES_MAX {
        return Err(Error::LimitExceeded { what: "examples", limit: EXAMPLES_MAX as u64 });
    }
    let ids = like.iter().chain(unlike).map(|id| Value::String(id.clone()));
    let named = Filter::in_list(row::ID, ids.collect());
    let vectors = vectors(state, &named)?;
    let near = mean(&vectors, like, "like")?;
    let vector = match unlike.is_empty() {
        true => near,
        false => near.iter().zip(mean(&vectors, unlike, "unlike")?).map(|(near, far)| 2.0 * near - far).collect(),
    };
    Ok((check_vector(&state.schema, vector)?, Filter::negate(named)))
}

/// Returns the vectors of the rows that a filter passes, by id.
fn vectors<'a>(state: &'a State, named: &Filter) -> Result<BTreeMap<&'a str, &'a [f32]>> {
    let found = Allowed::new(&state.snapshot, named)?;
    let slots = found.slots().iter().map(|slot| slot as u32);
    let entry =
        |slot| Some((state.snapshot.columns().segment_of(slot).text(row::ID, slot)?, state.snapshot.vector(slot)?));
    Ok(slots.filter_map(entry).collect())
}

fn mean(vectors: &BTreeMap<&str, &[f32]>, ids: &[String], field: &'static str) -> Result<Vec<f32>> {
    let mut mean = Vec::new();
    for id in ids {
        let vector = vectors.get(id.as_str()).ok_or_else(|| {
            let id: String = id.chars().take(80).collect();
            Error::InvalidArgument { field, detail: format!("there is no chunk '{id}' with a vector") }
        })?;
        mean.resize(vector.len(), 0.0);
        mean.iter_mut().zip(*vector).for_each(|(mean, value)| *mean += value / ids.len() as f32);
    }
    Ok(mean)
}
