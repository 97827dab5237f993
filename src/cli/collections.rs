//! `ragstone collections`: lists, creates, shows and deletes collections.
//!
//! Works on the data folder; with a server, its own routes do the same.

use super::args::{ChunkingArgs, parse_collection, parse_precision, parse_storage, parse_walk};
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line, print_table};
use super::shape;
use crate::schema::{Chunking, CollectionName, Metric, ShortForm, Storage, VectorForms};
use crate::store::view::EmbeddingChoice;
use crate::store::{CollectionInfo, NewCollection, NewModel};
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use ragstone_ingest::chunk::{ChunkStrategy, Overlap};
use ragstone_models::Precision;
use serde_json::json;

/// Flags of `collections`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "COMMAND")]
pub struct CollectionsArgs {
    #[command(subcommand)]
    command: Option<CollectionsCommand>,
}

#[derive(Debug, Subcommand)]
enum CollectionsCommand {
    /// List all collections
    List,
    /// Create a collection
    Create(CreateArgs),
    /// Show one collection
    Show {
        /// Show this collection
        #[arg(value_parser = parse_collection)]
        name: CollectionName,
    },
    /// Delete a collection with all its versions
    Delete {
        /// Delete this collection
        #[arg(value_parser = parse_collection)]
        name: CollectionName,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Give it this name
    #[arg(value_parser = parse_collection)]
    name: CollectionName,
    /// Embed texts with this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Compute in f32, bf16 or int8
    #[arg(long, value_name = "TYPE", requires = "model", value_parser = parse_precision)]
    precision: Option<Precision>,
    /// Take vectors of this length, or cut a model's
    #[arg(long, value_name = "COUNT")]
    dimension: Option<usize>,
    /// Compare them by cosine, dot or l2
    #[arg(long, requires = "dimension", conflicts_with = "model", value_parser = parse_metric)]
    metric: Option<Metric>,
    /// Store vectors in f32 or f16
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = parse_storage)]
    storage: Storage,
    /// Walk by bytes or bits
    #[arg(long, value_name = "FORM", default_value = "bytes", value_parser = parse_walk)]
    walk: ShortForm,
    #[command(flatten)]
    chunking: ChunkingArgs,
    /// Say what it holds
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
}

fn parse_metric(name: &str) -> Result<Metric, String> {
    let metrics = [Metric::Cosine, Metric::Dot, Metric::L2];
    metrics.into_iter().find(|metric| metric.name() == name).ok_or_else(|| "it is not cosine, dot or l2".to_owned())
}

/// Runs the command given, or lists.
pub async fn run(args: CollectionsArgs, context: &Context) -> Result<Exit, Failure> {
    match args.command.unwrap_or(CollectionsCommand::List) {
        CollectionsCommand::List => list(context).await,
        CollectionsCommand::Create(args) => create(args, context).await,
        CollectionsCommand::Show { name } => {
            let info = context.with_collection(&name, async |collection| Ok(collection.info())).await?;
            show(&info, context);
            Ok(Exit::Done)
        }
        CollectionsCommand::Delete { name } => delete(&name, context).await,
    }
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let infos = context.with_store(async |store| Ok(store.collections().await?)).await?;
    if context.json {
        print_json(&json!({ "collections": infos.iter().map(shape::collection).collect::<Vec<_>>() }));
    } else if infos.is_empty() {
        eprintln!("no collections in {}", context.config.data.display());
    } else {
        let rows: Vec<_> = infos.iter().map(table_row).collect();
        print_table(&["NAME", "DOCUMENTS", "CHUNKS", "VERSION", "SIZE", "MODEL"], &rows);
    }
    Ok(Exit::Done)
}

fn table_row(info: &CollectionInfo) -> Vec<String> {
    vec![
        info.name.to_string(),
        info.documents.to_string(),
        info.chunks.to_string(),
        info.version.to_string(),
        HumanBytes(info.bytes).to_string(),
        info.embedding.model.as_ref().map_or_else(|| "-".to_owned(), |model| model.name.clone()),
    ]
}

async fn create(args: CreateArgs, context: &Context) -> Result<Exit, Failure> {
    let embedding = match (args.model, args.dimension) {
        (Some(name), dimension) => EmbeddingChoice::Model(NewModel { name, precision: args.precision, dimension }),
        (None, Some(dimension)) => EmbeddingChoice::Dimension { dimension, metric: args.metric.unwrap_or_default() },
        (None, None) => EmbeddingChoice::Default,
    };
    let new = NewCollection {
        name: args.name,
        description: args.description,
        embedding,
        forms: VectorForms { storage: args.storage, walk: args.walk },
        fields: Vec::new(),
        chunking: args.chunking.choice(),
    };
    let info = context.with_store(async |store| Ok(store.create_collection(new).await?)).await?;
    show(&info, context);
    Ok(Exit::Done)
}

async fn delete(name: &CollectionName, context: &Context) -> Result<Exit, Failure> {
    context.with_store(async |store| Ok(store.drop_collection(name).await?)).await?;
    match context.json {
        true => print_json(&json!({ "name": name, "deleted": true })),
        false => print_line(&format!("deleted {name}")),
    }
    Ok(Exit::Done)
}

fn show(info: &CollectionInfo, context: &Context) {
    if context.json {
        return print_json(&shape::collection(info));
    }
    let model = info.embedding.model.as_ref().map_or("none", |model| model.name.as_str());
    let fields: Vec<_> =
        info.fields.iter().map(|field| format!("{} {}", field.name, field.field_type.name())).collect();
    let lines = [
        ("name", info.name.to_string()),
        ("description", info.description.clone()),
        ("documents", info.documents.to_string()),
        ("chunks", info.chunks.to_string()),
        ("version", info.version.to_string()),
        ("size", HumanBytes(info.bytes).to_string()),
        ("model", model.to_owned()),
        ("dimension", info.embedding.dimension.to_string()),
        ("metric", info.embedding.metric.name().to_owned()),
        ("chunking", chunking(&info.chunking)),
        ("fields", fields.join(", ")),
        ("indexed", format!("{} chunks", info.covered_rows)),
    ];
    for (name, value) in lines {
        print_line(format!("{name:<12} {}", one_line(&value)).trim_end());
    }
}

fn chunking(rules: &Chunking) -> String {
    let overlap = match rules.repeats() {
        Overlap::Sentences(count) => format!("{count} sentences"),
        Overlap::Tokens(count) => format!("{count} tokens"),
    };
    let named = ChunkStrategy::NAMED.iter().find(|(_, strategy)| *strategy == rules.strategy);
    let strategy = named.map_or("", |(name, _)| name);
    format!("{strategy}, {} to {} tokens, overlap {overlap}", rules.tokens, rules.max_tokens)
}
