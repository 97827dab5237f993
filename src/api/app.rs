//! What every handler shares: the store, and the bounds that hold over all requests.
//!
//! Holds no connection and no request.

use crate::config::limits::UPLOADS_IN_FLIGHT_MAX;
use crate::error::{Error, Result};
use crate::schema::CollectionName;
use crate::store::{Collection, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of large request bodies that may be in memory at once; chosen as eight of the largest.
const BODIES_KIB_MAX: usize = 512 << 10;

/// Who can reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Programs of this machine.
    Loopback,
    /// Other machines too.
    Network,
}

/// State of the server; clones share it.
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<Store>,
    reach: Reach,
    stopping: AtomicBool,
    uploads: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

impl App {
    /// Makes the state of a server.
    pub fn new(store: Arc<Store>, reach: Reach) -> Self {
        let uploads = Arc::new(Semaphore::new(UPLOADS_IN_FLIGHT_MAX));
        let bodies = Arc::new(Semaphore::new(BODIES_KIB_MAX));
        Self { shared: Arc::new(Shared { store, reach, stopping: AtomicBool::new(false), uploads, bodies }) }
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<Store> {
        &self.shared.store
    }

    /// Returns who can reach the server.
    pub fn reach(&self) -> Reach {
        self.shared.reach
    }

    /// Returns a collection, opened if it was not.
    pub async fn collection(&self, name: &CollectionName) -> Result<Arc<Collection>> {
        self.shared.store.collection(name).await
    }

    /// Says that the server is about to stop.
    pub fn announce_stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
    }

    /// Returns whether the server is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// Gives the right to hold one upload in memory, or says that too many are.
    pub fn admit_upload(&self) -> Result<OwnedSemaphorePermit> {
        self.shared.uploads.clone().try_acquire_owned().map_err(|_| Error::Busy { what: "upload memory" })
    }

    /// Gives the right to hold a large body of a request in memory, or says that too many are.
    pub fn admit_body(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        self.shared.bodies.clone().try_acquire_many_owned(kib).map_err(|_| Error::Busy { what: "request memory" })
    }
}
