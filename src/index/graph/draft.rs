//! The first edges of a graph, found by `hnsw_rs`.
//!
//! The crate stores row numbers and asks back for their distances, so vectors are not copied. Its edges are kept by
//! distance alone and some rows end up out of reach: that is repaired in `refine`. Its searches and its files are not
//! used. Lists above a row's own layer hold strays and are left out.

use super::build::{BuildParams, Cancelled};
use super::lists::Lists;
use super::resume::Origin;
use super::space::Space;
use hnsw_rs::prelude::{Distance, Hnsw};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Rows inserted by one thread before the others join: an early row inserted at the same time as the first stays alone.
const SERIAL_ROWS: usize = 1000;

/// The most layers that the crate supports.
const LAYERS_MAX: usize = 16;

/// Edges by row number of the space.
#[derive(Debug)]
pub struct Draft {
    /// Neighbours in layer 0.
    pub base: Lists,
    /// For layer 1, 2 and so on: its rows, each with its neighbours there.
    pub upper: Vec<Vec<(u32, Vec<u32>)>>,
    /// How much of each row's list is taken over from an earlier graph.
    pub origins: Vec<Origin>,
}

/// Finds neighbours for some rows of a space, which are different vectors.
pub fn draft(space: &Space<'_>, rows: &[u32], params: &BuildParams, cancel: &AtomicBool) -> Result<Draft, Cancelled> {
    let graph = Hnsw::new(params.m, rows.len(), LAYERS_MAX, params.ef_construction, Apart(space));
    let rows = shuffled(rows, params.seed);
    let (first, rest) = rows.split_at(SERIAL_ROWS.min(rows.len()));
    let next = AtomicUsize::new(0);
    first.iter().for_each(|&row| graph.insert_slice((&[row], row as usize)));
    thread::scope(|scope| {
        for _ in 0..params.threads.max(1) {
            scope.spawn(|| {
                while let Some(&row) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if cancel.load(Ordering::Relaxed) {
                        break;
                    }
                    graph.insert_slice((&[row], row as usize));
                }
            });
        }
    });
    if cancel.load(Ordering::Relaxed) {
        return Err(Cancelled);
    }
    Ok(edges_of(&graph, space.rows(), params.m))
}

fn edges_of(graph: &Hnsw<'_, u32, Apart<'_, '_>>, rows: usize, m: usize) -> Draft {
    let points = graph.get_point_indexation();
    let top = points.get_max_level_observed() as usize;
    let mut draft =
        Draft { base: Lists::new(rows, 2 * m), upper: vec![Vec::new(); top], origins: vec![Origin::New; rows] };
    for layer in 0..=top {
        for point in points.get_layer_iterator(layer) {
            let row = point.get_origin_id() as u32;
            for (at, neighbours) in point.get_neighborhood_id().iter().enumerate().take(layer + 1) {
                let reach =
                    neighbours.iter().filter(|other| usize::from(other.p_id.0) >= at && other.d_id as u32 != row);
                let list: Vec<u32> = reach.map(|other| other.d_id as u32).collect();
                match at.checked_sub(1) {
                    None => draft.base.put(row, &list),
                    Some(upper) => draft.upper[upper].push((row, list)),
                }
            }
        }
    }
    draft
}

/// Mixes the order of insertion: rows that come in by topic would otherwise draw the upper layers from the first one.
pub fn shuffled(rows: &[u32], seed: u64) -> Vec<u32> {
    let mut rows = rows.to_vec();
    let mut state = seed | 1;
    for at in (1..rows.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(at, ((state >> 33) % (at as u64 + 1)) as usize);
    }
    rows
}

/// Distance of rows by their numbers; never negative and always a number, which the crate asserts.
struct Apart<'a, 'v>(&'a Space<'v>);

impl Distance<u32> for Apart<'_, '_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        self.0.distance(a[0], b[0])
    }
}
