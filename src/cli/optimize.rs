//! `ragstone optimize`: compacts a collection, expires old versions and builds the index over every chunk.
//!
//! A server does this by itself; the command is for folders that no server has open.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{print_json, print_line};
use crate::schema::CollectionName;
use clap::Args;
use serde_json::json;
use std::time::Instant;

/// Flags of `optimize`.
#[derive(Debug, Args)]
pub struct OptimizeArgs {
    /// Optimize this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
}

/// Optimizes and prints the version that is served now.
pub async fn run(args: OptimizeArgs, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let (version, indexed) = context
        .with_collection(&args.collection, async |collection| {
            let written = collection.optimize().await?;
            Ok((written.version, collection.info().covered_rows))
        })
        .await?;
    let (name, seconds) = (&args.collection, started.elapsed().as_secs_f64());
    match context.json {
        true => print_json(&json!({ "collection": name, "version": version, "indexed": indexed, "seconds": seconds })),
        false => print_line(&format!("{name} is at version {version}, {indexed} chunks indexed, {seconds:.1} s")),
    }
    Ok(Exit::Done)
}
