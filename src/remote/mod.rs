//! Servers of others that this program asks: a hub of models, and endpoints that embed.
//!
//! Whatever they answer is bounded and checked here, and refused with what was wrong; what it means is the callers'.

mod answer;
mod endpoint;
mod hub;

pub use endpoint::{Endpoint, Patience};
pub use hub::{Hub, Repository};
