//! The threads of writes: a little behind those of searches in the queue for a processor.
//!
//! A commit takes milliseconds of work on several threads, and a search that wakes up beside it would wait for their
//! turns. With less weight they give way at once.

use crate::config::limits::WRITE_NICENESS;
use crate::error::{Error, Result};
use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime whose threads step back.
pub struct WriteLane {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl WriteLane {
    /// Starts the threads.
    pub fn start(threads: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("write")
            .on_thread_start(step_back)
            .enable_all()
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Returns the way to the threads; it must not outlive the lane.
    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().expect("the runtime lives as long as the lane").handle().clone()
    }
}

impl Drop for WriteLane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Writers were closed before; waiting here would block a thread of another runtime.
            runtime.shutdown_background();
        }
    }
}

/// Gives this thread less weight than those of searches, once: a thread starts with the weight of the one that starts it.
pub fn step_back() {
    if getpriority_process(None).is_ok_and(|niceness| niceness < WRITE_NICENESS) {
        // A system that refuses writes at the usual priority.
        let _ = setpriority_process(None, WRITE_NICENESS);
    }
}
