//! `ragstone extract`: prints what an ingest reads in files, without storing anything.
//!
//! Files are read by the same worker processes as in an ingest, and printed in the order in which they were named; an
//! archive gives a document for each file in it.

use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use clap::Args;
use futures::stream::{self, StreamExt};
use ragstone_ingest::walk::{FoundFile, walk};
use ragstone_ingest::worker::WorkerPool;
use ragstone_ingest::{Block, BlockKind, Document, INSIDE, Link, ReadError};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Flags of `extract`.
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// Read these files and folders
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Open encrypted PDFs with passwords, one a line
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
}

/// What was read in a file, as one line of JSON.
#[derive(Debug, Default, Serialize)]
struct Extracted<'a> {
    uri: &'a str,
    media_type: Option<&'a str>,
    title: Option<&'a str>,
    pages: Vec<PageText>,
    text: &'a str,
    blocks: Vec<BlockText<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    links: &'a [Link],
    extractor: Option<&'a str>,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Debug, PartialEq, Serialize)]
struct PageText {
    page: u32,
    text: String,
}

#[derive(Debug, Serialize)]
struct BlockText<'a> {
    kind: BlockKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cells: &'a [Vec<String>],
}

/// Reads and prints the files; those that fail are named.
pub async fn run(args: ExtractArgs, context: &Context) -> Result<Exit, Failure> {
    let pool = Arc::new(context.worker_pool()?);
    let (files, unreadable) = walk(&args.files);
    let mut failed = unreadable.len();
    for (path, error) in &unreadable {
        print_failure(&path.to_string_lossy(), error, context.json);
    }
    let named = files.len() > 1;
    let mut reading = stream::iter(files)
        .map(|file| {
            let pool = pool.clone();
            tokio::task::spawn_blocking(move || read(&pool, &file))
        })
        .buffered(context.config.threads);
    while let Some(task) = reading.next().await {
        let read = task.map_err(|error| Failure::new("internal", error.to_string()))?;
        let named = named || read.len() > 1;
        for (uri, result) in read {
            match result {
                Ok(document) if context.json => print_json(&extracted(&uri, &document)),
                Ok(document) => print_text(&uri, &document, named),
                Err(error) => {
                    failed += 1;
                    print_failure(&uri, &error, context.json);
                }
            }
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Partly })
}

/// Reads a file, or the files in it.
fn read(pool: &WorkerPool, file: &FoundFile) -> Vec<(String, Result<Document, ReadError>)> {
    let bytes = match std::fs::read(&file.path) {
        Ok(bytes) => bytes,
        Err(error) => return vec![(file.uri.clone(), Err(ReadError::Unreadable { detail: error.to_string() }))],
    };
    let mut read = Vec::new();
    pool.read_each(&bytes, &file.uri, &mut |path, result| {
        let uri = path.map_or_else(|| file.uri.clone(), |path| format!("{}{INSIDE}{path}", file.uri));
        read.push((uri, result));
    });
    read
}

fn print_failure(uri: &str, error: &ReadError, json: bool) {
    if json {
        let error = Some(Failure::new(error.code(), error.to_string()));
        return print_json(&Extracted { uri, error, ..Extracted::default() });
    }
    eprintln!("error: {}: {}: {error}", one_line(uri), error.code());
}

fn print_text(uri: &str, document: &Document, named: bool) {
    if named {
        print_line(&format!("=== {}", one_line(uri)));
    }
    let pages = page_texts(document, &block_texts(document));
    if pages.is_empty() {
        print_line(&document.text);
    }
    for PageText { page, text } in &pages {
        print_line(&format!("--- page {page}\n{text}"));
    }
    for warning in &document.warnings {
        eprintln!("warning: {}: {}", one_line(uri), one_line(warning));
    }
}

fn extracted<'a>(uri: &'a str, document: &'a Document) -> Extracted<'a> {
    let texts = block_texts(document);
    let pages = page_texts(document, &texts);
    let shown = |(block, text): (&'a Block, &'a str)| BlockText {
        kind: block.kind,
        level: block.level,
        page: block.page,
        text,
        cells: &block.cells,
    };
    Extracted {
        uri,
        media_type: Some(&document.media_type),
        title: document.title.as_deref(),
        pages,
        text: &document.text,
        blocks: document.blocks.iter().zip(texts).map(shown).collect(),
        links: &document.links,
        extractor: Some(&document.extractor),
        warnings: &document.warnings,
        error: None,
    }
}

/// Returns the text of each block; blocks ascend, so the text is passed over once.
fn block_texts(document: &Document) -> Vec<&str> {
    let (mut rest, mut at) = (document.text.as_str(), 0);
    let text_of = |block: &Block| {
        let (_, from) = split_chars(rest, block.start.saturating_sub(at));
        let (own, behind) = split_chars(from, block.end.saturating_sub(block.start));
        (rest, at) = (behind, block.end);
        own
    };
    document.blocks.iter().map(text_of).collect()
}

fn split_chars(text: &str, chars: usize) -> (&str, &str) {
    let at = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}

/// Returns the text of every page, empty ones too; formats without pages have none.
fn page_texts(document: &Document, texts: &[&str]) -> Vec<PageText> {
    let mut pages: Vec<_> =
        (1..=document.pages.unwrap_or(0)).map(|page| PageText { page, text: String::new() }).collect();
    for (block, text) in document.blocks.iter().zip(texts) {
        let at = block.page.and_then(|page| page.checked_sub(1));
        if let Some(page) = at.and_then(|at| pages.get_mut(at as usize)) {
            if !page.text.is_empty() {
                page.text.push_str("\n\n");
            }
            page.text.push_str(text);
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut document = Document { pages: Some(3), media_type: "application/pdf".into(), ..Document::default() };
        document.push(BlockKind::Heading, Some(1), Some(1), "年假 Policy");
        document.push(BlockKind::Paragraph, None, Some(1), "Ten days.");
        document.push(BlockKind::Paragraph, None, Some(3), "差旅");
        document
    }

    #[test]
    fn pages_hold_the_text_of_their_blocks() {
        let document = document();
        let extracted = extracted("a.pdf", &document);
        let texts: Vec<_> = extracted.pages.iter().map(|page| page.text.as_str()).collect();
        assert_eq!(texts, ["年假 Policy\n\nTen days.", "", "差旅"]);
        assert_eq!(extracted.blocks[2].text, "差旅");
    }

    #[test]
    fn the_json_has_the_keys_that_callers_rely_on() {
        let document = document();
        let json = serde_json::to_value(extracted("a.pdf", &document)).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["uri", "media_type", "title", "pages", "text", "blocks", "extractor", "warnings"]);
        assert_eq!(
            json["blocks"][0],
            serde_json::json!({"kind": "heading", "level": 1, "page": 1, "text": "年假 Policy"})
        );
    }

    #[test]
    fn links_are_printed_with_their_words() {
        let link = Link { page: Some(3), text: "差旅".into(), uri: "https://example.org".into() };
        let document = Document { links: vec![link], ..document() };
        let json = serde_json::to_value(extracted("a.pdf", &document)).unwrap();
        assert_eq!(json["links"], serde_json::json!([{"page": 3, "text": "差旅", "uri": "https://example.org"}]));
    }
}
