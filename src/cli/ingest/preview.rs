//! `ragstone ingest --dry-run`: prints the chunks that an ingest would write, and writes nothing.
//!
//! The rules are those of the collection, here or on a server, or the usual ones where there is none yet; flags change
//! them. Files are read here in any case.

use super::find::FoundFiles;
use crate::cli::args::ChunkingArgs;
use crate::cli::context::{Context, Exit};
use crate::cli::failure::Failure;
use crate::cli::output::{one_line, print_json, print_line};
use crate::cli::remote::Server;
use crate::error::Error;
use crate::schema::{Chunking, CollectionName};
use crate::store::preview::{Preview, Previewed};
use futures::stream::{self, StreamExt};
use ragstone_ingest::ReadError;
use ragstone_ingest::chunk::Chunk;
use ragstone_ingest::walk::FoundFile;
use serde_json::json;
use std::sync::Arc;

/// What a collection says about cutting: its rules, and its model.
type Rules = (Chunking, Option<String>);

/// Prints the chunks of files, in the order in which they were found.
pub async fn preview(
    context: &Context,
    (collection, server): (&CollectionName, Option<&Server>),
    asked: ChunkingArgs,
    files: FoundFiles,
) -> Result<Exit, Failure> {
    let (rules, model) = match server {
        Some(server) => rules_there(server, collection).await?,
        None => rules_here(context, collection).await?,
    };
    let preview = Arc::new(Preview::new(&context.config, model.as_deref(), &rules, &asked.choice())?);
    let mut failed = files.failures.len();
    for failure in &files.failures {
        let error = failure.error.clone().unwrap_or_else(|| Failure::new("unreadable", ""));
        print_failure(&failure.uri, &error, context.json);
    }
    let mut reading = stream::iter(files.files)
        .map(|file| {
            let preview = preview.clone();
            tokio::task::spawn_blocking(move || read(&preview, &file))
        })
        .buffered(context.config.threads);
    while let Some(task) = reading.next().await {
        for (uri, chunks) in task.map_err(|error| Failure::new("internal", error.to_string()))? {
            match chunks {
                Ok(chunks) => {
                    (0..).zip(&chunks).for_each(|(index, chunk)| print_chunk(&uri, index, chunk, context.json))
                }
                Err(error) => {
                    failed += 1;
                    print_failure(&uri, &error.into(), context.json);
                }
            }
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Partly })
}

/// Returns the rules of a collection in the data folder, which is not made where it is missing.
async fn rules_here(context: &Context, name: &CollectionName) -> Result<Rules, Failure> {
    if !context.config.data.is_dir() {
        return Ok(Rules::default());
    }
    let find = async |store: Arc<crate::store::Store>| match store.collection(name).await {
        Ok(collection) => {
            let info = collection.info();
            let model = info.embedding.model.ok_or(Error::NoModel { name: name.to_string() })?;
            Ok((info.chunking, Some(model.name)))
        }
        Err(Error::CollectionNotFound { .. }) => Ok(Rules::default()),
        Err(error) => Err(error.into()),
    };
    context.with_store(find).await
}

async fn rules_there(server: &Server, name: &CollectionName) -> Result<Rules, Failure> {
    match server.get(&["v1", "collections", name.as_str()], &[]).await {
        Ok(found) => {
            let model = found["embedding"]["model"].as_str().map(str::to_owned);
            let rules = serde_json::from_value(found["chunking"].clone());
            let rules = rules.map_err(|error| Failure::new("remote", format!("rules of the collection: {error}")))?;
            Ok((rules, model))
        }
        Err(problem) if problem.is_not_found() => Ok(Rules::default()),
        Err(problem) => Err(problem.into()),
    }
}

fn read(preview: &Preview, file: &FoundFile) -> Vec<Previewed> {
    match std::fs::read(&file.path) {
        Ok(bytes) => preview.read(&file.uri, &bytes),
        Err(error) => vec![(file.uri.clone(), Err(ReadError::Unreadable { detail: error.to_string() }.into()))],
    }
}

fn print_failure(uri: &str, error: &Failure, json: bool) {
    match json {
        true => print_json(&json!({ "document": uri, "error": error })),
        false => eprintln!("error: {}: {}: {}", one_line(uri), error.code, one_line(&error.detail)),
    }
}

fn print_chunk(uri: &str, index: usize, chunk: &Chunk, json: bool) {
    if json {
        return print_json(&json!({
            "document": uri,
            "index": index,
            "page": chunk.page,
            "page_end": chunk.page_end,
            "heading": chunk.heading,
            "tokens": chunk.tokens,
            "char_start": chunk.char_start,
            "char_end": chunk.char_end,
            "text": chunk.text,
        }));
    }
    let page = chunk.page.map(|page| format!("  page {page}")).unwrap_or_default();
    let heading = if chunk.heading.is_empty() { String::new() } else { format!("  {}", chunk.heading.join(" > ")) };
    let (start, end) = (chunk.char_start, chunk.char_end);
    let line = format!("--- {uri} #{index}{page}  {} tokens  characters {start} to {end}{heading}", chunk.tokens);
    print_line(&one_line(&line));
    print_line(&chunk.text);
}
