//! `ragstone ingest`: puts files and folders into a collection, here or on a server.
//!
//! [`command`] reads the flags and finds the files ([`find`]); [`local`] hands them to the store, [`server`] uploads
//! those that the server does not have; both tell [`report`] what became of each file. [`preview`] only shows the chunks
//! that would be written, and [`watch`] does not end. An ingest that is interrupted
//! goes on where it stopped when it is run again, because unchanged files are skipped.

mod command;
mod find;
mod local;
mod preview;
mod report;
mod server;
mod watch;

pub use command::{IngestArgs, run};
