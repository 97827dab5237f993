//! Servers of others that this program asks: a hub of models.
//!
//! Whatever they answer is bounded and checked here, and refused with what was wrong; what it means is the callers'.

mod answer;
mod hub;

pub use hub::{Hub, Repository};
