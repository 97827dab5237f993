//! From a file's bytes to the rows of its chunks.
//!
//! Reading happens in a worker process, chunking and embedding here on the calling thread. Which files, in which order,
//! and what becomes of the rows is decided in [`super::ingest`].

use super::embedder::Embedder;
use super::near::NearDuplicate;
use super::original::{Originals, hex};
use super::upsert::{PendingRow, hash_vector, stored_vector};
use crate::config::limits::EMBED_BATCH;
use crate::error::{Error, Result};
use crate::schema::chunking::CHUNK_TOKENS_MIN;
use crate::schema::{ChunkRow, Chunking, ChunkingChoice, CollectionSchema};
use ragstone_ingest::chunk::{Chunk, ChunkRules, document_name, embedding_text, split};
use ragstone_ingest::minhash::Signature;
use ragstone_ingest::worker::WorkerPool;
use ragstone_ingest::{Document, ReadError};
use ragstone_models::{Priority, TextKind};
use serde_json::Map;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Tokens of the model's window that are left for the document's name and headings.
const LEAD_TOKENS: usize = 32;
/// What a word in a document's name weighs beside one in a passage, as in BM25F (Robertson, Zaragoza and Taylor 2004):
/// a question names its report once, and reports of one company differ in little else.
const NAME_WEIGHT: usize = 3;
/// Tokens that the model adds around a text.
const SPECIAL_TOKENS: usize = 2;

/// What turning files into rows needs.
#[derive(Clone)]
pub struct IngestContext {
    /// What the collection is made of.
    pub schema: Arc<CollectionSchema>,
    /// The model of the collection.
    pub embedder: Embedder,
    /// Processes that read files.
    pub workers: Arc<WorkerPool>,
    /// Original files.
    pub originals: Originals,
}

/// A document whose chunks are not embedded yet.
pub struct CutDocument {
    /// Id of the document.
    pub id: String,
    /// Number of pages.
    pub pages: Option<u32>,
    /// Its chunks as rows.
    pub rows: Vec<PendingRow>,
    /// What was doubtful when it was read.
    pub warnings: Vec<String>,
    /// Hash of its bytes.
    pub sha256: [u8; 32],
    /// Signature of its text, where it is long enough to be compared.
    pub signature: Option<Signature>,
    /// The document of the collection that says nearly the same, once it was compared.
    pub near_duplicate_of: Option<NearDuplicate>,
}

/// Returns the id of the document at a place: the same place is the same document.
pub fn document_id(uri: &str) -> String {
    format!("{:032x}", xxh3_128(uri.as_bytes()))
}

/// Returns the hash by which equal bytes are known.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns what is embedded for a row: for chunks of files, document and headings stand before the text.
pub fn embedded_text(row: &ChunkRow) -> Option<Cow<'_, str>> {
    let text = row.text.as_deref()?;
    let Some(uri) = file_of(row) else { return Some(Cow::Borrowed(text)) };
    Some(Cow::Owned(embedding_text(uri, row.title.as_deref(), &row.heading, text)))
}

/// Returns the text whose words a row is found by: what is embedded, with the document's name said [`NAME_WEIGHT`] times.
pub fn word_text(row: &ChunkRow) -> Option<Cow<'_, str>> {
    let text = embedded_text(row)?;
    let Some(uri) = file_of(row) else { return Some(text) };
    let name = document_name(uri, row.title.as_deref()) + "\n";
    Some(Cow::Owned(name.repeat(NAME_WEIGHT - 1) + &text))
}

/// Returns the place of the file that a row was cut from; rows that came without a file have none.
fn file_of(row: &ChunkRow) -> Option<&str> {
    row.uri.as_deref().filter(|_| row.sha256.is_some())
}

/// Returns rules that a model can follow: chunks with what stands before them are no longer than it reads.
///
/// More than the model reads at all is refused where a caller asks for it.
pub fn fitted(asked: &ChunkingChoice, rules: Chunking, embedder: &Embedder) -> Result<Chunking> {
    let most = embedder.max_tokens();
    let counts = [
        ("chunking.tokens", &asked.tokens, rules.tokens),
        ("chunking.max_tokens", &asked.max_tokens, rules.max_tokens),
    ];
    for (field, asked, tokens) in counts {
        if asked.is_some() && tokens > most {
            let detail = format!("{tokens} is more than the {most} tokens that {} reads", embedder.identity().name);
            return Err(Error::InvalidArgument { field, detail });
        }
    }
    let window = window(embedder);
    let tokens = rules.tokens.min(window);
    let overlap = rules.overlap.map(|overlap| overlap.min(tokens / 2));
    Ok(Chunking { tokens, max_tokens: rules.max_tokens.min(window), overlap, ..rules })
}

/// Returns the most tokens of a chunk that a model can read beside the lead.
fn window(embedder: &Embedder) -> usize {
    let window = embedder.max_tokens().saturating_sub(SPECIAL_TOKENS + LEAD_TOKENS);
    window.max(CHUNK_TOKENS_MIN)
}

/// Reads a file and cuts it by rules, which the model bounds.
pub fn read_chunks(
    (uri, bytes): (&str, &[u8]),
    workers: &WorkerPool,
    chunking: &Chunking,
    embedder: &Embedder,
) -> Result<(Document, Vec<Chunk>)> {
    let document = workers.read(bytes, uri)?;
    let chunks = split(&document, &rules(chunking, embedder), &|text| embedder.count(text));
    match chunks.is_empty() {
        true => Err(ReadError::NoText { detail: "blank".into() }.into()),
        false => Ok((document, chunks)),
    }
}

/// Returns rules for cutting, bounded by what the model reads: collections of earlier builds have larger ones.
fn rules(chunking: &Chunking, embedder: &Embedder) -> ChunkRules {
    let window = window(embedder);
    let (target_tokens, max_tokens) = (chunking.tokens.min(window), chunking.max_tokens.min(window));
    ChunkRules { target_tokens, max_tokens, overlap: chunking.repeats(), strategy: chunking.strategy }
}

impl IngestContext {
    /// Reads and cuts a file.
    pub fn cut(&self, uri: &str, bytes: &[u8], metadata: &Map<String, serde_json::Value>) -> Result<CutDocument> {
        let sha256 = sha256(bytes);
        let (document, chunks) = read_chunks((uri, bytes), &self.workers, &self.schema.chunking, &self.embedder)?;
        self.originals.keep(&sha256, bytes)?;
        let id = document_id(uri);
        let shared = self.shared_columns(&id, uri, &document, sha256, bytes.len());
        let rows = (0..)
            .zip(&chunks)
            .map(|(index, chunk)| PendingRow { row: self.row(&shared, index, chunk), metadata: metadata.clone() })
            .collect();
        let signature = Signature::of(&document.text);
        let (pages, warnings) = (document.pages, document.warnings);
        Ok(CutDocument { id, pages, rows, warnings, sha256, signature, near_duplicate_of: None })
    }

    /// Embeds the chunks of a document.
    pub fn embed(&self, rows: &mut [PendingRow]) -> Result<()> {
        let identity = self.embedder.identity().clone();
        for part in rows.chunks_mut(EMBED_BATCH) {
            let texts =
                part.iter().map(|pending| embedded_text(&pending.row).unwrap_or_default().into_owned()).collect();
            let vectors = self.embedder.embed(texts, TextKind::Document, Priority::Ingest)?;
            for (pending, vector) in part.iter_mut().zip(vectors.chunks_exact(identity.dimension)) {
                pending.row.embedding_hash = Some(hash_vector(vector));
                pending.row.embedding = Some(stored_vector(&self.schema, vector.to_vec())?);
                pending.row.model = Some(identity.name.clone());
            }
        }
        Ok(())
    }

    fn rules(&self) -> ChunkRules {
        rules(&self.schema.chunking, &self.embedder)
    }

    fn shared_columns(&self, id: &str, uri: &str, document: &Document, sha256: [u8; 32], bytes: usize) -> ChunkRow {
        ChunkRow {
            document_id: id.to_owned(),
            uri: Some(uri.to_owned()),
            sha256: Some(sha256),
            media_type: Some(document.media_type.clone()),
            title: document.title.clone(),
            document_bytes: i64::try_from(bytes).ok(),
            document_pages: document.pages.and_then(|pages| i32::try_from(pages).ok()),
            ingested_at: chrono::Utc::now().timestamp_micros(),
            ..ChunkRow::default()
        }
    }

    fn row(&self, shared: &ChunkRow, index: i32, chunk: &Chunk) -> ChunkRow {
        let page = |page: Option<u32>| page.and_then(|page| i32::try_from(page).ok());
        ChunkRow {
            extractor: Some(chunk.extractor.clone()),
            id: self.chunk_id(&shared.document_id, index, &chunk.text),
            chunk_index: index,
            text: Some(chunk.text.clone()),
            page: page(chunk.page),
            page_end: page(chunk.page_end),
            char_start: i64::try_from(chunk.char_start).ok(),
            char_end: i64::try_from(chunk.char_end).ok(),
            heading: chunk.heading.clone(),
            boxes: chunk.boxes.iter().flat_map(|&(page, x0, y0, x1, y1)| [page as f32, x0, y0, x1, y1]).collect(),
            ..shared.clone()
        }
    }

    /// Returns a function of document, position, content and rules, so that reading a file twice changes nothing.
    fn chunk_id(&self, document_id: &str, index: i32, text: &str) -> String {
        let mut hash = Sha256::new();
        for part in [document_id, &index.to_string(), &self.rules().rule_id(), text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hex(&hash.finalize()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sha256: Option<[u8; 32]>) -> ChunkRow {
        let (uri, text) = (Some("a/travel_policy.pdf".to_owned()), Some("Who pays?".to_owned()));
        ChunkRow { uri, sha256, text, heading: vec!["Hotels".into()], ..ChunkRow::default() }
    }

    #[test]
    fn a_chunk_of_a_file_is_found_by_the_name_of_its_document() {
        let row = row(Some([0; 32]));
        assert_eq!(embedded_text(&row).as_deref(), Some("travel policy > Hotels\nWho pays?"));
        assert_eq!(word_text(&row).as_deref(), Some("travel policy\ntravel policy\ntravel policy > Hotels\nWho pays?"));
    }

    #[test]
    fn a_row_without_a_file_is_found_by_its_text_alone() {
        assert_eq!(word_text(&row(None)).as_deref(), Some("Who pays?"));
    }
}
