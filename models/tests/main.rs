//! The crate's tests through its public face, in one binary. Tests in `golden` use the default model's weights, the
//! others a tiny model with random weights.

mod encoding;
mod folders;
mod golden;
mod queue;
mod tiny_model;
