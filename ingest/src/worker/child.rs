//! The main loop of a worker process: one request in, one answer out, until the parent closes the pipe.
//!
//! Reads each file on a thread of its own with a large stack, and answers a panic with `Corrupt`. What cannot be caught
//! ends this process, and the parent names it.

use std::io::{self, BufReader, BufWriter};

use super::frame::{self, Answer, Header};
use super::limit;
use crate::detect::{Format, detect};
use crate::error::ReadError;

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
        limit::set(&header.limits)?;
        let bytes_max = header.limits.output_bytes_max;
        let answer = read(header, file)?;
        frame::write_answer(&mut output, &answer, bytes_max)?;
    }
    Ok(())
}

fn read(header: Header, file: Vec<u8>) -> io::Result<Answer> {
    let format = detect(&file, &header.name).map(Format::name).unwrap_or("unknown");
    let work = move || crate::read::read_any(&file, &header.name, &header.limits);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work)?;
    Ok(thread.join().unwrap_or_else(|_| {
        Err(ReadError::Corrupt { format: format.into(), detail: "the reader panicked on it".into() })
    }))
}
