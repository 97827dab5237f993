//! `ragstone reembed`: embeds a collection with another model, compares the two, and changes to it.
//!
//! Works on the data folder; a server has a route for the same. What was made before an interruption is used.

use super::args::{parse_collection, parse_precision};
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use super::shape;
use crate::schema::CollectionName;
use crate::store::{Comparison, NewModel, ReembedOptions};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ragstone_models::Precision;

/// Letters of a question that are shown.
const SHOWN_CHARS: usize = 60;

/// Flags of `reembed`.
#[derive(Debug, Args)]
pub struct ReembedArgs {
    /// Change this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// Embed with this model
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Compute in f32, bf16 or int8
    #[arg(long, value_name = "TYPE", value_parser = parse_precision)]
    precision: Option<Precision>,
    /// Cut the model's vectors to this length
    #[arg(long, value_name = "COUNT")]
    dimension: Option<usize>,
    /// Ask both models this, not the collection's texts
    #[arg(long = "query", value_name = "TEXT")]
    queries: Vec<String>,
    /// Compare this many hits
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: usize,
    /// Embed and compare, and stay with the present model
    #[arg(long)]
    dry_run: bool,
}

/// Embeds, compares and changes.
pub async fn run(args: ReembedArgs, context: &Context) -> Result<Exit, Failure> {
    let ReembedArgs { collection: name, model, precision, dimension, queries, k, dry_run } = args;
    let model = NewModel { name: model, precision, dimension };
    let options = ReembedOptions { queries, k, switch: !dry_run };
    let bar = progress_bar();
    let done = context
        .with_store(async |store| {
            let collection = store.collection(&name).await?;
            let embedding = store.embedding_for(&model, collection.info().embedding.forms)?;
            let report = |done: usize, total: usize| {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            };
            Ok(collection.reembed(embedding, options, report).await?)
        })
        .await;
    bar.finish_and_clear();
    let done = done?;
    if context.json {
        print_json(&shape::reembedded(&name, &done));
        return Ok(Exit::Done);
    }
    let kept = if done.resumed > 0 { format!(", {} of them before", done.resumed) } else { String::new() };
    print_line(&format!("{} chunks embedded by {}{kept}", done.chunks, one_line(&model.name)));
    done.comparison.iter().for_each(print_comparison);
    print_line(&match done.switched {
        true => format!("{name} has changed to it at version {}", done.version),
        false => format!("{name} stays with its model; without --dry-run it changes"),
    });
    Ok(Exit::Done)
}

fn print_comparison(comparison: &Comparison) {
    for (text, shared, hits) in &comparison.queries {
        let text: String = one_line(text).chars().take(SHOWN_CHARS).collect();
        print_line(&format!("  {shared:>3} of {hits:<3} the same: {text}"));
    }
    let Comparison { k, overlap, queries } = comparison;
    print_line(&format!(
        "{:.0} % of the first {k} hits are the same, over {} questions",
        overlap * 100.0,
        queries.len()
    ));
}

/// Returns a bar that shows itself on a terminal only.
fn progress_bar() -> ProgressBar {
    let form = "{pos} of {len} chunks {bar:30} {eta} left";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
