//! The sets of allowed rows of a collection that are kept between searches, one for each filter.
//!
//! The set of a filter is made from the one that the last search had, whichever version that was; how is known to
//! [`Allowed`].

use crate::config::limits::FILTER_CACHE_ENTRIES;
use crate::error::Result;
use crate::index::Snapshot;
use crate::query::{Allowed, Filter};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sets that were asked for last, by the text of their filters, the oldest first.
#[derive(Default)]
pub struct Filtered {
    sets: Mutex<VecDeque<(String, Arc<Allowed>)>>,
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
        Ok(allowed)
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
