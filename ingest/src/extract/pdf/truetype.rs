//! Reads the character map of an embedded TrueType font backwards: from glyph number to character.
//!
//! That is the only source of text for a composite font without `ToUnicode`. Outlines and all else are not looked at.

use std::collections::HashMap;

/// Returns the character of each glyph; empty if there is no Unicode map or the font is damaged.
pub fn characters(font: &[u8]) -> HashMap<u32, String> {
    let mut characters = HashMap::new();
    if let Some(table) = unicode_table(font) {
        let pairs = match word(table, 0) {
            Some(4) => segments(table).unwrap_or_default(),
            Some(12) => groups(table).unwrap_or_default(),
            _ => Vec::new(),
        };
        for (scalar, glyph) in pairs {
            if let Some(character) = char::from_u32(scalar).filter(|c| glyph != 0 && !c.is_control()) {
                characters.entry(glyph).or_insert_with(|| character.to_string());
            }
        }
    }
    characters
}

fn unicode_table(font: &[u8]) -> Option<&[u8]> {
    let tables = word(font, 4)?;
    let map = (0..usize::from(tables)).map(|at| 12 + 16 * at).find(|&at| font.get(at..at + 4) == Some(b"cmap"))?;
    let map = font.get(double(font, map + 8)? as usize..)?;
    let mut found = None;
    for at in 0..usize::from(word(map, 2)?) {
        let record = 4 + 8 * at;
        let unicode = matches!((word(map, record)?, word(map, record + 2)?), (0, _) | (3, 1 | 10));
        let table = map.get(double(map, record + 4)? as usize..)?;
        if unicode && matches!(word(table, 0), Some(4 | 12)) {
            found = Some(table);
        }
    }
    found
}

/// Format 4: runs of 16-bit characters.
fn segments(table: &[u8]) -> Option<Vec<(u32, u32)>> {
    let bytes = usize::from(word(table, 6)?);
    let mut pairs = Vec::new();
    for at in (0..bytes).step_by(2) {
        let end = word(table, 14 + at)?;
        let start = word(table, 16 + bytes + at)?;
        let delta = word(table, 16 + 2 * bytes + at)?;
        let place = 16 + 3 * bytes + at;
        let offset = word(table, place)?;
        for scalar in start..=end.min(0xfffe) {
            let glyph = match offset {
                0 => scalar.wrapping_add(delta),
                _ => match word(table, place + usize::from(offset) + 2 * usize::from(scalar - start)) {
                    Some(0) | None => 0,
                    Some(glyph) => glyph.wrapping_add(delta),
                },
            };
            pairs.push((u32::from(scalar), u32::from(glyph)));
        }
    }
    Some(pairs)
}

/// Format 12: runs of 32-bit characters.
fn groups(table: &[u8]) -> Option<Vec<(u32, u32)>> {
    let mut pairs = Vec::new();
    for at in 0..double(table, 12)? as usize {
        let group = 16 + 12 * at;
        let (start, end, glyph) = (double(table, group)?, double(table, group + 4)?, double(table, group + 8)?);
        for scalar in start..=end.min(0x10_ffff) {
            if pairs.len() > 0x11_0000 {
                return Some(pairs);
            }
            pairs.push((scalar, glyph.wrapping_add(scalar - start)));
        }
    }
    Some(pairs)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

fn double(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}
