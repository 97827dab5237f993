//! Routes on chunks: upsert, get, list, count, delete.
//!
//! An upsert comes as JSON, or as an Arrow stream that [`super::arrow_stream`] reads.

use super::answer::{Answer, versioned, versioned_large};
use super::app::App;
use super::arrow_stream;
use super::body::read_body;
use super::error::Problem;
use super::extract::{Json, Name, Query, media_type};
use super::wire::{Chunk, DeleteAnswer, Part, UpsertAnswer, include};
use crate::config::limits::PAGE_DEFAULT;
use crate::error::{Error, Result};
use crate::schema::Version;
use crate::store::{NewChunk, OnConflict, Selection};
use crate::telemetry;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// Numbers of the longest vector that most models make.
const USUAL_DIMENSION: usize = 1_024;

/// Body of `upsert_chunks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsert {
    chunks: Vec<ChunkForm>,
    on_conflict: Option<Conflict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChunkForm {
    id: String,
    document_id: Option<String>,
    text: Option<String>,
    embedding: Option<Numbers>,
    metadata: Option<Map<String, Value>>,
}

/// Numbers that are read into room for [`USUAL_DIMENSION`] of them, which costs less than letting them grow.
struct Numbers(Vec<f32>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Numbers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Numbers, A::Error> {
                let mut numbers = Vec::with_capacity(USUAL_DIMENSION);
                while let Some(number) = items.next_element()? {
                    numbers.push(number);
                }
                numbers.shrink_to_fit();
                Ok(Numbers(numbers))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Conflict {
    Overwrite,
    Skip,
    Fail,
}

/// Query of `upsert_chunks`; an Arrow stream has no other place for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpsertQuery {
    on_conflict: Option<Conflict>,
}

/// Body of `get_chunks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetChunks {
    ids: Vec<String>,
    include: Option<Vec<Part>>,
}

/// Body of `list_chunks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListChunks {
    filter: Option<Value>,
    after: Option<String>,
    limit: Option<usize>,
    include: Option<Vec<Part>>,
}

/// Body of `count_chunks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountChunks {
    filter: Option<Value>,
}

/// Body of `delete_chunks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteChunks {
    ids: Option<Vec<String>>,
    filter: Option<Value>,
}

/// A page of chunks.
#[derive(Serialize)]
pub struct ChunkList {
    /// The chunks.
    pub chunks: Vec<Chunk>,
    /// Version that they were read at.
    pub version: Version,
    /// Where the next page starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Writes chunks.
pub async fn upsert_chunks(
    State(app): State<App>,
    Name(name): Name,
    Query(query): Query<UpsertQuery>,
    request: Request,
) -> Answer {
    let (chunks, on_conflict, _permit) = if media_type(request.headers()) == arrow_stream::MEDIA_TYPE {
        let (parts, body) = request.into_parts();
        let held = read_body(&app, &parts.headers, body).await?;
        (arrow_stream::read(held.bytes).await?, query.on_conflict, held.permit)
    } else {
        let Json { value, permit } = Json::<Upsert>::from_request(request, &app).await?;
        let chunks = value.chunks.into_iter().map(NewChunk::from).collect();
        (chunks, value.on_conflict.or(query.on_conflict), permit)
    };
    chunks.iter().try_for_each(check_document_id)?;
    let written = app.collection(&name).await?.upsert(chunks, conflict_rule(on_conflict)).await?;
    telemetry::CHUNKS_WRITTEN.add(&[("by", "upsert")], written.written as u64);
    let body = UpsertAnswer { version: written.version, written: written.written, skipped: written.skipped };
    versioned(StatusCode::OK, written.version, &body)
}

/// Returns chunks by id; unknown ids are left out.
pub async fn get_chunks(State(app): State<App>, Name(name): Name, body: Json<GetChunks>) -> Answer {
    let include = include(body.value.include.as_deref());
    let (version, views) = app.collection(&name).await?.get_chunks(body.value.ids, include).await?;
    versioned_large(version, ChunkList { chunks: Chunk::list(views, include), version, next: None }).await
}

/// Lists chunks that pass a filter.
pub async fn list_chunks(State(app): State<App>, Name(name): Name, body: Json<ListChunks>) -> Answer {
    let ListChunks { filter, after, limit, include: parts } = body.value;
    let include = include(parts.as_deref());
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    let collection = app.collection(&name).await?;
    let page = collection.list_chunks(filter.as_ref(), after.as_deref(), limit, include).await?;
    let (version, next) = (page.version, page.next);
    versioned_large(version, ChunkList { chunks: Chunk::list(page.items, include), version, next }).await
}

/// Counts the chunks that pass a filter.
pub async fn count_chunks(State(app): State<App>, Name(name): Name, body: Json<CountChunks>) -> Answer {
    let collection = app.collection(&name).await?;
    let filter = body.value.filter;
    let counted = tokio::task::spawn_blocking(move || collection.count_chunks(filter.as_ref())).await;
    let (version, count) = counted.map_err(|error| Error::Internal(error.to_string()))??;
    versioned(StatusCode::OK, version, &json!({"count": count, "version": version}))
}

/// Removes chunks by id or filter; unknown ids are ignored.
pub async fn delete_chunks(State(app): State<App>, Name(name): Name, body: Json<DeleteChunks>) -> Answer {
    let selection = body.value.selection()?;
    let written = app.collection(&name).await?.delete_chunks(selection).await?;
    telemetry::CHUNKS_DELETED.add(&[], written.deleted as u64);
    let body = DeleteAnswer { version: written.version, deleted: written.deleted };
    versioned(StatusCode::OK, written.version, &body)
}

impl From<ChunkForm> for NewChunk {
    fn from(form: ChunkForm) -> Self {
        let ChunkForm { id, document_id, text, embedding, metadata } = form;
        let embedding = embedding.map(|Numbers(numbers)| numbers);
        Self { id, document_id, text, embedding, metadata: metadata.unwrap_or_default() }
    }
}

impl DeleteChunks {
    fn selection(self) -> Result<Selection, Problem> {
        let invalid = |detail: &str| Error::InvalidArgument { field: "ids", detail: detail.to_owned() };
        match (self.ids, self.filter) {
            (Some(ids), None) => Ok(Selection::Ids(ids)),
            (None, Some(filter)) => Ok(Selection::Filter(filter)),
            (Some(_), Some(_)) => Err(invalid("both ids and filter are given").into()),
            (None, None) => Err(invalid("neither ids nor filter is given").into()),
        }
    }
}

fn conflict_rule(asked: Option<Conflict>) -> OnConflict {
    match asked {
        None | Some(Conflict::Overwrite) => OnConflict::Overwrite,
        Some(Conflict::Skip) => OnConflict::Skip,
        Some(Conflict::Fail) => OnConflict::Fail,
    }
}

/// Refuses documents that no address can reach: clients resolve these two before they send them.
fn check_document_id(chunk: &NewChunk) -> Result<()> {
    let id = chunk.document_id.as_ref().unwrap_or(&chunk.id);
    if id != "." && id != ".." {
        return Ok(());
    }
    let detail = format!("document id '{id}' cannot be part of an address");
    Err(Error::InvalidArgument { field: "document_id", detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_of_a_chunk_is_named() {
        let read = serde_json::from_str::<Upsert>(r#"{"chunks": [{"id": "a", "vector": [1]}]}"#);
        assert!(read.err().unwrap().to_string().contains("unknown field `vector`"));
    }

    #[test]
    fn a_removal_names_ids_or_a_filter() {
        let selection = |json: &str| serde_json::from_str::<DeleteChunks>(json).unwrap().selection();
        assert!(matches!(selection(r#"{"ids": []}"#), Ok(Selection::Ids(_))));
        assert!(matches!(selection(r#"{"filter": "year > 1"}"#), Ok(Selection::Filter(_))));
        for wrong in ["{}", r#"{"ids": [], "filter": "year > 1"}"#, r#"{"filter": null}"#] {
            assert_eq!(selection(wrong).unwrap_err().code(), "invalid_argument", "{wrong}");
        }
    }

    #[test]
    fn document_ids_that_addresses_resolve_are_refused() {
        let chunk = |id: &str, document: Option<&str>| {
            check_document_id(&NewChunk { id: id.into(), document_id: document.map(Into::into), ..NewChunk::default() })
        };
        assert!(chunk("a", Some("..")).is_err());
        assert!(chunk(".", None).is_err());
        assert!(chunk("..", Some("a")).is_ok());
        assert!(chunk("...", None).is_ok());
    }
}
