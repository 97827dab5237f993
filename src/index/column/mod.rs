//! The columns that filters read, held in memory by slot.
//!
//! A slot is the position of a row in this process: rows get slots in the order in which they become visible, and keep
//! them. Rows lie in segments of consecutive slots; a commit adds one, and small neighbours are joined so that there
//! stay few. How a filter is evaluated on a segment is decided in `query/filter`.

mod file;
mod order;
mod segment;

pub use file::{SealedColumns, forget};
pub use order::Order;
pub use segment::Segment;

use crate::index::row_places::RowPlaces;
use std::sync::Arc;

/// Segments that are let be before small neighbours are joined.
const SEGMENTS_MAX: usize = 24;

/// Every segment of a collection, in slot order.
#[derive(Clone, Default)]
pub struct Columns {
    segments: Vec<Arc<Segment>>,
}

impl Columns {
    /// Returns the segments in slot order.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Returns the number of slots.
    pub fn slots(&self) -> u32 {
        self.segments.last().map_or(0, |last| last.end())
    }

    /// Returns the segment that holds a slot.
    pub fn segment_of(&self, slot: u32) -> &Segment {
        let at = self.segments.partition_point(|segment| segment.end() <= slot);
        &self.segments[at]
    }

    /// Returns the bytes of all segments.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes()).sum()
    }

    /// Returns the row id of a slot.
    pub fn row_id(&self, slot: u32) -> u64 {
        self.segment_of(slot).row_id(slot)
    }

    /// Returns the slots by row id, of the slots that are kept.
    pub fn row_places(&self, keep: impl Fn(u32) -> bool + Copy) -> RowPlaces {
        RowPlaces::new(self.segments.iter().flat_map(move |segment| {
            (segment.base()..segment.end()).filter(move |&slot| keep(slot)).map(|slot| (segment.row_id(slot), slot))
        }))
    }

    /// Returns the columns with one more segment, which starts at [`Self::slots`].
    pub fn with(&self, segment: Segment) -> Self {
        debug_assert_eq!(segment.base(), self.slots());
        let mut segments = self.segments.clone();
        segments.push(Arc::new(segment));
        if segments.len() > SEGMENTS_MAX {
            join_smallest_neighbours(&mut segments);
        }
        Self { segments }
    }
}

/// Joins the two neighbours with the fewest rows together, which keeps the joins of a growing collection logarithmic.
fn join_smallest_neighbours(segments: &mut Vec<Arc<Segment>>) {
    let rows = |at: usize| segments[at].len() + segments[at + 1].len();
    let Some(at) = (0..segments.len() - 1).min_by_key(|&at| rows(at)) else { return };
    if let Ok(joined) = Segment::join(&segments[at], &segments[at + 1]) {
        segments.splice(at..at + 2, [Arc::new(joined)]);
    }
}
