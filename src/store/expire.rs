//! Letting go of old versions beside other writes.
//!
//! An expiry reads the manifest of every version that is kept, so it runs on the threads of writes while the writer goes
//! on, and rests in proportion to what it cost. What may go is decided here; removing it is the table's.

use super::seal::remove_unused;
use crate::config::limits::{
    CROWDED_AGE, EXPIRE_EVERY, EXPIRE_EVERY_COMMITS, EXPIRE_REST, KEEP_VERSIONS_MAX, KEEP_VERSIONS_MIN,
};
use crate::error::Result;
use crate::table::{Table, VersionRef};
use chrono::{TimeDelta, Utc};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::AbortHandle;

/// Runs at most one expiry at a time.
pub struct Expirer {
    runtime: Handle,
    keep_days: u32,
    commits: u64,
    running: Option<AbortHandle>,
    /// When the next one may begin; held while one runs.
    next: Arc<Mutex<Instant>>,
}

impl Expirer {
    /// Makes an expirer that keeps versions for some days.
    pub fn new(runtime: Handle, keep_days: u32) -> Self {
        let next = Arc::new(Mutex::new(Instant::now() + EXPIRE_EVERY));
        Self { runtime, keep_days, commits: 0, running: None, next }
    }

    /// Counts a commit.
    pub fn count(&mut self) {
        self.commits += 1;
    }

    /// Starts an expiry where one is due.
    pub fn start_due(&mut self, table: &Table) {
        if self.commits < EXPIRE_EVERY_COMMITS {
            return;
        }
        let Ok(mut next) = self.next.clone().try_lock_owned() else { return };
        let started = Instant::now();
        if started < *next {
            return;
        }
        self.commits = 0;
        let (table, keep_days) = (table.clone(), self.keep_days);
        let task = self.runtime.spawn(async move {
            if let Err(error) = expire(&table, keep_days).await {
                tracing::warn!(collection = %table.name(), %error, "expiry failed");
            }
            *next = Instant::now() + EXPIRE_EVERY.max(started.elapsed() * EXPIRE_REST);
        });
        self.running = Some(task.abort_handle());
    }

    /// Runs an expiry at once, after the one that runs.
    pub async fn run(&self, table: &Table) -> Result<()> {
        let _alone = self.pause().await;
        expire(table, self.keep_days).await
    }

    /// Waits for the expiry that runs, and lets none begin before the answer is dropped: a version that is made the
    /// newest again must not lose its files meanwhile.
    pub async fn pause(&self) -> MutexGuard<'_, Instant> {
        self.next.lock().await
    }
}

impl Drop for Expirer {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// Lets versions go that are older than some days, and, where there are very many, all but the newest ones.
async fn expire(table: &Table, keep_days: u32) -> Result<()> {
    let (oldest, newest) = table.version_range().await?;
    let oldest_at = table.at(&VersionRef::Number(oldest.0)).await?.timestamp();
    let old = Utc::now() - TimeDelta::days(i64::from(keep_days));
    if oldest_at < old {
        table.expire(old, KEEP_VERSIONS_MIN).await?;
    }
    let crowded = Utc::now() - CROWDED_AGE;
    if newest.0 - oldest.0 >= KEEP_VERSIONS_MAX as u64 && oldest_at < crowded {
        table.expire(crowded, KEEP_VERSIONS_MAX).await?;
    }
    remove_unused(table).await
}
