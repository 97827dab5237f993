//! `ragstone verify`: reads every object of the tables and compares it with its checksum.
//!
//! Repairs nothing. Index files are not read: they are caches, checked when they are opened.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use crate::schema::CollectionName;
use crate::store::Store;
use crate::table::VerifyReport;
use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;
use std::path::Path;

/// Flags of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Verify this collection only
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: Option<CollectionName>,
}

/// Verifies one collection or all of them, and prints what was found in each.
pub async fn run(args: VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    context
        .with_store(async |store| {
            let names = match args.collection {
                Some(name) => vec![name],
                None => names(&context.config.data)?,
            };
            let mut intact = true;
            for name in &names {
                intact &= verify(&store, name, context.json).await;
            }
            if names.is_empty() {
                eprintln!("no collections in {}", context.config.data.display());
            }
            Ok(if intact { Exit::Done } else { Exit::Failed })
        })
        .await
}

/// Names the tables in the data folder; the store's own list leaves out those that cannot be opened.
fn names(data: &Path) -> Result<Vec<CollectionName>, Failure> {
    let failed = |error| Failure::file(data, &error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(data).map_err(failed)? {
        let file_name = entry.map_err(failed)?.file_name();
        let name = file_name.to_str().and_then(|name| name.strip_suffix(".lance"));
        names.extend(name.and_then(|name| CollectionName::parse(name).ok()));
    }
    names.sort();
    Ok(names)
}

/// Verifies a collection, prints what was found, and returns whether it is intact.
async fn verify(store: &Store, name: &CollectionName, json: bool) -> bool {
    let result = match store.collection(name).await {
        Ok(collection) => collection.verify().await,
        Err(error) => Err(error),
    };
    let (report, error) = match result {
        Ok(report) => (report, None),
        Err(error) => (VerifyReport::default(), Some(Failure::from(error))),
    };
    let intact = report.damaged.is_empty() && error.is_none();
    if json {
        let damaged: Vec<_> =
            report.damaged.iter().map(|(path, found)| json!({"path": path, "detail": found})).collect();
        print_json(&json!({
            "collection": name,
            "intact": report.intact,
            "unverified": report.unverified,
            "bytes": report.bytes,
            "damaged": damaged,
            "error": error,
        }));
        return intact;
    }
    match error {
        Some(failure) => print_line(&format!("{name}: {}", one_line(&failure.detail))),
        None => print_report(name, &report),
    }
    intact
}

fn print_report(name: &CollectionName, report: &VerifyReport) {
    let VerifyReport { intact, unverified, damaged, bytes } = report;
    let state = if damaged.is_empty() { "intact" } else { "DAMAGED" };
    let bytes = HumanBytes(*bytes);
    print_line(&format!("{name}: {state}, {intact} objects with {bytes} compared, {unverified} without a checksum"));
    for (path, found) in damaged {
        print_line(&format!("  {}: {}", one_line(path), one_line(found)));
    }
}
