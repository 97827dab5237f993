//! Writes the sample documents: PDF and Word files of an invented company, for the demo and for tests.
//!
//! Each document is a text under `texts/` in a small Markdown subset, parsed by [`source`] and rendered by [`pdf`] or
//! [`docx`]. Both renderers give the same bytes for the same text on every machine. They are no general writers: what
//! the texts do not use is not there.

pub mod docx;
pub mod pdf;
mod set;
mod source;

pub use set::{Sample, replacement, samples, write_samples};
pub use source::{Part, SampleDocument};
