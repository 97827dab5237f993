//! What a collection is made of: its embedding, its metadata fields, and how both are kept in the table.
//!
//! The Arrow schema of the table is the truth about fields; the table's own metadata holds the rest as one JSON value.
//! Nothing is read or written here.

use super::chunking::Chunking;
use super::field::{Field, FieldType};
use super::form::VectorForms;
use super::metric::Metric;
use super::row;
use crate::error::{Error, Result};
use arrow::datatypes::Schema;
use ragstone_models::Identity;
use serde::{Deserialize, Serialize};

/// Most dimensions of an embedding.
pub const DIMENSION_MAX: usize = 8192;
/// Longest description, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 16 << 10;
/// Most metadata fields of a collection.
pub const FIELDS_MAX: usize = 256;

/// How the texts of a collection become vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingSchema {
    /// Identity of the model; `None` where callers send vectors themselves.
    pub model: Option<Identity>,
    /// Length of every vector.
    pub dimension: usize,
    /// Measure of nearness.
    pub metric: Metric,
    /// How vectors are kept.
    #[serde(default)]
    pub forms: VectorForms,
}

/// What a collection is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectionSchema {
    /// What it holds, in the owner's words.
    pub description: String,
    /// How texts become vectors.
    pub embedding: EmbeddingSchema,
    /// How documents are cut.
    pub chunking: Chunking,
    /// Metadata fields in column order.
    pub fields: Vec<Field>,
}

/// The part of a [`CollectionSchema`] that the Arrow schema cannot say, as stored in the table's metadata.
#[derive(Serialize, Deserialize)]
pub struct StoredSettings {
    /// What it holds.
    pub description: String,
    /// How texts become vectors.
    pub embedding: EmbeddingSchema,
    /// How documents are cut.
    pub chunking: Chunking,
}

impl CollectionSchema {
    /// Returns the schema of an opened table from its Arrow schema and stored settings.
    pub fn from_parts(settings: StoredSettings, arrow: &Schema) -> Self {
        let fields = arrow
            .fields()
            .iter()
            .filter(|field| !row::is_system_column(field.name()))
            .filter_map(|field| {
                let field_type = FieldType::from_arrow(field.data_type())?;
                Some(Field { name: field.name().clone(), field_type })
            })
            .collect();
        Self { description: settings.description, embedding: settings.embedding, chunking: settings.chunking, fields }
    }

    /// Returns what goes into the table's metadata.
    pub fn settings(&self) -> StoredSettings {
        StoredSettings {
            description: self.description.clone(),
            embedding: self.embedding.clone(),
            chunking: self.chunking.clone(),
        }
    }

    /// Returns the type of a metadata field.
    pub fn field_type(&self, name: &str) -> Option<FieldType> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.field_type)
    }

    /// Returns every field that a filter may name: the metadata fields and the public lineage columns.
    pub fn filterable(&self) -> impl Iterator<Item = (&str, FieldType)> {
        let system = row::FILTERABLE_SYSTEM_COLUMNS.iter().map(|&(name, field_type)| (name, field_type));
        self.fields.iter().map(|field| (field.name.as_str(), field.field_type)).chain(system)
    }

    /// Returns the type of a filterable field, or an error that names the nearest one.
    pub fn filter_type(&self, name: &str) -> Result<FieldType> {
        if let Some((_, field_type)) = self.filterable().find(|(known, _)| *known == name) {
            return Ok(field_type);
        }
        let nearest = self
            .filterable()
            .map(|(known, _)| (edit_distance(known, name), known))
            .min()
            .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 2)
            .map(|(_, known)| known.to_owned());
        Err(Error::UnknownField { field: name.to_owned(), nearest })
    }
}

/// Returns the number of single-character edits between two names (Levenshtein), case ignored.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().take(128).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.to_lowercase().chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_answered_with_the_nearest_one() {
        let schema = CollectionSchema {
            description: String::new(),
            embedding: EmbeddingSchema {
                model: None,
                dimension: 2,
                metric: Metric::Cosine,
                forms: VectorForms::default(),
            },
            chunking: Chunking::default(),
            fields: vec![Field { name: "year".into(), field_type: FieldType::Number }],
        };
        let nearest = |name: &str| match schema.filter_type(name) {
            Err(Error::UnknownField { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("yaer").as_deref(), Some("year"));
        assert_eq!(nearest("documentid").as_deref(), Some("document_id"));
        assert_eq!(nearest("completely_different"), None);
        assert_eq!(schema.filter_type("page").unwrap(), FieldType::Integer);
    }
}
