//! `ragstone embed`: turns the texts of a file into a matrix of vectors, and tells how fast that was.
//!
//! By a model of this machine, or by one behind an endpoint of the settings. Stores nothing; the matrix is for other
//! programs.

use super::args::parse_precision;
use super::context::{Context, Exit};
use super::failure::Failure;
use super::models;
use super::npy::MatrixWriter;
use super::output::print_json;
use crate::config::limits::THREADS_MAX;
use crate::error::Error;
use crate::remote::Endpoint;
use crate::store::embedder::Embedder;
use clap::Args;
use ragstone_models::{Device, Encoder, LoadOptions, Precision, Priority, TextKind, Tokenizer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Texts whose vectors are in memory at once.
const BATCH_TEXTS: usize = 4_096;

/// Flags of `embed`.
#[derive(Debug, Args)]
pub struct EmbedArgs {
    /// Embed each line of this file, such as {"text": "a"}
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// Write the vectors to this file, as float32
    #[arg(long, short, value_name = "OUT.npy")]
    output: PathBuf,
    /// Embed with this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Compute in f32, bf16 or int8
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = parse_precision)]
    precision: Precision,
    /// Use this many threads
    #[arg(long, value_name = "COUNT", value_parser = parse_threads)]
    threads: Option<usize>,
}

/// A line of the file; other keys are left alone.
#[derive(Deserialize)]
struct Line {
    text: String,
}

/// What was done, and how fast.
#[derive(Debug, Serialize)]
struct Summary {
    texts: usize,
    tokens: usize,
    seconds: f64,
    texts_per_second: f64,
    tokens_per_second: f64,
    dimension: usize,
    threads: usize,
    precision: Precision,
    model: String,
}

/// Reads a number of threads.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| (1..=THREADS_MAX).contains(threads));
    threads.ok_or_else(|| format!("it is not between 1 and {THREADS_MAX}"))
}

/// What embeds the texts.
enum Model {
    Here(Box<Encoder>),
    There(Embedder),
}

impl Model {
    fn dimension(&self) -> usize {
        match self {
            Self::Here(encoder) => encoder.identity().dimension,
            Self::There(embedder) => embedder.identity().dimension,
        }
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<f32>, Failure> {
        match self {
            Self::Here(encoder) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Ok(encoder.encode(&texts, TextKind::Document)?)
            }
            Self::There(embedder) => tokio::task::block_in_place(|| {
                Ok(embedder.embed(texts.to_vec(), TextKind::Document, Priority::Ingest)?)
            }),
        }
    }

    /// Counts the tokens that the model saw: cut texts as cut, with the special tokens around each; for an endpoint an
    /// estimate.
    fn count_tokens(&self, texts: &[String]) -> usize {
        match self {
            Self::Here(encoder) => count_tokens(&encoder.tokenizer(), texts),
            Self::There(embedder) => texts.iter().map(|text| embedder.count(text).min(embedder.max_tokens())).sum(),
        }
    }
}

/// Embeds the texts and writes their vectors.
pub fn run(args: EmbedArgs, context: &Context) -> Result<Exit, Failure> {
    let texts = read_texts(&args.file)?;
    if texts.is_empty() {
        return Err(Failure::new("empty_file", format!("{} holds no texts", args.file.display())));
    }
    let name = args.model.as_deref().unwrap_or(&context.config.model);
    let threads = args.threads.unwrap_or(context.config.threads);
    let options = LoadOptions { threads, device: Device::Auto, precision: args.precision, dimension: None };
    let model = open(name, &options, context)?;
    let seconds = embed(&model, &texts, &args.output)?;
    let tokens = model.count_tokens(&texts);
    let summary = Summary {
        texts: texts.len(),
        tokens,
        seconds,
        texts_per_second: texts.len() as f64 / seconds,
        tokens_per_second: tokens as f64 / seconds,
        dimension: model.dimension(),
        threads: options.threads,
        precision: options.precision,
        model: name.to_owned(),
    };
    match context.json {
        true => print_json(&summary),
        false => eprintln!(
            "{} texts with {tokens} tokens in {seconds:.2} s: {:.0} texts/s, {:.0} tokens/s",
            summary.texts, summary.texts_per_second, summary.tokens_per_second
        ),
    }
    Ok(Exit::Done)
}

/// Loads a model of this machine, unless the settings have an endpoint of that name.
fn open(name: &str, options: &LoadOptions, context: &Context) -> Result<Model, Failure> {
    let Some(settings) = context.config.embedders.get(name) else {
        let folder = models::find(&context.config.models, name)?;
        return Ok(Model::Here(Box::new(Encoder::load(&folder, name, options)?)));
    };
    if options.precision != Precision::F32 {
        let detail = format!("'{name}' is behind an endpoint, which computes as it does");
        return Err(Error::InvalidArgument { field: "precision", detail }.into());
    }
    Ok(Model::There(Embedder::external(name, Endpoint::new(name, settings)?)))
}

fn read_texts(path: &Path) -> Result<Vec<String>, Failure> {
    let content = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let read = |(number, line): (usize, &str)| match serde_json::from_str::<Line>(line) {
        Ok(line) => Ok(line.text),
        Err(error) => Err(Error::Malformed { detail: format!("{} line {number}: {error}", path.display()) }.into()),
    };
    (1..).zip(content.trim_end().lines()).map(read).collect()
}

/// Writes the vectors of all texts, and returns the seconds that the model took for them.
fn embed(model: &Model, texts: &[String], output: &Path) -> Result<f64, Failure> {
    let mut writer = MatrixWriter::create(output, texts.len(), model.dimension())?;
    let mut seconds = 0.0;
    for batch in texts.chunks(BATCH_TEXTS) {
        let started = Instant::now();
        let vectors = model.embed(batch)?;
        seconds += started.elapsed().as_secs_f64();
        writer.write(&vectors)?;
    }
    writer.finish()?;
    Ok(seconds)
}

fn count_tokens(tokenizer: &Tokenizer, texts: &[String]) -> usize {
    let around = tokenizer.max_tokens() - tokenizer.document_tokens_max();
    texts.iter().map(|text| tokenizer.count(text).min(tokenizer.document_tokens_max()) + around).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_text_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        std::fs::write(&path, "{\"text\": \"a\", \"id\": 1}\n{\"text\": 2}\n\n").unwrap();
        assert!(read_texts(&path).unwrap_err().detail.contains("line 2"));
        std::fs::write(&path, "{\"text\": \"a\", \"id\": 1}\n{\"text\": \"\"}\n\n").unwrap();
        assert_eq!(read_texts(&path).unwrap(), ["a", ""]);
    }

    #[test]
    fn a_precision_is_read_by_its_name() {
        assert_eq!(parse_precision("f32"), Ok(Precision::F32));
        assert_eq!(parse_precision("bf16"), Ok(Precision::Bf16));
        assert_eq!(parse_precision("int8"), Ok(Precision::Int8));
        assert!(parse_precision("f64").is_err());
    }
}
