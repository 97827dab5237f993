//! Reads the list definitions of a Word file, for [`crate::extract::list`] to count by ([MS-DOC] PlfLst, PlfLfo).

use std::collections::HashMap;

use super::fib::{Fib, Table};
use crate::extract::list::{Instance, LEVELS, Level, Numbering};
use crate::little::{u16_at, u32_at, usize_at};

/// Bytes of a list, of a use of a list, and of the fixed part of a level.
const LIST_BYTES: usize = 28;
const USE_BYTES: usize = 16;
const LEVEL_BYTES: usize = 28;
/// Most uses of lists; the numbers that paragraphs name end here.
const USES_MAX: usize = 2047;

/// Returns the lists by their id, and their uses by the number, from 1, that paragraphs name.
pub(super) fn parse(fib: &Fib) -> Numbering {
    let mut numbering = Numbering::default();
    let table = fib.table(Table::Lists);
    let mut levels = Levels { bytes: fib.behind(Table::Lists) };
    let count = usize::from(u16_at(table, 0).unwrap_or(0));
    for list in table.get(2..).unwrap_or_default().chunks_exact(LIST_BYTES).take(count) {
        let is_simple = list[26] & 1 != 0;
        let mut own: [Level; LEVELS] = Default::default();
        for level in own.iter_mut().take(if is_simple { 1 } else { LEVELS }) {
            *level = levels.level().unwrap_or_default();
        }
        numbering.lists.insert(u32_at(list, 0).unwrap_or(0).to_string(), own);
    }
    add_uses(fib, &mut numbering.instances);
    numbering
}

fn add_uses(fib: &Fib, instances: &mut HashMap<String, Instance>) {
    let table = fib.table(Table::ListUses);
    let count = usize_at(table, 0).unwrap_or(0).min(USES_MAX);
    let uses = table.get(4..).unwrap_or_default();
    let uses: Vec<&[u8]> = uses.chunks_exact(USE_BYTES).take(count).collect();
    let mut rest = Levels { bytes: table.get(4 + USE_BYTES * uses.len()..).unwrap_or_default() };
    for (number, one) in (1..).zip(uses) {
        let list = u32_at(one, 0).unwrap_or(0).to_string();
        let mut instance = Instance { list, ..Instance::default() };
        rest.skip(4);
        for _ in 0..one[12] {
            let (Some(start), Some(flags)) = (rest.number(), rest.number()) else { break };
            let level = (flags & 0xF) as usize;
            let own = if flags & 0x20 != 0 { rest.level() } else { None };
            if level < LEVELS && flags & 0x10 != 0 {
                let start = own.as_ref().and_then(|own| own.start).unwrap_or(start);
                instance.starts.insert(level, start);
            }
            if let (Some(own), true) = (own, level < LEVELS) {
                instance.levels.insert(level, own);
            }
        }
        instances.insert(number.to_string(), instance);
    }
}

/// Levels that stand one behind the other, each as long as it says.
struct Levels<'a> {
    bytes: &'a [u8],
}

impl Levels<'_> {
    fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.get(bytes..).unwrap_or_default();
    }

    fn number(&mut self) -> Option<u32> {
        let number = u32_at(self.bytes, 0)?;
        self.skip(4);
        Some(number)
    }

    fn level(&mut self) -> Option<Level> {
        let bytes = self.bytes;
        let fixed = bytes.get(..LEVEL_BYTES)?;
        let text_at = LEVEL_BYTES + usize::from(fixed[24]) + usize::from(fixed[25]);
        let chars = usize::from(u16_at(bytes, text_at)?);
        let text = bytes.get(text_at + 2..text_at + 2 + 2 * chars)?;
        self.skip(text_at + 2 + 2 * chars);
        let start = u32_at(fixed, 0)?;
        Some(Level { start: Some(start), format: format(fixed[4]).into(), text: Some(pattern(text)) })
    }
}

/// Turns a marker's text, in which the characters 0 to 8 stand for numbers of levels, into the pattern `%1.%2`.
fn pattern(text: &[u8]) -> String {
    let units = text.chunks_exact(2).filter_map(|pair| u16_at(pair, 0));
    char::decode_utf16(units).flatten().fold(String::new(), |mut pattern, character| {
        match character {
            '\0'..='\u{8}' => pattern.push_str(&format!("%{}", character as u32 + 1)),
            _ => pattern.push(character),
        }
        pattern
    })
}

/// Names a number format as Office Open XML does.
fn format(code: u8) -> &'static str {
    match code {
        1 => "upperRoman",
        2 => "lowerRoman",
        3 => "upperLetter",
        4 => "lowerLetter",
        10 | 11 | 33 | 39 => "chineseCounting",
        18 => "decimalEnclosedCircle",
        22 => "decimalZero",
        23 => "bullet",
        255 => "none",
        _ => "decimal",
    }
}
