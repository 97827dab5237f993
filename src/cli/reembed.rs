//! `ragstone reembed`: embeds a collection with another model, compares the two, and changes to it.
//!
//! Works on the data folder, or asks a server for a job and follows it. What was made before an interruption is used.

use super::args::{parse_collection, parse_precision};
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use super::remote::Server;
use super::shape;
use crate::schema::CollectionName;
use crate::store::{NewModel, ReembedOptions};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ragstone_models::Precision;
use serde_json::{Value, json};
use std::time::Duration;

/// Letters of a question that are shown.
const SHOWN_CHARS: usize = 60;
/// Time between two looks at the job of a server.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Flags of `reembed`.
#[derive(Debug, Args)]
pub struct ReembedArgs {
    /// Change this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// Have the server at this address do it
    #[arg(long, value_name = "URL")]
    server: Option<String>,
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
    let (name, model) = (args.collection.clone(), args.model.clone());
    let server = args.server.as_deref().map(Server::new).transpose()?;
    let bar = progress_bar();
    let done = match server {
        Some(server) => reembed_there(&server, args, &bar).await,
        None => reembed_here(context, args, &bar).await,
    };
    bar.finish_and_clear();
    let done = done?;
    match context.json {
        true => print_json(&done),
        false => print_done(&name, &model, &done),
    }
    Ok(Exit::Done)
}

async fn reembed_here(context: &Context, args: ReembedArgs, bar: &ProgressBar) -> Result<Value, Failure> {
    let ReembedArgs { collection: name, model, precision, dimension, queries, k, dry_run, .. } = args;
    let model = NewModel { name: model, precision, dimension };
    let options = ReembedOptions { queries, k, switch: !dry_run };
    let report = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let done = context.with_store(async |store| {
        let collection = store.collection(&name).await?;
        let embedding = store.embedding_for(&model, collection.info().embedding.forms)?;
        Ok(collection.reembed(embedding, options, report).await?)
    });
    Ok(shape::reembedded(&name, &done.await?))
}

/// Starts the job of a server and waits for its end; it goes on there when this ends before.
async fn reembed_there(server: &Server, args: ReembedArgs, bar: &ProgressBar) -> Result<Value, Failure> {
    let ReembedArgs { collection: name, model, precision, dimension, queries, k, dry_run, .. } = args;
    let mut body = json!({"model": model, "queries": queries, "k": k, "switch": !dry_run});
    let chosen = [("precision", precision.map(|it| json!(it))), ("dimension", dimension.map(|it| json!(it)))];
    for (key, value) in chosen.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        body[key] = value;
    }
    let started = server.post(&["v1", "collections", name.as_str(), "reembed"], &body).await?;
    let id = started["job"]["id"].as_str().unwrap_or_default();
    loop {
        let mut job = server.get(&["v1", "jobs", id], &[]).await?;
        bar.set_length(job["progress"]["total"].as_u64().unwrap_or(0));
        bar.set_position(job["progress"]["done"].as_u64().unwrap_or(0));
        match job["state"].as_str() {
            Some("running") => tokio::time::sleep(LOOK_EVERY).await,
            Some("done") => {
                let mut done = job["result"].take();
                done["collection"] = json!(name);
                return Ok(done);
            }
            _ => return Err(failed(&job["error"])),
        }
    }
}

fn failed(error: &Value) -> Failure {
    let detail = error["detail"].as_str().unwrap_or("the job ended without a reason");
    let failure = Failure::new(error["code"].as_str().unwrap_or("job_failed"), detail);
    failure.with_hint("vectors that were made are kept: the same command goes on from there")
}

fn print_done(name: &CollectionName, model: &str, done: &Value) {
    let resumed = done["resumed"].as_u64().unwrap_or(0);
    let kept = if resumed > 0 { format!(", {resumed} of them before") } else { String::new() };
    print_line(&format!("{} chunks embedded by {}{kept}", done["chunks"], one_line(model)));
    if done["comparison"].is_object() {
        print_comparison(&done["comparison"]);
    }
    print_line(&match done["switched"] == true {
        true => format!("{name} has changed to it at version {}", done["version"]),
        false => format!("{name} stays with its model; without --dry-run it changes"),
    });
}

fn print_comparison(comparison: &Value) {
    let queries = comparison["queries"].as_array().map(Vec::as_slice).unwrap_or_default();
    for query in queries {
        let text = one_line(query["text"].as_str().unwrap_or_default());
        let text: String = text.chars().take(SHOWN_CHARS).collect();
        let count = |key: &str| query[key].as_u64().unwrap_or(0);
        print_line(&format!("  {:>3} of {:<3} the same: {text}", count("shared"), count("hits")));
    }
    let (k, overlap) = (&comparison["k"], comparison["overlap"].as_f64().unwrap_or(0.0) * 100.0);
    print_line(&format!("{overlap:.0} % of the first {k} hits are the same, over {} questions", queries.len()));
}

/// Returns a bar that shows itself on a terminal only.
fn progress_bar() -> ProgressBar {
    let form = "{pos} of {len} chunks {bar:30} {eta} left";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
