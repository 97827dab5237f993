//! The limits that a worker process sets on itself before it touches a file.
//!
//! Memory by what a process may write to (its heap, stacks and tables, not the program itself), time by the processor
//! clock, no core dumps and no writing of files at all, and a place behind whoever answers searches. The wall clock is the
//! parent's to watch.

use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use crate::limits::Limits;

/// Ticks a second in `/proc`, fixed by the kernel for everything that programs see.
const TICKS: u64 = 100;

/// How far a worker steps back behind other processes, on the system's scale from 0 to 19.
const NICENESS: i32 = 10;

/// Steps back behind other processes, so that files are read in the time that searches leave.
pub fn step_back() {
    // A system that refuses lets the worker read at full speed.
    let _ = nice(NICENESS);
}

/// Sets the limits for the next file; those that only fall stay from the first one.
///
/// # Errors
/// Those of the system, when it refuses a limit.
pub fn set(limits: &Limits) -> io::Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, 0)?;
    lower(Resource::Data, limits.memory_bytes_max)?;
    let seconds = used().as_secs() + limits.cpu_max.as_secs().max(1) + 1;
    let maximum = getrlimit(Resource::Cpu).maximum;
    setrlimit(Resource::Cpu, Rlimit { current: Some(maximum.map_or(seconds, |it| it.min(seconds))), maximum })?;
    Ok(())
}

/// Lowers the soft limit, never above the hard one.
fn lower(resource: Resource, wanted: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum })?)
}

/// Returns the processor time that this process has used, rounded up; zero where the system does not say.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks: u64 = fields.split_ascii_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_secs(ticks.div_ceil(TICKS))
}
