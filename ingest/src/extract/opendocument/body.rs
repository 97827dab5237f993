//! Turns the content of an OpenDocument file into blocks in reading order.
//!
//! One pass over the elements with an explicit stack. Notes and comments follow the block that refers to them, a text box
//! the paragraph it hangs on. Cells that repeat are written as often as they hold text, within bounds.

use quick_xml::events::BytesStart;

use super::style::Styles;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::item::{self, Item};
use crate::extract::list::Instance;
use crate::extract::table::Table;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// Most times that one cell with text is repeated in its row.
const REPEATS_MAX: usize = 256;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Presentation,
    Spreadsheet,
}

/// Reads the content into `document`.
pub(super) fn read(
    xml: &str,
    kind: Kind,
    styles: Styles,
    limits: &Limits,
    document: &mut Document,
) -> Result<(), ReadError> {
    let mut reader = BodyReader::new(kind, styles, limits, document);
    walk(xml, limits.depth_max, |token| reader.take(token))?;
    reader.end_page();
    let pages = reader.page;
    document.pages = pages;
    Ok(())
}

/// What an open element means to the reader.
#[derive(Debug)]
enum Frame {
    Plain,
    Skipped,
    Paragraph,
    Span,
    Heading(u8),
    List,
    ListItem,
    Table,
    Row,
    Cell(usize),
    Note(BlockKind),
    /// The mark of a note, or who wrote a comment and when.
    Mark,
    Box,
    Page,
    Alternative,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: String,
    /// Text boxes that hang on it.
    attached: Vec<Item>,
}

struct BodyReader<'a> {
    kind: Kind,
    styles: Styles,
    limits: &'a Limits,
    document: &'a mut Document,
    left: usize,
    frames: Vec<Frame>,
    /// Items of the body, and of each open cell, box or note.
    sinks: Vec<Vec<Item>>,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// Id of the use of a list, for each open list, and its style.
    lists: Vec<(String, Option<String>)>,
    lists_seen: usize,
    /// Whether the next paragraph is the first of a list item.
    is_item_start: bool,
    pending: Vec<Item>,
    comment_author: String,
    notes: usize,
    endnotes: usize,
    page: Option<u32>,
}

impl<'a> BodyReader<'a> {
    fn new(kind: Kind, styles: Styles, limits: &'a Limits, document: &'a mut Document) -> Self {
        Self {
            kind,
            styles,
            limits,
            document,
            left: limits.text_chars_max,
            frames: Vec::new(),
            sinks: vec![Vec::new()],
            paragraphs: Vec::new(),
            tables: Vec::new(),
            lists: Vec::new(),
            lists_seen: 0,
            is_item_start: false,
            pending: Vec::new(),
            comment_author: String::new(),
            notes: 0,
            endnotes: 0,
            page: None,
        }
    }

    fn take(&mut self, token: Token) -> Result<(), ReadError> {
        match token {
            Token::Open(element) => {
                let frame = match self.frames.last() {
                    Some(Frame::Skipped) => Frame::Skipped,
                    _ => self.open(element)?,
                };
                self.frames.push(frame);
                Ok(())
            }
            Token::Text(text) => match self.frames.last() {
                Some(Frame::Paragraph | Frame::Span | Frame::Heading(_)) => self.write_collapsed(text),
                Some(Frame::Mark) => {
                    self.comment_author.push_str(text);
                    Ok(())
                }
                Some(Frame::Alternative) => self.write(text),
                _ => Ok(()),
            },
            Token::Close => self.frames.pop().map_or(Ok(()), |frame| self.close(frame)),
        }
    }

    fn open(&mut self, element: &BytesStart) -> Result<Frame, ReadError> {
        let number = |name: &str| attribute(element, name).and_then(|value| value.parse::<usize>().ok());
        Ok(match element.local_name().as_ref() {
            "automatic-styles"
            | "font-face-decls"
            | "scripts"
            | "tracked-changes"
            | "sequence-decls"
            | "forms"
            | "ruby-text"
            | "object"
            | "object-ole"
            | "event-listeners"
            | "date-time-decl"
            | "footer-decl"
            | "header-decl"
            | "settings"
            | "shapes"
            | "label-cell-range"
            | "named-expressions"
            | "database-ranges"
            | "bibliography-configuration" => Frame::Skipped,
            "p" => self.open_paragraph(element, Frame::Paragraph),
            "h" => {
                let level = number("outline-level").unwrap_or(1).clamp(1, 9);
                self.open_paragraph(element, Frame::Heading(level as u8))
            }
            "s" => {
                let count = number("c").unwrap_or(1).min(self.left);
                self.write(&" ".repeat(count))?;
                Frame::Plain
            }
            "tab" => self.plain("\t")?,
            "line-break" => self.plain("\n")?,
            "list" => self.open_list(element),
            "list-item" | "list-header" => {
                self.is_item_start = element.local_name().as_ref() == "list-item";
                Frame::ListItem
            }
            "note" => self.open_note(attribute(element, "note-class").is_some_and(|class| class == "endnote")),
            "annotation" => {
                self.comment_author.clear();
                self.sinks.push(Vec::new());
                Frame::Note(BlockKind::Comment)
            }
            "note-citation" => Frame::Skipped,
            // A comment has a date of its own beside those that the text shows.
            "date" if element.name().as_ref().starts_with("text") => Frame::Span,
            "creator" => Frame::Mark,
            "title" | "desc" if !self.paragraphs.is_empty() => Frame::Alternative,
            "span" | "a" | "ruby-base" | "bookmark-ref" | "sequence" | "page-number" | "meta" | "meta-field"
            | "text-input" | "user-defined" | "reference-ref" | "placeholder" | "variable-set" | "variable-get"
            | "expression" | "note-ref" | "time" | "author-name" | "file-name" | "chapter" | "ruby"
                if !self.paragraphs.is_empty() =>
            {
                Frame::Span
            }
            name => self.open_part(name, element),
        })
    }

    /// Opens tables, boxes, slides and their notes; everything else is passed through.
    fn open_part(&mut self, name: &str, element: &BytesStart) -> Frame {
        let number = |name: &str| attribute(element, name).and_then(|value| value.parse::<usize>().ok());
        match name {
            "table" => {
                if self.kind == Kind::Spreadsheet && self.tables.is_empty() {
                    self.begin_page();
                    let name = attribute(element, "name").unwrap_or_default();
                    self.put(vec![Item::heading(2, name)]);
                }
                self.tables.push(Table::default());
                Frame::Table
            }
            "table-row" => {
                self.tables.last_mut().map(Table::open_row);
                Frame::Row
            }
            "table-cell" | "covered-table-cell" => {
                if let Some(table) = self.tables.last_mut() {
                    table.open_cell();
                }
                self.sinks.push(Vec::new());
                Frame::Cell(number("number-columns-repeated").unwrap_or(1))
            }
            "text-box" => {
                self.sinks.push(Vec::new());
                Frame::Box
            }
            "page" if self.kind == Kind::Presentation => {
                self.begin_page();
                Frame::Page
            }
            "notes" => {
                self.sinks.push(Vec::new());
                Frame::Note(BlockKind::Note)
            }
            _ => Frame::Plain,
        }
    }

    fn plain(&mut self, text: &str) -> Result<Frame, ReadError> {
        self.write(text)?;
        Ok(Frame::Plain)
    }

    fn open_paragraph(&mut self, element: &BytesStart, frame: Frame) -> Frame {
        let style = attribute(element, "style-name").unwrap_or_default();
        self.paragraphs.push(Paragraph { style, ..Paragraph::default() });
        frame
    }

    /// Begins a list; an inner one counts on in the use of its outer one.
    fn open_list(&mut self, element: &BytesStart) -> Frame {
        let style = attribute(element, "style-name");
        let outer = self.lists.last().cloned();
        let style = style.or(outer.as_ref().and_then(|(_, style)| style.clone()));
        let continues = attribute(element, "continue-numbering").is_some_and(|value| value == "true")
            || attribute(element, "continue-list").is_some();
        let id = match outer {
            Some((id, _)) => id,
            None => {
                self.lists_seen += 1;
                let id = self.lists_seen.to_string();
                let list = style.clone().unwrap_or_default();
                let first = self.styles.numbering.lists.get(&list).and_then(|levels| levels[0].start).unwrap_or(1);
                let starts = if continues { Default::default() } else { [(0, first)].into() };
                self.styles.numbering.instances.insert(id.clone(), Instance { list, starts, ..Instance::default() });
                id
            }
        };
        self.lists.push((id, style));
        Frame::List
    }

    /// Begins a footnote or endnote, and writes its label where it stands.
    fn open_note(&mut self, is_endnote: bool) -> Frame {
        let label = if is_endnote {
            self.endnotes += 1;
            format!("[e{}]", self.endnotes)
        } else {
            self.notes += 1;
            format!("[{}]", self.notes)
        };
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(&label);
        }
        self.sinks.push(vec![Item::of(BlockKind::Paragraph, label)]);
        Frame::Note(BlockKind::Note)
    }

    /// Writes text with its white space collapsed, as the format asks for.
    fn write_collapsed(&mut self, text: &str) -> Result<(), ReadError> {
        let is_open = self.paragraphs.last().is_none_or(|it| it.text.is_empty() || it.text.ends_with([' ', '\n']));
        let (mut collapsed, mut after_space) = (String::with_capacity(text.len()), is_open);
        for character in text.chars() {
            let is_space = matches!(character, ' ' | '\t' | '\n' | '\r');
            if !is_space {
                collapsed.push(character);
            } else if !after_space {
                collapsed.push(' ');
            }
            after_space = is_space;
        }
        self.write(&collapsed)
    }

    fn write(&mut self, text: &str) -> Result<(), ReadError> {
        let over = || {
            let limit = self.limits.text_chars_max as u64;
            ReadError::LimitExceeded { what: "characters of text".into(), limit }
        };
        self.left = self.left.checked_sub(text.chars().count()).ok_or_else(over)?;
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame) -> Result<(), ReadError> {
        match frame {
            Frame::Paragraph => self.close_paragraph(None),
            Frame::Heading(level) => self.close_paragraph(Some(level)),
            Frame::List => drop(self.lists.pop()),
            Frame::ListItem => self.is_item_start = false,
            Frame::Cell(repeats) => return self.close_cell(repeats),
            Frame::Table => {
                let Some(table) = self.tables.pop() else { return Ok(()) };
                let items = table.finish(self.limits.text_chars_max)?;
                self.put(items);
            }
            Frame::Note(kind) => self.close_note(kind),
            Frame::Box => {
                let items = self.sinks.pop().unwrap_or_default();
                match self.paragraphs.last_mut() {
                    Some(paragraph) => paragraph.attached.extend(items),
                    None => self.put(items),
                }
            }
            Frame::Page => self.end_page(),
            Frame::Plain | Frame::Skipped | Frame::Span | Frame::Row | Frame::Mark | Frame::Alternative => {}
        }
        Ok(())
    }

    fn close_paragraph(&mut self, level: Option<u8>) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let is_title = self.styles.is_title(&paragraph.style);
        let is_first = std::mem::take(&mut self.is_item_start);
        let marker = self.lists.last().filter(|_| is_first && level.is_none()).and_then(|(id, _)| {
            let level = u8::try_from(self.lists.len() - 1).unwrap_or(u8::MAX);
            self.styles.numbering.marker(id, level)
        });
        let level = level.or(is_title.then_some(1));
        let body = paragraph.text.trim();
        let kind = match (level, self.lists.is_empty()) {
            (Some(_), _) => BlockKind::Heading,
            (None, false) => BlockKind::ListItem,
            (None, true) => BlockKind::Paragraph,
        };
        let text = match marker {
            Some(marker) if !body.is_empty() => format!("{marker} {body}"),
            _ => body.to_owned(),
        };
        let mut items = vec![Item { level, is_title, ..Item::of(kind, text) }];
        items.extend(paragraph.attached);
        self.put(items);
    }

    /// Ends a cell, and writes it again where it repeats and holds text.
    fn close_cell(&mut self, repeats: usize) -> Result<(), ReadError> {
        let items = self.sinks.pop().unwrap_or_default();
        let chars: usize = items.iter().map(|item| item.text.chars().count()).sum();
        let repeats = if chars > 0 { repeats.clamp(1, REPEATS_MAX) } else { repeats.clamp(1, 8) };
        let over = || {
            let limit = self.limits.text_chars_max as u64;
            ReadError::LimitExceeded { what: "characters of text".into(), limit }
        };
        self.left = self.left.checked_sub(chars.saturating_mul(repeats - 1)).ok_or_else(over)?;
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        for _ in 1..repeats {
            table.fill_cell(items.clone());
            table.open_cell();
        }
        table.fill_cell(items);
        Ok(())
    }

    fn close_note(&mut self, kind: BlockKind) {
        let items = self.sinks.pop().unwrap_or_default();
        let mut lines: Vec<&str> = items.iter().map(|item| item.text.trim()).collect();
        // The label of a footnote stands on the line of its first paragraph.
        let label = lines.first().copied().filter(|first| first.starts_with('[') && lines.len() > 1);
        let text = match label {
            Some(label) => format!("{label} {}", lines.split_off(1).join("\n")),
            None => lines.join("\n"),
        };
        let author = std::mem::take(&mut self.comment_author);
        let text = match kind {
            BlockKind::Comment if !author.trim().is_empty() && !text.is_empty() => format!("{}: {text}", author.trim()),
            _ => text,
        };
        let item = Item::of(kind, text);
        if self.paragraphs.is_empty() { self.put(vec![item]) } else { self.pending.push(item) }
    }

    /// Adds items to the innermost sink; in the body itself, their notes follow.
    fn put(&mut self, items: Vec<Item>) {
        let is_body = self.sinks.len() == 1;
        let Some(sink) = self.sinks.last_mut() else { return };
        sink.extend(items.into_iter().filter(|item| !item.text.trim().is_empty()));
        if is_body && self.tables.is_empty() {
            sink.append(&mut self.pending);
        }
    }

    fn begin_page(&mut self) {
        self.end_page();
        self.page = Some(self.page.unwrap_or(0).saturating_add(1));
    }

    /// Writes what has been collected, as blocks of the open page.
    fn end_page(&mut self) {
        let Some(sink) = self.sinks.first_mut() else { return };
        let items = std::mem::take(sink);
        // A sheet without cells is only its name.
        let is_bare = self.kind == Kind::Spreadsheet && items.len() == 1 && items[0].kind == BlockKind::Heading;
        if !is_bare {
            let title = item::write(items, self.page, self.document);
            self.document.title = self.document.title.take().or(title);
        }
    }
}
