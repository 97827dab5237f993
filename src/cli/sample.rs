//! `ragstone sample`: writes the sample documents that the demo ingests.
//!
//! Ingests nothing itself.

use super::context::Exit;
use super::failure::Failure;
use super::output::print_line;
use clap::Args;
use std::path::PathBuf;

/// Flags of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Write to this folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Write the second edition of one document only
    #[arg(long)]
    replacement: bool,
}

/// Writes the documents and prints their paths.
pub fn run(args: SampleArgs) -> Result<Exit, Failure> {
    let failed = |error| Failure::file(&args.folder, &error);
    if args.replacement {
        let sample = ragstone_ingest::sample::replacement();
        std::fs::create_dir_all(&args.folder).map_err(failed)?;
        let path = args.folder.join(&sample.file);
        std::fs::write(&path, &sample.bytes).map_err(failed)?;
        print_line(&path.display().to_string());
    } else {
        let paths = ragstone_ingest::sample::write_samples(&args.folder).map_err(failed)?;
        paths.iter().for_each(|path| print_line(&path.display().to_string()));
    }
    Ok(Exit::Done)
}
