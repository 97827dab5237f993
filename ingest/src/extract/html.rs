//! Reads HTML: the text of its blocks in document order, without scripts, styles and navigation.
//!
//! Loads nothing and runs nothing. Does not guess which part of a page is its main content beyond leaving `nav` out.

use std::ops::Deref;

use encoding_rs::Encoding;
use scraper::node::Element;
use scraper::{ElementRef, Html, Node};

use super::text;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;

/// Bytes in which a page has to declare its encoding. Specified by the HTML standard.
const CHARSET_BYTES: usize = 1024;

/// Deepest nesting of elements. Chosen: browsers stop at 512, and the parser looks through all open elements at each
/// tag, so that a page of nothing but open tags costs the square of its length.
const DEPTH_MAX: usize = 20_000;
/// What a table counts for: it opens a body, a row and a cell, and the parser looks through all of them several times.
const TABLE_WEIGHT: usize = 10;
/// Elements that end without a tag of their own.
const ENDED_BY_OTHERS: [&str; 31] = [
    "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "tbody", "thead", "tfoot", "colgroup", "area",
    "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "html",
    "head", "body", "rt",
];

/// Reads an HTML page, its encoding found by byte order mark, `meta` element, or statistics.
///
/// The title is that of the `title` element, else the first `h1`.
///
/// # Errors
/// `UnsupportedFormat` for binary content, `NoText` when no text is left, `LimitExceeded` for characters or nesting.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let source = text::decode(bytes, declared_encoding(bytes))?;
    if source.len() > limits.text_chars_max.saturating_mul(4) {
        let limit = limits.text_chars_max as u64;
        return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
    }
    let mut document = parse(&source)?;
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    document.media_type = "text/html".into();
    document.extractor = concat!("ragstone-html ", env!("CARGO_PKG_VERSION")).into();
    Ok(document)
}

/// Reads decoded HTML into blocks and a title; there may be none of either.
pub(super) fn parse(source: &str) -> Result<Document, ReadError> {
    if depth(source) > DEPTH_MAX {
        return Err(ReadError::LimitExceeded { what: "depth of html elements".into(), limit: DEPTH_MAX as u64 });
    }
    let html = Html::parse_document(source);
    let mut reader = HtmlReader::default();
    reader.read(html.root_element())?;
    Ok(reader.document)
}

/// Estimates from tags alone how many elements are open at a time.
fn depth(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in source.split('<').skip(1) {
        let (ends, tag) = (tag.starts_with('/'), tag.trim_start_matches('/'));
        let name: String = tag.chars().take(16).take_while(char::is_ascii_alphanumeric).collect();
        let is_alone = tag.split('>').next().is_some_and(|tag| tag.ends_with('/'));
        if name.is_empty() || is_alone || ENDED_BY_OTHERS.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let weight = if name.eq_ignore_ascii_case("table") { TABLE_WEIGHT } else { 1 };
        depth = if ends { depth.saturating_sub(weight) } else { depth + weight };
        deepest = deepest.max(depth);
    }
    deepest
}

/// Returns the encoding named by `charset=` near the start, which both forms of the `meta` element contain.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(CHARSET_BYTES)]).to_ascii_lowercase();
    let label = head.split("charset=").nth(1)?.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// Node of the parsed tree, by the only name under which it is reachable.
type TreeNode<'a> = <ElementRef<'a> as Deref>::Target;

#[derive(Default)]
struct HtmlReader {
    document: Document,
    text: String,
    /// What the open text is, as the innermost block element says.
    kinds: Vec<(BlockKind, Option<u8>)>,
    lists: Vec<Option<u64>>,
    marker: Option<String>,
    /// Number of open `pre` elements, in which white space counts.
    preformatted: usize,
}

impl HtmlReader {
    /// Visits the tree without recursion, so that deep nesting costs memory and never the stack.
    fn read(&mut self, root: ElementRef) -> Result<(), ReadError> {
        let mut node = *root;
        loop {
            let enters = self.enter(node.value(), node);
            if let Some(child) = node.first_child().filter(|_| enters) {
                node = child;
                continue;
            }
            if enters {
                self.leave(node.value());
            }
            loop {
                if node.id() == root.id() {
                    self.flush();
                    return Ok(());
                }
                if let Some(sibling) = node.next_sibling() {
                    node = sibling;
                    break;
                }
                let Some(parent) = node.parent() else { return Ok(()) };
                node = parent;
                self.leave(node.value());
            }
        }
    }

    /// Takes a node in; returns whether its children are to be visited.
    fn enter(&mut self, value: &Node, node: TreeNode) -> bool {
        match value {
            Node::Text(text) if self.preformatted > 0 => self.text.push_str(text),
            Node::Text(text) => self.write(text),
            Node::Element(element) => return self.open(element, node),
            _ => {}
        }
        true
    }

    fn open(&mut self, element: &Element, node: TreeNode) -> bool {
        match element.name() {
            "script" | "style" | "noscript" | "template" | "nav" | "svg" | "head" | "iframe" | "select" => {
                self.take_title(element, node);
                return false;
            }
            "br" => self.text.push('\n'),
            "table" => {
                self.flush();
                return !self.push_table(node);
            }
            "ul" | "menu" => self.lists.push(None),
            "ol" => self.lists.push(Some(element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1))),
            _ => {}
        }
        if let Some(kind) = block_kind(element.name()) {
            self.flush();
            self.kinds.push(kind);
        }
        match element.name() {
            "pre" => self.preformatted += 1,
            "li" => {
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number = number.saturating_add(1);
                        format!("{}.", *number - 1)
                    }
                    _ => "•".into(),
                });
            }
            _ => {}
        }
        true
    }

    fn leave(&mut self, value: &Node) {
        let Node::Element(element) = value else { return };
        if block_kind(element.name()).is_some() {
            self.flush();
            self.kinds.pop();
        }
        match element.name() {
            "ul" | "menu" | "ol" => drop(self.lists.pop()),
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            "li" => self.marker = None,
            _ => {}
        }
    }

    /// Adds text with its white space collapsed.
    fn write(&mut self, text: &str) {
        append_collapsed(&mut self.text, text);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let (kind, level) = self.kinds.last().copied().unwrap_or((BlockKind::Paragraph, None));
        let text = match self.marker.take() {
            Some(marker) => format!("{marker} {}", text.trim()),
            None => text,
        };
        if level == Some(1) && self.document.title.is_none() {
            self.document.title = Some(text.trim().to_owned());
        }
        self.document.push(kind, level, None, &text);
    }

    fn take_title(&mut self, element: &Element, node: TreeNode) {
        if element.name() != "head" {
            return;
        }
        let title = node.children().filter_map(ElementRef::wrap).find(|child| child.value().name() == "title");
        let title = title.map(|title| collapsed(title)).filter(|title| !title.is_empty());
        self.document.title = self.document.title.take().or(title);
    }

    /// Pushes a data table; returns `false` for a table that only lays the page out.
    fn push_table(&mut self, table: TreeNode) -> bool {
        let Some(table) = ElementRef::wrap(table) else { return false };
        let rows = rows_of(table);
        let is_layout = rows.len() < 2 || rows.iter().all(|row| row.len() < 2) || holds_table(table);
        if is_layout {
            return false;
        }
        self.document.push_table(None, rows);
        true
    }
}

fn holds_table(table: ElementRef) -> bool {
    table.descendent_elements().skip(1).any(|element| element.value().name() == "table")
}

fn rows_of(table: ElementRef) -> Vec<Vec<String>> {
    let rows = table.descendent_elements().filter(|element| element.value().name() == "tr");
    let cells = |row: ElementRef| -> Vec<String> {
        let cells = row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th"));
        cells.map(collapsed).collect()
    };
    rows.map(cells).filter(|row| row.iter().any(|cell| !cell.is_empty())).collect()
}

/// Returns the text of an element on one line.
fn collapsed(element: ElementRef) -> String {
    let mut line = String::new();
    for part in element.text() {
        append_collapsed(&mut line, part);
    }
    line.trim().to_owned()
}

fn append_collapsed(line: &mut String, text: &str) {
    for character in text.chars() {
        match character.is_whitespace() && character != '\u{a0}' {
            true if line.is_empty() || line.ends_with([' ', '\n']) => {}
            true => line.push(' '),
            false => line.push(character),
        }
    }
}

/// Returns what a block element holds; `None` for inline elements.
fn block_kind(name: &str) -> Option<(BlockKind, Option<u8>)> {
    Some(match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => (BlockKind::Heading, name[1..].parse().ok()),
        "li" => (BlockKind::ListItem, None),
        "pre" => (BlockKind::Code, None),
        "p" | "div" | "section" | "article" | "main" | "aside" | "header" | "footer" | "body" | "blockquote" | "ul"
        | "ol" | "menu" | "dl" | "dt" | "dd" | "figure" | "figcaption" | "address" | "form" | "fieldset" | "legend"
        | "table" | "caption" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "hr" | "details" | "summary" => {
            (BlockKind::Paragraph, None)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(source: &[u8]) -> (Document, Vec<(BlockKind, String)>) {
        let document = read(source, "a.html", &Limits::default()).unwrap();
        let characters: Vec<char> = document.text.chars().collect();
        let found = document.blocks.iter();
        let found = found.map(|block| (block.kind, characters[block.start..block.end].iter().collect())).collect();
        (document, found)
    }

    #[test]
    fn blocks_are_read_in_order_without_scripts_and_navigation() {
        let page = b"<html><head><title> A  page</title><script>x()</script></head><body><nav>Home</nav>\
            <h1>Top</h1><p>One <b>bold</b>\n word &amp; more<br>next</p>loose<ol start=3><li>three<ul><li>in</li></ul></li>\
            <li><p>four</p></li></ol><pre>a\n  b</pre></body></html>";
        let (document, found) = blocks(page);
        assert_eq!(document.title.as_deref(), Some("A page"));
        let expected = [
            (BlockKind::Heading, "Top"),
            (BlockKind::Paragraph, "One bold word & more\nnext"),
            (BlockKind::Paragraph, "loose"),
            (BlockKind::ListItem, "3. three"),
            (BlockKind::ListItem, "• in"),
            (BlockKind::Paragraph, "4. four"),
            (BlockKind::Code, "a\n  b"),
        ];
        assert_eq!(found, expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn a_data_table_is_a_table_and_a_layout_table_is_not() {
        let (document, found) = blocks(b"<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>");
        assert_eq!(found, [(BlockKind::Table, "a | b\n1 | 2".to_owned())]);
        assert_eq!(document.blocks[0].cells.len(), 2);
        let (_, found) = blocks(b"<table><tr><td><p>left</p></td><td><p>right</p></td></tr></table>");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_declared_encoding_is_used() {
        let mut page = b"<meta charset=gbk><p>".to_vec();
        page.extend_from_slice(&encoding_rs::GBK.encode("年假").0);
        assert_eq!(blocks(&page).1[0].1, "年假");
    }

    #[test]
    fn deep_nesting_is_read_without_running_out_of_stack() {
        let page = format!("{}deep{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        assert_eq!(blocks(page.as_bytes()).1, [(BlockKind::Paragraph, "deep".to_owned())]);
    }

    /// The parser looks through all open elements at each tag: a megabyte of `<div>` took minutes.
    #[test]
    fn nesting_that_costs_minutes_is_refused() {
        let refused = read("<div>".repeat(30_000).as_bytes(), "a.html", &Limits::default());
        assert!(matches!(refused, Err(ReadError::LimitExceeded { what, .. }) if what == "depth of html elements"));
        let drawing = format!("<svg>{}</svg><p>text", "<path d='M0 0'/>".repeat(30_000));
        assert_eq!(blocks(drawing.as_bytes()).1, [(BlockKind::Paragraph, "text".to_owned())]);
    }
}
