//! The crate's tests through its public face, in one binary. Tests in `golden` use the default model's weights, the
//! others a tiny model with random weights.

#![allow(clippy::unwrap_used, reason = "helpers outside test functions fail a test like the functions do")]

#[cfg(feature = "cuda")]
mod cuda;
mod encoding;
mod families;
mod folders;
mod golden;
mod queue;
mod registry;
mod reranking;
mod tiny_model;
mod vectors;
