//! Finds the properties of a paragraph or character by the byte where it stands ([MS-DOC] FKP).
//!
//! Formatting stands on pages of 512 bytes, each of which names stretches of the file and a run of modifiers for each.
//! Only what changes text and structure is kept.

use std::ops::Range;

use super::fib::{Fib, Table};
use super::sprm;
use crate::little::{u16_at, u32_at, usize_at};

/// Bytes of a formatting page. Fixed by the format.
const PAGE_BYTES: usize = 512;

/// Stretches of the file with their modifiers, ascending.
pub(super) struct Runs<'a> {
    fib: &'a Fib,
    runs: Vec<Run>,
}

struct Run {
    bytes: Range<usize>,
    /// Where the modifiers stand in the main stream, a paragraph's style before them.
    modifiers: Range<usize>,
}

/// What a paragraph's own properties say; unset ones are those of its style.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Paragraph {
    pub style: u16,
    pub list: Option<u16>,
    pub list_level: Option<u8>,
    pub outline: Option<u8>,
    pub depth: usize,
    pub is_in_table: bool,
    pub is_row_end: bool,
    pub is_inner_cell_end: bool,
    pub is_inner_row_end: bool,
}

/// What the properties of a character say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Character {
    /// Deleted, with the deletion tracked.
    pub is_deleted: bool,
    /// Font number and code of a symbol.
    pub symbol: Option<(u16, u16)>,
}

impl<'a> Runs<'a> {
    /// Reads the pages of paragraphs.
    pub(super) fn of_paragraphs(fib: &'a Fib) -> Self {
        Self::read(fib, Table::ParagraphPages, if fib.is_97 { 13 } else { 7 }, paragraph_modifiers)
    }

    /// Reads the pages of characters.
    pub(super) fn of_characters(fib: &'a Fib) -> Self {
        Self::read(fib, Table::CharacterPages, 1, |page, at, _| {
            let start = at + 1;
            Some(start..start + usize::from(*page.get(at)?))
        })
    }

    fn read(
        fib: &'a Fib,
        table: Table,
        entry_bytes: usize,
        modifiers: fn(&[u8], usize, bool) -> Option<Range<usize>>,
    ) -> Self {
        let table = fib.table(table);
        let number_bytes = if fib.is_97 { 4 } else { 2 };
        let count = table.len().saturating_sub(4) / (4 + number_bytes);
        // A page number that is named twice would otherwise let a small file cost much.
        let count = count.min(fib.main.len() / PAGE_BYTES + 1);
        let mut runs = Vec::new();
        for at in 0..count {
            let place = 4 * (count_of(table, number_bytes) + 1) + number_bytes * at;
            let number = if fib.is_97 { u32_at(table, place).map(|it| it & 0x3F_FFFF) } else { wide(table, place) };
            let Some(start) = number.map(|number| number as usize * PAGE_BYTES) else { break };
            let Some(page) = fib.main.get(start..start.saturating_add(PAGE_BYTES)) else { continue };
            add_page(&mut runs, page, start, entry_bytes, |at| modifiers(page, at, fib.is_97));
        }
        runs.sort_by_key(|run| run.bytes.start);
        Self { fib, runs }
    }

    /// Returns the modifiers of the stretch in which a byte stands.
    fn at(&self, byte: usize) -> Option<(&Run, &[u8])> {
        let after = self.runs.partition_point(|run| run.bytes.start <= byte);
        let run = self.runs[..after].last().filter(|run| byte < run.bytes.end)?;
        Some((run, self.fib.main.get(run.modifiers.clone())?))
    }

    /// Returns the properties of the paragraph whose mark stands at `byte`.
    pub(super) fn paragraph(&self, byte: usize) -> Paragraph {
        let Some((_, modifiers)) = self.at(byte) else { return Paragraph::default() };
        let mut paragraph = Paragraph { style: u16_at(modifiers, 0).unwrap_or(0), ..Paragraph::default() };
        paragraph.take(modifiers.get(2..).unwrap_or_default(), self.fib);
        if paragraph.is_in_table {
            paragraph.depth = paragraph.depth.max(1);
        }
        paragraph
    }

    /// Returns the properties of the characters from `byte` on, and the byte where they end.
    pub(super) fn characters(&self, byte: usize) -> (Character, usize) {
        let mut character = Character::default();
        let Some((run, modifiers)) = self.at(byte) else {
            let next = self.runs.partition_point(|run| run.bytes.start <= byte);
            return (character, self.runs.get(next).map_or(usize::MAX, |run| run.bytes.start));
        };
        sprm::walk(modifiers, self.fib.is_97, |number, operand| match number {
            sprm::DELETED => character.is_deleted = operand.first() == Some(&1),
            sprm::SYMBOL => character.symbol = u16_at(operand, 0).zip(u16_at(operand, 2)),
            _ => {}
        });
        (character, run.bytes.end)
    }
}

impl Paragraph {
    /// Takes a run of modifiers in.
    fn take(&mut self, modifiers: &[u8], fib: &Fib) {
        sprm::walk(modifiers, fib.is_97, |number, operand| {
            if matches!(number, sprm::HUGE | sprm::HUGE_OLD) {
                return self.take_huge(operand, fib);
            }
            self.set(number, operand);
        });
    }

    /// Takes the modifiers in that stand in the data stream; these refer to no others.
    fn take_huge(&mut self, operand: &[u8], fib: &Fib) {
        let run = || {
            let start = usize_at(operand, 0)?;
            let bytes = usize::from(u16_at(&fib.data, start)?);
            fib.data.get(start + 2..start + 2 + bytes)
        };
        sprm::walk(run().unwrap_or_default(), fib.is_97, |number, operand| self.set(number, operand));
    }

    /// Sets what one modifier says.
    pub(super) fn set(&mut self, number: u16, operand: &[u8]) {
        let byte = operand.first().copied().unwrap_or(0);
        match number {
            sprm::STYLE => self.style = u16_at(operand, 0).unwrap_or(0),
            sprm::LIST => self.list = u16_at(operand, 0),
            sprm::LIST_LEVEL => self.list_level = Some(byte),
            sprm::OUTLINE => self.outline = Some(byte),
            sprm::TABLE_DEPTH => self.depth = usize_at(operand, 0).unwrap_or(0),
            sprm::IN_TABLE => self.is_in_table = byte != 0,
            sprm::ROW_END => self.is_row_end = byte != 0,
            sprm::INNER_CELL_END => self.is_inner_cell_end = byte != 0,
            sprm::INNER_ROW_END => self.is_inner_row_end = byte != 0,
            _ => {}
        }
    }
}

fn count_of(table: &[u8], number_bytes: usize) -> usize {
    table.len().saturating_sub(4) / (4 + number_bytes)
}

fn wide(table: &[u8], at: usize) -> Option<u32> {
    u16_at(table, at).map(u32::from)
}

/// Adds the stretches of one page, whose last byte says how many there are.
fn add_page(
    runs: &mut Vec<Run>,
    page: &[u8],
    start: usize,
    entry_bytes: usize,
    modifiers: impl Fn(usize) -> Option<Range<usize>>,
) {
    let count = usize::from(page[PAGE_BYTES - 1]);
    for at in 0..count {
        let (Some(first), Some(end)) = (usize_at(page, 4 * at), usize_at(page, 4 * at + 4)) else { return };
        let Some(place) = page.get(4 * (count + 1) + entry_bytes * at) else { return };
        let found = match place {
            0 => Some(0..0),
            place => modifiers(2 * usize::from(*place)),
        };
        let Some(found) = found.filter(|found| found.end < PAGE_BYTES) else { continue };
        if first < end {
            runs.push(Run { bytes: first..end, modifiers: start + found.start..start + found.end });
        }
    }
}

/// Returns where the style and modifiers of a paragraph stand on its page.
fn paragraph_modifiers(page: &[u8], at: usize, is_97: bool) -> Option<Range<usize>> {
    let words = usize::from(*page.get(at)?);
    Some(match words {
        0 if is_97 => at + 2..at + 2 + 2 * usize::from(*page.get(at + 1)?),
        _ if is_97 => at + 1..at + 2 * words,
        _ => at + 1..at + 1 + (2 * words).saturating_sub(1),
    })
}
