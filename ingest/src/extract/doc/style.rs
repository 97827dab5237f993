//! What a paragraph style means: a heading level, the title, a list ([MS-DOC] STSH).
//!
//! Character and table styles are read over. Built-in styles are known by number, so that names in any language do.

use super::fib::{Fib, Table};
use super::format::Paragraph;
use super::sprm;
use crate::little::u16_at;

/// Longest chain of styles based on styles that is followed; Word itself stops at 11.
const CHAIN_MAX: usize = 16;
/// Number of the built-in style for the title.
const TITLE: u16 = 62;
/// Number of the built-in style for the subtitle.
const SUBTITLE: u16 = 74;
/// Stands for "based on no style".
const NO_STYLE: u16 = 0xFFF;

/// All paragraph styles, by the number that paragraphs name.
#[derive(Default)]
pub(super) struct Styles {
    styles: Vec<Option<Style>>,
}

struct Style {
    /// Number of a built-in style, 0xFFE for one's own.
    built_in: u16,
    base: u16,
    own: Paragraph,
}

/// What a paragraph takes from its style.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Meaning {
    pub level: Option<u8>,
    pub is_title: bool,
    pub list: Option<u16>,
    pub list_level: Option<u8>,
}

impl Styles {
    /// Reads the style sheet; one that is broken ends early.
    pub(super) fn parse(fib: &Fib) -> Self {
        let table = fib.table(Table::Styles);
        let head_bytes = usize::from(u16_at(table, 0).unwrap_or(0));
        let count = usize::from(u16_at(table, 2).unwrap_or(0));
        let base_bytes = usize::from(u16_at(table, 4).unwrap_or(0));
        let mut styles = Vec::new();
        let mut at = 2 + head_bytes;
        for _ in 0..count {
            let Some(bytes) = u16_at(table, at).map(usize::from) else { break };
            let Some(style) = table.get(at + 2..at + 2 + bytes) else { break };
            styles.push(Style::parse(style, base_bytes, fib.is_97));
            at += 2 + bytes + if fib.is_97 { bytes % 2 } else { 0 };
        }
        Self { styles }
    }

    /// Returns what a style means, with what it takes from those it is based on.
    pub(super) fn meaning(&self, number: u16) -> Meaning {
        let mut meaning = Meaning::default();
        let mut next = number;
        let mut is_level_known = false;
        for _ in 0..CHAIN_MAX {
            let Some(Some(style)) = self.styles.get(usize::from(next)) else { break };
            meaning.is_title |= style.built_in == TITLE;
            meaning.list = meaning.list.or(style.own.list);
            meaning.list_level = meaning.list_level.or(style.own.list_level);
            if !is_level_known {
                (meaning.level, is_level_known) = style.level();
            }
            next = style.base;
        }
        meaning
    }
}

impl Style {
    fn parse(bytes: &[u8], base_bytes: usize, is_97: bool) -> Option<Self> {
        let (built_in, kind, counts) = (u16_at(bytes, 0)? & 0xFFF, u16_at(bytes, 2)?, u16_at(bytes, 4)?);
        let mut style = Self { built_in, base: kind >> 4, own: Paragraph::default() };
        if kind & 0xF != 1 || counts & 0xF == 0 {
            return (kind & 0xF == 1).then_some(style);
        }
        let name_bytes = match is_97 {
            true => 2 * usize::from(u16_at(bytes, base_bytes)?) + 4,
            false => usize::from(*bytes.get(base_bytes)?) + 2,
        };
        let mut at = base_bytes + name_bytes;
        at += at % 2;
        let length = usize::from(u16_at(bytes, at)?);
        let modifiers = bytes.get(at + 4..at + 2 + length).unwrap_or_default();
        sprm::walk(modifiers, is_97, |number, operand| style.own.set(number, operand));
        Some(style)
    }

    /// Returns its heading level, and whether that is known here or left to the style it is based on.
    fn level(&self) -> (Option<u8>, bool) {
        match (self.own.outline, self.built_in) {
            (_, 1..=9) => (Some(self.built_in as u8), true),
            (_, TITLE) => (Some(1), true),
            (_, SUBTITLE) => (Some(2), true),
            (Some(outline), _) => ((outline < 9).then_some(outline + 1), true),
            (None, _) => (None, self.base == NO_STYLE),
        }
    }
}
