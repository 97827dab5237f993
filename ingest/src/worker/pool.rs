//! A bounded set of worker processes, shared by all threads that read files.
//!
//! A thread that finds all workers busy waits; a worker is started when first needed, kept for the next file, and
//! replaced after a failure or [`FILES_MAX`] files, so that what a library leaks stays small. Workers that unpack are
//! counted apart from those that read: whoever unpacks an archive has its members read meanwhile, and would otherwise
//! wait for itself.

use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::frame::{Header, Reply, Work};
use super::process::{Process, WorkerCommand};
use crate::detect::is_archive;
use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::ocr::OcrCommand;
use crate::password::Passwords;
use crate::read::with_text;

/// Files that one process reads before it is replaced. Starting one costs a few milliseconds.
const FILES_MAX: usize = 64;

/// Gets the path of a member, or `None` for the file itself, and what was read.
pub type Each<'a> = dyn FnMut(Option<&str>, Result<Document, ReadError>) + 'a;
/// Gets the path of a member and its bytes, or `None` and what is wrong with the archive; answers whether to go on.
pub type EachMember<'a> = dyn FnMut(Option<&str>, Result<Vec<u8>, ReadError>) -> ControlFlow<()> + 'a;

/// Worker processes, at most a fixed number at a time for each kind of work.
pub struct WorkerPool {
    command: WorkerCommand,
    limits: Limits,
    workers: usize,
    passwords: Passwords,
    ocr: Option<OcrCommand>,
    state: Mutex<State>,
    returned: Condvar,
}

/// Invariant: `reading` and `unpacking` count the threads between [`WorkerPool::take`] and [`WorkerPool::give_back`].
#[derive(Default)]
struct State {
    idle: Vec<Process>,
    reading: usize,
    unpacking: usize,
}

impl State {
    fn busy(&mut self, work: Work) -> &mut usize {
        match work {
            Work::Read => &mut self.reading,
            Work::Unpack => &mut self.unpacking,
        }
    }
}

impl WorkerPool {
    /// Makes a pool of up to `workers` processes (at least one) for each kind of work; starts none yet.
    pub fn new(command: WorkerCommand, limits: Limits, workers: usize) -> Self {
        let state = Mutex::new(State::default());
        Self {
            command,
            limits,
            workers: workers.max(1),
            passwords: Passwords::default(),
            ocr: None,
            state,
            returned: Condvar::new(),
        }
    }

    /// Has encrypted files tried with passwords, which reach the processes on their standard input.
    pub fn with_passwords(self, passwords: Passwords) -> Self {
        Self { passwords, ..self }
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
        self.run(bytes, name, Work::Read, &mut |reply| {
            answer = Some(reply);
            ControlFlow::Continue(())
        })?;
        match answer {
            Some(Reply::Answer(answer)) => self.finished((*answer)?, bytes),
            _ => Err(ReadError::Crashed { detail: "worker gave no answer".into() }),
        }
    }

    /// Unpacks an archive and hands each file in it to `each`, by its path inside, to be joined to the archive's uri by
    /// [`crate::INSIDE`]. What is wrong with the archive as a whole comes last, without a path; so does that it holds no
    /// file. Blocks at most `wall_max` for each member, apart from what `each` takes.
    pub fn unpack(&self, bytes: &[u8], each: &mut EachMember) {
        let mut is_empty = true;
        let ended = self.run(bytes, "", Work::Unpack, &mut |reply| {
            is_empty &= reply == Reply::End;
            match reply {
                Reply::Member { path, content, .. } => each(Some(&path), Ok(content)),
                Reply::Refused { path, error } => each(path.as_deref(), Err(error)),
                Reply::Answer(_) | Reply::End => ControlFlow::Continue(()),
            }
        });
        let ended = match ended {
            Ok(()) if is_empty => Err(ReadError::NoText { detail: "archive without files".into() }),
            ended => ended,
        };
        if let Err(error) = ended {
            // It is the last one in any case.
            let _ = each(None, Err(error));
        }
    }

    /// Reads a file, or every file inside it where it is a zip archive, and hands each outcome to `each`: members with
    /// their path inside the archive, the file itself, and what is wrong with an archive as a whole, without.
    pub fn read_each(&self, bytes: &[u8], name: &str, each: &mut Each) {
        if !is_archive(bytes) {
            return each(None, self.read(bytes, name));
        }
        self.unpack(bytes, &mut |path, member| {
            each(path, member.and_then(|member| self.read(&member, path.unwrap_or(name))));
            ControlFlow::Continue(())
        });
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
        work: Work,
        each: &mut dyn FnMut(Reply) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        if bytes.len() as u64 > self.limits.file_bytes_max {
            return Err(ReadError::LimitExceeded { what: "file bytes".into(), limit: self.limits.file_bytes_max });
        }
        let mut slot = self.take(work);
        let mut process = match slot.process.take() {
            Some(process) => process,
            None => Process::start(&self.command)
                .map_err(|error| ReadError::Crashed { detail: format!("worker could not be started: {error}") })?,
        };
        let name = name.to_owned();
        let passwords = if work == Work::Read { self.passwords.clone() } else { Passwords::default() };
        process.run(Header { name, limits: self.limits, passwords, work }, bytes, each)?;
        slot.process = Some(process).filter(|process| process.served < FILES_MAX);
        Ok(())
    }

    /// Waits for a free worker.
    fn take(&self, work: Work) -> Slot<'_> {
        let mut state = self.lock();
        while *state.busy(work) >= self.workers {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *state.busy(work) += 1;
        // A process can end while it is idle, for example when the system is short of memory: not the next file's fault.
        let mut process = state.idle.pop();
        while process.as_mut().is_some_and(|process| !process.is_alive()) {
            process = state.idle.pop();
        }
        Slot { pool: self, work, process }
    }

    fn give_back(&self, work: Work, process: Option<Process>) {
        let mut state = self.lock();
        state.idle.extend(process);
        *state.busy(work) -= 1;
        drop(state);
        // One of those that wait may wait for the other kind of work.
        self.returned.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run one worker; given back when dropped, with the process if it is still of use.
struct Slot<'a> {
    pool: &'a WorkerPool,
    work: Work,
    process: Option<Process>,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.pool.give_back(self.work, self.process.take());
    }
}
