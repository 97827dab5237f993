//! Turns the body, notes or comments of a Word document into items in reading order.
//!
//! One pass over the elements with an explicit stack. Tracked changes count as accepted, a field shows its result, an
//! alternative is taken once, and a text box follows the paragraph it hangs on. Formatting other than heading levels
//! and list numbers is ignored.

use std::collections::{HashMap, HashSet};

use quick_xml::events::BytesStart;

use super::styles::Styles;
use crate::document::BlockKind;
use crate::error::ReadError;
use crate::extract::item::Item;
use crate::extract::list::Numbering;
use crate::extract::symbol;
use crate::extract::table::Table;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// A footnote, endnote or comment, by its id in its part.
pub(super) type Notes = HashMap<String, Note>;

/// Text that stands beside the body.
pub(super) struct Note {
    /// Who wrote a comment.
    pub author: Option<String>,
    /// All its paragraphs, one a line.
    pub text: String,
}

/// What the body refers to.
pub(super) struct Surroundings<'a> {
    /// Paragraph styles.
    pub styles: &'a Styles,
    /// Footnotes by id.
    pub footnotes: Notes,
    /// Endnotes by id.
    pub endnotes: Notes,
    /// Comments by id.
    pub comments: Notes,
}

/// Reads the main part: its items, each followed by the notes and comments it refers to.
pub(super) fn read_body(
    xml: &str,
    around: &Surroundings,
    numbering: Numbering,
    limits: &Limits,
) -> Result<Vec<Item>, ReadError> {
    let mut reader = BodyReader::new(around, numbering, limits);
    walk(xml, limits.depth_max, |token| reader.take(token))?;
    reader.close_carry();
    let mut items = reader.sinks.pop().unwrap_or_default();
    let mut left: Vec<_> = around.comments.iter().filter(|(id, _)| !reader.seen.contains(*id)).collect();
    left.sort_by_key(|(id, _)| (id.len(), id.as_str()));
    items.extend(left.into_iter().map(|(_, comment)| comment_item(comment)));
    Ok(items)
}

/// Reads a part of footnotes, endnotes or comments.
pub(super) fn read_notes(xml: &str, styles: &Styles, limits: &Limits) -> Result<Notes, ReadError> {
    let none = Surroundings { styles, footnotes: Notes::new(), endnotes: Notes::new(), comments: Notes::new() };
    let mut reader = BodyReader::new(&none, Numbering::default(), limits);
    walk(xml, limits.depth_max, |token| reader.take(token))?;
    Ok(reader.notes)
}

/// What an open element means to the reader.
enum Frame {
    Plain,
    Run,
    Text,
    Paragraph,
    ParagraphProperties,
    /// Properties of the paragraph's end mark.
    MarkProperties,
    Table,
    Row,
    RowProperties,
    Cell,
    TextBox,
    /// Alternatives of one content, of which one has been taken or not.
    Alternatives {
        is_taken: bool,
    },
    Alternative {
        chars_before: usize,
    },
    Note {
        id: String,
        author: Option<String>,
    },
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    num_id: Option<String>,
    list_level: Option<u8>,
    outline: Option<u8>,
    is_mark_deleted: bool,
    /// Text boxes that hang on it.
    attached: Vec<Item>,
}

struct BodyReader<'a> {
    around: &'a Surroundings<'a>,
    numbering: Numbering,
    chars_max: usize,
    chars: usize,
    frames: Vec<Frame>,
    /// Number of frames above which everything is ignored.
    skipped_from: Option<usize>,
    /// Items of the body, and of each open cell, text box or note.
    sinks: Vec<Vec<Item>>,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// Text of a paragraph whose end mark is deleted, and the number of sinks it belongs to.
    carry: Option<(usize, String)>,
    /// Notes and comments to put after the open item of the body.
    pending: Vec<Item>,
    notes: Notes,
    seen: HashSet<String>,
    footnote_count: usize,
    endnote_count: usize,
}

impl<'a> BodyReader<'a> {
    fn new(around: &'a Surroundings<'a>, numbering: Numbering, limits: &Limits) -> Self {
        Self {
            around,
            numbering,
            chars_max: limits.text_chars_max,
            chars: 0,
            frames: Vec::new(),
            skipped_from: None,
            sinks: vec![Vec::new()],
            paragraphs: Vec::new(),
            tables: Vec::new(),
            carry: None,
            pending: Vec::new(),
            notes: Notes::new(),
            seen: HashSet::new(),
            footnote_count: 0,
            endnote_count: 0,
        }
    }

    fn take(&mut self, token: Token) -> Result<(), ReadError> {
        match token {
            Token::Open(element) => {
                let frame = match self.skipped_from {
                    Some(_) => Frame::Plain,
                    None => self.open(element)?,
                };
                self.frames.push(frame);
                Ok(())
            }
            Token::Text(text) if self.skipped_from.is_none() && matches!(self.frames.last(), Some(Frame::Text)) => {
                self.write(&text.replace(['\n', '\r'], " "))
            }
            Token::Text(_) => Ok(()),
            Token::Close => {
                let frame = self.frames.pop();
                match self.skipped_from {
                    Some(from) if self.frames.len() > from => Ok(()),
                    Some(_) => {
                        self.skipped_from = None;
                        Ok(())
                    }
                    None => frame.map_or(Ok(()), |frame| self.close(frame)),
                }
            }
        }
    }

    /// Ignores the element being opened with all that it holds.
    fn skip(&mut self) -> Frame {
        self.skipped_from = Some(self.frames.len());
        Frame::Plain
    }

    fn open(&mut self, element: &BytesStart) -> Result<Frame, ReadError> {
        let name = element.local_name();
        let parent = self.frames.last();
        Ok(match (name.as_ref(), parent) {
            ("del" | "moveFrom", Some(Frame::MarkProperties)) => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.is_mark_deleted = true;
                }
                Frame::Plain
            }
            ("del", Some(Frame::RowProperties)) => {
                self.tables.last_mut().map(Table::delete_row);
                Frame::Plain
            }
            ("del" | "moveFrom" | "delText" | "instrText" | "delInstrText" | "rt", _) => self.skip(),
            ("pPrChange" | "rPrChange" | "tcPrChange" | "trPrChange" | "tblPrChange" | "sectPrChange", _) => {
                self.skip()
            }
            ("AlternateContent", _) => Frame::Alternatives { is_taken: false },
            ("Choice" | "Fallback", Some(Frame::Alternatives { is_taken: true })) => self.skip(),
            ("Choice" | "Fallback", _) => Frame::Alternative { chars_before: self.chars },
            ("p", _) => self.open_paragraph(),
            ("pPr", Some(Frame::Paragraph)) => Frame::ParagraphProperties,
            ("rPr", Some(Frame::ParagraphProperties)) => Frame::MarkProperties,
            ("r", _) => Frame::Run,
            ("t", _) => Frame::Text,
            ("tbl", _) => {
                self.tables.push(Table::default());
                Frame::Table
            }
            ("tr", _) => {
                self.tables.last_mut().map(Table::open_row);
                Frame::Row
            }
            ("trPr", _) => Frame::RowProperties,
            ("tc", _) => {
                self.tables.last_mut().map(Table::open_cell);
                self.sinks.push(Vec::new());
                Frame::Cell
            }
            ("txbxContent", _) => {
                self.sinks.push(Vec::new());
                Frame::TextBox
            }
            ("footnote" | "endnote" | "comment", _) => self.open_note(element),
            ("docPr", _) => {
                self.describe_picture(element)?;
                Frame::Plain
            }
            // Signs that an equation draws and does not write.
            ("den" | "sup" | "sub" | "rad", _) if element.name().as_ref().starts_with("m:") => {
                self.write(match name.as_ref() {
                    "den" => "/",
                    "sup" => "^",
                    "sub" => "_",
                    _ => "√",
                })?;
                Frame::Plain
            }
            (other, Some(Frame::Run)) => {
                self.write_run_part(other, element)?;
                Frame::Plain
            }
            (other, _) => {
                self.take_property(other, element);
                Frame::Plain
            }
        })
    }

    fn open_paragraph(&mut self) -> Frame {
        let mut paragraph = Paragraph::default();
        if let Some((_, text)) = self.carry.take_if(|(sinks, _)| *sinks == self.sinks.len()) {
            paragraph.text = text;
        }
        self.paragraphs.push(paragraph);
        Frame::Paragraph
    }

    /// Adds what a picture is said to show, after the paragraph that it hangs on.
    fn describe_picture(&mut self, element: &BytesStart) -> Result<(), ReadError> {
        let Some(text) = attribute(element, "descr").filter(|text| !text.trim().is_empty()) else { return Ok(()) };
        self.spend(&text)?;
        let item =
            Item::of(BlockKind::Paragraph, format!("[{}]", text.split_whitespace().collect::<Vec<_>>().join(" ")));
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.attached.push(item);
        }
        Ok(())
    }

    fn open_note(&mut self, element: &BytesStart) -> Frame {
        let Some(id) = attribute(element, "id") else { return Frame::Plain };
        if attribute(element, "type").is_some_and(|kind| kind != "normal") {
            return self.skip();
        }
        self.sinks.push(Vec::new());
        Frame::Note { id, author: attribute(element, "author") }
    }

    fn take_property(&mut self, name: &str, element: &BytesStart) {
        let value = || attribute(element, "val");
        let number = || value().and_then(|value| value.parse::<usize>().ok());
        if let Some(paragraph) = self.paragraphs.last_mut() {
            match name {
                "pStyle" => paragraph.style = value(),
                "numId" => paragraph.num_id = value(),
                "ilvl" => paragraph.list_level = value().and_then(|level| level.parse().ok()),
                "outlineLvl" => paragraph.outline = value().and_then(|level| level.parse().ok()),
                _ => {}
            }
        }
        if let Some(table) = self.tables.last_mut() {
            match name {
                "gridSpan" => table.span_columns(number().unwrap_or(1)),
                "gridBefore" => table.skip_columns(number().unwrap_or(0)),
                "vMerge" if value().is_none_or(|value| value == "continue") => table.continue_cell(),
                _ => {}
            }
        }
    }

    /// Writes what stands for text in a run: tabs, breaks, symbols and references.
    fn write_run_part(&mut self, name: &str, element: &BytesStart) -> Result<(), ReadError> {
        match name {
            "tab" | "ptab" => self.write("\t"),
            "br" | "cr" => self.write("\n"),
            "noBreakHyphen" => self.write("-"),
            "sym" => self.write(&shown(element)),
            "footnoteReference" => self.refer(element, Reference::Footnote),
            "endnoteReference" => self.refer(element, Reference::Endnote),
            "commentReference" => self.refer(element, Reference::Comment),
            _ => Ok(()),
        }
    }

    fn refer(&mut self, element: &BytesStart, reference: Reference) -> Result<(), ReadError> {
        let Some(id) = attribute(element, "id") else { return Ok(()) };
        let around = self.around;
        let (label, note) = match reference {
            Reference::Comment => {
                if let Some(comment) = around.comments.get(&id)
                    && self.seen.insert(id)
                {
                    self.pending.push(comment_item(comment));
                }
                return Ok(());
            }
            Reference::Footnote => {
                self.footnote_count += 1;
                (format!("[{}]", self.footnote_count), around.footnotes.get(&id))
            }
            Reference::Endnote => {
                self.endnote_count += 1;
                (format!("[e{}]", self.endnote_count), around.endnotes.get(&id))
            }
        };
        let Some(note) = note else { return Ok(()) };
        let text = format!("{label} {}", note.text);
        self.pending.push(Item::of(BlockKind::Note, text));
        self.write(&label)
    }

    fn spend(&mut self, text: &str) -> Result<(), ReadError> {
        self.chars += text.chars().count();
        if self.chars > self.chars_max {
            let limit = self.chars_max as u64;
            return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), ReadError> {
        self.spend(text)?;
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame) -> Result<(), ReadError> {
        match frame {
            Frame::Paragraph => self.close_paragraph(),
            Frame::Table => {
                let Some(table) = self.tables.pop() else { return Ok(()) };
                let items = table.finish(self.chars_max)?;
                self.put(items);
            }
            Frame::Cell => {
                let items = self.close_sink();
                if let Some(table) = self.tables.last_mut() {
                    table.fill_cell(items);
                }
            }
            Frame::TextBox => {
                let items = self.close_sink();
                match self.paragraphs.last_mut() {
                    Some(paragraph) => paragraph.attached.extend(items),
                    None => self.put(items),
                }
            }
            Frame::Note { id, author } => {
                let items = self.close_sink();
                let lines: Vec<&str> = items.iter().map(|item| item.text.trim()).collect();
                self.notes.insert(id, Note { author, text: lines.join("\n").trim().to_owned() });
            }
            Frame::Alternative { chars_before } => {
                if let (true, Some(Frame::Alternatives { is_taken })) =
                    (self.chars > chars_before, self.frames.last_mut())
                {
                    *is_taken = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close_paragraph(&mut self) {
        let Some(mut paragraph) = self.paragraphs.pop() else { return };
        let attached = std::mem::take(&mut paragraph.attached);
        if paragraph.is_mark_deleted {
            self.carry = Some((self.sinks.len(), paragraph.text)).filter(|(_, text)| !text.is_empty());
            return self.put(attached);
        }
        let mut items = vec![self.item(paragraph)];
        items.extend(attached);
        self.put(items);
    }

    /// Names a finished paragraph by its style and own properties, and writes its list marker.
    fn item(&mut self, paragraph: Paragraph) -> Item {
        let around = self.around;
        let style = around.styles.meaning(paragraph.style.as_deref());
        let level = match paragraph.outline {
            Some(outline) => (outline < 9).then_some(outline + 1),
            None => style.level,
        };
        let num_id = paragraph.num_id.as_deref().or(style.num_id).filter(|&id| id != "0");
        let list_level = paragraph.list_level.or(style.list_level).unwrap_or(0);
        let marker = num_id.and_then(|id| self.numbering.marker(id, list_level));
        let kind = match (level, num_id) {
            (Some(_), _) => BlockKind::Heading,
            (None, Some(_)) => BlockKind::ListItem,
            (None, None) => BlockKind::Paragraph,
        };
        let body = paragraph.text.trim();
        let text = match marker {
            Some(marker) if !body.is_empty() => format!("{marker} {body}"),
            _ => body.to_owned(),
        };
        Item { level, is_title: style.is_title, ..Item::of(kind, text) }
    }

    fn close_sink(&mut self) -> Vec<Item> {
        self.close_carry();
        self.sinks.pop().unwrap_or_default()
    }

    /// Keeps text whose following paragraph never came.
    fn close_carry(&mut self) {
        if let Some((_, text)) = self.carry.take_if(|(sinks, _)| *sinks == self.sinks.len()) {
            let paragraph = Paragraph { text, ..Paragraph::default() };
            let item = self.item(paragraph);
            self.put(vec![item]);
        }
    }

    /// Adds items to the innermost sink; in the body itself, their notes follow.
    fn put(&mut self, items: Vec<Item>) {
        let is_body = self.sinks.len() == 1;
        let Some(sink) = self.sinks.last_mut() else { return };
        sink.extend(items.into_iter().filter(|item| !item.text.is_empty()));
        if is_body {
            sink.append(&mut self.pending);
        }
    }
}

enum Reference {
    Footnote,
    Endnote,
    Comment,
}

fn comment_item(comment: &Note) -> Item {
    let text = match &comment.author {
        Some(author) if !author.trim().is_empty() && !comment.text.is_empty() => {
            format!("{}: {}", author.trim(), comment.text)
        }
        _ => comment.text.clone(),
    };
    Item::of(BlockKind::Comment, text)
}

/// Returns the character of a `sym` element.
fn shown(element: &BytesStart) -> String {
    let code = attribute(element, "char").and_then(|hex| u32::from_str_radix(&hex, 16).ok()).unwrap_or(0);
    let font = attribute(element, "font").unwrap_or_default();
    symbol::shown(&font, code).map_or_else(String::new, String::from)
}
