//! Ragstone: documents in, the right passages out, at any version of the knowledge base.
//!
//! The map of the modules, top down; imports point down only:
//!
//! - [`cli`] and [`api`]: the edges, which alone talk to people and sockets.
//! - [`store`]: the façade, write path, read path and jobs.
//! - [`query`]: what a search means and how it is run.
//! - [`table`] and [`index`]: the owners of bytes; Lance, and graphs and postings.
//! - [`remote`]: servers of others that are asked for models.
//! - [`schema`], [`config`], [`error`], [`telemetry`]: vocabulary.
//!
//! ARCHITECTURE.md tells the story of an ingest, a search and an optimize through them.

// Futures of the table library nest deeper than the compiler's default bound on type queries.
#![recursion_limit = "256"]

pub mod api;
pub mod cli;
pub mod config;
pub mod error;
pub mod index;
pub mod query;
pub mod remote;
pub mod schema;
pub mod store;
pub mod table;
pub mod telemetry;

pub use error::{Error, Result};
