//! Every bound on what a file may cost: bytes in, bytes out, nesting, memory and time.
//!
//! The numbers are chosen so that the largest honest files seen in public corpora pass with room, and a hostile file
//! ends in its own error within seconds. The store hands its own values down; nothing here reads a configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds for reading one file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file that is read at all.
    pub file_bytes_max: u64,
    /// Most characters of extracted text.
    pub text_chars_max: usize,
    /// Most pages.
    pub pages_max: u32,
    /// Most entries of a zip container or compound file, parts of a mail, chapters of a book.
    pub zip_entries_max: usize,
    /// Largest single unpacked part of a zip container.
    pub part_bytes_max: u64,
    /// Most bytes over all unpacked parts.
    pub package_bytes_max: u64,
    /// Largest ratio of unpacked to packed bytes, looked at above 1 MiB unpacked.
    pub inflate_ratio_max: u64,
    /// Deepest nesting of archives in archives.
    pub archive_depth_max: usize,
    /// Deepest nesting of markup or objects.
    pub depth_max: usize,
    /// Memory that the worker process may write to.
    pub memory_bytes_max: u64,
    /// Processor time for one file.
    pub cpu_max: Duration,
    /// Wall clock for one file.
    pub wall_max: Duration,
    /// Most bytes that a worker may answer for one file.
    pub output_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 512 << 20,
            text_chars_max: 20 << 20,
            pages_max: 20_000,
            zip_entries_max: 10_000,
            part_bytes_max: 256 << 20,
            package_bytes_max: 1 << 30,
            inflate_ratio_max: 100,
            archive_depth_max: 3,
            depth_max: 256,
            memory_bytes_max: 512 << 20,
            cpu_max: Duration::from_secs(20),
            wall_max: Duration::from_secs(25),
            output_bytes_max: 256 << 20,
        }
    }
}
