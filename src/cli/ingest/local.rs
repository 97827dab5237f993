//! Ingesting into the data folder of this process.
//!
//! The store does the work; here is the collection made if need be, and a signal turned into an end without loss.

use super::command::{Plan, Which, interrupted};
use super::report::{FileReport, Reporter};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::config::limits::PAGE_MAX;
use crate::error::Error;
use crate::schema::{ChunkingChoice, CollectionName, VectorForms};
use crate::store::view::EmbeddingChoice;
use crate::store::{Collection, Content, IngestFile, IngestOptions, NewCollection, Store};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Ingests the files of a plan, and removes what is gone where the plan says so.
///
/// An interrupt ends the reading of files at once; what the writer was given is written before the folder is closed,
/// which a second interrupt does not wait for.
pub async fn ingest_here(context: &Context, plan: Plan, reporter: &mut Reporter) -> Result<(), Failure> {
    let store = context.open_store()?;
    let result = tokio::select! {
        result = ingest(&store, plan, reporter) => result,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("stopping: what is being written is finished first");
            Err(interrupted())
        }
    };
    tokio::select! {
        () = store.close() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    result
}

/// Ingests the files of a plan into an open data folder, and removes what is gone where the plan says so.
pub async fn ingest(store: &Store, mut plan: Plan, reporter: &mut Reporter) -> Result<(), Failure> {
    let collection = open_or_create(store, &plan.collection).await?;
    if plan.which == Which::Failed {
        plan.keep_failed(&failed_uris(&collection)?);
        reporter.expect(plan.files.files.len());
    }
    let files = plan.files.files.into_iter();
    let files = files.map(|file| IngestFile { uri: file.uri, content: Content::Path(file.path) }).collect();
    let options = IngestOptions { metadata: plan.metadata, near_duplicates: plan.near_duplicates };
    collection.ingest(files, options, |outcome| reporter.file(FileReport::from(outcome))).await?;
    if let Some(keep) = &plan.keep {
        collection.remove_missing(|uri| keep.holds(uri), |outcome| reporter.file(FileReport::from(outcome))).await?;
    }
    Ok(())
}

fn failed_uris(collection: &Collection) -> Result<BTreeSet<String>, Error> {
    let mut uris = BTreeSet::new();
    loop {
        let page = collection.failed_files(uris.last().map(String::as_str), PAGE_MAX)?;
        if page.is_empty() {
            return Ok(uris);
        }
        uris.extend(page.into_iter().map(|file| file.uri));
    }
}

async fn open_or_create(store: &Store, name: &CollectionName) -> Result<Arc<Collection>, Error> {
    match store.collection(name).await {
        Err(Error::CollectionNotFound { .. }) => {}
        opened => return opened,
    }
    let new = NewCollection {
        name: name.clone(),
        description: String::new(),
        embedding: EmbeddingChoice::Default,
        forms: VectorForms::default(),
        fields: Vec::new(),
        chunking: ChunkingChoice::default(),
    };
    store.create_collection(new).await?;
    store.collection(name).await
}
