//! One version of everything a search reads, and the step from it to the next.
//!
//! Snapshots share all but the set of live slots and the newest segment, so the next one costs a copy of one bit for
//! each row. Nothing here reads the table or knows who writes.

use super::bitset::Bitset;
use super::column::{Columns, Segment};
use super::fresh::{Fresh, FreshBlock};
use super::live::Live;
use super::placed::Placed;
use super::text::{Analyzed, TextIndex};
use crate::error::Result;
use crate::schema::{Metric, Version};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Documents that are added to the postings under one hold of their lock, so that searches wait less than 2 ms.
const TEXT_ADD_BATCH: usize = 32;

/// Numbers the layouts of slots that this process has made.
static LAYOUTS: AtomicU64 = AtomicU64::new(0);

/// Everything a search reads besides the table, at one version.
#[derive(Clone)]
pub struct Snapshot {
    layout: u64,
    version: Version,
    dimension: usize,
    metric: Metric,
    columns: Columns,
    live: Arc<Bitset>,
    live_count: usize,
    /// Slots whose rows were gone when the table was opened: their columns hold nothing.
    hollow: Arc<Bitset>,
    placed: Option<Arc<Placed>>,
    fresh: Fresh,
    head: Option<Arc<Live>>,
    text: Arc<RwLock<TextIndex>>,
}

/// Rows that become visible with the next version.
pub struct NewRows<'a> {
    /// Their columns and row ids, starting at the snapshot's [`Snapshot::slots`].
    pub segment: Segment,
    /// Their vectors; may be empty where none has one.
    pub vectors: Vec<Option<&'a [f32]>>,
    /// Their analysed texts, `None` where there is no text; empty where the texts were added before.
    pub texts: Vec<Option<Analyzed>>,
}

impl Snapshot {
    /// Makes the snapshot of a table without rows.
    pub fn empty(version: Version, dimension: usize, metric: Metric) -> Self {
        Self {
            layout: LAYOUTS.fetch_add(1, Ordering::Relaxed),
            version,
            dimension,
            metric,
            columns: Columns::default(),
            live: Arc::new(Bitset::new(0)),
            live_count: 0,
            hollow: Arc::default(),
            placed: None,
            fresh: Fresh::default(),
            head: None,
            text: Arc::new(RwLock::new(TextIndex::new())),
        }
    }

    /// Starts from postings that were sealed for the slots to come.
    pub fn with_text(mut self, text: TextIndex) -> Self {
        self.text = Arc::new(RwLock::new(text));
        self
    }

    /// Returns the number of this layout of slots; one row has the same slot in all snapshots that share it.
    pub fn layout(&self) -> u64 {
        self.layout
    }

    /// Returns the table version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the length of vectors.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Returns the measure of nearness.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Returns the number of slots, live or not.
    pub fn slots(&self) -> u32 {
        self.columns.slots()
    }

    /// Returns the number of live rows.
    pub fn len(&self) -> usize {
        self.live_count
    }

    /// Returns whether no row lives.
    pub fn is_empty(&self) -> bool {
        self.live_count == 0
    }

    /// Returns the bytes held in memory, roughly; of the files of a generation only its columns are among them.
    pub fn bytes(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.bytes());
        let placed = self.placed.as_ref().map_or(0, |placed| placed.bytes());
        self.columns.bytes() + self.fresh.bytes() + self.text().bytes() + head + placed
    }

    /// Returns the live slots.
    pub fn live(&self) -> &Arc<Bitset> {
        &self.live
    }

    /// Returns the columns by slot.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns the sealed generation, if there is one.
    pub fn placed(&self) -> Option<&Arc<Placed>> {
        self.placed.as_ref()
    }

    /// Returns the vectors that the generation does not cover.
    pub fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// Returns the live head, if there is one.
    pub fn head(&self) -> Option<&Arc<Live>> {
        self.head.as_ref()
    }

    /// Returns this snapshot with a live head over some of its fresh rows.
    pub fn with_head(&self, head: Arc<Live>) -> Self {
        Self { head: Some(head), ..self.clone() }
    }

    /// Returns the postings; hold the guard for one search only, since writers wait for it.
    pub fn text(&self) -> RwLockReadGuard<'_, TextIndex> {
        self.text.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the vector of a slot.
    pub fn vector(&self, slot: u32) -> Option<&[f32]> {
        if let Some(placed) = &self.placed
            && let Some(ordinal) = placed.ordinal(slot)
        {
            return Some(placed.generation().vector(ordinal));
        }
        self.fresh.vector(slot)
    }

    /// Returns the snapshot of the next version: some slots die, some rows are added.
    ///
    /// Postings are shared with the present snapshot, whose searches ignore slots that they do not know.
    pub fn next(&self, version: Version, removed: &[u32], added: Option<NewRows<'_>>) -> Result<Self> {
        let mut next = self.clone();
        next.version = version;
        if let Some(added) = added {
            next.append(added);
        }
        let mut live = Bitset::clone(&self.live);
        live.resize(next.slots() as usize, true);
        for &slot in removed {
            live.clear(slot as usize);
        }
        next.live_count = live.count();
        next.live = Arc::new(live);
        Ok(next)
    }

    /// Returns this snapshot with a generation in place; fresh vectors that it covers are let go, and so is the head.
    pub fn with_generation(&self, placed: Placed) -> Self {
        let mut next = self.clone();
        next.fresh.retain_uncovered(|slot| placed.covers(slot));
        next.placed = Some(Arc::new(placed));
        next.head = None;
        next
    }

    /// Returns this snapshot at another version that has the same rows.
    pub fn at_version(&self, version: Version) -> Self {
        Self { version, ..self.clone() }
    }

    /// Returns this snapshot with vectors of slots that neither the generation nor a fresh block holds, ascending.
    pub fn with_vectors(mut self, vectors: &[(u32, Vec<f32>)]) -> Self {
        self.fresh.fill(self.dimension, vectors);
        self
    }

    /// Returns this snapshot with other vectors of the same rows, by slot, ascending; no generation is in place.
    pub fn with_embedding(&self, dimension: usize, metric: Metric, vectors: &[(u32, Vec<f32>)]) -> Self {
        let fresh = Fresh::default();
        Self { dimension, metric, placed: None, head: None, fresh, ..self.clone() }.with_vectors(vectors)
    }

    /// Sets which slots live, for a snapshot that is put together from a table and sealed postings; the others are of
    /// rows that are gone.
    pub fn with_live(mut self, live: Bitset) -> Self {
        let mut hollow = live.clone();
        hollow.not();
        self.hollow = Arc::new(hollow);
        self.live_count = live.count();
        self.live = Arc::new(live);
        self
    }

    /// Returns the snapshot of an earlier version that had the rows of these ids; `None` where one of them has no slot.
    pub fn past(&self, version: Version, row_ids: &[u64]) -> Option<Self> {
        let places = self.columns.row_places(|slot| !self.hollow.contains(slot as usize));
        let mut live = Bitset::new(self.slots() as usize);
        for &row_id in row_ids {
            live.set(places.slot(row_id)? as usize);
        }
        Some(Self { version, live_count: row_ids.len(), live: Arc::new(live), ..self.clone() })
    }

    fn append(&mut self, added: NewRows<'_>) {
        let base = added.segment.base();
        if added.vectors.iter().any(Option::is_some) {
            self.fresh.push(FreshBlock::new(base, self.dimension, &added.vectors));
        }
        self.columns = self.columns.with(added.segment);
        self.add_texts(base, added.texts);
    }

    /// Adds the texts of rows that become visible with the next version, from a slot on.
    ///
    /// This may run before that version is there: until then searches ignore the slots.
    pub fn add_texts(&self, base: u32, texts: Vec<Option<Analyzed>>) {
        let texts: Vec<(u32, Analyzed)> = (base..).zip(texts).filter_map(|(slot, text)| Some((slot, text?))).collect();
        for batch in texts.chunks(TEXT_ADD_BATCH) {
            let mut text = self.text.write().unwrap_or_else(PoisonError::into_inner);
            for (slot, analyzed) in batch {
                text.add(*slot, analyzed);
            }
        }
    }
}
