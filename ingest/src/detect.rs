//! Finds the format of a file by its content.
//!
//! The name decides only among text formats, which content cannot always tell apart. Opens no
//! container and parses nothing.

use serde::de::IgnoredAny;

use crate::compound;
use crate::error::ReadError;
use crate::little::usize_at;

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Word (Office Open XML), macro-enabled files and templates too.
    Docx,
    /// Word 97 to 2003, 95 and 6.
    Doc,
    /// Rich Text Format.
    Rtf,
    /// OpenDocument text, presentation or spreadsheet.
    OpenDocument,
    /// PowerPoint (Office Open XML).
    Pptx,
    /// Excel (Office Open XML).
    Xlsx,
    /// Excel 95 to 2003.
    Xls,
    /// PowerPoint 97 to 2003.
    Ppt,
    /// One message saved by Outlook.
    Message,
    /// EPUB books.
    Epub,
    /// One mail message, MIME.
    Mail,
    /// HTML and XHTML.
    Html,
    /// Markdown.
    Markdown,
    /// Values separated by commas, semicolons or tabs.
    Csv,
    /// JSON, or a line of JSON for each record.
    Json,
    /// Plain text in any encoding.
    Text,
}

impl Format {
    /// Returns the short name by which errors call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Doc => "doc",
            Self::Rtf => "rtf",
            Self::OpenDocument => "opendocument",
            Self::Pptx => "pptx",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Ppt => "ppt",
            Self::Message => "msg",
            Self::Epub => "epub",
            Self::Mail => "eml",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// Where the mark of a PDF file may stand: viewers look at the first kilobyte.
const PDF_MARK_WITHIN: usize = 1024;

/// First bytes of formats that are known and not read.
const MARKS: [(&[u8], &str); 21] = [
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

/// Endings of text files that hold markup or settings; as running text they would drown the passages around them.
const DATA_ENDINGS: [&str; 3] = ["xml", "yaml", "yml"];
/// Header fields of a mail message, of which the first lines hold at least two.
const MAIL_FIELDS: [&str; 8] =
    ["from", "to", "subject", "date", "received", "return-path", "message-id", "mime-version"];
/// Lines that have to be objects for a file to count as lines of JSON. Chosen: no text begins with as many.
const JSON_LINES: usize = 20;
/// Bytes looked at for a mail message's header.
const MAIL_WITHIN: usize = 16 << 10;

/// Returns the format of a file.
///
/// # Errors
/// `EmptyFile`, `UnsupportedFormat` with the name of what was found, `Encrypted` for Office files under a password.
pub fn detect(bytes: &[u8], name: &str) -> Result<Format, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::EmptyFile);
    }
    // A mail may carry a PDF file in plain sight, so what begins as one comes first.
    if is_mail(bytes) {
        return Ok(Format::Mail);
    }
    if contains(&bytes[..bytes.len().min(PDF_MARK_WITHIN)], b"%PDF-") {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return container(bytes);
    }
    if bytes.starts_with(compound::MARK) {
        return compound(bytes);
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if start.starts_with(b"{\\rtf") {
        return Ok(Format::Rtf);
    }
    // Two letters begin many a text, so a short mark counts only if what follows is no text.
    let is_marked = |mark: &[u8]| bytes.starts_with(mark) && (mark.len() > 3 || looks_binary(bytes));
    if let Some((_, format)) = MARKS.iter().find(|(mark, _)| is_marked(mark)) {
        return Err(unsupported(format));
    }
    if is_json(start, name) {
        return Ok(Format::Json);
    }
    let format = markup(bytes, name);
    match DATA_ENDINGS.iter().find(|format| ending(name) == **format) {
        Some(data) if format == Format::Text => Err(unsupported(data)),
        _ => Ok(format),
    }
}

/// Returns whether a file is a zip archive of other files, and not a document that happens to be packed.
pub fn is_archive(bytes: &[u8]) -> bool {
    let is_zip = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
    is_zip && container(bytes) == Err(unsupported("zip"))
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// Names what a zip container holds, by the names of its parts.
fn container(bytes: &[u8]) -> Result<Format, ReadError> {
    // The first part of an OpenDocument or EPUB file is its media type, neither packed nor encrypted.
    let head = &bytes[..bytes.len().min(200)];
    if contains(head, b"mimetypeapplication/epub+zip") {
        return Ok(Format::Epub);
    }
    if contains(head, b"mimetypeapplication/vnd.oasis.opendocument.") {
        return Ok(Format::OpenDocument);
    }
    // Only the directory names a file's own parts; a file inside it may have a directory too, and comes before it.
    let directory = directory(bytes);
    let holds = |part: &[u8]| contains(directory, part);
    Ok(match () {
        () if holds(b"word/document") || holds(b"word/styles.xml") => Format::Docx,
        () if holds(b"ppt/presentation") => Format::Pptx,
        () if holds(b"xl/workbook.bin") => return Err(unsupported("xlsb")),
        () if holds(b"xl/workbook") => Format::Xlsx,
        () if holds(b"META-INF/container.xml") => Format::Epub,
        () if holds(b"META-INF/manifest.xml") && holds(b"content.xml") => Format::OpenDocument,
        // Parts of a Word file may have any name; the types list then tells.
        () if holds(b"[Content_Types].xml") && contains(bytes, b"word") => Format::Docx,
        () => return Err(unsupported("zip")),
    })
}

/// Returns the directory at the end of a zip container, or the whole file where that is not found.
fn directory(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06");
    let start = end.and_then(|end| usize_at(bytes, end + 16));
    start.zip(end).and_then(|(start, end)| bytes.get(start..end)).filter(|it| !it.is_empty()).unwrap_or(bytes)
}

/// Names what an OLE2 file holds, by the names of its streams.
fn compound(bytes: &[u8]) -> Result<Format, ReadError> {
    // Names of streams are compared without regard to capitals, and a few programs write them in those.
    let holds = |stream: &str| {
        let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        contains(bytes, &wide(stream)) || contains(bytes, &wide(&stream.to_uppercase()))
    };
    Err(match () {
        () if holds("EncryptedPackage") => ReadError::Encrypted,
        () if holds("WordDocument") => return Ok(Format::Doc),
        () if holds("Workbook") => return Ok(Format::Xls),
        () if holds("PowerPoint Document") => return Ok(Format::Ppt),
        () if holds("__substg1.0_") => return Ok(Format::Message),
        () if holds("Book") => return Ok(Format::Xls),
        () => unsupported("ole2"),
    })
}

/// Returns whether the first lines are the header of a mail message.
fn is_mail(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(MAIL_WITHIN)]);
    let mut found = 0;
    for (number, line) in head.lines().enumerate() {
        // A mailbox file puts a line of its own before the header.
        if line.starts_with([' ', '\t']) && number > 0 || number == 0 && line.starts_with("From ") {
            continue;
        }
        let Some((field, _)) = line.split_once(':') else { break };
        if field.is_empty() || !field.bytes().all(|byte| byte.is_ascii_graphic()) {
            break;
        }
        found += usize::from(MAIL_FIELDS.contains(&field.to_ascii_lowercase().as_str()));
    }
    found >= 2
}

/// Returns whether this is JSON: all of it parses, or each of its first lines as an object, or its name says so.
fn is_json(start: &[u8], name: &str) -> bool {
    if !start.starts_with(b"{") && !start.starts_with(b"[") {
        return false;
    }
    let parses = |bytes: &[u8]| serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    matches!(ending(name).as_str(), "json" | "jsonl" | "ndjson")
        || lines.by_ref().take(JSON_LINES).all(|line| line.starts_with(b"{") && parses(line))
        || parses(start)
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
        "csv" | "tsv" => Format::Csv,
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
