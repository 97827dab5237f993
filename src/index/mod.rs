//! Everything a search reads besides the table: graphs, postings, columns and keys, for one table version.
//!
//! A [`Snapshot`] is immutable and belongs to one version. Its parts: the columns by slot ([`mod@column`]), the live slots,
//! a sealed [`Generation`] of vectors with its graph ([`generation`], [`graph`]), the vectors that no generation covers
//! yet ([`fresh`]), part of them in a growing graph ([`live`]), and the postings ([`text`]). A search that finds no graph for
//! a row scans it exactly, so freshness never costs correctness. What hits say lies beside them ([`passage`]).
//!
//! Row ids stand for immutable rows (see `table`), so every part stays right for its rows for ever; a version differs
//! from its neighbour only in which slots live. Files written here are caches of the table: whenever anything about one
//! is doubtful it is dropped and built again. Reading tables and deciding when to build belong to `store`.

pub mod bitset;
pub mod column;
pub mod distance;
pub mod fresh;
pub mod generation;
pub mod graph;
pub mod head;
pub mod keys;
pub mod live;
pub mod map;
pub mod passage;
pub mod placed;
pub mod row_places;
pub mod sealed;
pub mod snapshot;
pub mod text;

pub use bitset::Bitset;
pub use column::{Columns, Segment};
pub use generation::Generation;
pub use snapshot::Snapshot;
