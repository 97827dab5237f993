//! What edges hand in and get back: plain values without table or index behind them.
//!
//! They are not the wire format; `api` and `cli` have their own.

use crate::schema::collection::EmbeddingSchema;
use crate::schema::{ChunkRow, Chunking, ChunkingChoice, CollectionName, Field, Metric, VectorForms, Version};
use ragstone_models::Precision;
use serde_json::Map;

/// A collection to be created.
#[derive(Clone, Debug)]
pub struct NewCollection {
    /// Its name.
    pub name: CollectionName,
    /// What it holds, in the owner's words.
    pub description: String,
    /// How its texts become vectors.
    pub embedding: EmbeddingChoice,
    /// How its vectors are kept.
    pub forms: VectorForms,
    /// Metadata fields known beforehand.
    pub fields: Vec<Field>,
    /// How its documents are cut.
    pub chunking: ChunkingChoice,
}

/// How the texts of a new collection become vectors.
#[derive(Clone, Debug)]
pub enum EmbeddingChoice {
    /// By the configured model, in the configured precision.
    Default,
    /// By an installed or external model.
    Model(NewModel),
    /// Callers send vectors of this length.
    Dimension {
        /// Length of every vector.
        dimension: usize,
        /// Measure of nearness.
        metric: Metric,
    },
}

/// The model that a collection is to have.
#[derive(Clone, Debug)]
pub struct NewModel {
    /// Its name.
    pub name: String,
    /// How numbers are held while it computes; `None` for the configured precision.
    pub precision: Option<Precision>,
    /// Length that its vectors are cut to; `None` leaves them.
    pub dimension: Option<usize>,
}

/// A collection as it stands.
#[derive(Clone, Debug)]
pub struct CollectionInfo {
    /// Its name.
    pub name: CollectionName,
    /// What it holds.
    pub description: String,
    /// How its texts become vectors.
    pub embedding: EmbeddingSchema,
    /// Metadata fields.
    pub fields: Vec<Field>,
    /// How its documents are cut.
    pub chunking: Chunking,
    /// Number of documents.
    pub documents: usize,
    /// Number of chunks.
    pub chunks: usize,
    /// Newest version.
    pub version: Version,
    /// Bytes of the newest version's data files.
    pub bytes: u64,
    /// Name of the sealed generation, if there is one.
    pub generation: Option<String>,
    /// Newest version whose rows the generation covers; 0 without one.
    pub covered_version: Version,
    /// Rows that the generation covers.
    pub covered_rows: usize,
}

/// A chunk that a caller upserts.
#[derive(Clone, Debug, Default)]
pub struct NewChunk {
    /// Its id.
    pub id: String,
    /// Document that it belongs to; its own id without one.
    pub document_id: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// Its vector; made from the text where the collection has a model.
    pub embedding: Option<Vec<f32>>,
    /// Its metadata.
    pub metadata: Map<String, serde_json::Value>,
}

/// What happens to chunks whose id is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// They replace what is there.
    #[default]
    Overwrite,
    /// They are left out.
    Skip,
    /// Nothing of the request is written.
    Fail,
}

/// Which chunks a request means.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Those of these ids; unknown ones are ignored.
    Ids(Vec<String>),
    /// Those that pass a filter, in its SQL (string) or JSON (object) form.
    Filter(serde_json::Value),
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Version that shows it.
    pub version: Version,
    /// Chunks written.
    pub written: usize,
    /// Chunks left out because their id was there.
    pub skipped: usize,
    /// Chunks removed.
    pub deleted: usize,
}

/// Which parts of a chunk an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Include {
    /// Its text.
    pub text: bool,
    /// Its metadata.
    pub metadata: bool,
    /// Where it came from.
    pub source: bool,
    /// Its vector.
    pub embedding: bool,
}

impl Default for Include {
    fn default() -> Self {
        Self { text: true, metadata: true, source: true, embedding: false }
    }
}

/// A chunk as an answer shows it.
#[derive(Clone, Debug)]
pub struct ChunkView {
    /// The row; its embedding is filled only when asked for.
    pub row: ChunkRow,
    /// Its vector, when asked for.
    pub embedding: Option<Vec<f32>>,
}

/// A document as an answer shows it.
#[derive(Clone, Debug)]
pub struct DocumentView {
    /// Its first chunk, which carries what all its chunks share.
    pub row: ChunkRow,
    /// Number of chunks.
    pub chunks: usize,
    /// Version that wrote it.
    pub version: Version,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Version that it was read at.
    pub version: Version,
    /// Its entries.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
}
