//! The main loop of a worker process: one request in, one answer out, until the parent closes the pipe.
//!
//! Reads each file on a thread of its own with a large stack, and answers a panic with `Corrupt`. What cannot be caught
//! ends this process, and the parent names it.

use std::io::{self, BufReader, BufWriter};

use super::frame::{self, Answer, Header, Reply, Work};
use super::limit;
use crate::archive;
use crate::detect::{Format, detect};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::password::Passwords;

/// Stack of the reading thread. Honest files stay below 1 MiB; markup nested to its limit needs more.
const STACK_BYTES: usize = 64 << 20;

/// Serves requests from standard input to standard output until the input ends.
///
/// # Errors
/// Those of the pipes, and of the system when it refuses a limit.
pub fn run_worker() -> io::Result<()> {
    // A panic is answered, not printed: its text may quote the document.
    std::panic::set_hook(Box::new(|_| {}));
    limit::step_back();
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = BufWriter::new(io::stdout().lock());
    while let Some((header, file)) = frame::read_request(&mut input)? {
        let Header { name, limits, passwords, work } = header;
        let mut reply = |reply: &Reply| frame::write_reply(&mut output, reply, limits.output_bytes_max);
        match work {
            Work::Read => reply(&Reply::Answer(Box::new(read(name, file, limits, passwords)?)))?,
            Work::Unpack => unpack(&file, &limits, &mut reply)?,
        }
    }
    Ok(())
}

/// Unpacks an archive, each member under the limits for a file. The archive itself lies in memory beside them.
fn unpack(archive: &[u8], limits: &Limits, reply: &mut dyn FnMut(&Reply) -> io::Result<()>) -> io::Result<()> {
    let beside = Limits { memory_bytes_max: limits.memory_bytes_max.saturating_add(archive.len() as u64), ..*limits };
    limit::set(&beside)?;
    let mut sent = Ok(());
    let listed = archive::visit(archive, limits, &mut |path, member| {
        let path = path.to_owned();
        let answer = match member {
            Ok(content) => Reply::Member { path, bytes: content.len() as u64, content },
            Err(error) => Reply::Refused { path: Some(path), error },
        };
        // The next member has its own time.
        sent = reply(&answer).and_then(|()| limit::set(&beside));
        sent.is_ok()
    });
    sent?;
    if let Err(error) = listed {
        reply(&Reply::Refused { path: None, error })?;
    }
    reply(&Reply::End)
}

fn read(name: String, file: Vec<u8>, limits: Limits, passwords: Passwords) -> io::Result<Answer> {
    limit::set(&limits)?;
    let format = detect(&file, &name).map(Format::name).unwrap_or("unknown");
    let work = move || crate::read::read_any(&file, &name, &limits, &passwords);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work)?;
    Ok(thread.join().unwrap_or_else(|_| {
        Err(ReadError::Corrupt { format: format.into(), detail: "the reader panicked on it".into() })
    }))
}
