//! The settings of a process: flags, environment and file become one checked value before anything starts.
//!
//! Flags beat environment beats file beats default. Nothing else in the program reads the environment.

mod embedder;
pub mod limits;
mod password;

pub use embedder::{Embedder, Secret};

use crate::error::{Error, Result};
use ragstone_ingest::Passwords;
use ragstone_models::Precision;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Model that collections use unless they name another.
pub const DEFAULT_MODEL: &str = "all-MiniLM-L6-v2";
/// Folder of the data unless another is given.
pub const DEFAULT_DATA: &str = "ragstone-data";
/// Hub that models are pulled from unless another is given.
pub const DEFAULT_HUB: &str = "https://huggingface.co";
/// Address that is served unless another is given; it is not reachable from other machines.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7878";

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of tables, originals and jobs.
    pub data: PathBuf,
    /// Address to serve on.
    pub listen: SocketAddr,
    /// Folder of model folders.
    pub models: PathBuf,
    /// Address of the hub that models are pulled from.
    pub hub: String,
    /// Model of collections that name none.
    pub model: String,
    /// How numbers are held while a model computes, for collections that name no precision; a collection keeps its own.
    pub precision: Precision,
    /// Threads for embedding and index building.
    pub threads: usize,
    /// Days for which versions stay readable.
    pub keep_days: u32,
    /// MiB that open collections may take in memory, mapped graphs and postings aside; those used least are closed.
    pub collections_mib: usize,
    /// What reads scanned pages; `None` leaves them unread.
    pub ocr: Option<Ocr>,
    /// What encrypted files are tried with.
    pub passwords: Passwords,
    /// Models behind endpoints of others, by the name that collections know them by.
    pub embedders: BTreeMap<String, Embedder>,
}

/// A command of the system that reads scanned pages: it gets the file on its standard input and answers with text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ocr {
    /// Program and arguments; `{page}` in one of them becomes the number of the page, from 1.
    pub command: Vec<String>,
    /// Seconds for one page.
    #[serde(default = "ocr_page_seconds")]
    pub page_seconds: u64,
    /// Most pages read of one file.
    #[serde(default = "ocr_pages_max")]
    pub pages_max: usize,
}

fn ocr_page_seconds() -> u64 {
    limits::OCR_PAGE_SECONDS
}

fn ocr_pages_max() -> usize {
    limits::OCR_PAGES_MAX
}

/// What flags or environment give; absent values fall through to the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Settings file.
    pub config: Option<PathBuf>,
    /// Folder of the data.
    pub data: Option<PathBuf>,
    /// Address to serve on.
    pub listen: Option<String>,
    /// Folder of model folders.
    pub models: Option<PathBuf>,
    /// File of passwords, one a line.
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Ingest {
    password_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    listen: Option<String>,
    models: Option<PathBuf>,
    hub: Option<String>,
    model: Option<String>,
    precision: Option<Precision>,
    threads: Option<usize>,
    keep_days: Option<u32>,
    collections_mib: Option<usize>,
    ocr: Option<Ocr>,
    ingest: Ingest,
    embedders: BTreeMap<String, Embedder>,
}

impl Config {
    /// Puts the settings together and checks them.
    pub fn load(overrides: Overrides) -> Result<Self> {
        let file = match &overrides.config {
            Some(path) => read_file(path)?,
            None => File::default(),
        };
        let listen = overrides.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let listen = listen.parse().map_err(|_| Error::InvalidSetting {
            name: "listen".into(),
            detail: format!("'{listen}' is not an address with a port, such as {DEFAULT_LISTEN}"),
        })?;
        let threads = file.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        if threads == 0 || threads > limits::THREADS_MAX {
            let detail = format!("{threads} is not between 1 and {}", limits::THREADS_MAX);
            return Err(Error::InvalidSetting { name: "threads".into(), detail });
        }
        let collections_mib = file.collections_mib.unwrap_or(limits::COLLECTIONS_MIB);
        if collections_mib == 0 || collections_mib > limits::COLLECTIONS_MIB_MAX {
            let detail = format!("{collections_mib} is not between 1 and {}", limits::COLLECTIONS_MIB_MAX);
            return Err(Error::InvalidSetting { name: "collections_mib".into(), detail });
        }
        if file.ocr.as_ref().is_some_and(|ocr| ocr.command.is_empty()) {
            let detail = "it names no program; write command = [\"PROGRAM\", \"ARGUMENT\", \"{page}\"]".to_owned();
            return Err(Error::InvalidSetting { name: "ocr.command".into(), detail });
        }
        let password_file = overrides.password_file.or(file.ingest.password_file);
        let passwords = password_file.map_or_else(|| Ok(Passwords::default()), |path| password::read(&path))?;
        let embedders = file.embedders.into_iter();
        let embedders = embedders.map(|(name, embedder)| Ok((name.clone(), embedder.check(&name)?)));
        Ok(Self {
            embedders: embedders.collect::<Result<_>>()?,
            data: overrides.data.or(file.data).unwrap_or_else(|| DEFAULT_DATA.into()),
            listen,
            models: overrides.models.or(file.models).unwrap_or_else(default_models),
            hub: file.hub.unwrap_or_else(|| DEFAULT_HUB.to_owned()),
            model: file.model.unwrap_or_else(|| DEFAULT_MODEL.to_owned()),
            precision: file.precision.unwrap_or_default(),
            threads,
            keep_days: file.keep_days.unwrap_or(30),
            collections_mib,
            ocr: file.ocr,
            passwords,
        })
    }
}

fn read_file(path: &Path) -> Result<File> {
    let invalid = |detail: String| Error::InvalidSetting { name: path.display().to_string(), detail };
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    toml::from_str(&text).map_err(|error| invalid(error.to_string()))
}

/// Returns the user's cache folder for models.
fn default_models() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(|| PathBuf::from(".cache"));
    cache.join("ragstone").join("models")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beat_the_file_and_the_file_beats_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ragstone.toml");
        std::fs::write(&path, "data = 'from-file'\nlisten = '127.0.0.1:1'\nthreads = 3\nprecision = 'bf16'").unwrap();
        let flags = Overrides { config: Some(path), data: Some("from-flag".into()), ..Overrides::default() };
        let config = Config::load(flags).unwrap();
        assert_eq!(config.data, PathBuf::from("from-flag"));
        assert_eq!(config.listen.port(), 1);
        assert_eq!((config.threads, config.precision), (3, Precision::Bf16));
        assert_eq!(config.model, DEFAULT_MODEL);
    }

    #[test]
    fn a_setting_that_does_not_exist_or_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let passwords = ["[ingest]\npasswords = ['x']", "[ingest]\npassword_file = 'nowhere/at/all'"];
        let ocr = ["[ocr]", "[ocr]\ncommand = []", "[ocr]\ncommand = ['x']\npages = 3"];
        for text in [
            &["dta = 'x'", "threads = 0", "precision = 'f64'", "listen = 'everywhere'", "data = "],
            &ocr[..],
            &passwords[..],
        ]
        .concat()
        {
            let path = folder.path().join("ragstone.toml");
            std::fs::write(&path, text).unwrap();
            let flags = Overrides { config: Some(path), ..Overrides::default() };
            assert_eq!(Config::load(flags).unwrap_err().code(), "invalid_setting", "{text}");
        }
    }
}
