//! The flags and commands, as clap reads them.
//!
//! Values are checked here where that needs nothing but the value; the flags of each command stand beside it.

use super::bench::BenchCommand;
use super::collections::CollectionsArgs;
use super::documents::DocumentsArgs;
use super::embed::EmbedArgs;
use super::extract::ExtractArgs;
use super::ingest::IngestArgs;
use super::models::ModelsArgs;
use super::optimize::OptimizeArgs;
use super::reembed::ReembedArgs;
use super::restore::RestoreArgs;
use super::sample::SampleArgs;
use super::search::SearchArgs;
use super::serve::ServeArgs;
use super::verify::VerifyArgs;
use super::versions::VersionsArgs;
use crate::schema::{ChunkingChoice, CollectionName, ShortForm, Storage};
use clap::{Args, Parser, Subcommand};
use ragstone_models::Precision;
use serde_json::Value;
use std::path::PathBuf;

/// What the command line says.
#[derive(Debug, Parser)]
#[command(name = "ragstone", version, about = "Store documents and find the right passages, at any version")]
#[command(disable_help_subcommand = true, subcommand_value_name = "COMMAND")]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct GlobalArgs {
    /// Use this data folder
    #[arg(long, global = true, value_name = "DIR", env = "RAGSTONE_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// Read settings from this file
    #[arg(long, global = true, value_name = "FILE", env = "RAGSTONE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Use models in this folder
    #[arg(long, global = true, value_name = "DIR", env = "RAGSTONE_MODELS", hide_env_values = true)]
    pub models: Option<PathBuf>,
    /// Log from here on: error, warn, info, debug
    #[arg(long, global = true, value_name = "LEVEL", env = "RAGSTONE_LOG_LEVEL", hide_env = true)]
    pub log_level: Option<String>,
    /// Print JSON, and log in JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Flags that say how documents are cut.
#[derive(Clone, Debug, Default, Args)]
pub struct ChunkingArgs {
    /// Cut by structure, recursive, fixed or page
    #[arg(long, value_name = "STRATEGY")]
    chunking: Option<String>,
    /// Let a chunk aim at so many tokens
    #[arg(long, value_name = "COUNT")]
    chunk_tokens: Option<u64>,
    /// Let a chunk repeat so many tokens
    #[arg(long, value_name = "COUNT")]
    chunk_overlap: Option<u64>,
}

impl ChunkingArgs {
    /// Returns what is asked of cutting.
    pub fn choice(self) -> ChunkingChoice {
        ChunkingChoice {
            strategy: self.chunking.map(Value::from),
            tokens: self.chunk_tokens.map(Value::from),
            overlap: self.chunk_overlap.map(Value::from),
            ..ChunkingChoice::default()
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API and the admin page
    Serve(ServeArgs),
    /// Put files and folders into a collection
    Ingest(IngestArgs),
    /// Find passages
    Search(SearchArgs),
    /// List, create, show or delete collections
    Collections(CollectionsArgs),
    /// List, show, delete or save documents
    Documents(DocumentsArgs),
    /// List the versions of a collection
    Versions(VersionsArgs),
    /// Make an earlier version the newest one
    Restore(RestoreArgs),
    /// Compact a collection and build its index
    Optimize(OptimizeArgs),
    /// Change the model of a collection
    Reembed(ReembedArgs),
    /// Compare stored bytes with their checksums
    Verify(VerifyArgs),
    /// List, show, verify or fetch models
    Models(ModelsArgs),
    /// Print what an ingest reads in files
    Extract(ExtractArgs),
    /// Turn texts into a matrix of vectors
    Embed(EmbedArgs),
    /// Measure this machine
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Write the sample documents
    #[command(hide = true)]
    Sample(SampleArgs),
    /// Read files for a parent process
    #[command(hide = true)]
    ExtractWorker,
}

impl Cli {
    /// Reads the command line; help and usage errors are printed and end the process.
    pub fn from_arguments() -> Self {
        Self::parse()
    }

    /// Returns whether this process reads files for another one.
    pub fn is_worker(&self) -> bool {
        matches!(self.command, Command::ExtractWorker)
    }

    /// Returns the level to log from: a server tells what it does, a command only what is wrong.
    pub fn log_level(&self) -> &str {
        let usual = if matches!(self.command, Command::Serve(_)) { "info" } else { "warn" };
        self.global.log_level.as_deref().unwrap_or(usual)
    }

    /// Returns whether output is for machines.
    pub fn json(&self) -> bool {
        self.global.json
    }
}

/// Reads how numbers are held while a model computes.
pub fn parse_precision(name: &str) -> Result<Precision, String> {
    Precision::parse(name).ok_or_else(|| "it is not f32, bf16 or int8".to_owned())
}

/// Reads how vectors are stored.
pub fn parse_storage(name: &str) -> Result<Storage, String> {
    match name {
        "f32" => Ok(Storage::F32),
        "f16" => Ok(Storage::F16),
        _ => Err("it is not f32 or f16".to_owned()),
    }
}

/// Reads what walks read of vectors.
pub fn parse_walk(name: &str) -> Result<ShortForm, String> {
    match name {
        "bytes" => Ok(ShortForm::Bytes),
        "bits" => Ok(ShortForm::Bits),
        _ => Err("it is not bytes or bits".to_owned()),
    }
}

/// Reads the name of a collection.
pub fn parse_collection(name: &str) -> Result<CollectionName, String> {
    CollectionName::parse(name).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Widest line of help that fits every terminal.
    const HELP_COLUMNS: usize = 79;

    fn check_help(command: &mut clap::Command) {
        let help = command.render_long_help().to_string() + &command.render_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= HELP_COLUMNS, "{}: {line}", command.get_name());
            assert!(
                !line.ends_with('.') || line.ends_with("...") || line.starts_with("Usage"),
                "{}: {line}",
                command.get_name()
            );
        }
        command.get_subcommands_mut().for_each(check_help);
    }

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lines_fit_every_terminal_and_end_without_a_full_stop() {
        let mut command = Cli::command();
        command.build();
        check_help(&mut command);
    }

    #[test]
    fn flags_for_every_command_may_stand_behind_it() {
        let cli = Cli::try_parse_from(["ragstone", "collections", "list", "--data", "d", "--json"]).unwrap();
        assert_eq!(cli.global.data, Some("d".into()));
        assert!(cli.json());
        assert_eq!(cli.log_level(), "warn");
        assert_eq!(Cli::try_parse_from(["ragstone", "serve"]).unwrap().log_level(), "info");
    }

    #[test]
    fn a_collection_name_is_refused_before_anything_is_opened() {
        let refused = Cli::try_parse_from(["ragstone", "versions", "--collection", "../x"]).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
    }
}
