//! From the command line to the exit status.
//!
//! Starts the runtime, calls the command, and tells its failure; does no work itself.

use super::args::{Cli, Command};
use super::context::{Context, Exit};
use super::failure::Failure;
use super::{
    bench, collections, documents, embed, extract, ingest, models, optimize, reembed, restore, sample, search, serve,
    verify, versions,
};
use std::process::ExitCode;

/// Runs the command and returns the status to exit with: 0 done, 1 nothing found or some files failed, 2 failed.
pub fn run(cli: Cli) -> ExitCode {
    let json = cli.json();
    match execute(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => fail(failure, json),
    }
}

/// Tells a failure and returns the status to exit with.
pub fn fail(failure: impl Into<Failure>, json: bool) -> ExitCode {
    failure.into().tell(json);
    Exit::Failed.into()
}

fn execute(cli: Cli) -> Result<Exit, Failure> {
    // A worker has a tight limit on memory and needs no runtime.
    if matches!(cli.command, Command::ExtractWorker) {
        let ended = ragstone_ingest::worker::run_worker();
        return ended.map(|()| Exit::Done).map_err(|error| Failure::new("worker", error.to_string()));
    }
    let (listen, password_file) = match &cli.command {
        Command::Serve(args) => (args.listen.clone(), None),
        Command::Ingest(args) => (None, args.password_file.clone()),
        Command::Extract(args) => (None, args.password_file.clone()),
        _ => (None, None),
    };
    let context = Context::new(&cli.global, listen, password_file)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::new("internal", error.to_string()))?;
    let result = runtime.block_on(dispatch(cli.command, &context));
    // Threads that still read files of an interrupted ingest are not waited for.
    runtime.shutdown_background();
    result
}

async fn dispatch(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Serve(_) => serve::run(context).await,
        Command::Ingest(args) => ingest::run(args, context).await,
        Command::Search(args) => search::run(args, context).await,
        Command::Collections(args) => collections::run(args, context).await,
        Command::Documents(args) => documents::run(args, context).await,
        Command::Versions(args) => versions::run(args, context).await,
        Command::Restore(args) => restore::run(args, context).await,
        Command::Optimize(args) => optimize::run(args, context).await,
        Command::Reembed(args) => reembed::run(args, context).await,
        Command::Verify(args) => verify::run(args, context).await,
        Command::Models(args) => models::run(args, context).await,
        Command::Extract(args) => extract::run(args, context).await,
        Command::Embed(args) => embed::run(args, context),
        Command::Bench(command) => bench::run(command, context),
        Command::Sample(args) => sample::run(args),
        Command::ExtractWorker => Ok(Exit::Done),
    }
}
