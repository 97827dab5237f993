//! A sealed generation: vectors, their row ids and the graph over them, in one immutable mapped file.
//!
//! [`write_generation`] builds the graph and writes `generation.bin` into a folder that appears whole or not at all;
//! [`Generation::open`] maps it and refuses it when anything is doubtful, because it can be built again from the table.
//! [`Generation::search`] walks int8 codes and ranks what it finds exactly; [`Generation::sift`] looks at every allowed
//! row by one bit for each dimension first; [`Generation::scan`] scores every allowed row. [`layout`] says where each section lies. Which rows belong into a generation, when one is built, and what row
//! ids mean are decided elsewhere.

mod error;
mod file;
mod layout;
mod open;
mod search;
mod write;

pub use error::IndexError;
pub use file::FILE_NAME;
pub use open::{Generation, Verify};
pub use search::{Found, WITHIN_SHARE_MAX};
pub use write::{GenerationSummary, RowVectors, write_generation};

#[cfg(test)]
mod tests;
