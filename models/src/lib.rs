//! Turns text into vectors with the model in a sentence-transformers folder.
//!
//! One text travels like this: [`Embedder`] queues it, [`Tokenizer`] turns it into token ids, [`Encoder`] packs the ids of
//! many texts behind each other and runs the layers over them, pools each text's rows to one vector and normalises it.
//! Packing was chosen over padding: no work is spent on filler, and a text gets the same vector whatever shares its batch.
//!
//! It does not download models, read the environment, choose a model for a collection, or know what a chunk is.

mod attention;
mod batch;
mod bert;
mod embedder;
mod encoder;
mod error;
mod folder;
mod gemm;
mod half_attention;
mod identity;
mod layer;
mod linear;
mod padded;
mod pass;
mod pooling;
mod precision;
mod quantize;
mod room;
mod rows;
mod scalar;
mod spec;
mod tokenizer;
mod weights;

#[cfg(test)]
#[path = "../tests/tiny_model.rs"]
mod tiny_model;

pub use embedder::{Embedder, Priority};
pub use encoder::{Device, Encoder, LoadOptions, TextKind};
pub use error::ModelError;
pub use folder::{ModelSummary, find_model, list_models, verify};
pub use identity::Identity;
pub use precision::Precision;
pub use tokenizer::Tokenizer;
