//! Puts the text of a Word file in order: every character by its position, whatever stretch of the file holds it.
//!
//! Word writes text in pieces, of one or two bytes a character, and a quick save appends new pieces and leaves the old
//! bytes where they were. Characters are kept as UTF-16 units, since that is what positions count.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::fib::{Fib, Part, Table, corrupt};
use crate::error::ReadError;
use crate::extract::codepage;
use crate::little::{u16_at, u32_at, usize_at};

/// Stands behind the first byte of a character that takes two positions in Word 6; no character of any text.
const FILLER: u16 = 0xFFFF;
/// Character set of the Macintosh, in the head of Word 6.
const MACINTOSH_SET: u16 = 256;

/// All text of a file.
pub(super) struct Text {
    /// The characters; the index is the character position.
    pub units: Vec<u16>,
    pieces: Vec<Piece>,
}

/// Characters that stand together in the file.
#[derive(Clone, Copy)]
struct Piece {
    part: Part,
    /// First byte in the main stream.
    at: usize,
    unit_bytes: usize,
}

impl Text {
    /// Reads all pieces.
    ///
    /// # Errors
    /// `Corrupt` when a piece stands beyond the end of the file, `LimitExceeded` for more than `chars_max` characters.
    pub(super) fn parse(fib: &Fib, chars_max: usize) -> Result<Self, ReadError> {
        let pieces = pieces(fib).unwrap_or_default();
        let pieces = if pieces.is_empty() { whole(fib) } else { pieces };
        let encoding = encoding(fib);
        let mut units = Vec::new();
        for piece in &pieces {
            let chars = piece.part.end - piece.part.start;
            if units.len() + chars > chars_max {
                let limit = chars_max as u64;
                return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
            }
            let end = piece.at.saturating_add(chars.saturating_mul(piece.unit_bytes));
            let bytes = fib.main.get(piece.at..end).ok_or_else(|| corrupt("a piece of text stands beyond its end"))?;
            match piece.unit_bytes {
                2 => units.extend(bytes.chunks_exact(2).filter_map(|pair| u16_at(pair, 0))),
                _ => append_bytes(&mut units, bytes, encoding),
            }
        }
        Ok(Self { units, pieces })
    }

    /// Returns the byte of the main stream where a character stands.
    pub(super) fn byte(&self, position: usize) -> Option<usize> {
        let after = self.pieces.partition_point(|piece| piece.part.start <= position);
        let piece = self.pieces[..after].last().filter(|piece| position < piece.part.end)?;
        Some(piece.at + (position - piece.part.start) * piece.unit_bytes)
    }

    /// Returns the characters of a part, as far as there are so many.
    pub(super) fn part(&self, part: Part) -> Part {
        let end = part.end.min(self.units.len());
        Part { start: part.start.min(end), end }
    }
}

/// Appends the character of a unit; the halves of a large one meet in `text` through `high`.
pub(super) fn append_unit(text: &mut String, high: &mut Option<u16>, unit: u16) {
    let pair = [high.take().unwrap_or(unit), unit];
    match unit {
        FILLER => {}
        0xD800..=0xDBFF => *high = Some(unit),
        0xDC00..=0xDFFF => text.extend(char::decode_utf16(pair).flatten()),
        _ => text.extend(char::from_u32(u32::from(unit))),
    }
}

/// Reads the piece table, which stands behind the property runs that pieces may refer to.
fn pieces(fib: &Fib) -> Option<Vec<Piece>> {
    let mut table = fib.table(Table::Pieces);
    if !fib.is_97 && !fib.is_complex {
        return None;
    }
    while table.first() == Some(&1) {
        table = table.get(3 + usize::from(u16_at(table, 1)?)..)?;
    }
    let bytes = usize_at(table, 1).filter(|_| table.first() == Some(&2))?;
    let table = table.get(5..)?;
    let table = &table[..bytes.min(table.len())];
    let count = table.len().saturating_sub(4) / 12;
    let piece = |at: usize| -> Option<Piece> {
        let (start, end) = (usize_at(table, 4 * at)?, usize_at(table, 4 * at + 4)?);
        let place = u32_at(table, 4 * (count + 1) + 8 * at + 2)?;
        let is_narrow = !fib.is_97 || place & 0x4000_0000 != 0;
        let at = (place & 0x3FFF_FFFF) as usize;
        let (at, unit_bytes) = match (fib.is_97, is_narrow) {
            (true, true) => (at / 2, 1),
            (true, false) => (at, 2),
            (false, _) => (at, 1),
        };
        (start <= end).then_some(Piece { part: Part { start, end }, at, unit_bytes })
    };
    let pieces: Option<Vec<Piece>> = (0..count).map(piece).collect();
    // Positions are indexes into the text only when pieces follow one another without a gap.
    pieces.filter(|pieces| pieces.first().is_some_and(|first| first.part.start == 0))
}

/// Takes the text that the head names as one piece.
fn whole(fib: &Fib) -> Vec<Piece> {
    let (start, end) = fib.text_bytes;
    let end = end.min(fib.main.len());
    let part = Part { start: 0, end: end.saturating_sub(start) };
    vec![Piece { part, at: start, unit_bytes: 1 }]
}

/// Returns the code page of one-byte text: Word 97 means Western European whatever its language.
fn encoding(fib: &Fib) -> &'static Encoding {
    match (fib.is_97, u16_at(&fib.main, 0x14)) {
        (true, _) => WINDOWS_1252,
        (false, Some(MACINTOSH_SET)) => MACINTOSH,
        (false, _) => match codepage::of_language(fib.language) {
            // An English Word wrote the other scripts in fonts that name them.
            encoding if encoding == WINDOWS_1252 => font_encoding(fib.table(Table::Fonts)).unwrap_or(WINDOWS_1252),
            encoding => encoding,
        },
    }
}

/// Returns the first code page that a font of Word 6 names.
fn font_encoding(table: &[u8]) -> Option<&'static Encoding> {
    let mut rest = table.get(2..)?;
    while let [length, font @ ..] = rest {
        if let Some(encoding) = font.get(3).and_then(|set| codepage::of_character_set(u32::from(*set))) {
            return Some(encoding);
        }
        rest = font.get(usize::from(*length)..)?;
    }
    None
}

/// Appends bytes as one unit for each byte, so that positions stay those of the file.
fn append_bytes(units: &mut Vec<u16>, bytes: &[u8], encoding: &'static Encoding) {
    if encoding.is_single_byte() {
        let (text, _) = encoding.decode_without_bom_handling(bytes);
        units.extend(text.encode_utf16());
        return;
    }
    let mut at = 0;
    while at < bytes.len() {
        let pair = &bytes[at..bytes.len().min(at + 2)];
        let (decoded, failed) = encoding.decode_without_bom_handling(pair);
        let mut wide = decoded.encode_utf16();
        match (pair[0] >= 0x80 && !failed && decoded.chars().count() == 1, wide.next()) {
            (true, Some(unit)) => {
                units.extend([unit, FILLER].into_iter().take(pair.len()));
                at += 2;
            }
            _ => {
                units.push(u16::from(pair[0]));
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_of_two_bytes_takes_two_positions() {
        let mut units = Vec::new();
        append_bytes(&mut units, b"a\xc4\xea\rb", encoding_rs::GBK);
        assert_eq!(units.len(), 5);
        let (mut text, mut high) = (String::new(), None);
        units.iter().for_each(|unit| append_unit(&mut text, &mut high, *unit));
        assert_eq!(text, "a年\rb");
    }

    #[test]
    fn halves_of_a_large_character_meet() {
        let (mut text, mut high) = (String::new(), None);
        "a𝄞b".encode_utf16().chain([0xDC00]).for_each(|unit| append_unit(&mut text, &mut high, unit));
        assert_eq!(text, "a𝄞b");
    }
}
