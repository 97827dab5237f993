//! Finds the files of an ingest and gives each a uri of its own.
//!
//! A uri is the path below the folder that was named, so two folders may hold files of the same uri: the second one is
//! refused, since it would replace the first one's document.

use super::report::FileReport;
use ragstone_ingest::glob::Patterns;
use ragstone_ingest::walk::{FoundFile, walk_matching};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files to ingest, and those that cannot be.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// Files, each under its own uri.
    pub files: Vec<FoundFile>,
    /// Paths that could not be looked at, and files whose uri is taken.
    pub failures: Vec<FileReport>,
}

/// Finds the files below some paths that patterns want; a file that was named twice is there once.
pub fn find(paths: &[PathBuf], patterns: &Patterns) -> FoundFiles {
    let (files, failures) = walk_matching(paths, patterns);
    let mut found = FoundFiles::default();
    for (path, error) in failures {
        found.failures.push(FileReport::failed(&path.to_string_lossy(), error.code(), &error.to_string()));
    }
    let mut taken: HashMap<String, PathBuf> = HashMap::new();
    for file in files {
        match taken.get(&file.uri) {
            None => {
                taken.insert(file.uri.clone(), file.path.clone());
                found.files.push(file);
            }
            Some(first) if is_same(first, &file.path) => {}
            Some(first) => {
                let detail = format!("{} has the same path below another folder", first.display());
                found.failures.push(FileReport::failed(&file.path.to_string_lossy(), "uri_taken", &detail));
            }
        }
    }
    found
}

fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_that_two_folders_have_is_refused_the_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        for folder in [&a, &b] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("x.md"), "x").unwrap();
        }
        let found = find(&[a.clone(), b, a, folder.path().join("missing")], &Patterns::default());
        assert_eq!(found.files.iter().map(|file| file.uri.as_str()).collect::<Vec<_>>(), ["x.md"]);
        let mut codes: Vec<_> = found.failures.iter().map(|failure| failure.error.clone().unwrap().code).collect();
        codes.sort();
        assert_eq!(codes, ["unreadable", "uri_taken"]);
    }
}
