//! The `ragstone` program: arguments, telemetry, command, exit code.
//!
//! Decides nothing else: the commands are in `cli`, and everything they do is in the library.

use ragstone::cli::{self, Cli};
use ragstone::telemetry::{self, LogFormat};
use std::process::ExitCode;

/// Set up in `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::from_arguments();
    // A worker speaks in frames over its pipes, and is told nothing about logging.
    if !cli.is_worker() {
        let format = if cli.json() { LogFormat::Json } else { LogFormat::Plain };
        if let Err(error) = telemetry::start_logging(cli.log_level(), format) {
            return cli::fail(error, cli.json());
        }
    }
    cli::run(cli)
}
