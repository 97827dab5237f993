//! `ragstone models`: lists, shows, verifies, fetches and removes the model folders of this machine.
//!
//! Fetching one from a hub is [`super::pull`]'s.

use super::context::{Context, Exit};
use super::failure::Failure;
use super::output::{one_line, print_json, print_line, print_table};
use super::pull::{self, PullArgs};
use crate::error::Error;
use crate::store::model::Models;
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use ragstone_models::{ModelKind, ModelSummary, PROFILES, Profile, find_model, list_models, show_model};
use serde_json::json;
use std::path::{Path, PathBuf};

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
    List {
        /// List what can be pulled by a short name instead
        #[arg(long)]
        available: bool,
    },
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
    /// Fetch a model from a hub, or take it from a folder
    Pull(PullArgs),
    /// Remove a model's files
    Remove {
        /// Remove this model
        name: String,
    },
}

/// Runs the command given.
pub async fn run(args: ModelsArgs, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        ModelsCommand::List { available: true } => Ok(list_profiles(context)),
        ModelsCommand::List { available: false } => list(context),
        ModelsCommand::Show { name } => show(&name, context),
        ModelsCommand::Verify { name } => verify(name, context),
        ModelsCommand::Pull(args) => pull::run(args, context).await,
        ModelsCommand::Remove { name } => remove(&name, context),
    }
}

/// Returns the folder of an installed model.
pub fn find(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    find_model(root, name).ok_or_else(|| not_found(root, name))
}

fn not_found(root: &Path, name: &str) -> Failure {
    let installed = list_models(root).unwrap_or_default().into_iter().map(|model| model.name).collect();
    Error::ModelNotFound { model: name.to_owned(), installed }.into()
}

fn list(context: &Context) -> Result<Exit, Failure> {
    let models = Models::new(&context.config).list()?;
    if context.json {
        print_json(&json!({ "models": models }));
    } else if models.is_empty() {
        eprintln!("no models in {}", context.config.models.display());
    } else {
        let rows: Vec<_> = models.iter().map(table_row).collect();
        print_table(&HEAD, &rows);
    }
    Ok(if models.is_empty() { Exit::Partly } else { Exit::Done })
}

/// Lists what has a short name, with licence and size.
fn list_profiles(context: &Context) -> Exit {
    let installed = |profile: &Profile| find_model(&context.config.models, profile.model).is_some();
    if context.json {
        let form = |profile: &Profile| json!({ "profile": profile, "installed": installed(profile) });
        print_json(&json!({ "profiles": PROFILES.iter().map(form).collect::<Vec<_>>() }));
        return Exit::Done;
    }
    let row = |profile: &Profile| {
        let size = HumanBytes(profile.weights_bytes()).to_string();
        let installed = if installed(profile) { "yes" } else { "no" };
        [profile.name, profile.model, profile.licence, &size, installed].map(str::to_owned).to_vec()
    };
    print_table(&["PROFILE", "MODEL", "LICENCE", "SIZE", "INSTALLED"], &PROFILES.iter().map(row).collect::<Vec<_>>());
    Exit::Done
}

/// What is printed of a model.
const HEAD: [&str; 8] = ["NAME", "KIND", "FAMILY", "DIMENSION", "TOKENS", "SIZE", "LICENCE", "PROBLEM"];

fn table_row(model: &ModelSummary) -> Vec<String> {
    let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
    vec![
        one_line(&model.name),
        kind_name(model.kind).to_owned(),
        model.family.unwrap_or_default().to_owned(),
        number(model.dimension),
        number(model.max_tokens),
        HumanBytes(model.weights_bytes).to_string(),
        one_line(model.licence.as_deref().unwrap_or_default()),
        one_line(model.problem.as_deref().unwrap_or_default()),
    ]
}

fn kind_name(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Embedder => "embedder",
        ModelKind::Reranker => "reranker",
    }
}

fn show(name: &str, context: &Context) -> Result<Exit, Failure> {
    let root = &context.config.models;
    let Some(model) = show_model(root, name) else { return Err(not_found(root, name)) };
    if context.json {
        print_json(&model);
        return Ok(Exit::Done);
    }
    let mut cells = table_row(&model);
    cells.push(root.join(name).display().to_string());
    for (part, value) in HEAD.into_iter().chain(["FOLDER"]).zip(cells) {
        print_line(format!("{:<12} {value}", part.to_lowercase()).trim_end());
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
        if show_model(root, &name).is_none() {
            return Err(not_found(root, &name));
        }
        let verified = ragstone_models::verify(&root.join(&name)).map_err(Failure::from);
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

fn remove(name: &str, context: &Context) -> Result<Exit, Failure> {
    let root = &context.config.models;
    if show_model(root, name).is_none() {
        return Err(not_found(root, name));
    }
    ragstone_models::remove_model(root, name)?;
    match context.json {
        true => print_json(&json!({ "model": name, "removed": true })),
        false => print_line(&format!("{name}: removed")),
    }
    Ok(Exit::Done)
}
