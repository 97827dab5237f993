//! Reads RTF: a stack of groups, one open paragraph, and the notes that interrupt it.

use std::collections::HashMap;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

use super::state::{Destination, Paragraph, State, character, destination, is_transparent};
use super::token::{Token, Tokens};
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::flow::{End, Flow};
use crate::extract::item::{self, Item};
use crate::extract::{codepage, symbol};
use crate::limits::Limits;

/// Characters of a style's name or a stated property that are kept.
const NAME_CHARS_MAX: usize = 1000;

/// Reads a file of Rich Text Format.
///
/// Notes and comments follow the paragraph that refers to them; deleted text is left out.
///
/// # Errors
/// `LimitExceeded` for nesting and characters, `NoText` when no text is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let mut reader = Reader::new(limits);
    for token in Tokens::new(bytes) {
        reader.take(token)?;
    }
    let mut document = Document {
        media_type: "application/rtf".into(),
        title: stated(&reader.title),
        author: stated(&reader.author),
        created: reader.created(),
        extractor: concat!("ragstone-rtf ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let title = item::write(reader.finish()?, None, &mut document);
    document.title = document.title.take().or(title);
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

fn stated(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A style, as far as it says what a paragraph is.
#[derive(Default)]
struct Style {
    name: String,
    outline: Option<u8>,
}

/// Text whose paragraph or note has not ended.
struct Sink {
    flow: Flow,
    text: String,
    marker: String,
    /// Notes of the open paragraph.
    pending: Vec<Item>,
    is_endnote: bool,
}

struct Reader<'a> {
    limits: &'a Limits,
    state: State,
    groups: Vec<State>,
    /// The body, and the note inside it that is open.
    sinks: Vec<Sink>,
    /// Bytes that wait for the rest of their character.
    bytes: Vec<u8>,
    high: Option<u16>,
    /// Fallback characters still to be passed over.
    skipped: usize,
    fonts: HashMap<i32, Font>,
    styles: HashMap<i32, Style>,
    title: String,
    author: String,
    comment_author: String,
    times: HashMap<&'static str, i32>,
    chars: usize,
    footnotes: usize,
    endnotes: usize,
}

#[derive(Clone, Default)]
struct Font {
    encoding: Option<&'static Encoding>,
    name: String,
}

impl<'a> Reader<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            state: State::default(),
            groups: Vec::new(),
            sinks: vec![Sink::new(limits)],
            bytes: Vec::new(),
            high: None,
            skipped: 0,
            fonts: HashMap::new(),
            styles: HashMap::new(),
            title: String::new(),
            author: String::new(),
            comment_author: String::new(),
            times: HashMap::new(),
            chars: 0,
            footnotes: 0,
            endnotes: 0,
        }
    }

    fn take(&mut self, token: Token) -> Result<(), ReadError> {
        match token {
            Token::Byte(_) if self.skipped > 0 => self.skipped -= 1,
            Token::Byte(byte) => self.take_byte(byte)?,
            Token::Open => {
                self.flush()?;
                self.skipped = 0;
                if self.groups.len() >= self.limits.depth_max * 4 {
                    let limit = self.limits.depth_max as u64 * 4;
                    return Err(ReadError::LimitExceeded { what: "depth of rtf groups".into(), limit });
                }
                let mut inner = self.state.clone();
                inner.note = None;
                self.groups.push(std::mem::replace(&mut self.state, inner));
            }
            Token::Close => {
                self.flush()?;
                self.skipped = 0;
                if let Some(kind) = self.state.note {
                    self.end_note(kind)?;
                }
                let Some(outer) = self.groups.pop() else { return Ok(()) };
                self.state = outer;
            }
            Token::Word("*", _) => self.state.is_optional = true,
            Token::Word("u", Some(unit)) => self.take_unit(unit)?,
            Token::Word(_, _) if self.skipped > 0 => self.skipped -= 1,
            Token::Word(word, number) => {
                self.flush()?;
                self.take_word(word, number)?;
            }
        }
        Ok(())
    }

    /// Collects bytes of one encoding, so that characters of two bytes stay whole.
    fn take_byte(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.state.destination == Destination::Skipped {
            return Ok(());
        }
        self.bytes.push(byte);
        if self.bytes.len() > 1 << 16 && byte < 0x80 {
            self.flush()?;
        }
        Ok(())
    }

    fn take_unit(&mut self, unit: i32) -> Result<(), ReadError> {
        self.flush()?;
        self.skipped = self.state.fallback;
        let unit = unit as u16;
        let pair = [self.high.take().unwrap_or(unit), unit];
        let text: String = match unit {
            0xD800..=0xDBFF => {
                self.high = Some(unit);
                return Ok(());
            }
            0xDC00..=0xDFFF => char::decode_utf16(pair).flatten().collect(),
            0xF000..=0xF0FF => {
                let font = self.fonts.get(&self.state.font).map_or("", |font| font.name.as_str());
                symbol::shown(font, u32::from(unit)).into_iter().collect()
            }
            _ => char::from_u32(u32::from(unit)).into_iter().collect(),
        };
        self.write(&text)
    }

    fn flush(&mut self) -> Result<(), ReadError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        let font = self.fonts.get(&self.state.font);
        let is_symbol = font.is_some_and(|font| font.name == "Symbol" || font.name == "Wingdings");
        if is_symbol && self.state.destination == Destination::Text {
            let name = font.map_or(String::new(), |font| font.name.clone());
            let shown: String =
                bytes.iter().filter_map(|byte| symbol::shown(&name, 0xF000 + u32::from(*byte))).collect();
            return self.write(&shown);
        }
        let encoding = font.and_then(|font| font.encoding).unwrap_or(self.state.encoding);
        let (text, _) = encoding.decode_without_bom_handling(&bytes);
        self.write(&text)
    }

    /// Writes decoded text to where the group's text goes.
    fn write(&mut self, text: &str) -> Result<(), ReadError> {
        let target = match self.state.destination {
            Destination::Text if self.state.is_deleted => return Ok(()),
            Destination::Text | Destination::Marker => {
                self.chars += text.chars().count();
                if self.chars > self.limits.text_chars_max {
                    let limit = self.limits.text_chars_max as u64;
                    return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
                }
                let Some(sink) = self.sinks.last_mut() else { return Ok(()) };
                let is_text = self.state.destination == Destination::Text;
                let target = if is_text { &mut sink.text } else { &mut sink.marker };
                target.push_str(text);
                return Ok(());
            }
            Destination::Fonts => &mut self.fonts.entry(self.state.font).or_default().name,
            Destination::Styles => &mut self.styles.entry(self.state.paragraph.style).or_default().name,
            Destination::Title => &mut self.title,
            Destination::Author => &mut self.author,
            Destination::CommentAuthor => &mut self.comment_author,
            Destination::Skipped | Destination::Created => return Ok(()),
        };
        if target.len() < NAME_CHARS_MAX {
            target.push_str(text.trim_end_matches(';'));
        }
        Ok(())
    }

    fn take_word(&mut self, word: &str, number: Option<i32>) -> Result<(), ReadError> {
        let is_optional = std::mem::take(&mut self.state.is_optional);
        if let Some(found) = destination(word) {
            return self.enter(word, found);
        }
        if is_optional && !is_transparent(word) {
            self.state.destination = Destination::Skipped;
            return Ok(());
        }
        match self.state.destination {
            Destination::Skipped => Ok(()),
            Destination::Created => {
                let field = ["yr", "mo", "dy", "hr", "min", "sec"].into_iter().find(|field| *field == word);
                self.times.extend(field.zip(number));
                Ok(())
            }
            _ => self.set(word, number),
        }
    }

    /// Begins a destination; inside one that is skipped, only Unicode text and results come back.
    fn enter(&mut self, word: &str, found: Destination) -> Result<(), ReadError> {
        if self.state.destination == Destination::Skipped && word != "ud" {
            return Ok(());
        }
        self.state.destination = found;
        match word {
            "footnote" => self.begin_note(BlockKind::Note),
            "annotation" => self.begin_note(BlockKind::Comment),
            "listtext" | "pntext" => {
                if let Some(sink) = self.sinks.last_mut() {
                    sink.marker.clear();
                }
            }
            "atnauthor" => self.comment_author.clear(),
            "shptxt" => return self.end_paragraph(End::Paragraph),
            _ => {}
        }
        Ok(())
    }

    fn begin_note(&mut self, kind: BlockKind) {
        // A note in a note is none that any writer makes, and is taken as text.
        if self.sinks.len() < 2 {
            self.sinks.push(Sink::new(self.limits));
            self.state.note = Some(kind);
            self.state.paragraph = Paragraph::default();
        }
    }

    /// Sets a property, or does what a word says.
    fn set(&mut self, word: &str, number: Option<i32>) -> Result<(), ReadError> {
        if let Some(character) = character(word) {
            return self.write(character.encode_utf8(&mut [0; 4]));
        }
        let state = &mut self.state;
        match word {
            "par" | "sect" | "page" => return self.end_paragraph(End::Paragraph),
            "cell" => return self.end_paragraph(End::Cell),
            "nestcell" => return self.end_paragraph(End::Cell),
            "row" | "nestrow" => return self.end_paragraph(End::Row),
            "pard" => state.paragraph = Paragraph::default(),
            "s" => state.paragraph.style = number.unwrap_or(0),
            "outlinelevel" if state.destination == Destination::Styles => {
                let outline = number.and_then(|level| u8::try_from(level).ok());
                self.styles.entry(state.paragraph.style).or_default().outline = outline;
            }
            "outlinelevel" => state.paragraph.outline = number.and_then(|level| u8::try_from(level).ok()),
            "intbl" => state.paragraph.is_in_table = true,
            "itap" => state.paragraph.depth = number.and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0),
            "trowd" => {}
            "plain" => state.is_deleted = false,
            "deleted" => state.is_deleted = number != Some(0),
            "f" => state.font = number.unwrap_or(0),
            "fcharset" => {
                let set = number.and_then(|set| u32::try_from(set).ok());
                self.fonts.entry(state.font).or_default().encoding = set.and_then(codepage::of_character_set);
            }
            "cpg" => {
                let page = number.and_then(|page| u32::try_from(page).ok());
                self.fonts.entry(state.font).or_default().encoding = page.and_then(codepage::numbered);
            }
            "uc" => state.fallback = number.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).min(16),
            "ansicpg" => {
                let page = number.and_then(|page| u32::try_from(page).ok());
                state.encoding = page.and_then(codepage::numbered).unwrap_or(WINDOWS_1252);
            }
            "mac" => state.encoding = MACINTOSH,
            "ftnalt" => {
                if let [_, .., note] = self.sinks.as_mut_slice() {
                    note.is_endnote = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the open paragraph, and with it a cell or a row.
    fn end_paragraph(&mut self, end: End) -> Result<(), ReadError> {
        let properties = self.state.paragraph;
        let style = self.styles.get(&properties.style);
        let level = properties.outline.or(style.and_then(|style| style.outline)).filter(|outline| *outline < 9);
        let named = style.and_then(|style| level_named(&style.name));
        let is_title = style.is_some_and(|style| style.name.eq_ignore_ascii_case("title"));
        let Some(sink) = self.sinks.last_mut() else { return Ok(()) };
        let (text, marker) = (std::mem::take(&mut sink.text), std::mem::take(&mut sink.marker));
        let (body, marker) = (text.trim(), marker.trim());
        let marker = if marker.chars().all(is_bullet) && !marker.is_empty() { "•" } else { marker };
        let level = level.map(|outline| outline + 1).or(named);
        let kind = match (level, marker) {
            (Some(_), _) => BlockKind::Heading,
            (None, "") => BlockKind::Paragraph,
            (None, _) => BlockKind::ListItem,
        };
        let text = match marker {
            "" => body.to_owned(),
            _ if body.is_empty() => String::new(),
            marker => format!("{marker} {body}"),
        };
        let mut items = vec![Item { level, is_title, ..Item::of(kind, text) }];
        items.append(&mut sink.pending);
        let depth = match (properties.is_in_table || end != End::Paragraph, properties.depth) {
            (true, depth) => depth.max(1),
            (false, _) => 0,
        };
        sink.flow.add(depth, items, end)
    }

    /// Ends a note: its text follows the paragraph that is open around it.
    fn end_note(&mut self, kind: BlockKind) -> Result<(), ReadError> {
        self.end_paragraph(End::Paragraph)?;
        let Some(note) = self.sinks.pop() else { return Ok(()) };
        let (is_endnote, items) = (note.is_endnote, note.flow.finish()?);
        let lines: Vec<&str> = items.iter().map(|item| item.text.trim()).collect();
        let text = lines.join("\n");
        let author = std::mem::take(&mut self.comment_author);
        let Some(sink) = self.sinks.last_mut().filter(|_| !text.is_empty()) else { return Ok(()) };
        let text = match kind {
            BlockKind::Comment if author.trim().is_empty() => text,
            BlockKind::Comment => format!("{}: {text}", author.trim()),
            _ => {
                let label = if is_endnote {
                    self.endnotes += 1;
                    format!("[e{}]", self.endnotes)
                } else {
                    self.footnotes += 1;
                    format!("[{}]", self.footnotes)
                };
                sink.text.push_str(&label);
                format!("{label} {text}")
            }
        };
        sink.pending.push(Item::of(kind, text));
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Item>, ReadError> {
        self.flush()?;
        // A file that is cut off inside a note still has that note.
        while self.sinks.len() > 1 {
            self.end_note(BlockKind::Note)?;
        }
        self.state.paragraph.is_in_table = false;
        self.end_paragraph(End::Paragraph)?;
        self.sinks.pop().map_or(Ok(Vec::new()), |sink| sink.flow.finish())
    }

    fn created(&self) -> Option<String> {
        let part = |name: &str, low: i32, high: i32| {
            self.times.get(name).copied().filter(|value| (low..=high).contains(value))
        };
        let (year, month, day) = (part("yr", 1, 9999)?, part("mo", 1, 12)?, part("dy", 1, 31)?);
        let (hour, minute, second) = (part("hr", 0, 23), part("min", 0, 59), part("sec", 0, 59));
        let (hour, minute, second) = (hour.unwrap_or(0), minute.unwrap_or(0), second.unwrap_or(0));
        Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }
}

impl Sink {
    fn new(limits: &Limits) -> Self {
        Self {
            flow: Flow::new(limits),
            text: String::new(),
            marker: String::new(),
            pending: Vec::new(),
            is_endnote: false,
        }
    }
}

/// Returns the level of the built-in names `heading 1` to `heading 9` and `Title`.
fn level_named(name: &str) -> Option<u8> {
    let name = name.trim().to_lowercase();
    match name.as_str() {
        "title" => Some(1),
        "subtitle" => Some(2),
        _ => name.strip_prefix("heading ")?.trim().parse().ok().filter(|level| (1..=9).contains(level)),
    }
}

fn is_bullet(character: char) -> bool {
    matches!(character, '•' | '·' | '◦' | '▪' | '§' | '\u{f0a7}' | '\u{f0b7}' | '*' | 'o' | '-' | '–')
}
