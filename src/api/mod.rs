//! The HTTP edge: every route, its wire form, and the server that carries them.
//!
//! A request travels like this: [`server`] accepts the connection and bounds it; [`observe`] names the request, catches
//! a panic, counts it and logs one line; [`guard`] refuses what another site's page sends; [`router`] finds the handler
//! in its one table, which [`openapi`] describes from the same entries; an extractor ([`extract`]) reads the body on a
//! thread of its own when it is large; the handler calls the store and gives back a wire form ([`wire`]). Every failure
//! is a [`error::Problem`]. Wire forms are typed structs and not JSON values, since an upsert of a thousand vectors is
//! parsed straight into floats that way.
//!
//! Deliberately not done: no decisions about data (that is `store`), no TLS, no keys, no cookies, no sharing across
//! origins.

mod answer;
mod app;
mod arrow_stream;
mod body;
mod chunks;
mod collections;
mod documents;
pub mod error;
mod extract;
mod guard;
mod health;
mod jobs;
mod models;
mod observe;
mod openapi;
mod openapi_schema;
mod reembed;
mod rerank;
mod router;
mod search;
mod server;
mod upload;
mod versions;
mod web;
mod wire;

pub use openapi::document as openapi_document;
pub use server::{serve, serve_until, stop_signals};
