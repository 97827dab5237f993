//! The one writer of a collection: it groups what waits into one commit and makes it visible.
//!
//! Every change goes through its queue: rows, removals, generations, compaction, restore. So nothing races, a commit
//! carries as many requests as had arrived, and each is answered after the commit is durable. A request that cannot be
//! done is refused alone; a commit that fails refuses its whole group, and the state is read from the table again.

use super::alter::CollectionChange;
use super::collection::{Shared, State, blocking_on, document_slots, find_chunk, parse_filter};
use super::expire::Expirer;
use super::join::Joiner;
use super::lane::step_back;
use super::load::{Pointer, collect_keys, load};
use super::reembed::Switch;
use super::seal::{self, Pace, Sealed};
use super::stage::{Stage, Staged, Words, words_at};
use super::upsert::PendingRow;
use super::view::{OnConflict, Written};
use crate::config::limits::{COMMIT_ROWS_MAX, WRITE_PAUSE, WRITES_WAITING_MAX};
use crate::error::{Error, Result};
use crate::index::Segment;
use crate::index::column::forget;
use crate::index::keys::Keys;
use crate::index::passage::Passages;
use crate::index::snapshot::NewRows;
use crate::query::Allowed;
use crate::schema::row;
use crate::table::{Changes, FRAGMENT_ROWS, Joined, SchemaChange, Table, VersionRef};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Where the answer to a write goes.
pub type Done = oneshot::Sender<Result<Written>>;

/// Rows to write, and documents that they replace as a whole.
pub struct RowsWrite {
    /// The rows; of two with one id the later one counts.
    pub rows: Vec<PendingRow>,
    /// Their words.
    pub words: Words,
    /// Documents all of whose chunks are removed first.
    pub replaced_documents: Vec<String>,
    /// What happens to ids that are there.
    pub on_conflict: OnConflict,
    /// Word that names the commit in the list of versions.
    pub operation: &'static str,
    /// Where the answer goes.
    pub done: Done,
}

/// Which rows a removal means.
pub enum Delete {
    /// Chunks of these ids.
    Ids(Vec<String>),
    /// Chunks that pass a filter of a request.
    Filter(serde_json::Value),
    /// All chunks of a document.
    Document(String),
}

/// A change that waits for the writer.
pub enum Write {
    /// Rows.
    Rows(RowsWrite),
    /// A removal.
    Delete {
        /// Which rows.
        delete: Delete,
        /// Where the answer goes.
        done: Done,
    },
    /// The end of a build: a sealed generation to be put in place, or why there is none.
    Sealed(Result<Sealed>),
    /// The generation in place turned out to be damaged, and was taken away.
    Doubted,
    /// Fragments that were joined beside other writes.
    Joined(Result<Joined>),
    /// A past version to be made the newest.
    Restore {
        /// Which one.
        to: VersionRef,
        /// Where the answer goes.
        done: Done,
    },
    /// Another description, other fields.
    Alter {
        /// What is to change.
        change: CollectionChange,
        /// Where the answer goes.
        done: Done,
    },
    /// Vectors of another model for all rows.
    Switch {
        /// The vectors.
        switch: Box<Switch>,
        /// Where the answer goes.
        done: Done,
    },
    /// Compaction, expiry and sealing, now.
    Optimize {
        /// Where the answer goes.
        done: Done,
    },
    /// The end: what came before is finished, what comes after is refused.
    Close {
        /// Where the answer goes.
        done: oneshot::Sender<()>,
    },
}

/// The way to a collection's writer.
pub struct Writer {
    queue: mpsc::Sender<Write>,
}

impl Writer {
    /// Starts the writer of a collection on a thread of its own.
    pub fn spawn(shared: Arc<Shared>) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(WRITES_WAITING_MAX);
        let runtime = shared.services.writes.clone();
        let name = format!("writer-{}", shared.name);
        let seals = seal::Sealer::new(queue.downgrade());
        let joins = Joiner::new(queue.downgrade(), runtime.clone());
        let expirer = Expirer::new(runtime.clone(), shared.services.keep_days);
        let actor = Actor { shared, waiting, seals, joins, expirer, stale: false };
        std::thread::Builder::new()
            .name(name)
            .spawn(move || {
                step_back();
                runtime.block_on(actor.run());
            })
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { queue })
    }

    /// Returns the way to the writer for what must not keep it alive.
    pub fn queue(&self) -> mpsc::WeakSender<Write> {
        self.queue.downgrade()
    }

    /// Hands a change over and waits for its answer; refuses at once when too many wait.
    pub async fn send(&self, write: impl FnOnce(Done) -> Write) -> Result<Written> {
        let (done, answer) = oneshot::channel();
        self.queue.try_send(write(done)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy { what: "write queue" },
            mpsc::error::TrySendError::Closed(_) => Error::Stopping,
        })?;
        answer.await.map_err(|_| Error::Stopping)?
    }

    /// Says whether the writer has ended.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Waits until everything that was handed over is done, and ends the writer.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        if self.queue.send(Write::Close { done }).await.is_ok() {
            // An error means that the writer has ended already.
            let _ = answer.await;
        }
    }
}

struct Actor {
    shared: Arc<Shared>,
    waiting: mpsc::Receiver<Write>,
    seals: seal::Sealer,
    joins: Joiner,
    expirer: Expirer,
    /// A write failed, and the table could not be read afterwards: what is in memory may not be what it holds.
    stale: bool,
}

impl Actor {
    async fn run(mut self) {
        let mut held = None;
        loop {
            let Some(write) = (match held.take() {
                Some(write) => Some(write),
                None => match self.waiting.try_recv() {
                    Ok(write) => Some(write),
                    Err(_) => self.wait().await,
                },
            }) else {
                return;
            };
            if self.stale {
                self.reload().await;
            }
            match write {
                Write::Rows(first) => {
                    let group = self.gather(first, &mut held);
                    self.write_group(group).await;
                }
                Write::Delete { delete, done } => answer(done, self.delete(delete).await),
                Write::Sealed(built) => self.publish(built).await,
                Write::Doubted => self.reload().await,
                Write::Joined(joined) => self.put_joined(joined).await,
                Write::Restore { to, done } => answer(done, self.restore(&to).await),
                Write::Alter { change, done } => answer(done, self.alter(change).await),
                Write::Switch { switch, done } => answer(done, self.switch(&switch).await),
                Write::Optimize { done } => self.optimize(done).await,
                Write::Close { done } => {
                    // An error means that nobody waits any more.
                    let _ = done.send(());
                    return;
                }
            }
            self.maintain().await;
        }
    }

    /// Waits for the next write, and does what is due when writes have paused; `None` when nobody can send one.
    async fn wait(&mut self) -> Option<Write> {
        if let Ok(write) = tokio::time::timeout(WRITE_PAUSE, self.waiting.recv()).await {
            return write;
        }
        if seal::is_due(&self.state(), Pace::Paused) {
            self.seals.start(&self.shared, None);
        }
        self.waiting.recv().await
    }

    fn state(&self) -> Arc<State> {
        self.shared.state.load_full()
    }

    /// Takes what waits, up to the bound of a commit; what is no row write is held for the next turn.
    fn gather(&mut self, first: RowsWrite, held: &mut Option<Write>) -> Vec<RowsWrite> {
        let mut rows = first.rows.len();
        let mut group = vec![first];
        while rows < COMMIT_ROWS_MAX {
            match self.waiting.try_recv() {
                Ok(Write::Rows(next)) => {
                    rows += next.rows.len();
                    group.push(next);
                }
                Ok(other) => {
                    *held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        group
    }

    async fn write_group(&mut self, group: Vec<RowsWrite>) {
        let state = self.state();
        let operation = group[0].operation;
        let mut stage = Stage::new(&state);
        let mut answers = Vec::new();
        {
            let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
            for write in group {
                let rows = (write.rows, write.words);
                match stage.add(&keys, rows, &write.replaced_documents, write.on_conflict) {
                    Ok(written) => answers.push((write.done, written)),
                    Err(error) => answer(write.done, Err(error)),
                }
            }
        }
        if answers.is_empty() {
            return;
        }
        let result = match stage.is_empty() {
            true => Ok(state),
            false => self.commit(stage.finish(), operation).await,
        };
        for (done, written) in answers {
            match &result {
                Ok(state) => answer(done, Ok(Written { version: state.table.version(), ..written })),
                Err(error) => answer(done, Err(again(error))),
            }
        }
    }

    async fn delete(&mut self, delete: Delete) -> Result<Written> {
        let state = self.state();
        let slots: Vec<u32> = match delete {
            Delete::Filter(filter) => {
                let filter = parse_filter(Some(&filter), &state.schema)?;
                Allowed::new(&state.snapshot, &filter)?.slots().iter().map(|slot| slot as u32).collect()
            }
            Delete::Ids(ids) => {
                let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
                let found: HashSet<u32> = ids.iter().filter_map(|id| find_chunk(&state, &keys, id)).collect();
                found.into_iter().collect()
            }
            Delete::Document(id) => {
                let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner);
                let slots = document_slots(&state, &keys, &id);
                if slots.is_empty() {
                    return Err(Error::DocumentNotFound { id });
                }
                slots
            }
        };
        let deleted = slots.len();
        let mut stage = Stage::new(&state);
        stage.remove(slots);
        let state = if stage.is_empty() { state } else { self.commit(stage.finish(), "delete").await? };
        Ok(Written { version: state.table.version(), written: 0, skipped: 0, deleted })
    }

    /// Commits staged changes and makes them visible.
    async fn commit(&mut self, staged: Staged, operation: &'static str) -> Result<Arc<State>> {
        if self.stale {
            return Err(Error::Storage("the table could not be read since a write failed".to_owned()));
        }
        let committed = self.commit_to_table(staged, operation).await;
        if committed.is_err() {
            // The outcome of a failed commit may be unknown, so the table is asked what it holds.
            self.reload().await;
        }
        committed
    }

    /// Writes the changes, while the words of new rows are added to the postings, and makes both visible.
    async fn commit_to_table(&mut self, staged: Staged, operation: &'static str) -> Result<Arc<State>> {
        let started = Instant::now();
        let state = self.state();
        let mut table = state.table.clone();
        if !staged.new_fields.is_empty() {
            let change = SchemaChange { add: staged.new_fields, ..SchemaChange::default() };
            table = table.alter(&change, "add_fields").await?;
        }
        let (rows, places): (Vec<_>, Vec<_>) = staged.rows.into_iter().map(|row| (row.row, row.words)).unzip();
        let batch = row::to_batch(&staged.schema, &rows)?;
        let columns = state.snapshot.columns();
        let removed = staged.removed.iter().map(|&slot| columns.row_id(slot)).collect();
        let properties = HashMap::from([
            ("operation".to_owned(), operation.to_owned()),
            ("added".to_owned(), rows.len().to_string()),
            ("removed".to_owned(), staged.removed.len().to_string()),
        ]);
        let new_rows = if rows.is_empty() { Vec::new() } else { vec![batch.clone()] };
        let snapshot = state.snapshot.clone();
        let texts = async {
            let words = words_at(&places, staged.words).await?;
            let add = move || {
                snapshot.add_texts(snapshot.slots(), words);
                Ok(())
            };
            blocking_on(&self.shared.services.writes, add).await
        };
        let changes = Changes { rows: new_rows, removed, properties };
        let prepared = started.elapsed();
        let (committed, texts) = tokio::join!(table.commit(changes), texts);
        let committed = committed.and_then(|committed| texts.map(|()| committed))?;
        self.expirer.count();
        let written = started.elapsed();
        let version = committed.table.version();
        let versions = vec![version.0; rows.len()];
        let row_ids = committed.row_ids;
        let added = match rows.is_empty() {
            true => None,
            false => Some(NewRows {
                segment: Segment::new(state.snapshot.slots(), row_ids.clone(), versions, &batch)?,
                vectors: rows.iter().map(|row| row.embedding.as_deref()).collect(),
                texts: Vec::new(),
            }),
        };
        let snapshot = state.snapshot.next(version, &staged.removed, added)?;
        let schema = Arc::new(staged.schema);
        let (sealed_slots, passages) = (state.sealed_slots, state.passages.clone());
        let next = State { table: committed.table, schema, snapshot, sealed_slots, passages };
        let first = state.snapshot.slots();
        let next = self.swap(next, |keys| {
            for &slot in &staged.removed {
                let segment = columns.segment_of(slot);
                let (id, document) = (segment.text(row::ID, slot), segment.text(row::DOCUMENT_ID, slot));
                keys.remove(id.unwrap_or_default(), document.unwrap_or_default(), slot);
            }
            for (slot, row) in (first..).zip(&rows) {
                keys.insert(&row.id, &row.document_id, slot);
            }
        });
        self.shared.services.rows.keep(self.shared.number, &row_ids, rows);
        let (table, all) = (written - prepared, started.elapsed());
        tracing::debug!(collection = %self.shared.name, ?prepared, ?table, published = ?(all - written), "committed");
        Ok(next)
    }

    fn swap(&self, next: State, change_keys: impl FnOnce(&mut Keys)) -> Arc<State> {
        let next = Arc::new(next);
        let mut keys = self.shared.keys.write().unwrap_or_else(PoisonError::into_inner);
        change_keys(&mut keys);
        self.shared.state.store(next.clone());
        next
    }

    /// Puts the same rows at the table's next version.
    fn swap_table(&self, table: Table) -> Arc<State> {
        let state = self.state();
        let snapshot = state.snapshot.at_version(table.version());
        let (sealed_slots, passages) = (state.sealed_slots, state.passages.clone());
        let next = State { table, schema: state.schema.clone(), snapshot, sealed_slots, passages };
        self.swap(next, |_| {})
    }

    async fn reload(&mut self) {
        let newest = self.state().table.refreshed().await;
        match async { load(newest?, &self.shared.analyzer).await }.await {
            Ok(state) => {
                self.stale = false;
                let keys = collect_keys(&state.snapshot);
                self.swap(state, |known| *known = keys);
            }
            Err(error) => {
                self.stale = true;
                tracing::error!(collection = %self.shared.name, %error, "table not read after a failed write")
            }
        }
    }

    async fn restore(&mut self, to: &VersionRef) -> Result<Written> {
        let paused = self.expirer.pause().await;
        let target = self.state().table.at(to).await?;
        let table = target.restore().await?;
        drop(paused);
        self.replace(table).await
    }

    async fn alter(&mut self, change: CollectionChange) -> Result<Written> {
        let state = self.state();
        match change.check(&state.schema)? {
            Some(change) => {
                if let Some(pointer) =
                    Pointer::of(&state.table).filter(|_| !change.drop.is_empty() || !change.rename.is_empty())
                {
                    forget(&pointer.text(&state.table))?;
                }
                self.replace(state.table.alter(&change, "alter").await?).await
            }
            None => Ok(Written { version: state.table.version(), written: 0, skipped: 0, deleted: 0 }),
        }
    }

    async fn switch(&mut self, switch: &Switch) -> Result<Written> {
        match switch.commit(&self.state()).await {
            Ok(table) => self.replace(table).await,
            Err(error) => {
                // Some of its commits may have been made.
                self.reload().await;
                Err(error)
            }
        }
    }

    /// Puts a version in place whose rows or fields are not those of the present one.
    async fn replace(&mut self, table: Table) -> Result<Written> {
        let version = table.version();
        let state = load(table, &self.shared.analyzer).await?;
        let keys = collect_keys(&state.snapshot);
        self.swap(state, |known| *known = keys);
        Ok(Written { version, written: 0, skipped: 0, deleted: 0 })
    }

    /// Names a sealed generation in the table, puts it in place, and answers those who waited for it.
    ///
    /// Slots that were laid out anew meanwhile are not the ones that it covers; then it is built again.
    async fn publish(&mut self, built: Result<Sealed>) {
        if built.as_ref().is_ok_and(|sealed| sealed.layout != self.state().snapshot.layout()) {
            return self.seals.start_again(&self.shared);
        }
        let placed = match built {
            Ok(sealed) => self.place(sealed).await,
            Err(error) => Err(error),
        };
        match &placed {
            Ok(()) => self.seals.drop_head(),
            Err(error) => tracing::error!(collection = %self.shared.name, %error, "generation not sealed"),
        }
        let version = self.state().table.version();
        for done in self.seals.finish(&self.shared) {
            let written = Written { version, written: 0, skipped: 0, deleted: 0 };
            answer(done, placed.as_ref().map(|()| written).map_err(again));
        }
    }

    async fn place(&self, sealed: Sealed) -> Result<()> {
        let state = self.state();
        let (table, snapshot) = seal::place(&state, &sealed.pointer).await?;
        let passages = Passages::open(&sealed.pointer.text(&table)).map(Arc::new);
        let next = State { table, schema: state.schema.clone(), snapshot, sealed_slots: sealed.slots, passages };
        self.swap(next, |_| {});
        Ok(())
    }

    async fn optimize(&mut self, done: Done) {
        let result = async {
            let table = self.state().table.compact(FRAGMENT_ROWS).await?;
            self.swap_table(table);
            self.expirer.run(&self.state().table).await
        };
        if let Err(error) = result.await {
            return answer(done, Err(error));
        }
        self.seals.start(&self.shared, Some(done));
    }

    /// Puts joined fragments in place, unless a write has changed them meanwhile.
    async fn put_joined(&mut self, joined: Result<Joined>) {
        let placed = match joined {
            Ok(joined) => self.state().table.put_joined(joined).await,
            Err(error) => Err(error),
        };
        self.joins.finish(matches!(placed, Ok(None)));
        match placed {
            Ok(Some(table)) => drop(self.swap_table(table)),
            Ok(None) => tracing::debug!(collection = %self.shared.name, "fragments changed while they were joined"),
            Err(error) => tracing::warn!(collection = %self.shared.name, %error, "fragments not joined"),
        }
    }

    /// Does what upkeep is due after a write.
    async fn maintain(&mut self) {
        let state = self.state();
        if let Some(join) = self.joins.take_due(&state.table) {
            let joined = join.run().await;
            self.put_joined(joined).await;
        }
        self.expirer.start_due(&self.state().table);
        if seal::is_due(&self.state(), Pace::Busy) {
            self.seals.start(&self.shared, None);
        }
        if let Some(head) = self.seals.grow_head(&self.shared) {
            let state = self.state();
            let (table, schema, snapshot) = (state.table.clone(), state.schema.clone(), state.snapshot.with_head(head));
            let (sealed_slots, passages) = (state.sealed_slots, state.passages.clone());
            self.swap(State { table, schema, snapshot, sealed_slots, passages }, |_| {});
        }
    }
}

fn answer(done: Done, result: Result<Written>) {
    // An error means that the caller has left; what was done stays done.
    let _ = done.send(result);
}

/// Gives the failure of a commit to one more request of its group.
fn again(error: &Error) -> Error {
    match error {
        Error::DiskFull => Error::DiskFull,
        other => Error::Storage(other.to_string()),
    }
}
