//! Routes on documents that are there: list, find, delete, their original bytes and their chunks.
//!
//! Taking files in stands in [`super::upload`].

use super::answer::{Answer, versioned, versioned_large, with_version};
use super::app::App;
use super::error::detail_of_file;
use super::extract::{Id, Name, Query};
use super::wire::{Chunk, Document, filter_of_query};
use crate::config::limits::PAGE_DEFAULT;
use crate::error::{Error, Result};
use crate::schema::Version;
use crate::store::{FailedFile, Include};
use crate::telemetry;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write;

/// Query of `list_documents`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListDocuments {
    filter: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct DocumentList {
    documents: Vec<Document>,
    version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists documents by id; `after` is the id of the last one shown.
pub async fn list_documents(State(app): State<App>, Name(name): Name, Query(query): Query<ListDocuments>) -> Answer {
    let filter = filter_of_query(query.filter)?;
    let after = query.after.filter(|after| !after.is_empty());
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    let page = app.collection(&name).await?.documents(filter.as_ref(), after.as_deref(), limit).await?;
    let documents = page.items.into_iter().map(Document).collect();
    versioned_large(page.version, DocumentList { documents, version: page.version, next: page.next }).await
}

/// Query of `list_failed_files`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListFailedFiles {
    after: Option<String>,
    limit: Option<usize>,
}

/// Lists files that gave no document when they were last taken in; `after` is the uri of the last one shown.
pub async fn list_failed_files(
    State(app): State<App>,
    Name(name): Name,
    Query(query): Query<ListFailedFiles>,
) -> Answer {
    let collection = app.collection(&name).await?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    let files = collection.failed_files(query.after.as_deref(), limit)?;
    let next = files.last().filter(|_| files.len() == limit).map(|file| file.uri.clone());
    let file = |file: FailedFile| {
        let detail = detail_of_file(&file.code, &file.detail);
        json!({"uri": file.uri, "error": {"code": file.code, "detail": detail}, "failed_at": file.failed_at})
    };
    let files: Vec<_> = files.into_iter().map(file).collect();
    let version = collection.info().version;
    let mut body = json!({"files": files, "version": version});
    if let Some(next) = next {
        body["next"] = next.into();
    }
    versioned(StatusCode::OK, version, &body)
}

/// Finds a document.
pub async fn find_document(State(app): State<App>, Name(name): Name, Id(id): Id) -> Answer {
    let (version, document, _) = app.collection(&name).await?.document(&id, Include::default()).await?;
    versioned(StatusCode::OK, version, &Document(document))
}

/// Lists the chunks of a document in their order.
pub async fn list_document_chunks(State(app): State<App>, Name(name): Name, Id(id): Id) -> Answer {
    let include = Include::default();
    let (version, _, chunks) = app.collection(&name).await?.document(&id, include).await?;
    let body = super::chunks::ChunkList { chunks: Chunk::list(chunks, include), version, next: None };
    versioned_large(version, body).await
}

/// Removes a document with all its chunks.
pub async fn delete_document(State(app): State<App>, Name(name): Name, Id(id): Id) -> Answer {
    let written = app.collection(&name).await?.delete_document(&id).await?;
    telemetry::CHUNKS_DELETED.add(&[], written.deleted as u64);
    let body = json!({"id": id, "deleted": true, "chunks_deleted": written.deleted, "version": written.version});
    versioned(StatusCode::OK, written.version, &body)
}

/// Returns the original bytes of a document.
///
/// They are a stranger's file on our own origin, so a browser may only save them: attachment, no sniffing, sandbox.
pub async fn read_document(State(app): State<App>, Name(name): Name, Id(id): Id) -> Answer {
    let collection = app.collection(&name).await?;
    let (version, document, _) = collection.document(&id, Include::default()).await?;
    let (media_type, bytes) = collection.document_content(&id).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header_value(&media_type)?);
    headers
        .insert(header::CONTENT_DISPOSITION, header_value(&disposition(document.row.uri.as_deref().unwrap_or(&id)))?);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(with_version((headers, bytes).into_response(), version))
}

fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| Error::Internal(error.to_string()))
}

/// Returns a disposition that saves under the last part of a uri, in ASCII and in UTF-8 (RFC 6266).
fn disposition(uri: &str) -> String {
    let name = uri.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("document");
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => encoded.push(char::from(byte)),
            // Writing into a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header_or_folder() {
        let ascii = "attachment; filename=\"a_b_.pdf\"; filename*=UTF-8''a%22b%0A.pdf";
        assert_eq!(disposition("../x/a\"b\n.pdf"), ascii);
        assert_eq!(disposition("报.pdf"), "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E6%8A%A5.pdf");
        assert_eq!(disposition("folder/"), "attachment; filename=\"document\"; filename*=UTF-8''document");
    }
}
