//! `ragstone versions`: lists what each version of a collection did, newest first.
//!
//! Going back to one is `restore`.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{print_json, print_table};
use super::shape;
use crate::config::limits::PAGE_DEFAULT;
use crate::schema::{CollectionName, Version};
use crate::table::VersionInfo;
use chrono::SecondsFormat;
use clap::Args;
use serde_json::json;

/// Flags of `versions`.
#[derive(Debug, Args)]
pub struct VersionsArgs {
    /// List versions of this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// List at most this many
    #[arg(long, value_name = "COUNT", default_value_t = PAGE_DEFAULT)]
    limit: usize,
    /// Begin below this version
    #[arg(long, value_name = "VERSION")]
    before: Option<u64>,
}

/// Lists the versions.
pub async fn run(args: VersionsArgs, context: &Context) -> Result<Exit, Failure> {
    let before = args.before.map(Version);
    let infos = context
        .with_collection(&args.collection, async |collection| Ok(collection.versions(before, args.limit).await?))
        .await?;
    if context.json {
        print_json(&json!({ "versions": infos.iter().map(shape::version).collect::<Vec<_>>() }));
    } else {
        let rows: Vec<_> = infos.iter().map(table_row).collect();
        print_table(&["VERSION", "TIME", "OPERATION", "ADDED", "REMOVED"], &rows);
    }
    Ok(if infos.is_empty() { Exit::Partly } else { Exit::Done })
}

fn table_row(info: &VersionInfo) -> Vec<String> {
    let count = |name: &str| info.properties.get(name).cloned().unwrap_or_default();
    vec![
        info.version.to_string(),
        info.timestamp.to_rfc3339_opts(SecondsFormat::Secs, true),
        info.operation.clone(),
        count("added"),
        count("removed"),
    ]
}
