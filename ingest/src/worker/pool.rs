//! A bounded set of worker processes, shared by all threads that read files.
//!
//! A thread that finds all workers busy waits; a worker is started when first needed, kept for the next file, and
//! replaced after a failure or [`FILES_MAX`] files, so that what a library leaks stays small.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::frame::Reply;
use super::process::{Process, WorkerCommand};
use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::ocr::OcrCommand;
use crate::read::with_text;

/// Files that one process reads before it is replaced. Starting one costs a few milliseconds.
const FILES_MAX: usize = 64;

/// Gets the path of a member, or `None` for the file itself, and what was read.
pub type Each<'a> = dyn FnMut(Option<&str>, Result<Document, ReadError>) + 'a;

/// Worker processes, at most a fixed number at a time.
pub struct WorkerPool {
    command: WorkerCommand,
    limits: Limits,
    workers: usize,
    ocr: Option<OcrCommand>,
    state: Mutex<State>,
    returned: Condvar,
}

/// Invariant: `busy` counts the threads between [`WorkerPool::take`] and [`WorkerPool::give_back`].
#[derive(Default)]
struct State {
    idle: Vec<Process>,
    busy: usize,
}

impl WorkerPool {
    /// Makes a pool of up to `workers` processes (at least one); starts none yet.
    pub fn new(command: WorkerCommand, limits: Limits, workers: usize) -> Self {
        let state = Mutex::new(State::default());
        Self { command, limits, workers: workers.max(1), ocr: None, state, returned: Condvar::new() }
    }

    /// Has pages without text read by a command, in the calling thread and outside of `wall_max`.
    pub fn with_ocr(self, ocr: OcrCommand) -> Self {
        Self { ocr: Some(ocr), ..self }
    }

    /// Reads a file in a worker process. Blocks while all workers are busy, then at most `wall_max`.
    ///
    /// # Errors
    /// Every [`ReadError`]; none of them concerns the next file.
    pub fn read(&self, bytes: &[u8], name: &str) -> Result<Document, ReadError> {
        let mut answer = None;
        self.run(bytes, name, None, &mut |reply| answer = Some(reply))?;
        match answer {
            Some(Reply::Answer(answer)) => self.finished((*answer)?, bytes),
            _ => Err(ReadError::Crashed { detail: "worker gave no answer".into() }),
        }
    }

    /// Reads a file, or every file inside it where it is a zip archive, and hands each outcome to `each`.
    ///
    /// Members come with their path inside the archive, to be joined to its uri by `!/`; the file itself, and what is
    /// wrong with an archive as a whole, with `None`. A member that ends its process costs only itself. Scanned members
    /// are not read by OCR. Blocks at most `wall_max` for each member.
    pub fn read_each(&self, bytes: &[u8], name: &str, each: &mut Each) {
        let mut started = 0;
        loop {
            let mut member: Option<String> = None;
            let before = started;
            let outcome = self.run(bytes, name, Some(started), &mut |reply| match reply {
                Reply::Member(path) => {
                    started += 1;
                    member = Some(path);
                }
                Reply::Answer(answer) => match member.take() {
                    Some(path) => each(Some(&path), answer.and_then(with_text)),
                    None => each(None, answer.and_then(|document| self.finished(document, bytes))),
                },
                Reply::End => {}
            });
            match outcome {
                Ok(()) => return,
                Err(error) => each(member.as_deref(), Err(error)),
            }
            // Another process goes on behind the member that ended this one.
            if member.is_none() || started == before {
                return;
            }
        }
    }

    /// Has scanned pages read, where there is a command for it.
    fn finished(&self, mut document: Document, bytes: &[u8]) -> Result<Document, ReadError> {
        if let Some(ocr) = &self.ocr {
            ocr.fill(&mut document, bytes);
        }
        with_text(document)
    }

    fn run(
        &self,
        bytes: &[u8],
        name: &str,
        members_from: Option<usize>,
        each: &mut dyn FnMut(Reply),
    ) -> Result<(), ReadError> {
        if bytes.len() as u64 > self.limits.file_bytes_max {
            return Err(ReadError::LimitExceeded { what: "file bytes".into(), limit: self.limits.file_bytes_max });
        }
        let mut slot = self.take();
        let mut process = match slot.process.take() {
            Some(process) => process,
            None => Process::start(&self.command)
                .map_err(|error| ReadError::Crashed { detail: format!("worker could not be started: {error}") })?,
        };
        process.read(bytes, name, &self.limits, members_from, each)?;
        slot.process = Some(process).filter(|process| process.served < FILES_MAX);
        Ok(())
    }

    /// Waits for a free worker.
    fn take(&self) -> Slot<'_> {
        let mut state = self.lock();
        while state.busy >= self.workers {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        // A process can end while it is idle, for example when the system is short of memory: not the next file's fault.
        let mut process = state.idle.pop();
        while process.as_mut().is_some_and(|process| !process.is_alive()) {
            process = state.idle.pop();
        }
        Slot { pool: self, process }
    }

    fn give_back(&self, process: Option<Process>) {
        let mut state = self.lock();
        state.idle.extend(process);
        state.busy -= 1;
        drop(state);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run one worker; given back when dropped, with the process if it is still of use.
struct Slot<'a> {
    pool: &'a WorkerPool,
    process: Option<Process>,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.pool.give_back(self.process.take());
    }
}
