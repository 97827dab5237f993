//! `ragstone documents`: lists, shows and deletes the documents of a collection, saves their original bytes, and lists the
//! files that gave none.
//!
//! Putting documents in is `ingest`.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_bytes, print_json, print_line, print_table};
use super::shape;
use crate::config::limits::PAGE_MAX;
use crate::schema::CollectionName;
use crate::store::{Collection, DocumentView, FailedFile, Include};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Flags of `documents`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "COMMAND")]
pub struct DocumentsArgs {
    #[command(subcommand)]
    command: Option<DocumentsCommand>,
    /// List files that failed, with their reasons
    #[arg(long)]
    failed: bool,
    /// Look in this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: Option<CollectionName>,
}

#[derive(Debug, Subcommand)]
enum DocumentsCommand {
    /// List documents
    List {
        #[command(flatten)]
        place: Place,
        /// Keep to what passes, such as "year >= 2020"
        #[arg(long, value_name = "FILTER")]
        filter: Option<String>,
        /// List files that failed, with their reasons
        #[arg(long, conflicts_with = "filter")]
        failed: bool,
    },
    /// Show a document
    Show {
        /// Show the document of this id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Delete documents
    Delete {
        /// Delete the documents of these ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Save the original bytes of a document
    Content {
        /// Save the document of this id
        id: String,
        #[command(flatten)]
        place: Place,
        /// Write to this file instead of stdout
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// Look in this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
}

/// Runs the command given, or lists.
pub async fn run(args: DocumentsArgs, context: &Context) -> Result<Exit, Failure> {
    let DocumentsArgs { command, failed, collection } = args;
    let command = match (command, collection) {
        (None, Some(collection)) => DocumentsCommand::List { place: Place { collection }, filter: None, failed },
        (Some(command), None) if !failed => command,
        (None, None) => return Err(Failure::new("invalid_argument", "--collection is missing")),
        (Some(_), _) => {
            return Err(Failure::new("invalid_argument", "flags stand behind the command that they are for"));
        }
    };
    match command {
        DocumentsCommand::List { place, failed: true, .. } => list_failed(&place.collection, context).await,
        DocumentsCommand::List { place, filter, .. } => list(&place.collection, filter, context).await,
        DocumentsCommand::Show { id, place } => show(&id, &place.collection, context).await,
        DocumentsCommand::Delete { ids, place } => delete(&ids, &place.collection, context).await,
        DocumentsCommand::Content { id, place, output } => content(&id, &place.collection, output, context).await,
    }
}

async fn list(name: &CollectionName, filter: Option<String>, context: &Context) -> Result<Exit, Failure> {
    let filter = filter.map(Value::String);
    let views = context.with_collection(name, async |collection| all(&collection, filter.as_ref()).await).await?;
    if context.json {
        print_json(&json!({ "documents": views.iter().map(shape::document).collect::<Vec<_>>() }));
    } else if views.is_empty() {
        eprintln!("nothing found");
    } else {
        let rows: Vec<_> = views.iter().map(table_row).collect();
        print_table(&["ID", "CHUNKS", "PAGES", "VERSION", "URI"], &rows);
    }
    Ok(if views.is_empty() { Exit::Partly } else { Exit::Done })
}

/// Reads the pages of the list to their end.
async fn all(collection: &Collection, filter: Option<&Value>) -> Result<Vec<DocumentView>, Failure> {
    let mut views = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = collection.documents(filter, after.as_deref(), PAGE_MAX).await?;
        views.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(views);
        }
    }
}

async fn list_failed(name: &CollectionName, context: &Context) -> Result<Exit, Failure> {
    let files = context
        .with_collection(name, async |collection| {
            let (mut files, mut after) = (Vec::new(), None);
            loop {
                let page = collection.failed_files(after.as_deref(), PAGE_MAX)?;
                after = page.last().map(|file| file.uri.clone());
                if page.is_empty() {
                    return Ok(files);
                }
                files.extend(page);
            }
        })
        .await?;
    if context.json {
        let shown = files.iter().map(|FailedFile { uri, code, detail, failed_at }| {
            json!({ "uri": uri, "error": { "code": code, "detail": detail }, "failed_at": failed_at })
        });
        print_json(&json!({ "files": shown.collect::<Vec<_>>() }));
    } else if files.is_empty() {
        eprintln!("no file failed");
    } else {
        let row = |file: &FailedFile| {
            let failed_at = file.failed_at.split('.').next().unwrap_or_default();
            vec![failed_at.to_owned(), file.code.clone(), one_line(&file.uri), one_line(&file.detail)]
        };
        print_table(&["FAILED AT", "CODE", "URI", "REASON"], &files.iter().map(row).collect::<Vec<_>>());
    }
    Ok(if files.is_empty() { Exit::Partly } else { Exit::Done })
}

fn table_row(view: &DocumentView) -> Vec<String> {
    vec![
        one_line(&view.row.document_id),
        view.chunks.to_string(),
        view.row.document_pages.map(|pages| pages.to_string()).unwrap_or_default(),
        view.version.to_string(),
        one_line(view.row.uri.as_deref().unwrap_or_default()),
    ]
}

async fn show(id: &str, name: &CollectionName, context: &Context) -> Result<Exit, Failure> {
    let (_, view, _) = context
        .with_collection(name, async |collection| Ok(collection.document(id, Include::default()).await?))
        .await?;
    let json = shape::document(&view);
    if context.json {
        print_json(&json);
    } else if let Value::Object(parts) = &json {
        for (part, value) in parts.iter().filter(|(_, value)| !value.is_null()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            print_line(&format!("{part:<12} {}", one_line(&value)));
        }
    }
    Ok(Exit::Done)
}

async fn delete(ids: &[String], name: &CollectionName, context: &Context) -> Result<Exit, Failure> {
    context
        .with_collection(name, async |collection| {
            let mut missing = false;
            for id in ids {
                let written = collection.delete_document(id).await?;
                missing |= written.deleted == 0;
                match context.json {
                    true => print_json(&json!({ "id": id, "deleted": written.deleted, "version": written.version })),
                    false => print_line(&format!("{}: {} chunks deleted", one_line(id), written.deleted)),
                }
            }
            Ok(if missing { Exit::Partly } else { Exit::Done })
        })
        .await
}

async fn content(id: &str, name: &CollectionName, output: Option<PathBuf>, context: &Context) -> Result<Exit, Failure> {
    let (_, bytes) =
        context.with_collection(name, async |collection| Ok(collection.document_content(id).await?)).await?;
    match output {
        Some(path) => std::fs::write(&path, &bytes).map_err(|error| Failure::file(&path, &error))?,
        None => print_bytes(&bytes),
    }
    Ok(Exit::Done)
}
