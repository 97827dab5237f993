//! Reads a file of any supported format.
//!
//! Runs in the calling process; [`crate::worker`] is what makes that safe for files of strangers.

use crate::detect::{Format, detect};
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::{
    csv, doc, docx, epub, html, json, mail, markdown, msg, opendocument, pdf, ppt, pptx, rtf, text, xls, xlsx,
};
use crate::limits::Limits;
use crate::password::Passwords;

/// Reads a file: finds its format by content, extracts it, and gives it a title if it has none of use.
///
/// `name` is the file's name, which only decides between formats that are plain text.
///
/// # Errors
/// Every [`ReadError`] except those that only a worker process has (`Timeout`, `Crashed`).
pub fn read(bytes: &[u8], name: &str, limits: &Limits) -> Result<Document, ReadError> {
    read_locked(bytes, name, limits, &Passwords::default())
}

/// Reads a file as [`read`] does, and tries passwords where it is encrypted.
///
/// # Errors
/// As [`read`]; `Encrypted` where none of them opens it, or for a format that is not tried with any.
pub fn read_locked(bytes: &[u8], name: &str, limits: &Limits, passwords: &Passwords) -> Result<Document, ReadError> {
    with_text(read_any(bytes, name, limits, passwords)?)
}

/// Refuses a document that holds no text: of scanned pages that nobody has read.
///
/// # Errors
/// `NoText`.
pub(crate) fn with_text(document: Document) -> Result<Document, ReadError> {
    match document.blocks.is_empty() {
        true => Err(ReadError::NoText { detail: "scanned".into() }),
        false => Ok(document),
    }
}

/// Reads a file as [`read_locked`] does, and gives scanned pages as a document without text.
///
/// # Errors
/// As [`read_locked`].
pub(crate) fn read_any(
    bytes: &[u8],
    name: &str,
    limits: &Limits,
    passwords: &Passwords,
) -> Result<Document, ReadError> {
    if bytes.len() as u64 > limits.file_bytes_max {
        return Err(ReadError::LimitExceeded { what: "file bytes".into(), limit: limits.file_bytes_max });
    }
    let format = detect(bytes, name)?;
    let read = extract(format, (bytes, name), limits, passwords);
    let mut document = read.map_err(|error| named(error, format))?;
    document.title = title(&document, name);
    Ok(document)
}

/// Reads a format that is not tried with passwords.
type Extract = fn(&[u8], &str, &Limits) -> Result<Document, ReadError>;

fn extract(
    format: Format,
    (bytes, name): (&[u8], &str),
    limits: &Limits,
    passwords: &Passwords,
) -> Result<Document, ReadError> {
    let extract: Extract = match format {
        Format::Pdf => return pdf::read(bytes, limits, passwords),
        Format::Docx => docx::read,
        Format::Doc => doc::read,
        Format::Rtf => rtf::read,
        Format::OpenDocument => opendocument::read,
        Format::Pptx => pptx::read,
        Format::Xlsx => xlsx::read,
        Format::Xls => xls::read,
        Format::Ppt => ppt::read,
        Format::Message => msg::read,
        Format::Epub => epub::read,
        Format::Mail => mail::read,
        Format::Html => html::read,
        Format::Markdown => markdown::read,
        Format::Csv => csv::read,
        Format::Json => json::read,
        Format::Text => text::read,
    };
    extract(bytes, name, limits)
}

/// Says of a broken part or container which kind of document it belongs to.
fn named(error: ReadError, format: Format) -> ReadError {
    match error {
        ReadError::Corrupt { detail, .. } => ReadError::Corrupt { format: format.name().into(), detail },
        error => error,
    }
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
