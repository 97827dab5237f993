//! Reads a message that Outlook has saved (.msg, [MS-OXMSG]): subject, people, date and body.
//!
//! A message is a compound file whose streams are named by the number and type of a property. Attachments and messages
//! inside are storages of their own and are not read.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{codepage, date, html, text};
use crate::compound::Compound;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::little::{u16_at, u32_at, u64_at};

/// Numbers of properties.
const SUBJECT: u16 = 0x0037;
const SENDER: u16 = 0x0C1A;
const SENDER_ADDRESS: u16 = 0x0C1F;
const TO: u16 = 0x0E04;
const CC: u16 = 0x0E03;
const BODY: u16 = 0x1000;
const BODY_HTML: u16 = 0x1013;
const SENT: u32 = 0x0039_0040;
const CODE_PAGE: u32 = 0x3FFD_0003;
const HTML_CODE_PAGE: u32 = 0x3FDE_0003;
/// Bytes before the properties of a message that is not inside another.
const PROPERTIES_AT: usize = 32;
const PROPERTY_BYTES: usize = 16;

/// Reads a message; its subject is the title and a heading.
///
/// # Errors
/// `Corrupt`, `LimitExceeded` for characters, and `NoText` when it holds no text.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let message = Message::open(bytes, limits)?;
    let subject = message.text(SUBJECT);
    let mut document = Document {
        media_type: "application/vnd.ms-outlook".into(),
        title: subject.clone(),
        author: message.text(SENDER),
        created: message.sent(),
        extractor: concat!("ragstone-msg ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    document.push(BlockKind::Heading, Some(1), None, &subject.unwrap_or_default());
    let fields =
        [("From", message.sender()), ("To", message.text(TO)), ("Cc", message.text(CC)), ("Date", message.sent())];
    let fields: Vec<String> =
        fields.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?))).collect();
    document.push(BlockKind::Paragraph, None, None, &fields.join("\n"));
    message.body(&mut document, limits)?;
    match document.blocks.is_empty() {
        true => Err(ReadError::NoText { detail: "blank".into() }),
        false => Ok(document),
    }
}

struct Message<'a> {
    file: Compound<'a>,
    properties: Vec<u8>,
}

impl<'a> Message<'a> {
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        let file = Compound::open(bytes, limits)?;
        let properties = file.stream("__properties_version1.0").unwrap_or_default();
        Ok(Self { file, properties })
    }

    /// Returns the value of a property of fixed size, by its number and type.
    fn fixed(&self, tag: u32) -> Option<u64> {
        let properties = self.properties.get(PROPERTIES_AT..)?.chunks_exact(PROPERTY_BYTES);
        properties.filter(|it| u32_at(it, 0) == Some(tag)).find_map(|it| u64_at(it, 8))
    }

    fn encoding(&self, tag: u32) -> Option<&'static Encoding> {
        codepage::numbered(self.fixed(tag)? as u32)
    }

    fn stream(&self, number: u16, kind: u16) -> Option<Vec<u8>> {
        self.file.stream(&format!("__substg1.0_{number:04X}{kind:04X}"))
    }

    /// Returns a text, in Unicode or in the code page of the message.
    fn text(&self, number: u16) -> Option<String> {
        let wide = self.stream(number, 0x1F).map(|wide| {
            let units: Vec<u16> = wide.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).collect();
            String::from_utf16_lossy(&units)
        });
        let narrow = || {
            let encoding = self.encoding(CODE_PAGE).unwrap_or(WINDOWS_1252);
            Some(encoding.decode_without_bom_handling(&self.stream(number, 0x1E)?).0.into_owned())
        };
        let text = wide.or_else(narrow)?;
        Some(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()).filter(|text| !text.is_empty())
    }

    fn sender(&self) -> Option<String> {
        let address = self.text(SENDER_ADDRESS).filter(|address| address.contains('@'));
        match (self.text(SENDER), address) {
            (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address),
        }
    }

    fn sent(&self) -> Option<String> {
        date::of_windows(self.fixed(SENT)?)
    }

    /// Writes the body: as plain text, or as HTML where there is no other.
    fn body(&self, document: &mut Document, limits: &Limits) -> Result<(), ReadError> {
        if let Some(body) = self.text(BODY) {
            check(&body, limits)?;
            for paragraph in text::paragraphs(&body.replace("\r\n", "\n")) {
                document.push(BlockKind::Paragraph, None, None, &paragraph);
            }
            return Ok(());
        }
        let Some(body) = self.stream(BODY_HTML, 0x102) else { return Ok(()) };
        let source = self.encoding(HTML_CODE_PAGE).unwrap_or(UTF_8).decode(&body).0.into_owned();
        check(&source, limits)?;
        document.append(html::parse(&source)?);
        Ok(())
    }
}

fn check(text: &str, limits: &Limits) -> Result<(), ReadError> {
    match text.chars().count() > limits.text_chars_max {
        true => {
            Err(ReadError::LimitExceeded { what: "characters of text".into(), limit: limits.text_chars_max as u64 })
        }
        false => Ok(()),
    }
}
