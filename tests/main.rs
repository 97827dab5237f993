//! The one integration-test binary: every promise that needs the whole product to be kept or broken.
//!
//! Unit tests stand beside the code. Tests here start servers in temporary folders on free ports, with the real model.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

mod api;
mod archive;
mod chunking;
mod crash;
mod external;
mod failed;
mod filters;
mod hostile;
mod ingest;
mod locked;
mod model;
mod near;
mod planned;
mod pull;
mod reembed;
mod reopen;
mod rerank;
mod tidy;
#[path = "../models/tests/tiny_model.rs"]
mod tiny_model;
mod watch;
