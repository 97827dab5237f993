//! Files that mean harm: mutants of good ones, and constructions that attack one part each.
//!
//! All of them go through worker processes under the usual limits. None may end the parent, take longer than the wall
//! clock allows or more memory than the limit, and each ends in a document or in an error of its own.

mod construct;
mod mutant;
mod seed;
mod survive;

pub use mutant::Chance;
pub use seed::docx;
