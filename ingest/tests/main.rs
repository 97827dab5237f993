//! The one test binary of this crate: each module tests one part through its public interface.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report; the lint's own exemption misses helpers")]

mod archive;
mod chunk;
mod detect;
mod doc;
mod docx;
mod fixture;
mod formats;
mod fuzz;
mod hostile;
mod layout;
mod legacy;
mod link;
mod lock;
mod ocr;
mod pdf;
mod sample;
mod worker;
