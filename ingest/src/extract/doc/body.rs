//! Turns stretches of a Word file's text into items in reading order.
//!
//! One pass over the characters: marks end paragraphs, cells and rows, a field shows its result, tracked deletions are
//! left out, and what stands beside the body follows the paragraph that refers to it.

use std::collections::HashMap;

use super::fib::{Fib, Part, Table};
use super::format::{Character, Paragraph, Runs};
use super::list;
use super::note::{self, Reference};
use super::piece::{Text, append_unit};
use super::style::Styles;
use crate::document::BlockKind;
use crate::error::ReadError;
use crate::extract::flow::{End, Flow};
use crate::extract::item::Item;
use crate::extract::list::Numbering;
use crate::extract::symbol;
use crate::limits::Limits;
use crate::little::{u16_at, usize_at};

/// Where the name of a font begins in its entry.
const FONT_NAME: usize = 40;
/// Deepest nesting of fields; those inside show nothing more.
const FIELDS_MAX: usize = 64;

/// Reads the body with all that it refers to.
///
/// # Errors
/// `LimitExceeded` for characters or nested tables.
pub(super) fn read(fib: &Fib, text: &Text, limits: &Limits) -> Result<Vec<Item>, ReadError> {
    let shared = Shared {
        text,
        paragraphs: Runs::of_paragraphs(fib),
        characters: Runs::of_characters(fib),
        styles: Styles::parse(fib),
        fonts: fonts(fib),
        references: note::references(fib),
        limits,
    };
    let mut counts = Counts { numbering: list::parse(fib), footnotes: 0, endnotes: 0 };
    let mut items = Reader::new(&shared, &mut counts, Nesting::Body).read(fib.body)?;
    for item in &mut items {
        item.text = item.text.trim().to_owned();
    }
    Ok(items)
}

/// What all stretches of one file share.
struct Shared<'a> {
    text: &'a Text,
    paragraphs: Runs<'a>,
    characters: Runs<'a>,
    styles: Styles,
    fonts: Vec<String>,
    references: HashMap<usize, Reference>,
    limits: &'a Limits,
}

struct Counts {
    numbering: Numbering,
    footnotes: usize,
    endnotes: usize,
}

/// Whether a stretch is the body, whose references are followed, or stands beside it.
#[derive(Clone, Copy, PartialEq)]
enum Nesting {
    Body,
    Beside,
}

/// Whether the characters of an open field are its code or its result.
#[derive(PartialEq)]
enum Field {
    Code,
    Result,
}

struct Reader<'a, 'b> {
    shared: &'a Shared<'a>,
    counts: &'b mut Counts,
    nesting: Nesting,
    flow: Flow,
    fields: Vec<Field>,
    paragraph: String,
    high: Option<u16>,
    /// Notes, comments and boxes of the open paragraph.
    pending: Vec<Item>,
    /// Properties of the characters up to a byte.
    character: (Character, usize),
}

impl<'a, 'b> Reader<'a, 'b> {
    fn new(shared: &'a Shared<'a>, counts: &'b mut Counts, nesting: Nesting) -> Self {
        Self {
            shared,
            counts,
            nesting,
            flow: Flow::new(shared.limits),
            fields: Vec::new(),
            paragraph: String::new(),
            high: None,
            pending: Vec::new(),
            character: (Character::default(), 0),
        }
    }

    fn read(mut self, part: Part) -> Result<Vec<Item>, ReadError> {
        let part = self.shared.text.part(part);
        let mut byte_before = usize::MAX;
        for position in part.start..part.end {
            let byte = self.shared.text.byte(position).unwrap_or(0);
            // Pieces may stand in any order in the file, so a step back ends a stretch of equal properties too.
            if byte >= self.character.1 || byte < byte_before {
                self.character = self.shared.characters.characters(byte);
            }
            byte_before = byte;
            self.take(position, byte)?;
        }
        self.end_paragraph(Paragraph::default(), '\r')?;
        self.flow.finish()
    }

    /// Takes one character in.
    fn take(&mut self, position: usize, byte: usize) -> Result<(), ReadError> {
        let unit = self.shared.text.units[position];
        match unit {
            0x0D | 0x07 | 0x0C => {
                let properties = self.shared.paragraphs.paragraph(byte);
                // A deleted mark joins its paragraph to the next one.
                if !(self.character.0.is_deleted && unit == 0x0D && properties.depth == 0) {
                    self.end_paragraph(properties, char::from(unit as u8))?;
                }
            }
            0x13 if self.fields.len() < FIELDS_MAX => self.fields.push(Field::Code),
            0x14 => drop(self.fields.last_mut().map(|field| *field = Field::Result)),
            0x15 => drop(self.fields.pop()),
            _ if self.character.0.is_deleted => {}
            _ => {
                if self.nesting == Nesting::Body
                    && let Some(reference) = self.shared.references.get(&position)
                {
                    self.refer(reference.clone())?;
                }
                if !self.fields.contains(&Field::Code) {
                    self.write(unit);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, unit: u16) {
        let text = &mut self.paragraph;
        match (unit, self.character.0.symbol) {
            (0x28, Some((font, code))) => {
                let font = self.shared.fonts.get(usize::from(font)).map_or("", String::as_str);
                text.extend(symbol::shown(font, u32::from(code)));
            }
            (0x09, _) => text.push('\t'),
            (0x0B | 0x0E, _) => text.push('\n'),
            (0x1E, _) => text.push('-'),
            // Marks of notes, pictures, shapes and the like, and the soft hyphen, show no character.
            (0..=0x1F | 0xAD, _) => {}
            (0xA0, _) => text.push('\u{a0}'),
            _ => append_unit(text, &mut self.high, unit),
        }
    }

    /// Reads what a position refers to, and has it follow the paragraph.
    fn refer(&mut self, reference: Reference) -> Result<(), ReadError> {
        let (kind, part, label) = match reference {
            Reference::Footnote(part) => {
                self.counts.footnotes += 1;
                (BlockKind::Note, part, format!("[{}]", self.counts.footnotes))
            }
            Reference::Endnote(part) => {
                self.counts.endnotes += 1;
                (BlockKind::Note, part, format!("[e{}]", self.counts.endnotes))
            }
            Reference::Comment(part, author) => {
                let text = self.beside(part)?;
                let author = author.filter(|author| !author.trim().is_empty() && !text.is_empty());
                let text = author.map(|author| format!("{}: {text}", author.trim())).unwrap_or(text);
                self.pending.push(Item::of(BlockKind::Comment, text));
                return Ok(());
            }
            Reference::Box(part) => {
                let items = Reader::new(self.shared, self.counts, Nesting::Beside).read(part)?;
                self.pending.extend(items);
                return Ok(());
            }
        };
        let text = self.beside(part)?;
        if !text.is_empty() {
            self.pending.push(Item::of(kind, format!("{label} {text}")));
            self.paragraph.push_str(&label);
        }
        Ok(())
    }

    /// Reads a stretch beside the body as one text, a line for each of its paragraphs.
    fn beside(&mut self, part: Part) -> Result<String, ReadError> {
        let items = Reader::new(self.shared, self.counts, Nesting::Beside).read(part)?;
        let lines: Vec<&str> = items.iter().map(|item| item.text.trim()).filter(|line| !line.is_empty()).collect();
        Ok(lines.join("\n"))
    }

    /// Ends the open paragraph at `mark`, and with it cells and rows.
    fn end_paragraph(&mut self, properties: Paragraph, mark: char) -> Result<(), ReadError> {
        let depth = match properties.depth {
            // Without properties of paragraphs, the mark alone says that this is a cell.
            0 if mark == '\u{7}' => 1,
            depth => depth,
        };
        let text = std::mem::take(&mut self.paragraph);
        let is_row_end = if depth > 1 { properties.is_inner_row_end } else { properties.is_row_end };
        let is_cell_end = if depth > 1 { properties.is_inner_cell_end } else { mark == '\u{7}' };
        let item = if is_row_end { Item::of(BlockKind::Paragraph, text) } else { self.item(text, &properties) };
        let mut items = vec![item];
        items.append(&mut self.pending);
        let end = match (is_row_end, is_cell_end) {
            (true, _) => End::Row,
            (false, true) => End::Cell,
            (false, false) => End::Paragraph,
        };
        self.flow.add(depth, items, end)
    }

    /// Names a finished paragraph by its style and own properties, and writes its list marker.
    fn item(&mut self, text: String, properties: &Paragraph) -> Item {
        let style = self.shared.styles.meaning(properties.style);
        let level = match properties.outline {
            Some(outline) => (outline < 9).then_some(outline + 1),
            None => style.level,
        };
        let list = properties.list.or(style.list).filter(|&list| list != 0);
        let list_level = properties.list_level.or(style.list_level).unwrap_or(0);
        let body = text.trim();
        // An empty paragraph shows its number too, but counting it is all that matters here.
        let marker = list.and_then(|list| self.counts.numbering.marker(&list.to_string(), list_level));
        let kind = match (level, list) {
            (Some(_), _) => BlockKind::Heading,
            (None, Some(_)) => BlockKind::ListItem,
            (None, None) => BlockKind::Paragraph,
        };
        let text = match marker {
            Some(marker) if !body.is_empty() => format!("{marker} {body}"),
            _ => body.to_owned(),
        };
        Item { level, is_title: style.is_title, ..Item::of(kind, text) }
    }
}

/// Returns the names of the fonts, by number.
fn fonts(fib: &Fib) -> Vec<String> {
    let table = fib.table(Table::Fonts);
    if !fib.is_97 {
        return Vec::new();
    }
    let (mut found, mut at) = (Vec::new(), 4);
    while let Some(bytes) = table.get(at).map(|length| usize::from(*length) + 1) {
        let name = table.get((at + FONT_NAME).min(at + bytes)..at + bytes).unwrap_or_default();
        let units: Vec<u16> =
            name.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).take_while(|unit| *unit != 0).collect();
        found.push(String::from_utf16_lossy(&units));
        at += bytes;
    }
    let stated = usize_at(table, 0).unwrap_or(0) & 0xFFFF;
    found.truncate(stated);
    found
}
