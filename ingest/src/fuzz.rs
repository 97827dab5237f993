//! Parts of this crate as functions of any bytes, which may do nothing but return: for fuzzers, and for tests that send
//! random bytes.
//!
//! Each reads its bytes as what the part is given, so that most of them mean something, and checks what comes out. How
//! bytes are found is the fuzzer's affair.

use std::io::{Cursor, Write};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};

use crate::chunk::{ChunkRules, ChunkStrategy, Overlap, split};
use crate::document::{BlockKind, Document};
use crate::extract;
use crate::layout::{Glyph, Page, Rule, lay_out};
use crate::limits::Limits;
use crate::worker::frame;

/// Bytes that stand for one glyph.
const GLYPH_BYTES: usize = 9;
/// The byte that ends a block of a document.
const BLOCK_END: u8 = b'\x1e';
/// Most tokens that a chunk may be asked to have.
const TOKENS_MAX: usize = 64;

fn limits() -> Limits {
    Limits { part_bytes_max: 4 << 20, package_bytes_max: 8 << 20, text_chars_max: 1 << 20, ..Limits::default() }
}

/// Reads bytes as a .docx file, or as the text part of one where they are no package.
pub fn docx(bytes: &[u8]) {
    let read = match bytes.starts_with(b"PK") {
        true => extract::docx::read(bytes, "a.docx", &limits()),
        false => extract::docx::read(&package(bytes), "a.docx", &limits()),
    };
    if let Ok(document) = read {
        check(&document);
    }
}

/// Lays out pages of glyphs and rules, some of which are titles too.
pub fn layout(bytes: &[u8]) {
    let page =
        |number: usize, height: f32| Page { number: number as u32, height, glyphs: Vec::new(), rules: Vec::new() };
    let mut pages = vec![page(1, 800.0)];
    let mut titles = Vec::new();
    for bytes in bytes.chunks_exact(GLYPH_BYTES) {
        let number = |at: usize| f32::from(i16::from_le_bytes([bytes[at], bytes[at + 1]])) / 8.0;
        let [flags, letter, ..] = [bytes[6], bytes[7]];
        if flags == u8::MAX {
            pages.push(page(pages.len() + 1, f32::from(letter) * 4.0));
            continue;
        }
        if flags & 16 > 0 {
            let to = number(2) + f32::from(letter) * 4.0;
            let rule = Rule { at: number(0), from: number(2), to, is_level: flags & 32 > 0 };
            pages.last_mut().into_iter().for_each(|page| page.rules.push(rule));
            continue;
        }
        let code = u32::from(letter) | if flags & 8 > 0 { u32::from(bytes[8]) << 8 } else { 0 };
        let glyph = Glyph {
            text: char::from_u32(code).unwrap_or(' ').to_string().into(),
            x: number(0),
            y: number(2),
            width: f32::from(bytes[4]) / 4.0,
            size: f32::from(bytes[5]) / 4.0 + 0.25,
            bold: flags & 4 > 0,
            turn: flags & 3,
        };
        if flags & 64 > 0 {
            titles.push((glyph.text.to_string(), letter));
        }
        if let Some(page) = pages.last_mut() {
            page.glyphs.push(glyph);
        }
    }
    let mut document = Document { pages: Some(pages.len() as u32), ..Document::default() };
    lay_out(pages, &titles, &mut document);
    check(&document);
}

/// Cuts a document of blocks by rules, both read from bytes.
///
/// # Panics
/// When a chunk is over its bound, out of order, or not of the text; that is what this is for.
pub fn chunk(bytes: &[u8]) {
    let Some((&[strategy, target, max, overlap], blocks)) = bytes.split_first_chunk::<4>() else { return };
    let target_tokens = usize::from(target) % TOKENS_MAX + 1;
    let overlap = match overlap & 1 {
        0 => Overlap::Sentences(usize::from(overlap >> 1)),
        _ => Overlap::Tokens((usize::from(overlap >> 1)).min(target_tokens / 2)),
    };
    let (_, strategy) = ChunkStrategy::NAMED[usize::from(strategy) % ChunkStrategy::NAMED.len()];
    let max_tokens = target_tokens + usize::from(max) % TOKENS_MAX;
    let rules = ChunkRules { target_tokens, max_tokens, overlap, strategy };
    let document = document(blocks);
    let length = document.text.chars().count();
    // A word is a token, and so is each further eighth character of it, as rare words have several.
    let count = |text: &str| text.split_whitespace().map(|word| 1 + word.chars().count() / 8).sum();
    let chunks = split(&document, &rules, &count);
    for chunk in &chunks {
        assert!(chunk.tokens <= max_tokens || chunk.text.chars().nth(1).is_none(), "a chunk is over its bound");
        assert!(chunk.char_start < chunk.char_end && chunk.char_end <= length, "a chunk is not of the text");
    }
    let ascends = |pair: &[crate::chunk::Chunk]| pair[0].char_start < pair[1].char_start;
    assert!(chunks.windows(2).all(ascends), "chunks are out of order");
}

/// Reads bytes as what a parent process is answered, and as what a worker is asked.
pub fn protocol(bytes: &[u8]) {
    let limits = Limits { output_bytes_max: 1 << 20, part_bytes_max: 1 << 20, ..limits() };
    let mut rest = bytes;
    while let Ok(reply) = frame::read_reply(&mut rest, &limits) {
        let mut written = Vec::new();
        frame::write_reply(&mut written, &reply, limits.output_bytes_max).expect("memory takes what is written");
    }
    let mut rest = bytes;
    while let Ok(Some((header, file))) = frame::read_request(&mut rest) {
        let mut written = Vec::new();
        frame::write_request(&mut written, &header, &file).expect("memory takes what is written");
    }
}

/// Checks that blocks ascend, do not overlap, and lie in the text.
fn check(document: &Document) {
    let length = document.text.chars().count();
    let mut end = 0;
    for block in &document.blocks {
        assert!(end <= block.start && block.start < block.end && block.end <= length, "a block is out of place");
        end = block.end;
    }
}

/// Reads blocks: a byte that says which kind, then text up to [`BLOCK_END`].
fn document(bytes: &[u8]) -> Document {
    use BlockKind::{Code, Comment, Heading, ListItem, Note, Paragraph, Table};
    let kinds = [Paragraph, Heading, ListItem, Table, Code, Note, Comment, Paragraph];
    let mut document = Document::default();
    for block in bytes.split(|byte| *byte == BLOCK_END) {
        let Some((&kind, text)) = block.split_first() else { continue };
        let text = String::from_utf8_lossy(text);
        let level = kinds[usize::from(kind & 7)] == Heading;
        let page = u32::from(kind >> 5) + 1;
        document.push(kinds[usize::from(kind & 7)], level.then_some(kind >> 3 & 7), Some(page), &text);
    }
    document
}

/// Packs bytes as the text part of a .docx file.
fn package(body: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let started = writer.start_file("word/document.xml", options);
    started.expect("memory takes what is written");
    writer.write_all(body).expect("memory takes what is written");
    writer.finish().expect("memory takes what is written").into_inner()
}
