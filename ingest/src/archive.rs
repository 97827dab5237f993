//! Walks the files inside a zip archive, and inside the archives in it.
//!
//! Nothing is written to disk, so a name can lead nowhere; one that tries to is refused all the same, because names
//! become uris that others may take for paths. Reads no document.

use crate::detect::is_archive;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::walk::is_skipped;
use crate::zip::Container;

/// Between the path of an archive and that of a file inside it.
const INSIDE: &str = "!/";

/// Gets the path of a member and its bytes, or why it has none; answers whether to go on.
type Visit<'a> = dyn FnMut(&str, Result<Vec<u8>, ReadError>) -> bool + 'a;

/// Visits all files of an archive in the order of its directory. Folders, hidden files and what macOS adds are left out.
///
/// # Errors
/// Those of the archive itself: `Corrupt`, and `LimitExceeded` for entries, and for bytes and nesting of all of it.
pub(crate) fn visit(bytes: &[u8], limits: &Limits, each: &mut Visit) -> Result<(), ReadError> {
    let mut budget = Budget { entries: limits.zip_entries_max, bytes: limits.package_bytes_max };
    level(bytes, "", 1, limits, &mut budget, each).map(|_| ())
}

/// What is left for an archive with all that is in it.
struct Budget {
    entries: usize,
    bytes: u64,
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
        let member = match leads_out(&name) {
            true => Err(ReadError::Corrupt { format: "zip".into(), detail: "a name leads out of the archive".into() }),
            false => archive.part_at(position),
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

fn over(what: &str, limit: u64) -> ReadError {
    ReadError::LimitExceeded { what: what.into(), limit }
}
