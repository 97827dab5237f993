//! The sets of allowed rows of a collection that are kept between searches, one for each filter.
//!
//! The set of a filter is made from the one that the last search had, whichever version that was; how is known to
//! [`Allowed`]. The columns that a filter reads are put in order beside it, so that the next filters on them find their rows.

use super::seal::step_back;
use crate::config::limits::{FILTER_CACHE_ENTRIES, ORDERED_ROWS_MIN};
use crate::error::Result;
use crate::index::{Segment, Snapshot};
use crate::query::{Allowed, Filter};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sets that were asked for last, by the text of their filters, the oldest first.
#[derive(Default)]
pub struct Filtered {
    sets: Mutex<VecDeque<(String, Arc<Allowed>)>>,
    /// Whether columns are being put in order.
    ordering: Arc<AtomicBool>,
}

impl Filtered {
    /// Returns the rows of a snapshot that pass a filter.
    pub fn get(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Arc<Allowed>> {
        let text = filter.to_string();
        let known = self.find(&text, snapshot);
        if let Some(allowed) = known.as_ref().filter(|known| known.is_of(snapshot)) {
            return Ok(allowed.clone());
        }
        let allowed = Arc::new(Allowed::after(known.as_deref(), snapshot, filter)?);
        self.keep(text, snapshot, allowed.clone());
        self.put_in_order(snapshot, filter);
        Ok(allowed)
    }

    /// Puts the columns that a filter reads in order, on a thread of its own; one that is busy is not waited for.
    fn put_in_order(&self, snapshot: &Snapshot, filter: &Filter) {
        let segments = snapshot.columns().segments().iter().filter(|segment| segment.len() >= ORDERED_ROWS_MIN);
        let fields = filter.fields();
        let of_segment = |segment: &Arc<Segment>| {
            let missing = fields.iter().filter(|field| !segment.is_in_order(field));
            missing.map(|&field| (segment.clone(), field.to_owned())).collect::<Vec<_>>()
        };
        let missing: Vec<(Arc<Segment>, String)> = segments.flat_map(of_segment).collect();
        if missing.is_empty() || self.ordering.swap(true, Ordering::AcqRel) {
            return;
        }
        let ordering = self.ordering.clone();
        let spawned = std::thread::Builder::new().name("order-columns".into()).spawn(move || {
            step_back();
            missing.iter().for_each(|(segment, field)| segment.put_in_order(field));
            ordering.store(false, Ordering::Release);
        });
        if spawned.is_err() {
            self.ordering.store(false, Ordering::Release);
        }
    }

    /// Returns the bytes of the sets.
    pub fn bytes(&self) -> usize {
        self.lock().iter().map(|(_, allowed)| allowed.bytes()).sum()
    }

    /// Returns the kept set of a filter from which that of a snapshot can be made.
    fn find(&self, text: &str, snapshot: &Snapshot) -> Option<Arc<Allowed>> {
        let sets = self.lock();
        let found = sets.iter().find(|(known, allowed)| known == text && allowed.leads_to(snapshot));
        found.map(|(_, allowed)| allowed.clone())
    }

    /// Keeps a set in the place of that of the same filter, or of the oldest.
    fn keep(&self, text: String, snapshot: &Snapshot, allowed: Arc<Allowed>) {
        let mut sets = self.lock();
        sets.retain(|(known, allowed)| *known != text || !allowed.leads_to(snapshot));
        if sets.len() == FILTER_CACHE_ENTRIES {
            sets.pop_front();
        }
        sets.push_back((text, allowed));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Arc<Allowed>)>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
