//! Finds the files under folders, in a stable order and with stable names.
//!
//! Follows no symbolic links, so that no walk leaves its root or runs in a circle; skips hidden files, and the lock and
//! temporary files that office programs leave. JSON in a folder is mostly the data of programs, so it is taken only where it
//! is named, or a pattern wants it. Opens no file and judges no format.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::ReadError;
use crate::glob::Patterns;

/// Deepest folder below a root. Paths end at 4,096 bytes, so only a hostile tree is deeper.
const DEPTH_MAX: usize = 128;

/// A file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// Path below the root folder, with `/` between parts; the file name, for a root that is a file.
    pub uri: String,
    /// Size.
    pub bytes: u64,
    /// Time of the last change.
    pub modified: SystemTime,
}

/// Returns all files under `roots`, ordered by uri within each root, and what could not be looked at.
pub fn walk(roots: &[PathBuf]) -> (Vec<FoundFile>, Vec<(PathBuf, ReadError)>) {
    walk_matching(roots, &Patterns::default())
}

/// Returns those files under `roots` that the patterns want, as [`walk`] does. A root that is a file is always wanted.
pub fn walk_matching(roots: &[PathBuf], patterns: &Patterns) -> (Vec<FoundFile>, Vec<(PathBuf, ReadError)>) {
    let mut walk = Walk { patterns: patterns.clone(), ..Walk::default() };
    for root in roots {
        let before = walk.files.len();
        // A root may itself be a link: it was named on purpose.
        match std::fs::metadata(root) {
            Ok(found) if found.is_dir() => walk.folder(root, "", 0),
            Ok(_) => walk.file(root, file_name(root)),
            Err(error) => walk.fail(root, &error),
        }
        walk.files[before..].sort_by(|a, b| a.uri.cmp(&b.uri));
    }
    (walk.files, walk.failures)
}

#[derive(Default)]
struct Walk {
    patterns: Patterns,
    files: Vec<FoundFile>,
    failures: Vec<(PathBuf, ReadError)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fail(folder, &error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.fail(folder, &error),
            };
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if is_skipped(&name) {
                continue;
            }
            let uri = format!("{prefix}{name}");
            if self.patterns.excludes(&uri) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => self.folder(&path, &format!("{uri}/"), depth + 1),
                Ok(kind) if kind.is_file() && self.wants(&uri) => self.file(&path, uri),
                Ok(_) => {}
                Err(error) => self.fail(&path, &error),
            }
        }
    }

    fn wants(&self, uri: &str) -> bool {
        let named = !self.patterns.include.is_empty();
        self.patterns.wants(uri) && (named || !is_program_data(uri))
    }

    fn file(&mut self, path: &Path, uri: String) {
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => self.files.push(FoundFile {
                path: path.to_owned(),
                uri,
                bytes: found.len(),
                modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            }),
            Ok(_) => {
                let detail = "it is neither a file nor a folder".into();
                self.failures.push((path.to_owned(), ReadError::Unreadable { detail }));
            }
            Err(error) => self.fail(path, &error),
        }
    }

    fn fail(&mut self, path: &Path, error: &std::io::Error) {
        self.failures.push((path.to_owned(), ReadError::Unreadable { detail: error.to_string() }));
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_program_data(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    ["json", "jsonl", "ndjson"].iter().any(|data| extension.eq_ignore_ascii_case(data))
}

/// Returns whether a file or folder of this name is passed over.
pub(crate) fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || name.starts_with("~$") || name.ends_with('~') || name.eq_ignore_ascii_case("thumbs.db")
}
