//! Files read where they lie: mapped into memory, as generations, postings and columns are.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Maps a file that is written once.
pub fn map_file(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: files of the index are written once under another name and only ever removed, which keeps a mapping valid;
    // nobody else writes into the data folder, which one process holds a lock on.
    unsafe { Mmap::map(&file) }
}
