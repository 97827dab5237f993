//! Cuts a document into the smallest pieces that are moved between chunks: headings, sentences, table rows, code lines.
//!
//! Counts each piece once. A piece that is larger than a chunk may be is cut at line ends, then word ends, then
//! anywhere.

use std::ops::Range;

use super::sentence::{push_trimmed, sentences};
use super::{ChunkRules, ChunkStrategy};
use crate::document::{BlockKind, Document};

/// Pieces that a run without spaces is cut into for each chunk of fixed size.
const FIXED_GRAINS: usize = 16;
/// Tokens of a word that is not cut.
const WORD_TOKENS: usize = 8;

/// A piece of one block.
pub(super) struct Unit {
    /// Position of its block in the document.
    pub block: usize,
    /// Kind of that block.
    pub kind: BlockKind,
    /// Its bytes in the document's text.
    pub bytes: Range<usize>,
    /// Its characters in the document's text.
    pub chars: Range<usize>,
    /// Its size.
    pub tokens: usize,
}

/// Returns the units of the document in order. Linear in its text, apart from the counting.
pub(super) fn units(document: &Document, rules: &ChunkRules, count: &dyn Fn(&str) -> usize) -> Vec<Unit> {
    let mut found = Vec::new();
    let is_fixed = rules.strategy == ChunkStrategy::Fixed;
    let grain = (rules.target_tokens / FIXED_GRAINS).max(1);
    let grains =
        ChunkRules { target_tokens: grain, max_tokens: grain.max(WORD_TOKENS.min(rules.max_tokens)), ..*rules };
    let rules = if is_fixed { &grains } else { rules };
    let mut cursor = Cursor { text: &document.text, byte: 0, char: 0 };
    for (position, block) in document.blocks.iter().enumerate() {
        let start = cursor.byte_of(block.start);
        let end = cursor.byte_of(block.end);
        let mut cursor = Cursor { text: &document.text, byte: start, char: block.start };
        let text = &document.text[start..end];
        let pieces = if is_fixed { words(text) } else { pieces(text, block.kind) };
        for range in pieces {
            let mut fitting = Vec::new();
            cut(&document.text, start + range.start..start + range.end, rules, count, &mut fitting);
            for (bytes, tokens) in fitting {
                let chars = cursor.char_of(bytes.start)..cursor.char_of(bytes.end);
                found.push(Unit { block: position, kind: block.kind, bytes, chars, tokens });
            }
        }
    }
    found
}

fn pieces(text: &str, kind: BlockKind) -> Vec<Range<usize>> {
    match kind {
        BlockKind::Heading => std::iter::once(0..text.len()).collect(),
        BlockKind::Table | BlockKind::Code => lines(text),
        BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Note | BlockKind::Comment => sentences(text),
    }
}

fn words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        push_trimmed(&mut found, text, start..start + word.len());
        start += word.len();
    }
    found
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        push_trimmed(&mut found, text, start..start + line.len());
        start += line.len();
    }
    found
}

/// Cuts a range until each part is within the largest chunk, and returns the parts with their sizes.
///
/// A part is estimated from the density of the whole, so that a long text is counted a few times and not once a word.
fn cut(
    text: &str,
    range: Range<usize>,
    rules: &ChunkRules,
    count: &dyn Fn(&str) -> usize,
    found: &mut Vec<(Range<usize>, usize)>,
) {
    let mut open = vec![range];
    while let Some(range) = open.pop() {
        let part = &text[range.clone()];
        let tokens = count(part);
        if tokens <= rules.max_tokens || part.chars().nth(1).is_none() {
            found.push((range, tokens));
            continue;
        }
        let parts = tokens.div_ceil(rules.target_tokens.max(1)).max(2);
        let mut cuts = Vec::with_capacity(parts);
        let mut start = range.start;
        while start < range.end {
            let length = (part.len() / parts).max(1);
            let end = edge(text, start, (start + length).min(range.end), range.end);
            push_trimmed(&mut cuts, text, start..end);
            start = end;
        }
        open.extend(cuts.into_iter().rev());
    }
}

/// Returns the best place to cut near `end`: after a line, else after a word, else between two characters.
fn edge(text: &str, start: usize, end: usize, limit: usize) -> usize {
    if end >= limit {
        return limit;
    }
    let first = text[start..].chars().next().map_or(1, char::len_utf8);
    let end = text.floor_char_boundary(end).max(start + first);
    let half = text.floor_char_boundary(start + (end - start) / 2);
    let window = &text[half..end];
    match window.rfind('\n').or_else(|| window.rfind(char::is_whitespace)) {
        Some(position) => text.ceil_char_boundary(half + position + 1),
        None => end,
    }
}

/// A place in the text, known both in bytes and in characters, that only moves forward.
struct Cursor<'a> {
    text: &'a str,
    byte: usize,
    char: usize,
}

impl Cursor<'_> {
    fn byte_of(&mut self, char: usize) -> usize {
        let rest = self.text[self.byte..].char_indices();
        let ahead = char.saturating_sub(self.char);
        self.byte += rest.map(|(at, _)| at).nth(ahead).unwrap_or(self.text.len() - self.byte);
        self.char = self.char.max(char);
        self.byte
    }

    fn char_of(&mut self, byte: usize) -> usize {
        self.char += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.char
    }
}

#[cfg(test)]
mod tests {
    use super::super::Overlap;
    use super::*;

    #[test]
    fn an_unbroken_run_is_cut_where_it_must() {
        let mut document = Document::default();
        document.push(BlockKind::Paragraph, None, None, &"中".repeat(1000));
        let rules =
            ChunkRules { target_tokens: 30, max_tokens: 60, overlap: Overlap::Sentences(0), ..ChunkRules::default() };
        let units = units(&document, &rules, &|text| text.chars().count());
        assert!(units.iter().all(|unit| unit.tokens <= 60));
        assert_eq!(units.iter().map(|unit| unit.chars.len()).sum::<usize>(), 1000);
    }

    #[test]
    fn a_long_sentence_is_cut_between_words() {
        let mut document = Document::default();
        document.push(BlockKind::Paragraph, None, None, &"word ".repeat(200));
        let rules =
            ChunkRules { target_tokens: 10, max_tokens: 20, overlap: Overlap::Sentences(0), ..ChunkRules::default() };
        let units = units(&document, &rules, &|text| text.split_whitespace().count());
        assert!(units.iter().all(|unit| document.text[unit.bytes.clone()].split(' ').all(|word| word == "word")));
    }
}
