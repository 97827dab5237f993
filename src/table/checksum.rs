//! The checksum of every object of a table, and the check of all of them on demand.
//!
//! One line for each object stands in `<table>/_checksums.log`: XXH3-128 of the bytes, length, path below the table. The
//! log is appended when an object was written and synced with the commit that names it; compaction of the log happens
//! at open. It says nothing about objects that others wrote: those are reported as unverified, not as damaged.

use crate::error::{Error, Result};
use object_store::path::Path as ObjectPath;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::Xxh3;

const LOG_NAME: &str = "_checksums.log";
const READ_BYTES: usize = 1 << 20;

/// Appends checksums of the objects of one table.
#[derive(Debug)]
pub struct ChecksumLog {
    table: PathBuf,
    pending: Mutex<String>,
}

/// What [`ChecksumLog::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects whose bytes are what was written.
    pub intact: u64,
    /// Objects that are not in the log.
    pub unverified: u64,
    /// Objects whose bytes differ, or that are gone though the table may name them: path and finding.
    pub damaged: Vec<(String, String)>,
    /// Bytes read.
    pub bytes: u64,
}

impl ChecksumLog {
    /// Makes the log of the table in a folder; no file is touched.
    pub fn new(table: &Path) -> Self {
        Self { table: table.to_owned(), pending: Mutex::new(String::new()) }
    }

    /// Remembers the checksum of an object that was written, until [`Self::sync`].
    pub fn record(&self, location: &ObjectPath, bytes: u64, hash: u128) {
        let absolute = PathBuf::from(format!("/{location}"));
        let Ok(relative) = absolute.strip_prefix(&self.table) else { return };
        let line = format!("{hash:032x} {bytes} {}\n", relative.display());
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
    }

    /// Appends what was recorded and syncs it.
    ///
    /// A failure is not a failure of the commit: the object is then merely unverified.
    pub fn sync(&self) -> std::io::Result<()> {
        let lines = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().create(true).append(true).open(self.table.join(LOG_NAME))?;
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    }

    /// Reads every object of the table and compares it with the log.
    pub fn verify(&self) -> Result<VerifyReport> {
        let expected = self.read_log()?;
        let mut report = VerifyReport::default();
        for path in files_below(&self.table).map_err(|error| self.unreadable(&error))? {
            let Ok(relative) = path.strip_prefix(&self.table) else { continue };
            let name = relative.to_string_lossy().into_owned();
            if name == LOG_NAME || name.starts_with("_hnsw/") {
                continue;
            }
            match expected.get(&name) {
                None => report.unverified += 1,
                Some(&(hash, bytes)) => match sum_file(&path) {
                    Ok((found_hash, found_bytes)) if (found_hash, found_bytes) == (hash, bytes) => {
                        report.intact += 1;
                        report.bytes += bytes;
                    }
                    Ok((_, found)) if found != bytes => {
                        report.damaged.push((name, format!("{bytes} bytes were written, {found} are there")));
                    }
                    Ok(_) => report.damaged.push((name, "bytes differ from what was written".into())),
                    Err(error) => report.damaged.push((name, error.to_string())),
                },
            }
        }
        Ok(report)
    }

    fn read_log(&self) -> Result<HashMap<String, (u128, u64)>> {
        let file = match File::open(self.table.join(LOG_NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let mut sums = HashMap::new();
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|error| self.unreadable(&error))?;
            // The last line may be torn by a crash; its object is then unverified.
            if let Some((name, sum)) = parse_line(&line) {
                sums.insert(name, sum);
            }
        }
        Ok(sums)
    }

    fn unreadable(&self, error: &std::io::Error) -> Error {
        Error::DataFolder { path: self.table.clone(), detail: error.to_string() }
    }
}

fn parse_line(line: &str) -> Option<(String, (u128, u64))> {
    let mut parts = line.splitn(3, ' ');
    let hash = u128::from_str_radix(parts.next()?, 16).ok()?;
    let bytes = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), (hash, bytes)))
}

fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

fn sum_file(path: &Path) -> std::io::Result<(u128, u64)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ_BYTES];
    let (mut hash, mut bytes) = (Xxh3::new(), 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hash.digest128(), bytes));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}
