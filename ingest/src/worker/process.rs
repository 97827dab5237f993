//! One worker process, as the parent holds it.
//!
//! Gives no second chance: after any failure the process is of no use and is to be dropped, which kills it.

use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::frame::{self, Header, Reply};
use crate::error::ReadError;
use crate::limits::Limits;

/// Most bytes of a child's error output that are kept.
const NOTED_BYTES_MAX: usize = 16 << 10;
/// Signals that a child can die of, as POSIX numbers them on Linux and macOS.
const SIGNALS: [(i32, &str); 6] = [
    (4, "illegal instruction"),
    (6, "abort"),
    (7, "bus error"),
    (9, "killed"),
    (11, "segmentation fault"),
    (24, "processor time"),
];
/// The signal for too much processor time.
const PROCESSOR_TIME: i32 = 24;

/// How a worker process is started: our own binary with the arguments that make it a worker.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Program file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A running worker process.
pub struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    noted: Arc<Mutex<Vec<u8>>>,
    /// How many files it has read; no more are given to it beyond a number.
    pub served: usize,
}

/// How the work on a file ended.
enum Ended {
    /// With its last reply.
    Done,
    /// By the caller; the process is killed.
    Stopped,
    /// Without an answer that could be read.
    Lost(io::Error),
    /// By the wall clock; the process is killed.
    Late,
}

impl Process {
    /// Starts a worker process with an empty environment.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(command: &WorkerCommand) -> io::Result<Self> {
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .env("RUST_BACKTRACE", "0")
            // Each thread and each heap arena reserves address space, which is limited.
            .env("RAYON_NUM_THREADS", "1")
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("a pipe of the worker is missing");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let noted = Arc::new(Mutex::new(Vec::new()));
        let (errors, notes) = (child.stderr.take().ok_or_else(missing)?, Arc::clone(&noted));
        std::thread::Builder::new().name("worker-errors".into()).spawn(move || note(errors, &notes))?;
        Ok(Self { child, input, output, noted, served: 0 })
    }

    /// Returns whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Has work done on a file and hands each reply to `each`, until the last one or until that says to stop. An error
    /// means that this process is lost.
    ///
    /// # Errors
    /// `Timeout`, `LimitExceeded` for memory, or `Crashed`.
    pub fn run(
        &mut self,
        header: Header,
        file: &[u8],
        each: &mut dyn FnMut(Reply) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let limits = header.limits;
        let (input, output, child) = (&mut self.input, &mut self.output, &mut self.child);
        let is_last = |reply: &Reply| matches!(reply, Reply::Answer(_) | Reply::End);
        let outcome = std::thread::scope(|scope| {
            // One reply is read ahead, no more, so that documents do not pile up.
            let (sender, receiver) = mpsc::sync_channel(1);
            scope.spawn(move || {
                let mut written = frame::write_request(input, &header, file);
                loop {
                    let reply = written.and_then(|()| frame::read_reply(output, &header.limits));
                    let is_over = reply.as_ref().map_or(true, is_last);
                    // The receiver is gone only after the time limit or a stop, and then nobody waits for a reply.
                    if sender.send(reply).is_err() || is_over {
                        break;
                    }
                    written = Ok(());
                }
            });
            loop {
                match receiver.recv_timeout(limits.wall_max) {
                    Ok(Ok(reply)) => {
                        let is_over = is_last(&reply);
                        let goes_on = each(reply).is_continue();
                        if is_over {
                            break Ended::Done;
                        }
                        if !goes_on {
                            let _ = child.kill();
                            break Ended::Stopped;
                        }
                    }
                    Ok(Err(error)) => break Ended::Lost(error),
                    Err(_) => {
                        // Ends the pipes, and with them the thread that this scope waits for.
                        let _ = child.kill();
                        break Ended::Late;
                    }
                }
            }
        });
        match outcome {
            Ended::Done => self.served += 1,
            Ended::Stopped => self.served = usize::MAX,
            Ended::Lost(error) => return Err(self.post_mortem(&error, &limits)),
            Ended::Late => return Err(ReadError::Timeout { limit_ms: millis(limits.wall_max) }),
        }
        Ok(())
    }

    /// Finds out how the process ended.
    fn post_mortem(&mut self, error: &io::Error, limits: &Limits) -> ReadError {
        let Some(status) = self.ended() else {
            return ReadError::Crashed { detail: format!("answer could not be read: {error}") };
        };
        let noted = String::from_utf8_lossy(&self.noted.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        let signal = status.signal();
        if signal == Some(PROCESSOR_TIME) {
            return ReadError::Timeout { limit_ms: millis(limits.cpu_max) };
        }
        if noted.contains("memory allocation of") || noted.contains("Cannot allocate memory") {
            return ReadError::LimitExceeded { what: "memory bytes".into(), limit: limits.memory_bytes_max };
        }
        if noted.contains("has overflowed its stack") {
            return ReadError::Crashed { detail: "stack overflow".into() };
        }
        let named = signal.and_then(|signal| SIGNALS.iter().find(|(number, _)| *number == signal));
        let detail = match (named, signal, status.code()) {
            (Some((number, name)), _, _) => format!("signal {number}, {name}"),
            (None, Some(signal), _) => format!("signal {signal}"),
            (None, None, code) => format!("exit code {}", code.unwrap_or_default()),
        };
        ReadError::Crashed { detail }
    }

    /// Waits a moment for the end that a closed pipe announces, then for the last of the error output.
    fn ended(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                while Arc::strong_count(&self.noted) > 1 && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill, only to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the first of what a child says on its error output, and reads the rest away so that it never blocks.
fn note(mut errors: impl Read, notes: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = NOTED_BYTES_MAX.saturating_sub(notes.len());
        notes.extend_from_slice(&buffer[..read.min(room)]);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
