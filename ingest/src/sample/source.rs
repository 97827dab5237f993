//! Parses the Markdown subset of the sample texts: `key: value` lines, `#` to `###`, paragraphs, lists, tables, notes.
//!
//! Knows no inline formatting except `[^1]` for a footnote; a text that uses more is shown as it is written.

/// A document before it has a file format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleDocument {
    /// File name with its extension, which decides the format.
    pub file: String,
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// Day of writing, `YYYY-MM-DD`.
    pub date: String,
    /// Content in order.
    pub parts: Vec<Part>,
    /// Footnotes: label and text.
    pub notes: Vec<(String, String)>,
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A heading of level 1 to 3.
    Heading(u8, String),
    /// Running text.
    Paragraph(String),
    /// An item of an unordered list.
    Bullet(String),
    /// An item of an ordered list, with its number.
    Numbered(u32, String),
    /// Rows of cells, the first being the header.
    Table(Vec<Vec<String>>),
}

impl SampleDocument {
    /// Parses a sample text. Lines before the first blank line are properties.
    pub fn parse(source: &str) -> Self {
        let mut document = Self::default();
        let (head, body) = source.split_once("\n\n").unwrap_or((source, ""));
        for (key, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match key {
                "file" => document.file = value.into(),
                "title" => document.title = value.into(),
                "author" => document.author = value.into(),
                "date" => document.date = value.into(),
                _ => {}
            }
        }
        let mut paragraph = String::new();
        for line in body.lines().chain([""]) {
            document.take(line.trim(), &mut paragraph);
        }
        document
    }

    fn take(&mut self, line: &str, paragraph: &mut String) {
        let part = parsed(line);
        if part.is_none() && !line.is_empty() && note(line).is_none() {
            // A line break between CJK characters is no space.
            if !paragraph.is_empty() && paragraph.is_ascii() | line.starts_with(|c: char| c.is_ascii()) {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
            return;
        }
        if !paragraph.is_empty() {
            self.parts.push(Part::Paragraph(std::mem::take(paragraph)));
        }
        self.notes.extend(note(line));
        match (part, self.parts.last_mut()) {
            (Some(Part::Table(rows)), Some(Part::Table(table))) => table.extend(rows),
            (Some(part), _) => self.parts.push(part),
            (None, _) => {}
        }
    }
}

/// Returns the part that a line is by itself; `None` for running text, notes and blank lines.
fn parsed(line: &str) -> Option<Part> {
    if let Some(text) = line.strip_prefix("- ") {
        return Some(Part::Bullet(text.into()));
    }
    if let Some(row) = line.strip_prefix('|') {
        let cells = row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let is_rule = cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-'));
        return Some(Part::Table(if is_rule { Vec::new() } else { vec![cells] }));
    }
    let hashes = line.chars().take_while(|&c| c == '#').count();
    if (1..=3).contains(&hashes) && line[hashes..].starts_with(' ') {
        return Some(Part::Heading(hashes as u8, line[hashes..].trim().into()));
    }
    let (number, text) = line.split_once(". ")?;
    Some(Part::Numbered(number.parse().ok()?, text.into()))
}

/// Returns label and text of a `[^1]: …` line.
fn note(line: &str) -> Option<(String, String)> {
    let (label, text) = line.strip_prefix("[^")?.split_once("]: ")?;
    Some((label.into(), text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_subset_is_parsed() {
        let document = SampleDocument::parse(
            "file: a.pdf\ntitle: A: B\nauthor: C\ndate: 2025-01-02\n\n# One\nText that\ngoes on.[^1]\n\n- a\n2. b\n\
             | x | y |\n|---|---|\n| 1 | |\n\n[^1]: A note.\n年假\n申请\n",
        );
        assert_eq!((document.file.as_str(), document.title.as_str()), ("a.pdf", "A: B"));
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let expected = [
            Part::Heading(1, "One".into()),
            Part::Paragraph("Text that goes on.[^1]".into()),
            Part::Bullet("a".into()),
            Part::Numbered(2, "b".into()),
            Part::Table(vec![row(["x", "y"]), row(["1", ""])]),
            Part::Paragraph("年假申请".into()),
        ];
        assert_eq!(document.parts, expected);
        assert_eq!(document.notes, [("1".to_owned(), "A note.".to_owned())]);
    }
}
