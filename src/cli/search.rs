//! `ragstone search`: finds passages in a data folder or on a server, and prints them.
//!
//! Both ways end in the same JSON, from which the text for people is made.

use super::args::parse_collection;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line};
use super::remote::Server;
use super::shape;
use crate::query::Mode;
use crate::schema::CollectionName;
use crate::store::{Rerank, SearchRequest};
use crate::table::VersionRef;
use clap::Args;
use serde_json::{Value, json};
use std::time::Instant;

/// Characters of a passage that are printed.
const EXCERPT_CHARS: usize = 300;
/// Passages that a reranker reads.
const RERANK_TOP: usize = 50;

/// Flags of `search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Find this
    query: String,
    /// Search this collection
    #[arg(long, short, value_name = "NAME", value_parser = parse_collection)]
    collection: CollectionName,
    /// Keep to what passes, such as "year >= 2020"
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Print this many passages
    #[arg(short, default_value_t = 10, value_name = "COUNT")]
    k: usize,
    /// Search a version, tag or RFC 3339 time
    #[arg(long, value_name = "VERSION")]
    as_of: Option<String>,
    /// Use hybrid, dense or lexical search
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    mode: Option<Mode>,
    /// Put the best 50 in order by this reranker
    #[arg(long, value_name = "MODEL")]
    rerank: Option<String>,
    /// Show how the search was run
    #[arg(long)]
    explain: bool,
    /// Ask the server at this address
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

fn parse_mode(name: &str) -> Result<Mode, String> {
    let modes = [Mode::Hybrid, Mode::Dense, Mode::Lexical];
    modes.into_iter().find(|mode| mode.name() == name).ok_or_else(|| "it is not hybrid, dense or lexical".to_owned())
}

/// Searches and prints the passages.
pub async fn run(args: SearchArgs, context: &Context) -> Result<Exit, Failure> {
    let answer = match &args.server {
        Some(server) => ask_server(&args, server).await?,
        None => ask_store(&args, context).await?,
    };
    match context.json {
        true => print_json(&answer),
        false => print_answer(&answer),
    }
    let found = answer["hits"].as_array().is_some_and(|hits| !hits.is_empty());
    Ok(if found { Exit::Done } else { Exit::Partly })
}

async fn ask_store(args: &SearchArgs, context: &Context) -> Result<Value, Failure> {
    let request = SearchRequest {
        text: Some(args.query.clone()),
        mode: args.mode,
        k: args.k,
        filter: args.filter.clone().map(Value::String),
        as_of: args.as_of.as_deref().map(VersionRef::parse),
        rerank: args.rerank.clone().map(|model| Rerank { model, top: RERANK_TOP }),
        ..SearchRequest::default()
    };
    context
        .with_collection(&args.collection, async |collection| {
            let started = Instant::now();
            let answer = collection.search(request).await?;
            Ok(shape::answer(&answer, started.elapsed().as_secs_f64() * 1e3, args.explain))
        })
        .await
}

async fn ask_server(args: &SearchArgs, server: &str) -> Result<Value, Failure> {
    let mut body = json!({ "text": args.query, "k": args.k, "explain": args.explain });
    if let Some(mode) = args.mode {
        body["mode"] = mode.name().into();
    }
    if let Some(filter) = &args.filter {
        body["filter"] = filter.as_str().into();
    }
    if let Some(model) = &args.rerank {
        body["rerank"] = json!({ "model": model, "top": RERANK_TOP });
    }
    if let Some(as_of) = &args.as_of {
        body["as_of"] = as_of.parse::<u64>().map_or_else(|_| as_of.as_str().into(), Value::from);
    }
    let path = ["v1", "collections", args.collection.as_str(), "search"];
    Ok(Server::new(server)?.post(&path, &body).await?)
}

fn print_answer(answer: &Value) {
    let hits = answer["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (rank, hit) in (1..).zip(hits) {
        hit_lines(rank, hit).iter().for_each(|line| print_line(line));
    }
    if hits.is_empty() {
        eprintln!("nothing found");
    }
    if let Some(plan) = answer["plan"].as_object() {
        plan.iter().for_each(|(name, value)| print_line(&format!("{name}: {}", one_line(&shown(value)))));
    }
}

/// Returns rank, score and place of a hit, its headings and the beginning of its text.
fn hit_lines(rank: usize, hit: &Value) -> Vec<String> {
    let source = &hit["source"];
    let uri = source["uri"].as_str().or_else(|| hit["id"].as_str()).unwrap_or_default();
    let page = source["page"].as_u64().map(|page| format!(":{page}")).unwrap_or_default();
    let score = hit["score"].as_f64().unwrap_or_default();
    let mut lines = vec![format!("{rank:>2}  {score:.4}  {}{page}", one_line(uri))];
    let headings = source["heading"].as_array().map(Vec::as_slice).unwrap_or_default();
    let headings: Vec<&str> = headings.iter().filter_map(Value::as_str).collect();
    if !headings.is_empty() {
        lines.push(format!("    {}", one_line(&headings.join(" > "))));
    }
    if let Some(text) = hit["text"].as_str() {
        lines.push(format!("    {}", excerpt(text)));
    }
    lines
}

fn excerpt(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

/// Returns a value of the plan without quotes around texts.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_shows_rank_score_place_headings_and_text() {
        let hit = json!({
            "id": "c1", "score": 0.03279, "text": "Travel  is\npaid.",
            "source": {"uri": "a.pdf", "page": 3, "heading": ["Policy", "Travel"]},
        });
        assert_eq!(hit_lines(1, &hit), [" 1  0.0328  a.pdf:3", "    Policy > Travel", "    Travel is paid."]);
        let bare = json!({"id": "c1", "score": 1.0, "text": null, "source": {"uri": null, "heading": []}});
        assert_eq!(hit_lines(12, &bare), ["12  1.0000  c1"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = excerpt(&"年".repeat(EXCERPT_CHARS + 1));
        assert_eq!(text.chars().count(), EXCERPT_CHARS + 1);
        assert!(text.ends_with('…'));
    }
}
