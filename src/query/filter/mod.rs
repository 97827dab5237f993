//! The filter language: which rows of a collection a request means.
//!
//! A filter arrives as SQL text or as JSON ([`Filter::from_request`]). Either form is read against the collection's
//! schema into one typed tree, so that a wrong name or type is an answer at the edge and never a pasted query. The
//! tree runs over Arrow columns ([`Filter::evaluate_with`]) and prints as canonical SQL, which is its key in a cache and
//! its line in a plan. It is two-valued: a missing value fails every comparison but `!=`, `NOT IN` and `IS NULL`, and
//! `NOT` is plain negation. SQL's three-valued logic was not chosen: there, `NOT (year > 3)` loses the rows that have no
//! year, which nobody who filters passages means. Nothing here decides how the rows are then searched.

mod column;
mod display;
mod evaluate;
mod json;
mod like;
mod limit;
mod literal;
mod operand;
mod ordered;
mod parse;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use like::LikePattern;
pub use limit::{CONDITIONS_MAX, DEPTH_MAX, FILTER_BYTES_MAX, LIKE_BYTES_MAX, LIST_ITEMS_MAX};
pub use tree::{Comparison, Filter};
