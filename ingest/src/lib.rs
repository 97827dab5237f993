//! Documents to text: formats, layout, chunks, and the worker process that they are read in.
//!
//! One file through this crate: [`walk`](mod@walk) finds it, a [`worker::WorkerPool`] hands its bytes to a child
//! process, [`read()`] finds its format by content ([`detect`]) and calls the reader for it in [`extract`], which answers
//! with a [`Document`] whose blocks, pages and places all point into one text, and [`chunk`] cuts that into passages.
//! Parsers are never trusted with the server's own process: what a hostile file can reach is its child, and the limits
//! are in [`Limits`].
//!
//! Deliberately not done: no OCR but by a command of the system ([`ocr`]), no pictures, no network, no storage, no embedding.

mod archive;
pub mod chunk;
mod compound;
pub mod detect;
mod document;
mod error;
pub mod extract;
#[doc(hidden)]
pub mod fuzz;
pub mod glob;
mod layout;
mod limits;
mod little;
pub mod minhash;
pub mod ocr;
mod password;
mod quality;
mod read;
pub mod sample;
pub mod walk;
pub mod worker;
mod zip;

pub use archive::INSIDE;
pub use document::{Block, BlockKind, Document, Link, PageBox};
pub use error::ReadError;
pub use limits::Limits;
pub use password::Passwords;
pub use read::{read, read_locked};
