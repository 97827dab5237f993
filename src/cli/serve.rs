//! `ragstone serve`: opens the data folder and hands it to the server.
//!
//! Signals, draining and closing the store are the server's.

use super::context::{Context, Exit};
use super::failure::Failure;
use crate::store::probe::calibrate_planner;
use clap::Args;

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Listen on this address
    #[arg(long, value_name = "HOST:PORT", env = "RAGSTONE_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,
}

/// Serves until told to stop.
pub async fn run(context: &Context) -> Result<Exit, Failure> {
    calibrate_planner();
    let store = context.open_store()?;
    crate::api::serve(store, context.config.listen).await?;
    Ok(Exit::Done)
}
