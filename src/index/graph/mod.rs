//! The proximity graph of a sealed generation: how it is built, and how a search walks it.
//!
//! [`build()`] turns vectors into a [`Graph`]: [`grow`] finds the first edges batch by batch, [`refine`] chooses them again
//! with the diversity rule ([`choose`]) in both directions, ties equal vectors together and leaves no row out of reach.
//! Where most rows stood in an earlier graph, it goes on from that one ([`resume`]).
//! `hnsw_rs` finds first edges too ([`draft`]): the graph is as good and takes four times as long. Rows are
//! renumbered, so that the rows of upper layers come first and neighbours lie close. [`walk()`] searches a [`View`] of
//! such a graph over int8 codes ([`code`]): it is chosen over the walk of `hnsw_rs`, which locks, allocates and counts
//! references at each step. [`scan()`] and [`scan_sketches`] score given rows by codes and by one bit for each dimension
//! ([`sketch`]). Exact ranking, files and row ids belong to `generation`.

mod build;
mod choose;
mod code;
mod draft;
mod grow;
mod lists;
mod pool;
mod refine;
mod resume;
mod rotation;
mod scan;
mod sketch;
mod space;
mod walk;

pub use build::{BuildParams, Cancelled, Drafter, Graph, build};
pub use code::{CodedQuery, Codes, code_stride};
pub use lists::{Lists, NONE};
pub use pool::Scratch;
pub use resume::Earlier;
pub use scan::{scan, scan_sketches};
pub use sketch::{mean_of, sketch_stride, sketches_of};
pub use space::Space;
pub use walk::{View, walk};
