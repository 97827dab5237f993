//! Decides which units share a chunk.
//!
//! One pass: a draft grows by units until a section ends or the next block does not fit, and is then written. Headings
//! at the end of a draft go over to the next one. Costs one count for each unit and one for each chunk.

use super::unit::{Unit, units};
use super::{Chunk, ChunkRules, ChunkStrategy, Overlap};
use crate::document::{Block, BlockKind, Document, PageBox};

/// Deepest heading level that always begins a chunk of its own. Chosen: deeper sections are often a few lines.
const SECTION_LEVEL_MAX: u8 = 2;

/// Cuts a document into chunks, none of them above `max_tokens` as counted by `count`.
///
/// Every character other than white space between blocks and sentences lies in some chunk, and ranges ascend. A chunk
/// ends before a heading of level 1 or 2 and, once it is half full, before any heading. Linear in the text.
pub fn split(document: &Document, rules: &ChunkRules, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let units = units(document, rules, count);
    let groups = groups(document);
    let mut sizes = vec![0; document.blocks.len()];
    units.iter().for_each(|unit| sizes[groups[unit.block]] += unit.tokens);
    let (paths, sections) = (paths(document), sections(document));
    let writer = Writer { document, rules, count, units: &units, groups, paths, sections };
    let mut chunks = Vec::new();
    let mut draft = Draft::default();
    for (next, unit) in units.iter().enumerate() {
        // Headings carried over may leave no room for the unit either, so the question is asked again.
        while let Some(edge) = edge_before(next, &draft, &writer, &sizes) {
            draft = writer.close(draft, next, edge, &mut chunks);
        }
        draft.add(unit, rules);
    }
    writer.write(draft.from, draft.start, draft.end, &mut chunks);
    chunks
}

/// Why a draft ends.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    /// Another section begins: nothing is repeated after it.
    Section,
    /// It is full: the last sentences are repeated.
    Full,
}

/// A chunk being filled: units `from..end`, of which those before `start` are repeated.
#[derive(Default)]
struct Draft {
    from: usize,
    start: usize,
    end: usize,
    tokens: usize,
    repeated_tokens: usize,
    /// Whether it holds more than headings.
    has_body: bool,
}

impl Draft {
    fn add(&mut self, unit: &Unit, rules: &ChunkRules) {
        if self.tokens + unit.tokens > rules.max_tokens && self.from < self.start {
            self.from = self.start;
            self.tokens -= self.repeated_tokens;
            self.repeated_tokens = 0;
        }
        self.end += 1;
        self.tokens += unit.tokens;
        self.has_body |= unit.kind != BlockKind::Heading;
    }
}

/// Returns the reason to end the draft before unit `next`, if there is one.
fn edge_before(next: usize, draft: &Draft, writer: &Writer, sizes: &[usize]) -> Option<Edge> {
    let unit = &writer.units[next];
    let target = writer.rules.target_tokens;
    let is_full = draft.tokens + unit.tokens > target;
    let is_over = draft.tokens + unit.tokens > writer.rules.max_tokens;
    let is_begun = draft.start < draft.end;
    match writer.rules.strategy {
        _ if !is_begun => return None,
        ChunkStrategy::Fixed => return is_full.then_some(Edge::Full),
        ChunkStrategy::Page => {
            let page = |unit: usize| writer.document.blocks[writer.units[unit].block].page;
            return if page(next) != page(next - 1) { Some(Edge::Section) } else { is_over.then_some(Edge::Full) };
        }
        _ if !draft.has_body => return is_over.then_some(Edge::Full),
        ChunkStrategy::Structure if unit.kind == BlockKind::Heading => {
            let level = writer.document.blocks[unit.block].level.unwrap_or(1);
            let is_edge = level <= SECTION_LEVEL_MAX || draft.tokens * 2 >= target;
            return is_edge.then_some(Edge::Section);
        }
        ChunkStrategy::Structure | ChunkStrategy::Recursive => {}
    }
    let group = writer.groups[unit.block];
    let size = sizes[group];
    let is_start = writer.groups[writer.units[next - 1].block] != group;
    let is_whole = matches!(unit.kind, BlockKind::ListItem | BlockKind::Code) && size <= writer.rules.max_tokens;
    let is_kept = is_whole && writer.rules.strategy == ChunkStrategy::Structure;
    if is_kept && !is_start && draft.tokens + unit.tokens <= writer.rules.max_tokens {
        return None;
    }
    let does_fit = draft.tokens + size <= target;
    let is_worth_filling = size > target && draft.tokens * 2 < target && !is_kept;
    if is_start && !does_fit && !is_worth_filling {
        return Some(Edge::Full);
    }
    is_full.then_some(Edge::Full)
}

struct Writer<'a> {
    document: &'a Document,
    rules: &'a ChunkRules,
    count: &'a dyn Fn(&str) -> usize,
    units: &'a [Unit],
    /// First block of the group of each block.
    groups: Vec<usize>,
    /// Heading path of each block.
    paths: Vec<Vec<String>>,
    /// First and last block of the section of each block.
    sections: Vec<(usize, usize)>,
}

impl Writer<'_> {
    /// Writes the draft and returns the next one, which begins with the headings that stood at its end.
    fn close(&self, draft: Draft, next: usize, edge: Edge, chunks: &mut Vec<Chunk>) -> Draft {
        let is_heading = |unit: usize| self.units[unit].kind == BlockKind::Heading;
        let mut end = draft.end;
        let carries = matches!(self.rules.strategy, ChunkStrategy::Structure | ChunkStrategy::Recursive);
        while carries && end > draft.start && is_heading(end - 1) {
            end -= 1;
        }
        if end == draft.start {
            end = draft.end;
        }
        self.write(draft.from, draft.start, end, chunks);
        let repeats = edge == Edge::Full && !is_heading(end);
        let from = if repeats { self.overlap(&draft, end) } else { end };
        // A draft that was written in several chunks may have ended in one no larger than the overlap.
        let written_from = chunks.last().map_or(0, |chunk| chunk.char_start);
        let from = if from < end && self.units[from].chars.start <= written_from { end } else { from };
        let tokens_of = |range: std::ops::Range<usize>| self.units[range].iter().map(|unit| unit.tokens).sum::<usize>();
        let header_tokens = self.header(end).map_or(0, |header| self.units[header].tokens);
        let repeated_tokens = tokens_of(from..end);
        let tokens = repeated_tokens + tokens_of(end..next) + header_tokens;
        Draft { from, start: end, end: next, tokens, repeated_tokens, has_body: false }
    }

    /// Returns the first of the last sentences of a draft up to `end` that the next chunk repeats. Never all of it, so that
    /// each chunk begins behind the one before; tokens may go back into what this one repeats itself.
    fn overlap(&self, draft: &Draft, end: usize) -> usize {
        let (start, count, room) = match self.rules.overlap {
            Overlap::Sentences(count) => (draft.start, count, self.rules.target_tokens / 4),
            Overlap::Tokens(room) => (draft.from, end, room),
        };
        let mut from = end;
        let mut tokens = 0;
        while from > start + 1 && end - from < count {
            let unit = &self.units[from - 1];
            tokens += unit.tokens;
            let is_sentence = !matches!(unit.kind, BlockKind::Heading | BlockKind::Table | BlockKind::Code);
            let is_repeated = is_sentence || self.rules.strategy == ChunkStrategy::Fixed;
            if !is_repeated || tokens > room {
                break;
            }
            from -= 1;
        }
        from
    }

    /// Returns the header row to repeat before `unit`, where it continues a table whose header is not too large.
    fn header(&self, unit: usize) -> Option<usize> {
        let block = self.units[unit].block;
        if self.units[unit].kind != BlockKind::Table || unit == 0 || self.units[unit - 1].block != block {
            return None;
        }
        let header = self.units.partition_point(|unit| unit.block < block);
        (self.units[header].tokens * 4 <= self.rules.target_tokens).then_some(header)
    }

    /// Writes units `from..end` as a chunk, and as several when the whole counts more than its parts did.
    fn write(&self, from: usize, start: usize, end: usize, chunks: &mut Vec<Chunk>) {
        if from >= end {
            return;
        }
        let (first, last) = (&self.units[from], &self.units[end - 1]);
        let passage = &self.document.text[first.bytes.start..last.bytes.end];
        let mut text = match self.header(from) {
            Some(header) => format!("{}\n{passage}", &self.document.text[self.units[header].bytes.clone()]),
            None => passage.to_owned(),
        };
        let mut tokens = (self.count)(&text);
        if tokens > self.rules.max_tokens {
            if from < start {
                return self.write(start, start, end, chunks);
            }
            if end - from > 1 {
                let middle = from + (end - from) / 2;
                self.write(from, from, middle, chunks);
                return self.write(middle, middle, end, chunks);
            }
            text = passage.to_owned();
            tokens = first.tokens;
        }
        let (page, page_end) = self.pages(from..end);
        let (section, section_end) = self.sections[first.block];
        chunks.push(Chunk {
            text,
            page,
            page_end,
            char_start: first.chars.start,
            char_end: last.chars.end,
            heading: self.heading(from..end),
            section_start: self.document.blocks[section].start,
            section_end: self.document.blocks[section_end.max(last.block)].end,
            boxes: self.boxes(from..end),
            tokens,
            extractor: self.extractor(from..end),
        });
    }

    /// Returns the blocks that a range of units touches.
    fn blocks(&self, range: std::ops::Range<usize>) -> std::ops::RangeInclusive<usize> {
        self.units[range.start].block..=self.units[range.end - 1].block
    }

    fn pages(&self, range: std::ops::Range<usize>) -> (Option<u32>, Option<u32>) {
        let blocks = &self.document.blocks[self.blocks(range)];
        let first = blocks.iter().filter_map(|block| block.page).min();
        let boxed = blocks.iter().flat_map(|block| block.boxes.iter().map(|place| place.0));
        let last = blocks.iter().filter_map(|block| block.page).chain(boxed).max();
        (first, first.and(last))
    }

    fn boxes(&self, range: std::ops::Range<usize>) -> Vec<PageBox> {
        self.document.blocks[self.blocks(range)].iter().flat_map(|block| block.boxes.iter().copied()).collect()
    }

    fn extractor(&self, range: std::ops::Range<usize>) -> String {
        let blocks = self.document.blocks[self.blocks(range)].iter();
        let mut names: Vec<&str> =
            blocks.map(|block| block.extractor.as_deref().unwrap_or(&self.document.extractor)).collect();
        names.dedup();
        names.join(", ")
    }

    /// Returns the headings that all the text of a range stands under.
    fn heading(&self, range: std::ops::Range<usize>) -> Vec<String> {
        let is_body = |block: &usize| self.document.blocks[*block].kind != BlockKind::Heading;
        let last = *self.blocks(range.clone()).end();
        let mut bodies = self.blocks(range).filter(is_body);
        let mut common = self.paths[bodies.next().unwrap_or(last)].as_slice();
        for block in bodies {
            let same = common.iter().zip(&self.paths[block]).take_while(|(one, other)| one == other).count();
            common = &common[..same];
        }
        common.to_vec()
    }
}

/// Returns for each block the first one of its group: items of one list are a group, every other block is its own.
fn groups(document: &Document) -> Vec<usize> {
    let mut groups: Vec<usize> = Vec::with_capacity(document.blocks.len());
    for (at, block) in document.blocks.iter().enumerate() {
        let is_list = |block: &Block| block.kind == BlockKind::ListItem;
        let goes_on = at > 0 && is_list(block) && is_list(&document.blocks[at - 1]);
        groups.push(if goes_on { groups[at - 1] } else { at });
    }
    groups
}

/// Returns for each block the first and the last one of its section.
fn sections(document: &Document) -> Vec<(usize, usize)> {
    let is_top = |block: &Block| block.kind == BlockKind::Heading && block.level <= Some(SECTION_LEVEL_MAX);
    // Headings that follow each other open one section.
    let goes_on = |before: &Block, block: &Block| !is_top(block) || is_top(before);
    let mut sections = Vec::with_capacity(document.blocks.len());
    for section in document.blocks.chunk_by(goes_on) {
        let first = sections.len();
        sections.extend(std::iter::repeat_n((first, first + section.len() - 1), section.len()));
    }
    sections
}

/// Returns the headings above each block, a heading's own text included.
fn paths(document: &Document) -> Vec<Vec<String>> {
    let mut open: Vec<(u8, String)> = Vec::new();
    let mut paths = Vec::with_capacity(document.blocks.len());
    let mut rest = document.text.chars();
    let mut read = 0;
    for block in &document.blocks {
        if block.kind == BlockKind::Heading {
            let level = block.level.unwrap_or(1);
            rest.by_ref().take(block.start.saturating_sub(read)).for_each(drop);
            let text: String = rest.by_ref().take(block.end - block.start).collect();
            read = block.end;
            open.retain(|(above, _)| *above < level);
            open.push((level, text.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        paths.push(open.iter().map(|(_, text)| text.clone()).collect());
    }
    paths
}
