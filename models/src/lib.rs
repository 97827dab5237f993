//! Turns text into vectors with the model in a sentence-transformers folder.
//!
//! One text travels like this: [`Embedder`] queues it, [`Tokenizer`] turns it into token ids, [`Encoder`] packs the ids of
//! many texts behind each other and runs the layers over them, pools each text's rows to one vector and normalises it.
//! Packing was chosen over padding: no work is spent on filler, and a text gets the same vector whatever shares its batch.
//! [`Reranker`] runs a query and a text through the same layers at once, and makes one score of the first row.
//!
//! BERT, DistilBERT, RoBERTa and XLM-RoBERTa run on layers of our own; ModernBERT, Nomic's and Jina's BERT and Qwen3 run on
//! the model library's, one text at a time.
//!
//! On a GPU the texts of a batch are padded instead, which is cheap there. Flash attention is not used.
//!
//! It opens no connection: whoever pulls a model hands it a function that fetches files. It does not read the environment, choose a model for a collection, or know what a chunk is.

mod attention;
mod batch;
mod bert;
mod dense;
mod embedder;
mod encoder;
mod error;
mod family;
mod folder;
mod gemm;
mod gpu;
mod half_attention;
mod header;
mod identity;
mod layer;
mod library;
mod limits;
mod linear;
mod manifest;
mod names;
mod options;
mod padded;
mod padded_layer;
mod parallel;
mod partial;
mod pass;
mod pooling;
mod precision;
mod profile;
mod pull;
mod quantize;
mod registry;
mod reranker;
mod room;
mod rows;
mod scalar;
mod spec;
mod tokenizer;
mod transformer;
mod weights;

#[cfg(test)]
#[path = "../tests/tiny_model.rs"]
mod tiny_model;

pub use embedder::{Embedder, Priority};
pub use encoder::{Encoder, TextKind};
pub use error::ModelError;
pub use identity::Identity;
pub use manifest::verify;
pub use options::{Device, LoadOptions};
pub use partial::{Fetched, Partial};
pub use precision::Precision;
pub use profile::{PROFILES, Profile};
pub use pull::{Fetch, pull_folder, pull_model};
pub use registry::{ModelKind, ModelSummary, find_model, find_reranker, list_models, remove_model, show_model};
pub use reranker::Reranker;
pub use tokenizer::Tokenizer;
