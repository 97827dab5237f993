//! Cuts a workbook stream into records, and reads texts that go over several of them.

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::little::{u16_at, usize_at};

/// Goes on with the record before it.
const CONTINUE: u16 = 0x3C;

/// A record: its kind, and its bytes with those of each record that continues it apart.
pub struct Record<'a> {
    pub kind: u16,
    pub parts: Vec<&'a [u8]>,
}

impl<'a> Record<'a> {
    pub fn bytes(&self) -> &'a [u8] {
        self.parts.first().copied().unwrap_or_default()
    }
}

/// Returns the records from `at` on; a cut one ends them.
pub fn records(stream: &[u8], mut at: usize) -> impl Iterator<Item = Record<'_>> {
    let next = move |at: usize| {
        let (kind, length) = (u16_at(stream, at)?, usize::from(u16_at(stream, at + 2)?));
        Some((kind, stream.get(at + 4..at + 4 + length)?))
    };
    std::iter::from_fn(move || {
        let (kind, first) = next(at)?;
        let mut parts = vec![first];
        at += 4 + first.len();
        while let Some((CONTINUE, more)) = next(at) {
            parts.push(more);
            at += 4 + more.len();
        }
        Some(Record { kind, parts })
    })
}

/// How texts are written in a file.
#[derive(Clone, Copy)]
pub struct Texts {
    /// Whether texts are Unicode, as since Excel 97.
    pub is_unicode: bool,
    /// Encoding of the others.
    pub encoding: &'static Encoding,
}

impl Default for Texts {
    fn default() -> Self {
        Self { is_unicode: true, encoding: WINDOWS_1252 }
    }
}

impl Texts {
    /// Reads the text of a record from `at` on, led by its length of one byte or two.
    pub fn read(self, record: &Record, at: usize, length_bytes: usize) -> String {
        let mut cursor = Cursor { parts: &record.parts, part: 0, at };
        let length = if length_bytes == 1 { cursor.byte().map(usize::from) } else { cursor.number() };
        let length = length.unwrap_or(0);
        if self.is_unicode {
            return cursor.unicode(length).unwrap_or_default();
        }
        let bytes = record.bytes();
        let start = (at + length_bytes).min(bytes.len());
        self.encoding.decode_without_bom_handling(&bytes[start..bytes.len().min(start + length)]).0.into_owned()
    }
}

/// Reads the table of texts that cells share; a cut one has fewer. `room` bounds their characters.
pub fn shared(record: &Record, room: usize) -> Vec<String> {
    let count = usize_at(record.bytes(), 4).unwrap_or(0);
    let mut cursor = Cursor { parts: &record.parts, part: 0, at: 8 };
    let (mut texts, mut left) = (Vec::new(), room);
    while texts.len() < count {
        let Some(text) = cursor.number().and_then(|length| cursor.unicode(length)) else { break };
        let Some(rest) = left.checked_sub(text.len()) else { break };
        left = rest;
        texts.push(text);
    }
    texts
}

/// A place in the parts of a record.
struct Cursor<'a> {
    parts: &'a [&'a [u8]],
    part: usize,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        while self.at >= self.parts.get(self.part)?.len() {
            self.part += 1;
            self.at = 0;
        }
        self.at += 1;
        self.parts[self.part].get(self.at - 1).copied()
    }

    fn number(&mut self) -> Option<usize> {
        Some(usize::from(self.byte()?) | usize::from(self.byte()?) << 8)
    }

    /// Reads flags, characters, and past what formats them. Flags are said again where another part begins.
    fn unicode(&mut self, length: usize) -> Option<String> {
        let flags = self.byte()?;
        let runs = if flags & 8 != 0 { self.number()? } else { 0 };
        let extra = if flags & 4 != 0 { self.number()? | self.number()? << 16 } else { 0 };
        let mut is_wide = flags & 1 != 0;
        let mut units = Vec::new();
        while units.len() < length {
            if self.at >= self.parts[self.part].len() {
                is_wide = self.byte()? & 1 != 0;
            }
            units.push(if is_wide { self.number()? as u16 } else { u16::from(self.byte()?) });
        }
        self.skip(4 * runs + extra);
        Some(String::from_utf16_lossy(&units))
    }

    fn skip(&mut self, mut bytes: usize) {
        while let Some(part) = self.parts.get(self.part) {
            let here = bytes.min(part.len().saturating_sub(self.at));
            self.at += here;
            bytes -= here;
            if bytes == 0 {
                return;
            }
            self.part += 1;
            self.at = 0;
        }
        self.part = self.parts.len().saturating_sub(1);
        self.at = usize::MAX;
    }
}
