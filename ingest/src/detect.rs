//! Finds the format of a file by its content.
//!
//! The name decides only among text formats, which content cannot always tell apart. Opens no
//! container and parses nothing.

use crate::error::ReadError;

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Word (Office Open XML), macro-enabled files and templates too.
    Docx,
    /// HTML and XHTML.
    Html,
    /// Markdown.
    Markdown,
    /// Plain text in any encoding.
    Text,
}

/// Where the mark of a PDF file may stand: viewers look at the first kilobyte.
const PDF_MARK_WITHIN: usize = 1024;

/// First bytes of formats that are known and not read.
const MARKS: [(&[u8], &str); 22] = [
    (b"{\\rtf", "rtf"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"RIFF", "riff"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x7fELF", "elf"),
    (b"MZ", "exe"),
    (b"%!PS", "postscript"),
    (b"ID3", "mp3"),
    (b"OggS", "ogg"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3", "sqlite"),
    (b"AT&TFORM", "djvu"),
];

/// Endings of text files that hold records or mail; as running text they would drown the passages around them.
const DATA_ENDINGS: [&str; 9] = ["csv", "tsv", "json", "jsonl", "ndjson", "xml", "yaml", "yml", "eml"];

/// Returns the format of a file.
///
/// # Errors
/// `EmptyFile`, `UnsupportedFormat` with the name of what was found, `Encrypted` for Office files under a password.
pub fn detect(bytes: &[u8], name: &str) -> Result<Format, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::EmptyFile);
    }
    if contains(&bytes[..bytes.len().min(PDF_MARK_WITHIN)], b"%PDF-") {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return container(bytes);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(compound(bytes));
    }
    // Two letters begin many a text, so a short mark counts only if what follows is no text.
    let is_marked = |mark: &[u8]| bytes.starts_with(mark) && (mark.len() > 3 || looks_binary(bytes));
    if let Some((_, format)) = MARKS.iter().find(|(mark, _)| is_marked(mark)) {
        return Err(unsupported(format));
    }
    if let Some(format) = DATA_ENDINGS.iter().find(|format| ending(name) == **format) {
        return Err(unsupported(format));
    }
    Ok(markup(bytes, name))
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// Names what a zip container holds, by the names of its parts.
fn container(bytes: &[u8]) -> Result<Format, ReadError> {
    let holds = |part: &[u8]| contains(bytes, part);
    if holds(b"word/document") || holds(b"word/styles.xml") {
        return Ok(Format::Docx);
    }
    let format = match () {
        () if holds(b"ppt/presentation") => "pptx",
        () if holds(b"xl/workbook") => "xlsx",
        () if holds(b"application/epub+zip") => "epub",
        () if holds(b"opendocument.text") => "odt",
        () if holds(b"opendocument.spreadsheet") => "ods",
        () if holds(b"opendocument.presentation") => "odp",
        // Parts of a Word file may have any name; the types list then tells.
        () if holds(b"[Content_Types].xml") && holds(b"word") => return Ok(Format::Docx),
        () => "zip",
    };
    Err(unsupported(format))
}

/// Names what an OLE2 file holds, by the names of its streams.
fn compound(bytes: &[u8]) -> ReadError {
    let holds = |stream: &str| {
        let wide: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        contains(bytes, &wide)
    };
    match () {
        () if holds("EncryptedPackage") => ReadError::Encrypted,
        () if holds("WordDocument") => unsupported("doc"),
        () if holds("Workbook") => unsupported("xls"),
        () if holds("PowerPoint Document") => unsupported("ppt"),
        () if holds("__properties_version1.0") => unsupported("msg"),
        () => unsupported("ole2"),
    }
}

fn markup(bytes: &[u8], name: &str) -> Format {
    let ending = ending(name);
    let start: String =
        bytes.iter().take(1024).filter(|byte| **byte != 0).map(|byte| byte.to_ascii_lowercase() as char).collect();
    let start = start.trim_start_matches(|c: char| !c.is_ascii() || c.is_whitespace());
    let is_html = start.starts_with("<!doctype html") || start.starts_with("<html") || start.contains("<html");
    match ending.as_str() {
        "html" | "htm" | "xhtml" => Format::Html,
        _ if is_html => Format::Html,
        "md" | "markdown" | "mdown" | "mkd" => Format::Markdown,
        _ => Format::Text,
    }
}

fn looks_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(512).any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
}

fn unsupported(format: &str) -> ReadError {
    ReadError::UnsupportedFormat { format: format.into() }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
