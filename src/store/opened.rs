//! What an opened collection does beside its first searches: ids are collected, and a large generation is checked.
//!
//! Who needs the ids waits for them; searches do not. A generation that turns out to be damaged is taken away, and the
//! writer reads the state anew: its rows are then searched exactly until another one is built.

use super::collection::{Shared, State};
use super::load::{Pointer, collect_keys};
use super::seal::step_back;
use super::writer::Write;
use crate::error::{Error, Result};
use std::sync::{Arc, PoisonError, mpsc};
use tokio::sync::mpsc::WeakSender;

/// Collects the ids of the rows on a thread of its own, which has locked them before this returns.
pub fn collect_keys_beside(shared: &Arc<Shared>) -> Result<()> {
    let (locked, is_locked) = mpsc::sync_channel(1);
    let shared = shared.clone();
    start(format!("keys-{}", shared.name), move || {
        let mut keys = shared.keys.write().unwrap_or_else(PoisonError::into_inner);
        // The caller waits for this.
        let _ = locked.send(());
        *keys = collect_keys(&shared.state.load().snapshot);
    })?;
    is_locked.recv().map_err(|_| Error::Internal("ids are not collected".into()))
}

/// Compares the generation in place with its checksums, where that was not done when it was opened.
pub fn check_beside(state: &Arc<State>, queue: WeakSender<Write>) -> Result<()> {
    let (Some(placed), Some(pointer)) = (state.snapshot.placed().cloned(), Pointer::of(&state.table)) else {
        return Ok(());
    };
    if placed.generation().is_checked() {
        return Ok(());
    }
    let (folder, name) = (pointer.vectors(&state.table), state.table.name().clone());
    start(format!("check-{name}"), move || {
        step_back();
        let Err(error) = placed.generation().check_bytes(&folder) else { return };
        tracing::error!(collection = %name, %error, "generation is taken away and built anew");
        // A folder that stays is found out the next time.
        let _ = std::fs::remove_dir_all(&folder);
        if let Some(queue) = queue.upgrade() {
            // An error means that the collection is closing.
            let _ = queue.blocking_send(Write::Doubted);
        }
    })
}

fn start(name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = std::thread::Builder::new().name(name).spawn(work);
    started.map(drop).map_err(|error| Error::Internal(error.to_string()))
}
