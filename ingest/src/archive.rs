//! Walks the files inside a zip archive, and inside the archives in it.
//!
//! Nothing is written to disk, so a name can lead nowhere; one that tries to is refused all the same, because names
//! become uris that others may take for paths. Reads no document.

use std::collections::HashSet;

use crate::detect::is_archive;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::walk::is_skipped;
use crate::zip::Container;

/// Between the path of an archive and that of a file inside it.
pub const INSIDE: &str = "!/";
/// Longest path of a file inside an archive, in bytes; it becomes part of a uri.
const PATH_BYTES_MAX: usize = 1024;

/// Gets the path of a member and its bytes, or why it has none; answers whether to go on.
type Visit<'a> = dyn FnMut(&str, Result<Vec<u8>, ReadError>) -> bool + 'a;

/// Visits all files of an archive in the order of its directory. Folders, hidden files and what macOS adds are left out.
///
/// # Errors
/// Those of the archive itself: `Corrupt`, and `LimitExceeded` for entries, and for bytes and nesting of all of it.
pub(crate) fn visit(bytes: &[u8], limits: &Limits, each: &mut Visit) -> Result<(), ReadError> {
    let budget =
        &mut Budget { entries: limits.zip_entries_max, bytes: limits.package_bytes_max, paths: HashSet::new() };
    level(bytes, "", 1, limits, budget, each).map(|_| ())
}

/// What is left for an archive with all that is in it.
struct Budget {
    entries: usize,
    bytes: u64,
    /// Paths that are taken: two files of one path would be one document.
    paths: HashSet<String>,
}

/// Visits one archive; returns whether to go on behind it.
fn level(
    bytes: &[u8],
    prefix: &str,
    depth: usize,
    limits: &Limits,
    budget: &mut Budget,
    each: &mut Visit,
) -> Result<bool, ReadError> {
    if depth > limits.archive_depth_max {
        return Err(over("depth of archives", limits.archive_depth_max as u64));
    }
    let mut archive = Container::open(bytes, &Limits { package_bytes_max: budget.bytes, ..*limits })?;
    for (position, name) in archive.names().into_iter().enumerate() {
        budget.entries =
            budget.entries.checked_sub(1).ok_or_else(|| over("zip entries", limits.zip_entries_max as u64))?;
        if name.ends_with('/') || name.split('/').any(|part| part == "__MACOSX" || (part != ".." && is_skipped(part))) {
            continue;
        }
        let path = format!("{prefix}{}", name.replace(char::is_control, "\u{fffd}"));
        let member = match () {
            () if path.len() > PATH_BYTES_MAX => {
                let end = path.floor_char_boundary(PATH_BYTES_MAX);
                let error = over("bytes of a path in an archive", PATH_BYTES_MAX as u64);
                if !each(&path[..end], Err(error)) {
                    return Ok(false);
                }
                continue;
            }
            () if leads_out(&name) => Err(corrupt("a name leads out of the archive")),
            () if !budget.paths.insert(path.clone()) => Err(corrupt("two of its files have this path")),
            () => archive.part_at(position),
        };
        budget.bytes = budget.bytes.saturating_sub(member.as_ref().map_or(0, |member| member.len() as u64));
        let goes_on = match member {
            Ok(inner) if is_archive(&inner) => {
                let inside = level(&inner, &format!("{path}{INSIDE}"), depth + 1, limits, budget, each);
                inside.unwrap_or_else(|error| each(&path, Err(error)))
            }
            member => each(&path, member),
        };
        if !goes_on {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether a name, taken for a path, could stand outside of the folder that it is unpacked in.
fn leads_out(name: &str) -> bool {
    name.starts_with('/') || name.contains(['\0', ':']) || name.split('/').any(|part| part == "..")
}

fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "zip".into(), detail: detail.into() }
}

fn over(what: &str, limit: u64) -> ReadError {
    ReadError::LimitExceeded { what: what.into(), limit }
}
