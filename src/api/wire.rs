//! The JSON forms that several routes share: chunks, documents, what to include, and how a version is named.
//!
//! Forms of a single route stand with its handler. Nothing here reads a store.

use crate::error::{Error, Result};
use crate::query::Ranked;
use crate::schema::field::format_timestamp;
use crate::schema::{ChunkRow, Metadata, Version, row};
use crate::store::{ChunkView, DocumentView, Include};
use crate::table::VersionRef;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Numbers of one box: page and corners.
const BOX_NUMBERS: usize = 5;

/// A part of a chunk that an answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Its text.
    Text,
    /// Its metadata.
    Metadata,
    /// Where it came from.
    Source,
    /// Its vector.
    Embedding,
}

/// Reads which parts are asked for; without a list, all but the vector.
pub fn include(parts: Option<&[Part]>) -> Include {
    let Some(parts) = parts else { return Include::default() };
    Include {
        text: parts.contains(&Part::Text),
        metadata: parts.contains(&Part::Metadata),
        source: parts.contains(&Part::Source),
        embedding: parts.contains(&Part::Embedding),
    }
}

/// Reads how a caller names a version: a number, or a number, time or tag as text.
pub fn version_ref(field: &'static str, json: &Json) -> Result<VersionRef> {
    let detail = || "expected a version number, a tag or an RFC 3339 time".to_owned();
    match json {
        Json::Number(number) => match number.as_u64() {
            Some(number) => Ok(VersionRef::Number(number)),
            None => Err(Error::InvalidArgument { field, detail: detail() }),
        },
        Json::String(text) if !text.is_empty() => Ok(VersionRef::parse(text)),
        _ => Err(Error::InvalidArgument { field, detail: detail() }),
    }
}

/// Reads the filter of a query string: the SQL form, or the JSON form where it begins with a brace.
pub fn filter_of_query(filter: Option<String>) -> Result<Option<Json>> {
    let Some(text) = filter.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    if !text.trim_start().starts_with('{') {
        return Ok(Some(Json::String(text)));
    }
    let parsed = serde_json::from_str(&text);
    parsed.map(Some).map_err(|error| Error::InvalidFilter { position: 0, detail: error.to_string() })
}

/// A chunk, and its scores where a search found it.
#[derive(Clone, Debug)]
pub struct Chunk {
    view: ChunkView,
    include: Include,
    ranked: Option<Ranked>,
}

impl Chunk {
    /// Returns chunks of a list.
    pub fn list(views: Vec<ChunkView>, include: Include) -> Vec<Self> {
        views.into_iter().map(|view| Self { view, include, ranked: None }).collect()
    }

    /// Returns the hits of a search.
    pub fn hits(hits: Vec<(Ranked, ChunkView)>, include: Include) -> Vec<Self> {
        hits.into_iter().map(|(ranked, view)| Self { view, include, ranked: Some(ranked) }).collect()
    }
}

impl Serialize for Chunk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, include, ranked } = self;
        let row = &view.row;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &row.id)?;
        map.serialize_entry("document_id", &row.document_id)?;
        if let Some(ranked) = ranked {
            map.serialize_entry("score", &ranked.score)?;
            map.serialize_entry("scores", &Scores::of(ranked))?;
        }
        if include.text {
            map.serialize_entry("text", &row.text)?;
        }
        if include.metadata {
            map.serialize_entry("metadata", &RowMetadata(row))?;
        }
        if include.source {
            map.serialize_entry("source", &Source::of(row))?;
        }
        if include.embedding {
            map.serialize_entry("embedding", &view.embedding)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Scores {
    #[serde(skip_serializing_if = "Option::is_none")]
    dense: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rerank: Option<f32>,
}

impl Scores {
    fn of(ranked: &Ranked) -> Self {
        Self { dense: ranked.dense, lexical: ranked.lexical, rerank: ranked.rerank }
    }
}

/// Where a chunk came from, as a citation shows it.
#[derive(Serialize)]
struct Source<'a> {
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    page: Option<i32>,
    page_end: Option<i32>,
    char_start: Option<i64>,
    char_end: Option<i64>,
    heading: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    boxes: Vec<(u32, f32, f32, f32, f32)>,
}

impl<'a> Source<'a> {
    fn of(row: &'a ChunkRow) -> Self {
        let boxes = row.boxes.chunks_exact(BOX_NUMBERS);
        Self {
            uri: row.uri.as_deref(),
            title: row.title.as_deref(),
            media_type: row.media_type.as_deref(),
            page: row.page,
            page_end: row.page_end,
            char_start: row.char_start,
            char_end: row.char_end,
            heading: &row.heading,
            boxes: boxes.map(|numbers| (numbers[0] as u32, numbers[1], numbers[2], numbers[3], numbers[4])).collect(),
        }
    }
}

/// Metadata of a row. Rows that no file stands behind got their lineage as metadata, and show it there too.
struct RowMetadata<'a>(&'a ChunkRow);

impl Serialize for RowMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut map = serializer.serialize_map(None)?;
        write_metadata(&mut map, &row.metadata)?;
        if row.sha256.is_none() {
            let texts = [(row::URI, &row.uri), (row::TITLE, &row.title), (row::MEDIA_TYPE, &row.media_type)];
            for (name, value) in texts {
                if let Some(value) = value {
                    map.serialize_entry(name, value)?;
                }
            }
            if let Some(page) = row.page {
                map.serialize_entry(row::PAGE, &page)?;
            }
        }
        map.end()
    }
}

fn write_metadata<M: SerializeMap>(map: &mut M, metadata: &Metadata) -> Result<(), M::Error> {
    metadata.iter().try_for_each(|(name, value)| map.serialize_entry(name, &value.to_json()))
}

/// A document.
#[derive(Clone, Debug)]
pub struct Document(pub DocumentView);

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(DocumentView { row, chunks, version }) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &row.document_id)?;
        map.serialize_entry("uri", &row.uri)?;
        map.serialize_entry("title", &row.title)?;
        map.serialize_entry("media_type", &row.media_type)?;
        map.serialize_entry("bytes", &row.document_bytes)?;
        map.serialize_entry("sha256", &row.sha256.map(|hash| hex(&hash)))?;
        map.serialize_entry("pages", &row.document_pages)?;
        map.serialize_entry("chunks", chunks)?;
        map.serialize_entry("metadata", &RowMetadata(row))?;
        map.serialize_entry("ingested_at", &format_timestamp(row.ingested_at))?;
        map.serialize_entry("version", &version.0)?;
        map.end()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a write of chunks did.
#[derive(Serialize)]
pub struct UpsertAnswer {
    /// Version that shows it.
    pub version: Version,
    /// Chunks written.
    pub written: usize,
    /// Chunks left out because their id was there.
    pub skipped: usize,
}

/// What a removal did.
#[derive(Serialize)]
pub struct DeleteAnswer {
    /// Version that shows it.
    pub version: Version,
    /// Chunks removed.
    pub deleted: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Value;
    use serde_json::json;

    fn chunk(row: ChunkRow, include: Include, ranked: Option<Ranked>) -> Json {
        let view = ChunkView { row, embedding: Some(vec![0.5, 1.0]) };
        serde_json::to_value(Chunk { view, include, ranked }).unwrap()
    }

    #[test]
    fn a_hit_has_the_shape_of_the_contract() {
        let row = ChunkRow {
            id: "c".into(),
            document_id: "d".into(),
            text: Some("words".into()),
            uri: Some("a.pdf".into()),
            sha256: Some([0; 32]),
            page: Some(2),
            heading: vec!["One".into()],
            boxes: vec![2.0, 1.5, 2.0, 3.0, 4.0],
            metadata: Metadata::from([("year".to_owned(), Value::Number(2020.0))]),
            ..ChunkRow::default()
        };
        let ranked = Ranked { slot: 7, score: 0.5, dense: Some(0.5), lexical: None, rerank: None };
        let expected = json!({
            "id": "c", "document_id": "d", "score": 0.5, "scores": {"dense": 0.5}, "text": "words",
            "metadata": {"year": 2020},
            "source": {
                "uri": "a.pdf", "page": 2, "page_end": null, "char_start": null, "char_end": null, "heading": ["One"],
                "boxes": [[2, 1.5, 2.0, 3.0, 4.0]]
            }
        });
        assert_eq!(chunk(row, Include::default(), Some(ranked)), expected);
    }

    #[test]
    fn only_what_is_asked_for_is_shown() {
        let row = ChunkRow { id: "c".into(), document_id: "d".into(), ..ChunkRow::default() };
        let expected = json!({"id": "c", "document_id": "d", "embedding": [0.5, 1.0]});
        assert_eq!(chunk(row.clone(), include(Some(&[Part::Embedding])), None), expected);
        assert_eq!(chunk(row, include(Some(&[])), None), json!({"id": "c", "document_id": "d"}));
    }

    #[test]
    fn lineage_that_came_as_metadata_is_shown_as_metadata() {
        let row = ChunkRow { uri: Some("a".into()), page: Some(3), ..ChunkRow::default() };
        assert_eq!(chunk(row.clone(), Include::default(), None)["metadata"], json!({"uri": "a", "page": 3}));
        let of_file = ChunkRow { sha256: Some([1; 32]), ..row };
        assert_eq!(chunk(of_file, Include::default(), None)["metadata"], json!({}));
    }

    #[test]
    fn a_version_is_named_by_number_text_or_time() {
        assert_eq!(version_ref("as_of", &json!(17)).unwrap(), VersionRef::Number(17));
        assert_eq!(version_ref("as_of", &json!("17")).unwrap(), VersionRef::Number(17));
        assert_eq!(version_ref("as_of", &json!("release")).unwrap(), VersionRef::Tag("release".into()));
        assert!(matches!(version_ref("as_of", &json!("2026-03-01T00:00:00Z")), Ok(VersionRef::At(_))));
        for wrong in [json!(-1), json!(1.5), json!(""), json!(true), json!({})] {
            assert_eq!(version_ref("as_of", &wrong).unwrap_err().code(), "invalid_argument", "{wrong}");
        }
    }
}
