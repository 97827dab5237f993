//! The command line: what a person types, and what the terminal shows.
//!
//! One command through it: [`Cli`] reads flags and environment, [`run()`] puts them together with the settings file,
//! opens what the command needs and calls the file that is named after it. A command prints its data to stdout, as a
//! text for people or as JSON with `--json`; progress and problems go to stderr. It answers with an exit status or a
//! failure, which is told once, in [`failure`].
//!
//! What a request means is decided in `store`; wire formats of the server belong to `api`.

mod args;
mod bench;
mod collections;
mod context;
mod documents;
mod embed;
mod extract;
mod failure;
mod ingest;
mod models;
mod npy;
mod optimize;
mod output;
mod pull;
mod reembed;
mod remote;
mod restore;
mod run;
mod sample;
mod search;
mod serve;
mod shape;
mod verify;
mod versions;

pub use args::Cli;
pub use run::{fail, run};
