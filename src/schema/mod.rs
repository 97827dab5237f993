//! The vocabulary: names with a type, fields with a type, and the rows of a collection as columns.
//!
//! No I/O and no clock live here. A request is turned into these types at the edge ([`id`], [`field`]); a write turns
//! rows into one Arrow batch ([`row`]); an opened table turns its Arrow schema and its own metadata into a
//! [`CollectionSchema`].

pub mod chunking;
pub mod collection;
pub mod field;
mod form;
pub mod id;
mod metric;
pub mod row;

pub use chunking::{Chunking, ChunkingChoice};
pub use collection::{CollectionSchema, EmbeddingSchema};
pub use field::{Field, FieldType, Metadata, Value};
pub use form::{ShortForm, Storage, VectorForms};
pub use id::{ChunkId, CollectionName, DocumentId, Version};
pub use metric::Metric;
pub use row::ChunkRow;
