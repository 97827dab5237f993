//! The one test binary of this crate: each module tests one part through its public interface.

mod chunk;
mod detect;
mod docx;
mod pdf;
mod sample;
mod worker;
