//! What a new graph takes over from an earlier one over many of the same rows, so that its cost follows what has changed.
//!
//! Rows that are gone leave the lists, and their neighbours take their places (the consolidation of FreshDiskANN, Singh
//! et al. 2021); rows that are new are grown into the graph by `grow`. Upper layers only lose rows, so a graph is worth
//! going on from until there are too few of them for its rows, and the next one is grown from nothing: over all, a row is
//! placed a few times, as in any structure that doubles.

use super::build::BuildParams;
use super::choose::{Chooser, CodedRows};
use super::lists::NONE;
use super::walk::View;
use std::ops::Range;

/// How many times more rows than it was built for a graph may have before its upper layers are too small. Chosen: with
/// half as many upper rows a walk takes a few steps more in layer 0.
const OUTGROWN: usize = 2;

/// Share of the earlier rows that must be there still, as a divisor: below, little is left to go on from.
const KEPT_MIN: usize = 2;

/// An earlier graph, and the row of the space that each of its rows is.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// The graph.
    pub view: View<'a>,
    /// A row of the space for each row of the graph, [`NONE`] where it is gone.
    pub rows: &'a [u32],
}

/// How much of a row's list is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The row is new.
    New,
    /// The row was there; its list has changed.
    Changed,
    /// The row was there, and so was its list.
    Settled,
}

/// The rows of an earlier graph that are still there, in its order.
pub struct Kept<'a> {
    view: View<'a>,
    /// Rows of the earlier graph.
    ordinals: Vec<u32>,
    /// The place among them of each row of the earlier graph, [`NONE`] where it is not there.
    places: Vec<u32>,
}

impl<'a> Kept<'a> {
    /// Finds what is there still, and its rows in the space; `None` where a graph is better grown from nothing.
    ///
    /// `rows` are the rows of the space that the graph is to connect, each a different vector.
    pub fn of(
        earlier: &Earlier<'a>,
        rows: &[u32],
        rows_of_space: usize,
        params: &BuildParams,
    ) -> Option<(Self, Vec<u32>)> {
        let view = earlier.view;
        if (view.degree, view.upper_degree) != (2 * params.m, params.m) || earlier.rows.len() != view.rows {
            return None;
        }
        let mut is_wanted = vec![false; rows_of_space];
        rows.iter().for_each(|&row| is_wanted[row as usize] = true);
        let wanted = |ordinal: u32| is_wanted.get(earlier.rows[ordinal as usize] as usize).copied().unwrap_or(false);
        // A row that knows nobody who stays, as the first of its equals may, is placed anew.
        let stays = |&ordinal: &u32| wanted(ordinal) && view.neighbours(ordinal).any(wanted_in(view.rows, wanted));
        let ordinals: Vec<u32> = (0..view.rows as u32).filter(stays).collect();
        let mut places = vec![NONE; view.rows];
        (0..).zip(&ordinals).for_each(|(place, &ordinal)| places[ordinal as usize] = place);
        let order: Vec<u32> = ordinals.iter().map(|&ordinal| earlier.rows[ordinal as usize]).collect();
        let kept = Self { view, ordinals, places };
        let upper = kept.layers().next().map_or(0, |(count, _)| count);
        let fits = order.len() * KEPT_MIN >= view.rows && rows.len() <= upper * params.m * OUTGROWN;
        fits.then_some((kept, order))
    }

    /// Returns whether all neighbours of a row are still there.
    pub fn is_whole(&self, place: u32) -> bool {
        self.view.neighbours(self.ordinals[place as usize]).all(|id| self.place(id).is_some())
    }

    /// Chooses the neighbours of a row in layer 0.
    pub fn choose_base(&self, coded: CodedRows<'_>, place: u32, chooser: &mut Chooser) {
        let layer = Layer { rows: self.ordinals.len(), degree: self.view.degree };
        self.choose(coded, place, layer, chooser, |ordinal| self.view.neighbours(ordinal));
    }

    /// Returns how many rows are left of each upper layer, the largest first, with the place of its lists.
    pub fn layers(&self) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let mut end = 0;
        self.view.counts.iter().map_while(move |&count| {
            let start = end;
            end += count as usize * self.view.upper_degree;
            let left = self.ordinals.partition_point(|&ordinal| ordinal < count);
            (left > 0).then_some((left, start..end))
        })
    }

    /// Chooses the neighbours of a row in an upper layer of so many rows, whose lists lie at a place.
    pub fn choose_upper(
        &self,
        coded: CodedRows<'_>,
        place: u32,
        (rows, lists): (usize, Range<usize>),
        chooser: &mut Chooser,
    ) {
        let degree = self.view.upper_degree;
        let lists = self.view.upper.get(lists).unwrap_or_default();
        let list_of = |ordinal: u32| {
            let list = lists.chunks_exact(degree).nth(ordinal as usize).unwrap_or_default();
            list.iter().copied().take_while(|&id| id != NONE)
        };
        self.choose(coded, place, Layer { rows, degree }, chooser, list_of);
    }

    /// Keeps the neighbours that are there, and where some are not, chooses among those and the neighbours of the lost.
    fn choose<I: Iterator<Item = u32>>(
        &self,
        coded: CodedRows<'_>,
        place: u32,
        layer: Layer,
        chooser: &mut Chooser,
        list_of: impl Fn(u32) -> I,
    ) {
        // A graph that was damaged may lead out of the layer, or a row to itself.
        let place_of = |id| self.place(id).filter(|&near| near != place && (near as usize) < layer.rows);
        let mut is_whole = true;
        for id in list_of(self.ordinals[place as usize]) {
            match place_of(id) {
                Some(near) => chooser.near.push(near),
                None => {
                    is_whole = false;
                    chooser.near.extend(list_of(id).filter_map(place_of));
                }
            }
        }
        if is_whole {
            std::mem::swap(&mut chooser.chosen, &mut chooser.near);
            chooser.near.clear();
        } else {
            chooser.choose(coded, place, layer.degree, usize::MAX);
        }
    }

    fn place(&self, ordinal: u32) -> Option<u32> {
        self.places.get(ordinal as usize).copied().filter(|&place| place != NONE)
    }
}

/// The size of a layer and of its lists.
#[derive(Clone, Copy)]
struct Layer {
    rows: usize,
    degree: usize,
}

/// Limits a question about rows to those that a graph has: one that was damaged may name others.
fn wanted_in(rows: usize, wanted: impl Fn(u32) -> bool) -> impl Fn(u32) -> bool {
    move |id| (id as usize) < rows && wanted(id)
}
