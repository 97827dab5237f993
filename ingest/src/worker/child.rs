//! The main loop of a worker process: one request in, one answer out, until the parent closes the pipe.
//!
//! Reads each file on a thread of its own with a large stack, and answers a panic with `Corrupt`. What cannot be caught
//! ends this process, and the parent names it.

use std::io::{self, BufReader, BufWriter};

use super::frame::{self, Answer, Header, Reply};
use super::limit;
use crate::archive;
use crate::detect::{Format, detect, is_archive};
use crate::error::ReadError;
use crate::limits::Limits;

/// Stack of the reading thread. Honest files stay below 1 MiB; markup nested to its limit needs more.
const STACK_BYTES: usize = 64 << 20;

/// Serves requests from standard input to standard output until the input ends.
///
/// # Errors
/// Those of the pipes, and of the system when it refuses a limit.
pub fn run_worker() -> io::Result<()> {
    // A panic is answered, not printed: its text may quote the document.
    std::panic::set_hook(Box::new(|_| {}));
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = BufWriter::new(io::stdout().lock());
    while let Some((header, file)) = frame::read_request(&mut input)? {
        let (limits, from) = (header.limits, header.members_from);
        let mut reply = |reply: &Reply| frame::write_reply(&mut output, reply, limits.output_bytes_max);
        match from {
            Some(from) if is_archive(&file) => read_members(&header, &file, from, &mut reply)?,
            _ => reply(&Reply::Answer(Box::new(read(header.name, file, limits)?)))?,
        }
        if from.is_some() {
            reply(&Reply::End)?;
        }
    }
    Ok(())
}

/// Reads the members of an archive, each under the limits for a file. What is wrong with the archive itself is answered
/// in the place of a member without a name.
fn read_members(
    header: &Header,
    archive: &[u8],
    from: usize,
    reply: &mut dyn FnMut(&Reply) -> io::Result<()>,
) -> io::Result<()> {
    let (limits, mut at, mut outcome) = (header.limits, 0, Ok(()));
    let listed = archive::visit(archive, &limits, &mut |path, member| {
        at += 1;
        if at > from && outcome.is_ok() {
            outcome = reply(&Reply::Member(path.to_owned())).and_then(|()| {
                let answer =
                    member.map_or_else(|error| Ok(Err(error)), |member| read(path.to_owned(), member, limits))?;
                reply(&Reply::Answer(Box::new(answer)))
            });
        }
        outcome.is_ok()
    });
    outcome?;
    listed.or_else(|error| reply(&Reply::Answer(Box::new(Err(error)))))
}

fn read(name: String, file: Vec<u8>, limits: Limits) -> io::Result<Answer> {
    limit::set(&limits)?;
    let format = detect(&file, &name).map(Format::name).unwrap_or("unknown");
    let work = move || crate::read::read_any(&file, &name, &limits);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work)?;
    Ok(thread.join().unwrap_or_else(|_| {
        Err(ReadError::Corrupt { format: format.into(), detail: "the reader panicked on it".into() })
    }))
}
