//! `ragstone restore`: makes an earlier version of a collection the newest one.
//!
//! History stays; nothing is asked, since restoring the version before undoes it.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{print_json, print_line};
use crate::schema::CollectionName;
use crate::table::VersionRef;
use clap::Args;
use serde_json::json;

/// Flags of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Restore this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// Go back to a version, tag or RFC 3339 time
    #[arg(long, value_name = "VERSION")]
    to: String,
}

/// Restores and prints the version that holds the content again.
pub async fn run(args: RestoreArgs, context: &Context) -> Result<Exit, Failure> {
    let to = VersionRef::parse(&args.to);
    let written =
        context.with_collection(&args.collection, async |collection| Ok(collection.restore(to).await?)).await?;
    let (name, version) = (&args.collection, written.version);
    match context.json {
        true => print_json(&json!({ "collection": name, "version": version, "restored": args.to })),
        false => print_line(&format!("{name} is at version {version}, with the content of {}", args.to)),
    }
    Ok(Exit::Done)
}
