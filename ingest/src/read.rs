//! Reads a file of any supported format.
//!
//! Runs in the calling process; [`crate::worker`] is what makes that safe for files of strangers.

use crate::detect::{Format, detect};
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::{docx, html, markdown, pdf, text};
use crate::limits::Limits;

/// Reads a file: finds its format by content, extracts it, and gives it a title if it has none of use.
///
/// `name` is the file's name, which only decides between formats that are plain text.
///
/// # Errors
/// Every [`ReadError`] except those that only a worker process has (`Timeout`, `Crashed`).
pub fn read(bytes: &[u8], name: &str, limits: &Limits) -> Result<Document, ReadError> {
    if bytes.len() as u64 > limits.file_bytes_max {
        return Err(ReadError::LimitExceeded { what: "file bytes".into(), limit: limits.file_bytes_max });
    }
    let mut document = match detect(bytes, name)? {
        Format::Pdf => pdf::read(bytes, name, limits),
        Format::Docx => docx::read(bytes, name, limits),
        Format::Html => html::read(bytes, name, limits),
        Format::Markdown => markdown::read(bytes, name, limits),
        Format::Text => text::read(bytes, name, limits),
    }?;
    document.title = title(&document, name);
    Ok(document)
}

/// Returns the stated title, or the first level-1 heading where the statement is empty or made by a program.
fn title(document: &Document, name: &str) -> Option<String> {
    let stated = document.title.as_deref().map(str::trim).filter(|title| is_meant(title, name));
    stated.map(str::to_owned).or_else(|| {
        let heading =
            document.blocks.iter().take(20).find(|it| it.kind == BlockKind::Heading && it.level == Some(1))?;
        let text: String = document.text.chars().skip(heading.start).take(heading.end - heading.start).collect();
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// Returns whether a person can have meant this title: not a file name and not a word processor's default.
fn is_meant(title: &str, name: &str) -> bool {
    let lower = title.to_lowercase();
    let is_file = [".doc", ".docx", ".pdf", ".dvi", ".tex", ".indd", ".qxd", ".htm", ".html", ".rtf", ".xls", ".ppt"]
        .iter()
        .any(|ending| lower.ends_with(ending));
    let is_default = ["untitled", "document", "document1", "microsoft word", "title", "无标题"]
        .contains(&lower.as_str())
        || lower.starts_with("microsoft word - ");
    title.chars().any(char::is_alphabetic) && !is_file && !is_default && title != name
}
