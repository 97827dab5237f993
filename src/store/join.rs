//! Joining small fragments beside other writes.
//!
//! One join at a time is written by the threads of writes and handed to the writer, which commits it. Where writes keep
//! changing the very fragments that are joined, the writer does it itself and lets writes wait. Which fragments are
//! joined is decided in `table`.

use super::writer::Write;
use crate::table::{Join, Table};
use tokio::runtime::Handle;
use tokio::sync::mpsc::WeakSender;
use tokio::task::AbortHandle;

/// Joins in a row that may come too late before the writer does the next one itself.
const LATE_JOINS_MAX: u32 = 2;

/// Starts at most one join at a time.
pub struct Joiner {
    queue: WeakSender<Write>,
    runtime: Handle,
    running: Option<AbortHandle>,
    late: u32,
}

impl Joiner {
    /// Makes a joiner that hands its fragments to a writer's queue.
    pub fn new(queue: WeakSender<Write>, runtime: Handle) -> Self {
        Self { queue, runtime, running: None, late: 0 }
    }

    /// Starts a join where one is due, unless one runs; returns it where the caller has to run it at once.
    pub fn take_due(&mut self, table: &Table) -> Option<Join> {
        if self.running.is_some() {
            return None;
        }
        let join = table.join_due()?;
        if self.late >= LATE_JOINS_MAX {
            return Some(join);
        }
        let queue = self.queue.clone();
        let task = self.runtime.spawn(async move {
            let joined = join.run().await;
            if let Some(queue) = queue.upgrade() {
                // An error means that the collection is closing; the file is removed later.
                let _ = queue.send(Write::Joined(joined)).await;
            }
        });
        self.running = Some(task.abort_handle());
        None
    }

    /// Allows the next join; the one that ended may have been too late.
    pub fn finish(&mut self, late: bool) {
        self.running = None;
        self.late = if late { self.late + 1 } else { 0 };
    }
}

impl Drop for Joiner {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}
