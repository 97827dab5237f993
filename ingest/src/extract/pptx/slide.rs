//! The text of one slide, diagram, notes page or part of comments.
//!
//! Shapes come in the order in which the part holds them, which is that of drawing and nearly always that of reading.

use quick_xml::events::BytesStart;

use crate::document::BlockKind;
use crate::error::ReadError;
use crate::extract::item::Item;
use crate::extract::table::Table;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// Reads a slide or a diagram; what a title's shape holds is a heading of level 1.
pub(super) fn read(xml: &str, left: &mut usize, limits: &Limits) -> Result<Vec<Item>, ReadError> {
    let mut reader = SlideReader { left: *left, ..SlideReader::new(limits) };
    walk(xml, limits.depth_max, |token| reader.take(token))?;
    *left = reader.left;
    Ok(reader.items)
}

/// Reads a notes page as one note, without the slide's number and picture on it.
pub(super) fn notes(xml: &str, left: &mut usize, limits: &Limits) -> Result<Vec<Item>, ReadError> {
    let items = read(xml, left, limits)?;
    let lines: Vec<String> = items.into_iter().map(|item| item.text).collect();
    Ok(Some(lines.join("\n"))
        .filter(|text| !text.is_empty())
        .map(|text| Item::of(BlockKind::Note, text))
        .into_iter()
        .collect())
}

/// Reads a part of comments, one item each.
pub(super) fn comments(xml: &str, left: &mut usize, limits: &Limits) -> Result<Vec<Item>, ReadError> {
    let mut items: Vec<Item> = Vec::new();
    let mut is_text = false;
    walk(xml, limits.depth_max, |token| {
        match token {
            Token::Open(element) => match element.local_name().as_ref() {
                "cm" => items.push(Item::of(BlockKind::Comment, String::new())),
                // Older files write the text at once, newer ones as paragraphs of runs.
                name => is_text = matches!(name, "text" | "t"),
            },
            Token::Close => is_text = false,
            Token::Text(text) => {
                if let Some(item) = items.last_mut().filter(|_| is_text) {
                    spend(left, text, limits)?;
                    item.text.push_str(text);
                }
            }
        }
        Ok(())
    })?;
    Ok(items)
}

fn spend(left: &mut usize, text: &str, limits: &Limits) -> Result<(), ReadError> {
    let over = || {
        let limit = limits.text_chars_max as u64;
        ReadError::LimitExceeded { what: "characters of text".into(), limit }
    };
    *left = left.checked_sub(text.chars().count()).ok_or_else(over)?;
    Ok(())
}

/// What an open element means to the reader.
#[derive(Clone, Copy, PartialEq)]
enum Frame {
    Plain,
    Skipped,
    Shape,
    Paragraph,
    Text,
    Table,
    Cell,
}

/// What a shape holds, as its placeholder says.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Body,
    Title,
    /// Date, footer, slide number: the same on every slide.
    Furniture,
}

struct SlideReader<'a> {
    limits: &'a Limits,
    left: usize,
    frames: Vec<Frame>,
    items: Vec<Item>,
    role: Role,
    text: String,
    marker: Option<&'static str>,
    tables: Vec<Table>,
    /// Items of each open cell.
    cells: Vec<Vec<Item>>,
}

impl<'a> SlideReader<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            left: 0,
            frames: Vec::new(),
            items: Vec::new(),
            role: Role::Body,
            text: String::new(),
            marker: None,
            tables: Vec::new(),
            cells: Vec::new(),
        }
    }

    fn take(&mut self, token: Token) -> Result<(), ReadError> {
        match token {
            Token::Open(element) => {
                let frame = match self.frames.last() {
                    Some(Frame::Skipped) => Frame::Skipped,
                    _ => self.open(element),
                };
                self.frames.push(frame);
            }
            Token::Close => match self.frames.pop() {
                Some(Frame::Paragraph) => self.end_paragraph(),
                Some(Frame::Shape) => self.role = Role::Body,
                Some(Frame::Cell) => {
                    let items = self.cells.pop().unwrap_or_default();
                    if let Some(table) = self.tables.last_mut() {
                        table.fill_cell(items);
                    }
                }
                Some(Frame::Table) => {
                    let Some(table) = self.tables.pop() else { return Ok(()) };
                    let items = table.finish(self.limits.text_chars_max)?;
                    self.put(items);
                }
                _ => {}
            },
            Token::Text(text) if self.frames.last() == Some(&Frame::Text) => {
                spend(&mut self.left, text, self.limits)?;
                self.text.push_str(text);
            }
            Token::Text(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, element: &BytesStart) -> Frame {
        match element.local_name().as_ref() {
            // A shape's second form, for readers that do not know the first.
            "Fallback" => return Frame::Skipped,
            "sp" => return Frame::Shape,
            "ph" => {
                self.role = match attribute(element, "type").as_deref() {
                    Some("title" | "ctrTitle") => Role::Title,
                    Some("dt" | "ftr" | "sldNum" | "hdr" | "sldImg") => Role::Furniture,
                    _ => Role::Body,
                };
            }
            "p" => return Frame::Paragraph,
            "buChar" | "buBlip" | "buAutoNum" => self.marker = Some("•"),
            "t" if self.role != Role::Furniture => return Frame::Text,
            "br" => self.text.push('\n'),
            "tab" => self.text.push('\t'),
            "tbl" => {
                self.tables.push(Table::default());
                return Frame::Table;
            }
            "tr" => {
                self.tables.last_mut().map(Table::open_row);
            }
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    table.open_cell();
                    if [attribute(element, "vMerge"), attribute(element, "hMerge")]
                        .into_iter()
                        .flatten()
                        .any(|it| it != "0")
                    {
                        table.continue_cell();
                    }
                }
                self.cells.push(Vec::new());
                return Frame::Cell;
            }
            _ => {}
        }
        Frame::Plain
    }

    fn end_paragraph(&mut self) {
        let (text, marker) = (std::mem::take(&mut self.text), self.marker.take());
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let item = match (self.role, marker) {
            (Role::Title, _) => Item::heading(1, text.replace('\n', " ")),
            (_, Some(marker)) => Item::of(BlockKind::ListItem, format!("{marker} {text}")),
            (_, None) => Item::of(BlockKind::Paragraph, text.to_owned()),
        };
        self.put(vec![item]);
    }

    fn put(&mut self, items: Vec<Item>) {
        self.cells.last_mut().unwrap_or(&mut self.items).extend(items);
    }
}
