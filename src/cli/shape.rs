//! The JSON shapes of collections, documents, hits and versions, as the server's routes answer them.
//!
//! A pure mapping: searches here and on a server print the same, because both are printed from these shapes.

use crate::query::Ranked;
use crate::schema::field::format_timestamp;
use crate::schema::{ChunkRow, CollectionName, row};
use crate::store::{ChunkView, CollectionInfo, DocumentView, Reembedded, SearchAnswer};
use crate::table::VersionInfo;
use serde_json::{Map, Value, json};

/// Returns a collection.
pub fn collection(info: &CollectionInfo) -> Value {
    let mut embedding = json!({ "dimension": info.embedding.dimension, "metric": info.embedding.metric });
    embedding["storage"] = json!(info.embedding.forms.storage);
    embedding["walk"] = json!(info.embedding.forms.walk);
    if let Some(model) = &info.embedding.model {
        embedding["model"] = model.name.clone().into();
    }
    json!({
        "name": info.name,
        "description": info.description,
        "embedding": embedding,
        "fields": info.fields,
        "chunking": info.chunking,
        "documents": info.documents,
        "chunks": info.chunks,
        "version": info.version,
        "bytes": info.bytes,
        "index": {
            "generation": info.generation,
            "covered_version": info.covered_version,
            "rows": info.covered_rows,
        },
    })
}

/// Returns what a change of the model did.
pub fn reembedded(name: &CollectionName, done: &Reembedded) -> Value {
    let query = |(text, shared, hits): &(String, usize, usize)| json!({ "text": text, "shared": shared, "hits": hits });
    let comparison = done.comparison.as_ref().map(|comparison| {
        let queries: Vec<Value> = comparison.queries.iter().map(query).collect();
        json!({ "k": comparison.k, "overlap": comparison.overlap, "queries": queries })
    });
    json!({
        "collection": name,
        "version": done.version,
        "chunks": done.chunks,
        "resumed": done.resumed,
        "switched": done.switched,
        "comparison": comparison,
    })
}

/// Returns a document.
pub fn document(view: &DocumentView) -> Value {
    let row = &view.row;
    json!({
        "id": row.document_id,
        "uri": row.uri,
        "title": row.title,
        "media_type": row.media_type,
        "bytes": row.document_bytes,
        "sha256": row.sha256.map(|sha256| hex(&sha256)),
        "pages": row.document_pages,
        "chunks": view.chunks,
        "metadata": metadata(row),
        "ingested_at": format_timestamp(row.ingested_at),
        "version": view.version,
    })
}

/// Returns the answer of a search.
pub fn answer(answer: &SearchAnswer, took_ms: f64, explain: bool) -> Value {
    let hits: Vec<Value> = answer.hits.iter().map(|(ranked, view)| hit(ranked, view)).collect();
    let mut json = json!({ "version": answer.version, "took_ms": took_ms, "hits": hits });
    if explain {
        json["plan"] = json!(answer.plan);
    }
    json
}

fn hit(ranked: &Ranked, view: &ChunkView) -> Value {
    let row = &view.row;
    let scores = [("dense", ranked.dense), ("lexical", ranked.lexical), ("rerank", ranked.rerank)];
    let scores = scores.into_iter().filter_map(|(leg, score)| Some((leg.to_owned(), number(score?))));
    json!({
        "id": row.id,
        "document_id": row.document_id,
        "score": number(ranked.score),
        "scores": scores.collect::<Map<_, _>>(),
        "text": row.text,
        "metadata": metadata(row),
        "source": source(row),
    })
}

fn source(row: &ChunkRow) -> Value {
    let mut source = json!({ "uri": row.uri });
    for (name, value) in [("title", &row.title), ("media_type", &row.media_type)] {
        if let Some(value) = value {
            source[name] = value.as_str().into();
        }
    }
    source["page"] = row.page.into();
    source["page_end"] = row.page_end.into();
    source["char_start"] = row.char_start.into();
    source["char_end"] = row.char_end.into();
    source["heading"] = json!(row.heading);
    if !row.boxes.is_empty() {
        let shown = |numbers: &[f32]| -> Value {
            let corners = numbers[1..].iter().map(|&corner| number(corner));
            std::iter::once(Value::from(numbers[0] as u32)).chain(corners).collect()
        };
        source["boxes"] = row.boxes.chunks_exact(5).map(shown).collect();
    }
    source
}

/// Returns the metadata of a row. Rows that no file stands behind got their lineage as metadata, and show it there too.
fn metadata(row: &ChunkRow) -> Value {
    let mut metadata: Map<_, _> = row.metadata.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
    if row.sha256.is_none() {
        let texts = [(row::URI, &row.uri), (row::TITLE, &row.title), (row::MEDIA_TYPE, &row.media_type)];
        metadata.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into()))));
        metadata.extend(row.page.map(|page| (row::PAGE.to_owned(), page.into())));
    }
    metadata.into()
}

/// Returns a number with no more digits than it has; a wider type would show its rounding.
fn number(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// Returns a version; rows that an upsert took out are those that it overwrote.
pub fn version(info: &VersionInfo) -> Value {
    let rows = |name: &str| info.properties.get(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    let (added, removed) = (rows("added"), rows("removed"));
    let updated = if info.operation == "upsert" { added.min(removed) } else { 0 };
    json!({
        "version": info.version,
        "timestamp": format_timestamp(info.timestamp.timestamp_micros()),
        "operation": info.operation,
        "rows_added": added - updated,
        "rows_updated": updated,
        "rows_deleted": removed - updated,
        "properties": info.properties,
    })
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Metadata, Value as Field};

    #[test]
    fn a_hit_has_the_shape_of_the_servers_answer() {
        let row = ChunkRow {
            id: "c".into(),
            document_id: "d".into(),
            text: Some("words".into()),
            uri: Some("a.pdf".into()),
            sha256: Some([0; 32]),
            page: Some(2),
            heading: vec!["One".into()],
            boxes: vec![2.0, 1.5, 2.0, 3.0, 4.1],
            metadata: Metadata::from([("year".to_owned(), Field::Number(2020.0))]),
            ..ChunkRow::default()
        };
        let ranked = Ranked { slot: 7, score: 0.1, dense: Some(0.7), lexical: None, rerank: None };
        let expected = json!({
            "id": "c", "document_id": "d", "score": 0.1, "scores": {"dense": 0.7}, "text": "words",
            "metadata": {"year": 2020},
            "source": {
                "uri": "a.pdf", "page": 2, "page_end": null, "char_start": null, "char_end": null, "heading": ["One"],
                "boxes": [[2, 1.5, 2.0, 3.0, 4.1]]
            }
        });
        assert_eq!(hit(&ranked, &ChunkView { row, embedding: None }), expected);
    }

    #[test]
    fn lineage_that_came_as_metadata_is_shown_as_metadata() {
        let row = ChunkRow { uri: Some("a".into()), page: Some(3), ..ChunkRow::default() };
        assert_eq!(metadata(&row), json!({"uri": "a", "page": 3}));
        assert_eq!(metadata(&ChunkRow { sha256: Some([1; 32]), ..row }), json!({}));
    }
}
