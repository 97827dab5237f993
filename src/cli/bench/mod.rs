//! `ragstone bench`: measures this build on this machine with the user's own vectors.
//!
//! [`search`] builds the index that the store would build and walks it as the store would; [`measure`] takes the time.
//! Comparisons with other programs are theirs who have them.

mod command;
mod measure;
mod search;

pub use command::{BenchCommand, run};
