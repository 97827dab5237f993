//! Reads files in child processes of our own binary, so that a file that breaks its reader breaks nothing else.
//!
//! The parent keeps a [`WorkerPool`]. For each file it writes one [`frame`] to a child and waits for the answer, at most
//! `wall_max`. The child runs [`run_worker`]: it sets its own [`limit`]s, reads one file at a time on a thread with a
//! large stack, and answers with a document or a reason. A child that dies, lies or takes too long is killed and
//! replaced, and its file gets a [`crate::ReadError`]. The alternative, catching panics in the server, cannot stop a
//! stack overflow, an allocation of all memory or an endless loop.
//!
//! Not a sandbox: a child has the user's rights on files and network, but no environment and no open files.

mod child;
pub(crate) mod frame;
mod limit;
mod pool;
mod process;

pub use child::run_worker;
pub use pool::{Each, EachMember, WorkerPool};
pub use process::WorkerCommand;
