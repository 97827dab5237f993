//! Reads a message part by part, in the order in which a mail program shows it.

use encoding_rs::Encoding;

use super::decode;
use super::header::{self, Header};
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::{html, text};
use crate::limits::Limits;

/// Deepest nesting of parts and messages. Chosen: a message forwarded eight times has fewer.
const DEPTH_MAX: usize = 32;
/// Fields shown above the text.
const SHOWN: [(&str, &str); 4] = [("from", "From"), ("to", "To"), ("cc", "Cc"), ("date", "Date")];

/// Reads a message.
///
/// The subject is the title and a heading. Quoted replies stay, since nothing marks them reliably.
///
/// # Errors
/// `LimitExceeded` for nesting, parts and characters, `NoText` when neither header nor body holds any text.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    // A mailbox file puts a line of its own before the header.
    let bytes = match (bytes.starts_with(b"From "), bytes.iter().position(|byte| *byte == b'\n')) {
        (true, Some(end)) => &bytes[end + 1..],
        _ => bytes,
    };
    let (header, _) = Header::split(bytes);
    let mut reader = MailReader { document: Document::default(), parts: 0, left: limits.text_chars_max, limits };
    reader.read_message(bytes, 0)?;
    let mut document = reader.document;
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    document.media_type = "message/rfc822".into();
    document.title = header.text("subject");
    document.author = header.text("from");
    document.created = header.raw("date").and_then(|date| header::date(&date));
    document.extractor = concat!("ragstone-mail ", env!("CARGO_PKG_VERSION")).into();
    Ok(document)
}

struct MailReader<'a> {
    document: Document,
    parts: usize,
    left: usize,
    limits: &'a Limits,
}

impl MailReader<'_> {
    /// Reads a message: its subject as heading, its shown fields, its body.
    fn read_message(&mut self, bytes: &[u8], depth: usize) -> Result<(), ReadError> {
        let (header, _) = Header::split(bytes);
        let subject = header.text("subject").unwrap_or_default();
        let level = u8::try_from(depth + 1).unwrap_or(9).min(9);
        self.push(BlockKind::Heading, Some(level), &subject)?;
        let fields = SHOWN.iter().filter_map(|(name, shown)| Some(format!("{shown}: {}", header.text(name)?)));
        let fields: Vec<String> = fields.collect();
        self.push(BlockKind::Paragraph, None, &fields.join("\n"))?;
        self.read_part(bytes, depth)
    }

    fn read_part(&mut self, bytes: &[u8], depth: usize) -> Result<(), ReadError> {
        self.parts += 1;
        if depth > DEPTH_MAX {
            return Err(over("depth of mail parts", DEPTH_MAX));
        }
        if self.parts > self.limits.zip_entries_max {
            return Err(over("mail parts", self.limits.zip_entries_max));
        }
        let (header, body) = Header::split(bytes);
        let kind = kind(&header);
        if kind.starts_with("multipart/") {
            return self.read_parts(&header, &kind, body, depth);
        }
        let is_attached =
            header.raw("content-disposition").is_some_and(|it| it.to_lowercase().starts_with("attachment"));
        match kind.as_str() {
            "message/rfc822" => self.read_message(&decoded(&header, body), depth + 1),
            "text/plain" | "text/html" if !is_attached => self.read_text(&header, &kind, body),
            _ => self.name_attachment(&header, &kind),
        }
    }

    /// Reads the parts of a part; of alternatives only the plainest that says something.
    fn read_parts(&mut self, header: &Header, kind: &str, body: &[u8], depth: usize) -> Result<(), ReadError> {
        let Some(boundary) = header.parameter("content-type", "boundary").filter(|it| !it.is_empty()) else {
            return self.read_text(header, "text/plain", body);
        };
        let parts = cut(body, boundary.as_bytes());
        if kind != "multipart/alternative" {
            return parts.into_iter().try_for_each(|part| self.read_part(part, depth + 1));
        }
        let is_plain = |part: &&&[u8]| {
            let (header, body) = Header::split(part);
            self::kind(&header) == "text/plain" && !body.trim_ascii().is_empty()
        };
        match parts.iter().find(is_plain).or(parts.last()) {
            Some(part) => self.read_part(part, depth + 1),
            None => Ok(()),
        }
    }

    fn read_text(&mut self, header: &Header, kind: &str, body: &[u8]) -> Result<(), ReadError> {
        let label = header.parameter("content-type", "charset").unwrap_or_default();
        let bytes = decoded(header, body);
        let source = match Encoding::for_label(label.trim().as_bytes()) {
            // Mail programs declare this one for texts that have other characters too.
            Some(encoding) if label.eq_ignore_ascii_case("us-ascii") => text::decode(&bytes, Some(encoding)).ok(),
            Some(encoding) => Some(encoding.decode(&bytes).0.replace("\r\n", "\n")),
            None => text::decode(&bytes, None).ok(),
        };
        let Some(source) = source else {
            self.document.warnings.push("a text part is not text".into());
            return Ok(());
        };
        self.spend(&source)?;
        if kind == "text/html" {
            self.document.append(html::parse(&source)?);
            return Ok(());
        }
        for paragraph in text::paragraphs(&source) {
            self.document.push(BlockKind::Paragraph, None, None, &paragraph);
        }
        Ok(())
    }

    /// Writes the name of an attachment, because people search for it.
    fn name_attachment(&mut self, header: &Header, kind: &str) -> Result<(), ReadError> {
        self.document.warnings.push(format!("an attachment of type {kind} was not read"));
        let name = header.parameter("content-disposition", "filename");
        let Some(name) = name.or_else(|| header.parameter("content-type", "name")) else { return Ok(()) };
        self.push(BlockKind::Paragraph, None, &format!("Attachment: {name}"))
    }

    fn push(&mut self, kind: BlockKind, level: Option<u8>, text: &str) -> Result<(), ReadError> {
        self.spend(text)?;
        self.document.push(kind, level, None, text);
        Ok(())
    }

    fn spend(&mut self, text: &str) -> Result<(), ReadError> {
        let left = self.left.checked_sub(text.chars().count());
        self.left = left.ok_or_else(|| over("characters of text", self.limits.text_chars_max))?;
        Ok(())
    }
}

/// Returns the media type of a part without parameters; plain text where none is stated.
fn kind(header: &Header) -> String {
    let stated = header.raw("content-type").unwrap_or_default();
    let kind = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind.contains('/') { kind } else { "text/plain".into() }
}

/// Returns a part's content without its transfer encoding.
fn decoded(header: &Header, body: &[u8]) -> Vec<u8> {
    match header.raw("content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "base64" => decode::base64(body),
        "quoted-printable" => decode::quoted_printable(body, false),
        _ => body.to_vec(),
    }
}

/// Cuts a body at the lines `--boundary`, and ends at `--boundary--` or at its end.
fn cut<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let mark = line.trim_ascii_end().strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary));
        if let Some(tail) = mark.filter(|tail| tail.is_empty() || *tail == b"--") {
            parts.extend(start.and_then(|start| body.get(start..at)));
            start = (tail.is_empty()).then_some(at + line.len());
            if start.is_none() {
                return parts;
            }
        }
        at += line.len();
    }
    parts.extend(start.and_then(|start| body.get(start..)));
    parts
}

fn over(what: &str, limit: usize) -> ReadError {
    ReadError::LimitExceeded { what: what.into(), limit: limit as u64 }
}
