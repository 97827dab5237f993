//! Reads Markdown: headings, paragraphs, list items, tables, code and footnotes, with the title of the front matter.
//!
//! Keeps the words and drops the marks; follows no link and reads no embedded HTML.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::text;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;

/// Reads Markdown in any encoding that plain text is read in.
///
/// The title is the front matter's `title`, else the first heading of level 1.
///
/// # Errors
/// `UnsupportedFormat` for binary content, `NoText` when no text is left, `LimitExceeded` for too many characters.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let source = text::decode(bytes, None)?;
    if source.chars().count() > limits.text_chars_max {
        let limit = limits.text_chars_max as u64;
        return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = MarkdownReader::default();
    reader.document.media_type = "text/markdown".into();
    reader.document.extractor = concat!("ragstone-markdown ", env!("CARGO_PKG_VERSION")).into();
    Parser::new_ext(&source, options).for_each(|event| reader.take(event));
    if reader.document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(reader.document)
}

#[derive(Default)]
struct MarkdownReader {
    document: Document,
    /// Text of the open block.
    text: String,
    /// Next number of each open list; `None` for a list of bullets.
    lists: Vec<Option<u64>>,
    /// Marker of the list item whose text has not been pushed.
    marker: Option<String>,
    rows: Vec<Vec<String>>,
    footnote: Option<String>,
    is_front_matter: bool,
}

impl MarkdownReader {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) if self.is_front_matter => self.take_front_matter(&text),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text.push_str(&text);
            }
            Event::FootnoteReference(label) => self.text.push_str(&format!("[{label}]")),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(done) => self.text.push_str(if done { "☒ " } else { "☐ " }),
            Event::Rule | Event::Html(_) | Event::InlineHtml(_) => {}
        }
    }

    fn open(&mut self, tag: Tag) {
        match tag {
            Tag::List(start) => {
                self.flush(BlockKind::Paragraph);
                self.lists.push(start);
            }
            Tag::Item => {
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "•".into(),
                });
            }
            Tag::FootnoteDefinition(label) => self.footnote = Some(label.into_string()),
            Tag::MetadataBlock(_) => self.is_front_matter = true,
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => self.flush(BlockKind::Paragraph),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.push_heading(level as u8),
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(BlockKind::Paragraph),
            TagEnd::Item => {
                self.flush(BlockKind::Paragraph);
                self.marker = None;
            }
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => self.flush(BlockKind::Code),
            TagEnd::FootnoteDefinition => {
                self.flush(BlockKind::Paragraph);
                self.footnote = None;
            }
            TagEnd::MetadataBlock(_) => self.is_front_matter = false,
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell.trim().to_owned());
                }
            }
            TagEnd::Table => self.push_table(),
            _ => {}
        }
    }

    /// Pushes the open text, as a list item or note where it stands in one.
    fn flush(&mut self, kind: BlockKind) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let (kind, text) = match (&self.footnote, self.marker.take()) {
            (Some(label), _) => (BlockKind::Note, format!("[{label}] {}", text.trim())),
            (None, Some(marker)) => (BlockKind::ListItem, format!("{marker} {}", text.trim())),
            (None, None) => (kind, text),
        };
        self.document.push(kind, None, None, &text);
    }

    fn push_heading(&mut self, level: u8) {
        let text = std::mem::take(&mut self.text);
        if level == 1 && self.document.title.is_none() && !text.trim().is_empty() {
            self.document.title = Some(text.trim().to_owned());
        }
        self.document.push(BlockKind::Heading, Some(level), None, &text);
    }

    fn push_table(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let lines: Vec<String> = rows.iter().map(|row| row.join(" | ").trim().to_owned()).collect();
        if let Some(block) = self.document.push(BlockKind::Table, None, None, &lines.join("\n")) {
            block.cells = rows;
        }
    }

    /// Takes the title out of YAML; everything else in the front matter is for other programs.
    fn take_front_matter(&mut self, yaml: &str) {
        let title = yaml.lines().find_map(|line| line.strip_prefix("title:"));
        let title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
        self.document.title = title.filter(|title| !title.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(source: &str) -> (Document, Vec<(BlockKind, String)>) {
        let document = read(source.as_bytes(), "a.md", &Limits::default()).unwrap();
        let characters: Vec<char> = document.text.chars().collect();
        let found = document.blocks.iter();
        let found = found.map(|block| (block.kind, characters[block.start..block.end].iter().collect())).collect();
        (document, found)
    }

    #[test]
    fn structure_survives_and_marks_do_not() {
        let source = "---\ntitle: \"The *plan*\"\n---\n# One & all\n\nA **bold** [link](http://x) and\n`code`.[^1]\n\n\
                      3. three\n4. four\n   - inner\n\n[^1]: A note.\n\n```rust\nfn a() {\n}\n```\n";
        let (document, found) = blocks(source);
        assert_eq!(document.title.as_deref(), Some("The *plan*"));
        let expected = [
            (BlockKind::Heading, "One & all"),
            (BlockKind::Paragraph, "A bold link and code.[1]"),
            (BlockKind::ListItem, "3. three"),
            (BlockKind::ListItem, "4. four"),
            (BlockKind::ListItem, "• inner"),
            (BlockKind::Note, "[1] A note."),
            (BlockKind::Code, "fn a() {\n}"),
        ];
        assert_eq!(found, expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn a_table_keeps_its_cells() {
        let (document, found) = blocks("| City | Limit |\n|---|---|\n| Zürich | 210 |\n");
        assert_eq!(found, [(BlockKind::Table, "City | Limit\nZürich | 210".to_owned())]);
        assert_eq!(document.blocks[0].cells, [["City", "Limit"], ["Zürich", "210"]]);
    }

    #[test]
    fn the_first_top_heading_is_the_title_where_none_is_stated() {
        assert_eq!(blocks("## Sub\n\n# Top\n").0.title.as_deref(), Some("Top"));
    }
}
