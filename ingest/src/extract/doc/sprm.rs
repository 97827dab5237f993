//! Walks a run of property modifiers ([MS-DOC] Prl), the form in which Word stores all formatting.
//!
//! Knows how long each one is, and not what it means. Word 6 numbers them by one byte; those of paragraphs are brought to
//! the numbers of Word 97 here, so that the readers above know one set.

use crate::little::u16_at;

/// Paragraph takes another style.
pub(super) const STYLE: u16 = 0x4600;
/// Level in a list.
pub(super) const LIST_LEVEL: u16 = 0x260A;
/// Use of a list, from 1.
pub(super) const LIST: u16 = 0x460B;
/// Paragraph stands in a table.
pub(super) const IN_TABLE: u16 = 0x2416;
/// Paragraph is the end of a row.
pub(super) const ROW_END: u16 = 0x2417;
/// Paragraph is the end of a cell of a nested table.
pub(super) const INNER_CELL_END: u16 = 0x244B;
/// Paragraph is the end of a row of a nested table.
pub(super) const INNER_ROW_END: u16 = 0x244C;
/// Depth of tables in tables.
pub(super) const TABLE_DEPTH: u16 = 0x6649;
/// Outline level, from 0; 9 for body text.
pub(super) const OUTLINE: u16 = 0x2640;
/// Properties that were too long for a page stand in the data stream.
pub(super) const HUGE: u16 = 0x6646;
/// An older number of [`HUGE`].
pub(super) const HUGE_OLD: u16 = 0x6645;
/// Text is deleted, with the deletion tracked.
pub(super) const DELETED: u16 = 0x0800;
/// A character of a symbol font: font and code.
pub(super) const SYMBOL: u16 = 0x6A09;
/// Definition of a table row, whose length has two bytes.
const ROW: u16 = 0xD608;
/// Tabs, whose length may stand in their content.
const TABS: u16 = 0xC615;

/// Calls `take` for each modifier with its number and its operand; ends at the first that is cut off.
pub(super) fn walk(mut bytes: &[u8], is_97: bool, mut take: impl FnMut(u16, &[u8])) {
    while let Some((number, start, length)) = if is_97 { head_97(bytes) } else { head_6(bytes) } {
        let Some(operand) = start.checked_add(length).and_then(|end| bytes.get(start..end)) else { return };
        take(number, operand);
        bytes = &bytes[start + length..];
    }
}

/// Returns number, start and length of the operand of the first modifier.
fn head_97(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let number = u16_at(bytes, 0)?;
    let (start, length) = match number >> 13 {
        0 | 1 => (2, 1),
        2 | 4 | 5 => (2, 2),
        3 => (2, 4),
        7 => (2, 3),
        _ if number == ROW => (4, usize::from(u16_at(bytes, 2)?).saturating_sub(1)),
        _ if number == TABS && bytes.get(2) == Some(&255) => (3, tabs(&bytes[3..])?),
        _ => (3, usize::from(*bytes.get(2)?)),
    };
    Some((number, start, length))
}

fn tabs(bytes: &[u8]) -> Option<usize> {
    let deleted = usize::from(*bytes.first()?);
    let added = usize::from(*bytes.get(1 + 4 * deleted)?);
    Some(2 + 4 * deleted + 3 * added)
}

fn head_6(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let number = *bytes.first()?;
    let length = match number {
        4 | 5 | 6..=11 | 13 | 14 | 24 | 25 | 29 | 37 | 44 | 50 | 51 => 1,
        2 | 16..=19 | 21 | 22 | 26..=28 | 30..=36 | 38..=43 | 45..=49 => 2,
        20 => 4,
        65 | 66 | 67 | 85..=92 => 1,
        3 | 12 | 15 | 23 | 52 => return Some((0, 2, usize::from(*bytes.get(1)?))),
        _ => return None,
    };
    let known = match number {
        2 => STYLE,
        24 => IN_TABLE,
        25 => ROW_END,
        65 => DELETED,
        _ => 0,
    };
    Some((known, 1, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], is_97: bool, expected: &[(u16, &[u8])]) {
        let mut found: Vec<(u16, Vec<u8>)> = Vec::new();
        walk(bytes, is_97, |number, operand| found.push((number, operand.to_vec())));
        let expected: Vec<_> = expected.iter().map(|(number, operand)| (*number, operand.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_kind_of_operand_has_its_length() {
        check(&[0x16, 0x24, 1, 0x0B, 0x46, 2, 0], true, &[(IN_TABLE, &[1]), (LIST, &[2, 0])]);
        check(&[0x08, 0xD6, 3, 0, 7, 8, 0x17, 0x24, 1], true, &[(ROW, &[7, 8]), (ROW_END, &[1])]);
        check(&[0x15, 0xC6, 255, 0, 1, 9, 9, 9, 0x17, 0x24, 1], true, &[(TABS, &[0, 1, 9, 9, 9]), (ROW_END, &[1])]);
        check(&[23, 2, 0, 0, 24, 1], false, &[(0, &[0, 0]), (IN_TABLE, &[1])]);
    }

    #[test]
    fn a_modifier_that_is_cut_off_ends_the_run() {
        check(&[0x16, 0x24, 1, 0x49, 0x66, 1, 0], true, &[(IN_TABLE, &[1])]);
        check(&[0x08, 0xD6, 255, 255, 0], true, &[]);
    }
}
