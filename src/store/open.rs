//! Which collections are open: each once, however many ask for it, and only so many, and so many bytes, at a time.
//!
//! Every name has a lock of its own, held while the collection opens, closes or goes, so that a large one keeps nobody
//! waiting who asks for another. How a collection is opened is the store's.

use super::collection::Collection;
use super::view::CollectionInfo;
use crate::schema::CollectionName;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The place of one collection, open or not.
#[derive(Default)]
pub struct Place {
    /// The collection while it is open.
    pub open: tokio::sync::Mutex<Option<Arc<Collection>>>,
    /// What is known of it while it is closed; changes under the lock of `open` only.
    closed: Mutex<Option<CollectionInfo>>,
    used: AtomicU64,
}

impl Place {
    /// Returns what is known of the collection while it is closed.
    pub fn remembered(&self) -> Option<CollectionInfo> {
        self.lock().clone()
    }

    /// Keeps what was true when the collection was closed, or read while it was.
    pub fn remember(&self, info: CollectionInfo) {
        *self.lock() = Some(info);
    }

    /// Forgets what was known, since the collection is opened or goes.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<CollectionInfo>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The places of the collections that were asked for.
#[derive(Default)]
pub struct OpenCollections {
    places: Mutex<HashMap<CollectionName, Arc<Place>>>,
    clock: AtomicU64,
}

impl OpenCollections {
    /// Returns the place of a collection, and notes that it is used.
    pub fn place(&self, name: &CollectionName) -> Arc<Place> {
        let place = self.glance(name);
        place.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        place
    }

    /// Returns the place of a collection for a list, which keeps none open.
    pub fn glance(&self, name: &CollectionName) -> Arc<Place> {
        self.lock().entry(name.clone()).or_default().clone()
    }

    /// Forgets the place of a collection that is not there, unless somebody else waits for it.
    pub fn forget(&self, name: &CollectionName, place: &Arc<Place>) {
        let mut places = self.lock();
        // One count is the map's and one the caller's; a third can only come through the map, which is locked.
        if Arc::strong_count(place) == 2 {
            places.remove(name);
        }
    }

    /// Returns the places of open collections that nobody is opening or closing, and roughly their bytes in memory.
    pub fn open(&self) -> Vec<(Arc<Place>, usize)> {
        let places: Vec<Arc<Place>> = self.lock().values().cloned().collect();
        let bytes = |place: &Arc<Place>| Some(place.open.try_lock().ok()?.as_ref()?.bytes());
        places.into_iter().filter_map(|place| bytes(&place).map(|bytes| (place, bytes))).collect()
    }

    /// Returns the places that may be closed so that at most so many collections of so many bytes stay open: those that
    /// were used longest ago. The one that was used last stays open whatever it holds.
    pub fn idle(&self, most: usize, most_bytes: usize) -> Vec<Arc<Place>> {
        let mut open = self.open();
        open.sort_by_key(|(place, _)| std::cmp::Reverse(place.used.load(Ordering::Relaxed)));
        let mut sum = 0;
        let stays = |(at, (_, bytes)): (usize, &(Arc<Place>, usize))| {
            sum += bytes;
            at == 0 || at < most && sum <= most_bytes
        };
        let kept = open.iter().enumerate().map(stays).take_while(|&stays| stays).count();
        open.into_iter().skip(kept).map(|(place, _)| place).collect()
    }

    /// Takes out every place.
    pub fn take_all(&self) -> Vec<Arc<Place>> {
        self.lock().drain().map(|(_, place)| place).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CollectionName, Arc<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
