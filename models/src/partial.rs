//! The files of a model on their way: where they lie until the folder is whole, and what is kept when a fetch breaks off.
//!
//! Weights that broke off are kept beside the tag of what they belong to, so that the next fetch goes on where this one
//! ended if the source still has the same file. It does not know what is fetched, or from where.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::ModelError;
use crate::folder::unreadable;
use crate::limits::TAG_BYTES_MAX;

/// What a fetch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// There is no such file.
    Missing,
    /// The file is whole; with the SHA-256 that the source states, in hex.
    Whole {
        /// What the source says that the bytes hash to.
        sha256: Option<String>,
    },
}

/// A file on its way into the folder of a model; bytes are written behind those that are there.
#[derive(Debug)]
pub struct Partial {
    file: File,
    tag_path: PathBuf,
    tag: Option<String>,
    held: u64,
    limit: u64,
}

impl Partial {
    /// Opens a file that may hold the beginning of what is fetched, where `tag_path` says of what.
    pub(crate) fn open(path: &Path, tag_path: PathBuf, limit: u64) -> io::Result<Partial> {
        let tag = std::fs::read_to_string(&tag_path).ok().filter(|tag| tag.len() <= TAG_BYTES_MAX);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut partial = Partial { held: file.metadata()?.len(), file, tag_path, tag, limit };
        if partial.tag.is_none() || partial.held > limit {
            partial.restart(None)?;
        }
        Ok(partial)
    }

    /// Returns how many bytes are there, from this fetch or an earlier one.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Returns what the bytes that are there belong to; `None` where none are to be kept.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns how many bytes the file may have.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Drops the bytes that are there; those that come belong to the tag, and are kept for the next fetch if this one
    /// breaks off. Without a tag they are not.
    ///
    /// # Errors
    /// What the file system says.
    pub fn restart(&mut self, tag: Option<&str>) -> io::Result<()> {
        self.file.set_len(0)?;
        self.held = 0;
        self.tag = tag.filter(|tag| tag.len() <= TAG_BYTES_MAX).map(str::to_string);
        match &self.tag {
            Some(tag) => std::fs::write(&self.tag_path, tag),
            None => remove_if_there(&self.tag_path),
        }
    }

    /// Ends the fetch: what is there is whole.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        remove_if_there(&self.tag_path)
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.limit - self.held {
            return Err(io::Error::other(format!("it is larger than the {} bytes that it may have", self.limit)));
        }
        let count = self.file.write(bytes)?;
        self.held += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where a model's files lie until all are there. It is removed at the end, unless there is something to go on with.
pub(crate) struct Scratch {
    /// Holds the folder of the model and the tags of its files.
    place: PathBuf,
    /// Held so that two processes do not fetch the same model.
    _lock: File,
    keep: bool,
}

impl Scratch {
    /// Makes the place for a model of that name, or takes it up again.
    pub(crate) fn open(root: &Path, name: &str) -> Result<Scratch, ModelError> {
        let place = root.join(format!(".pull-{name}"));
        let open = || -> io::Result<File> {
            std::fs::create_dir_all(place.join("model"))?;
            let lock = File::open(&place)?;
            lock.try_lock().map(|()| lock).map_err(|_| io::Error::other("another process is pulling this model"))
        };
        let lock = open().map_err(|error| unreadable(&place, &error))?;
        Ok(Scratch { place, _lock: lock, keep: false })
    }

    /// Returns the folder that becomes the model's.
    pub(crate) fn folder(&self) -> PathBuf {
        self.place.join("model")
    }

    /// Returns where the tag of a file lies.
    pub(crate) fn tag_path(&self, file: &str) -> PathBuf {
        self.place.join(format!("{}.tag", file.replace('/', "+")))
    }

    /// Leaves what is there for the next attempt.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.place);
        }
    }
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
