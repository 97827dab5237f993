//! Sealing: building the generation of a version beside everything else, and putting it in place.
//!
//! A thread takes a snapshot, writes postings and vectors with their graph as files, and hands the name to the writer,
//! which commits it. The graph goes on from that of the generation in place, so that a build costs what has changed.
//! Searches and writes go on meanwhile; rows written since stay fresh. A crash leaves a folder that no
//! version names, which [`remove_unused`] takes away.

use super::collection::{Shared, State};
use super::load::{POINTER_KEY, Pointer, generation_folder};
use super::rows::read_passages;
use super::writer::{Done, Write};
use crate::config::limits::{
    BACKGROUND_NICENESS, HEAD_ROWS_MIN, SEAL_ROWS_FORCED, SEAL_ROWS_MIN, SEAL_SHARE, SEAL_SHARE_PAUSED,
};
use crate::error::{Error, Result};
use crate::index::column::SealedColumns;
use crate::index::generation::{RowVectors, Verify, write_generation};
use crate::index::graph::{BuildParams, Earlier, NONE};
use crate::index::live::Live;
use crate::index::passage::PassageWriter;
use crate::index::placed::Placed;
use crate::index::sealed::SealedRows;
use crate::index::{Generation, Snapshot};
use crate::table::{Table, VersionRef};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::mpsc::WeakSender;

/// Rows whose passages are read from the table at once.
const PASSAGES_AT_ONCE: usize = 2_048;

/// Seed of the graph's levels, so that a build can be repeated.
const GRAPH_SEED: u64 = 0x5241_4753;

/// Starts at most one build at a time.
pub struct Sealer {
    queue: WeakSender<Write>,
    running: Arc<AtomicBool>,
    growing: Arc<AtomicBool>,
    cancel: Arc<AtomicBool>,
    /// Ends the growth of the head that a generation has replaced.
    replaced: Arc<AtomicBool>,
    waiting: Vec<Done>,
    /// Requests that came while a build was running: they wait for the one after it, which knows their rows.
    late: Vec<Done>,
}

/// Returns whether so many rows are fresh that a build is worth its cost.
pub fn is_due(state: &State, pace: Pace) -> bool {
    let fresh = fresh_rows(state);
    let (least, share) = match pace {
        Pace::Paused => (SEAL_ROWS_MIN, SEAL_SHARE_PAUSED),
        Pace::Busy => (SEAL_ROWS_FORCED, SEAL_SHARE),
    };
    fresh >= least && fresh as f64 >= share * state.sealed_slots as f64
}

/// Whether writes are coming in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// None for a while.
    Paused,
    /// One after the other.
    Busy,
}

fn fresh_rows(state: &State) -> usize {
    state.snapshot.slots() as usize - state.sealed_slots
}

impl Sealer {
    /// Makes a sealer that hands its generations to a writer's queue.
    pub fn new(queue: WeakSender<Write>) -> Self {
        Self {
            queue,
            running: Arc::default(),
            growing: Arc::default(),
            cancel: Arc::default(),
            replaced: Arc::default(),
            waiting: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Starts a build of the newest state; `done` is answered when it is in place. While another one runs, it waits.
    ///
    /// A build that nobody waits for uses half of the threads, so that searches keep the others.
    pub fn start(&mut self, shared: &Arc<Shared>, done: Option<Done>) {
        if self.running.swap(true, Ordering::AcqRel) {
            return self.late.extend(done);
        }
        self.waiting.extend(done);
        let threads = shared.services.threads;
        let threads = if self.waiting.is_empty() { (threads / 2).max(1) } else { threads };
        let (queue, cancel, shared) = (self.queue.clone(), self.cancel.clone(), shared.clone());
        let spawned = std::thread::Builder::new().name(format!("seal-{}", shared.name)).spawn(move || {
            step_back();
            let built = build(&shared, threads, &cancel);
            if let Some(queue) = queue.upgrade() {
                // An error means that the collection is closing; the folder is removed later.
                let _ = queue.blocking_send(Write::Sealed(built));
            }
        });
        if spawned.is_err() {
            self.running.store(false, Ordering::Release);
        }
    }

    /// Starts the build over that has ended, for those who wait for it.
    pub fn start_again(&mut self, shared: &Arc<Shared>) {
        self.running.store(false, Ordering::Release);
        self.start(shared, None);
    }

    /// Lets fresh rows into the live head on a thread of its own, unless that runs; returns a head to be put in place
    /// where there is none. A build makes most of a head needless and is not held up by one.
    pub fn grow_head(&self, shared: &Arc<Shared>) -> Option<Arc<Live>> {
        let state = shared.state.load_full();
        let builds = self.running.load(Ordering::Acquire);
        if builds || fresh_rows(&state) < HEAD_ROWS_MIN || self.growing.swap(true, Ordering::AcqRel) {
            return None;
        }
        let snapshot = &state.snapshot;
        let start = state.sealed_slots as u32;
        let fits = |head: &&Arc<Live>| head.range().start >= start;
        let known = snapshot.head().filter(fits).cloned();
        let head = known
            .clone()
            .unwrap_or_else(|| Arc::new(Live::new(snapshot.dimension(), snapshot.metric(), start, SEAL_ROWS_FORCED)));
        let (growing, grown) = (self.growing.clone(), head.clone());
        let ends = [self.cancel.clone(), self.replaced.clone()];
        let spawned = std::thread::Builder::new().name(format!("head-{}", shared.name)).spawn(move || {
            step_back();
            grown.extend(state.snapshot.fresh(), state.snapshot.slots(), || {
                !ends.iter().any(|end| end.load(Ordering::Acquire))
            });
            growing.store(false, Ordering::Release);
        });
        if spawned.is_err() {
            self.growing.store(false, Ordering::Release);
        }
        known.is_none().then_some(head)
    }

    /// Ends the growth of a head whose rows a generation covers now.
    pub fn drop_head(&mut self) {
        std::mem::take(&mut self.replaced).store(true, Ordering::Release);
    }

    /// Returns the requests that waited for the build that ended, and starts the next one where others wait for it.
    pub fn finish(&mut self, shared: &Arc<Shared>) -> Vec<Done> {
        let done = std::mem::replace(&mut self.waiting, std::mem::take(&mut self.late));
        self.running.store(false, Ordering::Release);
        if !self.waiting.is_empty() {
            self.start(shared, None);
        }
        done
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Release);
    }
}

/// Lets this thread, and those that it starts, run only where nothing else wants the processor.
pub fn step_back() {
    // A system that refuses builds at the usual priority.
    let _ = rustix::process::nice(BACKGROUND_NICENESS);
}

/// A generation whose files are written.
pub struct Sealed {
    /// Its name and version.
    pub pointer: Pointer,
    /// Layout of the slots that it was built from.
    pub layout: u64,
    /// Slots that its postings cover.
    pub slots: usize,
}

fn build(shared: &Shared, threads: usize, cancel: &AtomicBool) -> Result<Sealed> {
    let state = shared.state.load_full();
    let started = Instant::now();
    check_earlier(&state)?;
    let pointer = write_files(&state, threads, &shared.services.writes, cancel)?;
    let duration_ms = started.elapsed().as_millis() as u64;
    tracing::info!(collection = %shared.name, rows = state.snapshot.len(), duration_ms, "generation built");
    Ok(Sealed { pointer, layout: state.snapshot.layout(), slots: state.snapshot.slots() as usize })
}

/// Makes sure that what is taken over from the generation in place is what was once written: its damage would get a right
/// checksum. One that is damaged is taken away by who checks it beside the searches.
fn check_earlier(state: &State) -> Result<()> {
    let (Some(placed), Some(pointer)) = (state.snapshot.placed(), Pointer::of(&state.table)) else { return Ok(()) };
    if placed.generation().is_checked() {
        return Ok(());
    }
    let checked = placed.generation().check_bytes(&pointer.vectors(&state.table));
    checked.map_err(|error| Error::Index(error.to_string()))
}

/// Writes the files of a generation over the live rows of a state; the table is read on a runtime, which this thread is not
/// one of.
pub fn write_files(state: &State, threads: usize, runtime: &Handle, cancel: &AtomicBool) -> Result<Pointer> {
    let pointer = Pointer {
        generation: uuid::Uuid::new_v4().simple().to_string(),
        built_version: state.table.version().0,
        column: Some(state.table.vectors_id()?),
    };
    let snapshot = &state.snapshot;
    write_rows(state, &pointer.text(&state.table), |folder| {
        if let Err(error) = write_passages(state, folder, runtime, cancel) {
            tracing::warn!(%error, "passages are not sealed and read from the table");
        }
    })?;
    let mut row_ids = Vec::with_capacity(snapshot.len());
    let mut vectors = Vec::with_capacity(snapshot.len());
    let mut known = vec![NONE; snapshot.placed().map_or(0, |placed| placed.generation().len())];
    for slot in snapshot.live().iter().map(|slot| slot as u32) {
        if let Some(vector) = snapshot.vector(slot) {
            if let Some(ordinal) = snapshot.placed().and_then(|placed| placed.ordinal(slot)) {
                known[ordinal as usize] = row_ids.len() as u32;
            }
            row_ids.push(snapshot.columns().row_id(slot));
            vectors.push(vector);
        }
    }
    if !row_ids.is_empty() {
        let folder = pointer.vectors(&state.table);
        let parent = folder.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).map_err(|error| Error::Index(error.to_string()))?;
        let rows = RowVectors {
            dimension: snapshot.dimension(),
            metric: snapshot.metric(),
            row_ids: &row_ids,
            vectors: &vectors,
            earlier: snapshot.placed().map(|placed| Earlier { view: placed.generation().view(), rows: &known }),
        };
        write_generation(&folder, rows, &BuildParams::usual(threads, GRAPH_SEED), cancel)
            .map_err(|error| Error::Index(error.to_string()))?;
    }
    Ok(pointer)
}

fn write_rows(state: &State, folder: &Path, write_more: impl FnOnce(&Path)) -> Result<()> {
    let snapshot = &state.snapshot;
    // The postings are copied under their lock and renumbered outside it, so that searches hardly wait.
    let text = snapshot.text().clone();
    let mut places = vec![None; snapshot.slots() as usize];
    let mut row_ids = Vec::with_capacity(snapshot.len());
    for slot in snapshot.live().iter() {
        places[slot] = Some(row_ids.len() as u32);
        row_ids.push(snapshot.columns().row_id(slot as u32));
    }
    let text = text.remap(|slot| places.get(slot as usize).copied().flatten());
    let columns = SealedColumns::gather(snapshot.columns(), snapshot.live(), &state.table.column_ids());
    let columns = columns.inspect_err(|error| tracing::warn!(%error, "columns are not sealed")).ok();
    SealedRows { row_ids, text, columns }.write(folder, write_more)
}

/// Writes what the live rows say: taken over from the passages in place, or read from the table.
fn write_passages(state: &State, folder: &Path, runtime: &Handle, cancel: &AtomicBool) -> Result<()> {
    let failed = |error: std::io::Error| Error::Index(error.to_string());
    let snapshot = &state.snapshot;
    let mut row_ids: Vec<u64> = snapshot.live().iter().map(|slot| snapshot.columns().row_id(slot as u32)).collect();
    row_ids.sort_unstable();
    let earlier = state.passages.as_deref();
    let mut writer = PassageWriter::create(folder).map_err(failed)?;
    for part in row_ids.chunks(PASSAGES_AT_ONCE) {
        if cancel.load(Ordering::Acquire) {
            return Err(Error::Index("the build was ended".into()));
        }
        let known: Vec<Option<&[u8]>> = part.iter().map(|&row_id| earlier?.record(row_id)).collect();
        let missing = part.iter().zip(&known).filter(|(_, record)| record.is_none());
        let missing: Vec<u64> = missing.map(|(&row_id, _)| row_id).collect();
        let mut rows = runtime.block_on(read_passages(state, &missing))?.into_iter();
        for (&row_id, record) in part.iter().zip(known) {
            let written = match record {
                Some(record) => writer.copy(row_id, record),
                None => rows.next().map_or(Ok(()), |row| writer.write(row_id, &row)),
            };
            written.map_err(failed)?;
        }
    }
    writer.finish().map_err(failed)
}

/// Names a generation in the table and returns the table and snapshot that use it.
pub async fn place(state: &State, pointer: &Pointer) -> Result<(Table, Snapshot)> {
    let path = pointer.vectors(&state.table);
    let snapshot = match path.exists() {
        true => {
            let generation =
                Generation::open(&path, Verify::Header).map_err(|error| Error::Index(error.to_string()))?;
            let columns = state.snapshot.columns();
            let placed = Placed::new(pointer.generation.clone(), pointer.built_version, Arc::new(generation), columns);
            state.snapshot.with_generation(placed)
        }
        false => state.snapshot.clone(),
    };
    let value = serde_json::to_string(pointer).map_err(|error| Error::Internal(error.to_string()))?;
    let table = state.table.set_pointer(POINTER_KEY, &value).await?;
    let snapshot = snapshot.at_version(table.version());
    Ok((table, snapshot))
}

/// Removes generations that the newest version does not name and that are older than the oldest version.
///
/// A generation that a version in between names was built after the oldest one; if not, that version is searched
/// exactly.
pub async fn remove_unused(table: &Table) -> Result<()> {
    let (oldest, _) = table.version_range().await?;
    let oldest = table.at(&VersionRef::Number(oldest.0)).await?;
    let kept: Vec<Pointer> = [&oldest, table].into_iter().filter_map(Pointer::of).collect();
    for kind in ["embedding", "text"] {
        let Ok(entries) = std::fs::read_dir(generation_folder(table, kind)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            let older = written.is_ok_and(|at| chrono::DateTime::<chrono::Utc>::from(at) < oldest.timestamp());
            if older && !kept.iter().any(|pointer| pointer.generation == name) {
                // A folder that cannot be removed now is removed the next time.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
    Ok(())
}
