//! `ragstone models`: lists, shows, verifies and fetches the model folders of this machine.
//!
//! Fetching is a Python script of its own, so that nothing else in the program reaches out to the network.

use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line, print_table};
use crate::error::Error;
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use ragstone_models::{ModelSummary, find_model, list_models};
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `models pull` runs.
const FETCH: &str = include_str!("../../models/fetch.py");

/// Flags of `models`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "COMMAND")]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the installed models
    List,
    /// Show a model
    Show {
        /// Show this model
        name: String,
    },
    /// Compare the files of models with their hashes
    Verify {
        /// Verify this model only
        name: Option<String>,
    },
    /// Fetch a model with python3
    Pull {
        /// Fetch this model instead of the default one
        name: Option<String>,
    },
}

/// Runs the command given.
pub fn run(args: ModelsArgs, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        ModelsCommand::List => list(context),
        ModelsCommand::Show { name } => show(&name, context),
        ModelsCommand::Verify { name } => verify(name, context),
        ModelsCommand::Pull { name } => pull(name.as_deref().unwrap_or(&context.config.model), context),
    }
}

/// Returns the folder of an installed model.
pub fn find(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    if let Some(folder) = find_model(root, name) {
        return Ok(folder);
    }
    let installed = list_models(root)?.into_iter().map(|model| model.name).collect();
    Err(Error::ModelNotFound { model: name.to_owned(), installed }.into())
}

fn list(context: &Context) -> Result<Exit, Failure> {
    let models = list_models(&context.config.models)?;
    if context.json {
        print_json(&json!({ "models": models }));
    } else if models.is_empty() {
        eprintln!("no models in {}", context.config.models.display());
    } else {
        let rows: Vec<_> = models.iter().map(table_row).collect();
        print_table(&["NAME", "DIMENSION", "TOKENS", "SIZE", "PROBLEM"], &rows);
    }
    Ok(if models.is_empty() { Exit::Partly } else { Exit::Done })
}

fn table_row(model: &ModelSummary) -> Vec<String> {
    let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        one_line(&model.name),
        number(model.dimension),
        number(model.max_tokens),
        HumanBytes(model.weights_bytes).to_string(),
        one_line(model.problem.as_deref().unwrap_or_default()),
    ]
}

fn show(name: &str, context: &Context) -> Result<Exit, Failure> {
    let folder = find(&context.config.models, name)?;
    let models = list_models(&context.config.models)?;
    let missing = || Failure::new("model_not_found", format!("model '{name}' went away"));
    let model = models.into_iter().find(|model| model.name == name).ok_or_else(missing)?;
    if context.json {
        print_json(&model);
        return Ok(Exit::Done);
    }
    let mut cells = table_row(&model);
    cells.push(folder.display().to_string());
    for (part, value) in ["name", "dimension", "tokens", "weights", "problem", "folder"].iter().zip(cells) {
        print_line(format!("{part:<12} {value}").trim_end());
    }
    Ok(Exit::Done)
}

fn verify(name: Option<String>, context: &Context) -> Result<Exit, Failure> {
    let root = &context.config.models;
    let names = match name {
        Some(name) => vec![name],
        None => list_models(root)?.into_iter().map(|model| model.name).collect(),
    };
    let mut exit = if names.is_empty() { Exit::Partly } else { Exit::Done };
    for name in names {
        let verified = ragstone_models::verify(&find(root, &name)?).map_err(Failure::from);
        match (&verified, context.json) {
            (Ok(files), true) => print_json(&json!({ "model": name, "files": files, "intact": true })),
            (Err(error), true) => print_json(&json!({ "model": name, "intact": false, "error": error })),
            (Ok(files), false) => print_line(&format!("{name}: intact, {files} files compared")),
            (Err(error), false) => print_line(&format!("{name}: {}", one_line(&error.detail))),
        }
        if verified.is_err() {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn pull(name: &str, context: &Context) -> Result<Exit, Failure> {
    let root = &context.config.models;
    let by_hand = format!("put the model's folder at {} by hand", root.join(name).display());
    let output = Command::new("python3")
        .args(["-c", FETCH])
        .arg(root)
        .args(["--model", name])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::new("python_missing", "python3 is not installed"),
            _ => Failure::new("python_missing", format!("python3 does not start: {error}")),
        })
        .map_err(|failure| failure.with_hint(format!("install python3, or {by_hand}")))?;
    if !output.status.success() {
        let detail = format!("model '{name}' could not be fetched");
        return Err(Failure::new("model_not_fetched", detail).with_hint(by_hand));
    }
    let folder = find(root, name)?;
    match context.json {
        true => print_json(&json!({ "model": name, "folder": folder })),
        false => print_line(&folder.display().to_string()),
    }
    Ok(Exit::Done)
}
