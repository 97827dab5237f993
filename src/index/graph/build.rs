//! From vectors to a graph in its final numbering.
//!
//! Rows with equal vectors would fill each other's lists and cut themselves off, so the graph is built over one row of
//! each group and the others hang below it in a tree. Writing it down belongs to `generation`.

use super::code::{Codes, code_stride};
use super::draft::{Draft, draft};
use super::grow::grow;
use super::lists::Lists;
use super::refine::{connect, refine};
use super::resume::{Earlier, Origin};
use super::space::Space;
use super::walk::View;
use crate::index::distance::as_bytes;
use crate::schema::ShortForm;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use xxhash_rust::xxh3::xxh3_64;

/// What finds the first edges; both lead to graphs of one quality, growth in a quarter of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drafter {
    /// Our own growth by batches.
    #[default]
    Growth,
    /// `hnsw_rs`.
    HnswRs,
}

/// How a graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildParams {
    /// Neighbours in upper layers, from 4 to 64; twice as many in layer 0.
    pub m: usize,
    /// Rows looked at for each insertion.
    pub ef_construction: usize,
    /// Threads to use.
    pub threads: usize,
    /// Decides the order of insertion.
    pub seed: u64,
    /// What finds the first edges.
    pub drafter: Drafter,
}

impl BuildParams {
    /// Returns what serves text embeddings of 384 to 1024 dimensions well.
    pub fn usual(threads: usize, seed: u64) -> Self {
        Self { m: 16, ef_construction: 150, threads, seed, drafter: Drafter::default() }
    }
}

/// The caller asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// A graph over renumbered rows.
#[derive(Debug)]
pub struct Graph {
    /// The row of the space that each row of the graph stands for.
    pub order: Vec<u32>,
    /// Codes in the order of the graph.
    pub codes: Codes,
    /// Layer 0.
    pub base: Lists,
    /// Rows in layer 1, 2 and so on; they are the first rows of the graph.
    pub counts: Vec<u32>,
    /// Layer 1, 2 and so on, in one row of lists.
    pub upper: Lists,
    /// Rows that were out of reach until an edge was laid to them.
    pub reconnected: usize,
}

impl Graph {
    /// Returns the graph as a search sees it.
    pub fn view(&self, dimension: usize) -> View<'_> {
        View {
            rows: self.order.len(),
            stride: code_stride(dimension),
            codes: &self.codes.bytes,
            facts: &self.codes.facts,
            short: ShortForm::Bytes,
            sketches: &[],
            sketch_stride: 0,
            degree: self.base.degree(),
            base: self.base.ids(),
            upper_degree: self.upper.degree(),
            counts: &self.counts,
            upper: self.upper.ids(),
        }
    }
}

/// Builds the graph of a space, by going on from an earlier one if that is worth it.
pub fn build(
    space: &Space<'_>,
    earlier: Option<&Earlier<'_>>,
    params: &BuildParams,
    cancel: &AtomicBool,
) -> Result<Graph, Cancelled> {
    let params = BuildParams { m: params.m.clamp(4, 64), ef_construction: params.ef_construction.max(8), ..*params };
    let groups = equal_rows(space);
    let distinct: Vec<u32> = groups.iter().map(|group| group[0]).collect();
    let draft = match params.drafter {
        Drafter::Growth => grow(space, &distinct, earlier, &params, cancel)?,
        Drafter::HnswRs => draft(space, &distinct, &params, cancel)?,
    };
    let mut graph = arrange(space, &draft, &groups, params.m);
    let origins: Vec<Origin> = graph.order[..distinct.len()].iter().map(|&row| draft.origins[row as usize]).collect();
    drop(draft);
    refine(space, &mut graph, (&origins, 2 * params.m), params.threads, cancel)?;
    hang_equal_rows(&mut graph, &groups);
    graph.reconnected = connect(space, &mut graph);
    Ok(graph)
}

/// Groups rows of equal bits, in the order of their first rows.
fn equal_rows(space: &Space<'_>) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::with_capacity(space.rows());
    let mut by_hash: HashMap<u64, Vec<u32>> = HashMap::with_capacity(space.rows());
    for row in 0..space.rows() as u32 {
        let bytes = as_bytes(space.vector(row));
        let same_hash = by_hash.entry(xxh3_64(bytes)).or_default();
        match same_hash.iter().find(|&&group| as_bytes(space.vector(groups[group as usize][0])) == bytes) {
            Some(&group) => groups[group as usize].push(row),
            None => {
                same_hash.push(groups.len() as u32);
                groups.push(vec![row]);
            }
        }
    }
    groups
}

/// Renumbers the draft: rows of upper layers first, then in the order in which a search reaches them, then the rest of
/// each group of equal rows.
fn arrange(space: &Space<'_>, draft: &Draft, groups: &[Vec<u32>], m: usize) -> Graph {
    let layers = layers_of(draft, space.rows());
    let mut order = reached_order(draft, groups);
    order.sort_by_key(|&row| std::cmp::Reverse(layers[row as usize]));
    order.extend(groups.iter().flat_map(|group| &group[1..]));
    let mut place = vec![0u32; space.rows()];
    (0..).zip(&order).for_each(|(at, &row)| place[row as usize] = at);
    let renumber = |ids: &[u32]| ids.iter().map(|&id| place[id as usize]).collect::<Vec<_>>();

    let mut base = Lists::new(order.len(), draft.base.degree());
    (0..space.rows() as u32).for_each(|row| base.put(place[row as usize], &renumber(draft.base.get(row))));
    let counts: Vec<u32> = draft.upper.iter().map(|layer| layer.len() as u32).collect();
    let mut upper = Lists::new(counts.iter().sum::<u32>() as usize, m);
    let mut start = 0;
    for layer in &draft.upper {
        layer.iter().for_each(|(row, ids)| upper.put(start + place[*row as usize], &renumber(ids)));
        start += layer.len() as u32;
    }
    let codes = Codes::of(space, &order);
    Graph { order, codes, base, counts, upper, reconnected: 0 }
}

/// Returns one row of each group, in the order of a search that goes on from row to row.
fn reached_order(draft: &Draft, groups: &[Vec<u32>]) -> Vec<u32> {
    let mut seen = vec![false; draft.base.rows()];
    let mut order = Vec::with_capacity(draft.base.rows());
    let entry = draft.upper.last().and_then(|layer| layer.first()).map(|(row, _)| *row);
    for root in entry.into_iter().chain(groups.iter().map(|group| group[0])) {
        let mut at = order.len();
        if !std::mem::replace(&mut seen[root as usize], true) {
            order.push(root);
        }
        while let Some(&row) = order.get(at) {
            at += 1;
            for &id in draft.base.get(row) {
                if !std::mem::replace(&mut seen[id as usize], true) {
                    order.push(id);
                }
            }
        }
    }
    order
}

fn layers_of(draft: &Draft, rows: usize) -> Vec<u8> {
    let mut layers = vec![0; rows];
    draft.upper.iter().flatten().for_each(|(row, _)| layers[*row as usize] += 1);
    layers
}

/// Hangs the rest of each group below its first row as a binary tree, so that a walk which finds one finds all.
fn hang_equal_rows(graph: &mut Graph, groups: &[Vec<u32>]) {
    let mut place = vec![0u32; graph.order.len()];
    (0..).zip(&graph.order).for_each(|(at, &row)| place[row as usize] = at);
    for group in groups.iter().filter(|group| group.len() > 1) {
        let first = place[group[0] as usize];
        for (at, &row) in group.iter().enumerate() {
            let children = group.iter().skip(2 * at + 1).take(2).map(|&row| place[row as usize]);
            if at == 0 {
                let kept = graph.base.get(first).to_vec();
                let kept = kept.into_iter().take(graph.base.degree() - children.len());
                let list: Vec<u32> = children.chain(kept).collect();
                graph.base.put(first, &list);
            } else {
                let list: Vec<u32> = children.chain([first]).collect();
                graph.base.put(place[row as usize], &list);
            }
        }
    }
}
