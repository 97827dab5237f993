//! Shares the parts of one step among threads, for a batch that is too small to be shared in any other way.
//!
//! A lone query is one batch of one text. Its products are shared panel by panel instead, about thirty times: a thread
//! that had to be woken for each step would come too late, so the helpers of a team spin between steps, and sleep when the
//! batch is done. Whoever is ready takes the next part; the leader never waits for a helper that has not begun. It does
//! not know what the parts are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Who works a batch.
pub(crate) enum Team<'a> {
    /// The calling thread.
    Alone,
    /// The calling thread and helpers.
    Together(Lead<'a>),
}

/// Threads that help whoever leads them; one batch at a time.
pub(crate) struct Helpers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    leader: Mutex<()>,
}

/// The right to give work to the helpers. They are awake as long as it lives.
pub(crate) struct Lead<'a> {
    helpers: &'a Helpers,
    _leader: MutexGuard<'a, ()>,
}

/// A step: does parts, as the numbered member of the team, until there are no more.
type Step<'a> = &'a (dyn Fn(usize) + Sync);

struct Shared {
    /// Whether there is a leader.
    awake: AtomicBool,
    ended: AtomicBool,
    /// [`OPEN`] while helpers may begin the step, the number of the step above [`INSIDE_BITS`], and how many are in it.
    gate: AtomicU64,
    /// The step at the gate. Its lifetime is not static: it ends when the gate is closed and nobody is inside.
    step: Mutex<Option<Step<'static>>>,
}

const OPEN: u64 = 1 << 63;
const INSIDE_BITS: u32 = 16;
const INSIDE: u64 = (1 << INSIDE_BITS) - 1;

impl Team<'_> {
    /// Returns how many threads there are, and so how many parts are likely to be taken before the caller's next one.
    pub(crate) fn members(&self) -> usize {
        match self {
            Team::Alone => 1,
            Team::Together(lead) => 1 + lead.helpers.threads.len(),
        }
    }

    /// Does the work for every part. The work is told which member of the team does it, counted from 0.
    pub(crate) fn share<T>(&self, parts: impl Iterator<Item = T> + Send, work: impl Fn(usize, T) + Sync) {
        let Team::Together(lead) = self else { return parts.for_each(|part| work(0, part)) };
        let parts = Mutex::new(parts);
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        lead.run(&|member| {
            while let Some(part) = next() {
                work(member, part);
            }
        });
    }
}

impl Helpers {
    /// Starts so many helpers; they sleep.
    pub(crate) fn spawn(count: usize) -> std::io::Result<Helpers> {
        let shared = Arc::new(Shared {
            awake: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            gate: AtomicU64::new(0),
            step: Mutex::new(None),
        });
        let spawn = |member: usize| {
            let shared = shared.clone();
            std::thread::Builder::new().name(format!("embed-help-{member}")).spawn(move || help(&shared, member))
        };
        let mut helpers = Helpers { shared: shared.clone(), threads: Vec::new(), leader: Mutex::new(()) };
        for member in 1..=count {
            helpers.threads.push(spawn(member)?);
        }
        Ok(helpers)
    }

    /// Wakes the helpers for the caller, unless there are none or they help somebody else.
    pub(crate) fn lead(&self) -> Team<'_> {
        let Ok(_leader) = self.leader.try_lock() else { return Team::Alone };
        if self.threads.is_empty() {
            return Team::Alone;
        }
        self.shared.awake.store(true, Ordering::Release);
        self.threads.iter().for_each(|helper| helper.thread().unpark());
        Team::Together(Lead { helpers: self, _leader })
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        for helper in self.threads.drain(..) {
            helper.thread().unpark();
            if helper.join().is_err() {
                tracing::error!("an encoding helper panicked");
            }
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.helpers.shared.awake.store(false, Ordering::Release);
    }
}

impl Lead<'_> {
    /// Runs a step on all members, and returns when nobody is in it.
    fn run(&self, step: Step) {
        let shared = &*self.helpers.shared;
        // SAFETY: only the lifetime changes. A helper takes the step after it has entered the open gate, and uses it
        // until it leaves; `Closing` closes the gate and waits until nobody is inside, also when the step panics, before
        // this function returns.
        let endless = unsafe { std::mem::transmute::<Step<'_>, Step<'static>>(step) };
        *shared.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(endless);
        let number = (shared.gate.load(Ordering::Relaxed) & !OPEN) >> INSIDE_BITS;
        let number = (number + 1) & (u64::MAX >> (INSIDE_BITS + 1));
        shared.gate.store(OPEN | number << INSIDE_BITS, Ordering::Release);
        let _closing = Closing(shared);
        step(0);
    }
}

/// Closes the gate when it is dropped.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_and(!OPEN, Ordering::AcqRel);
        while self.0.gate.load(Ordering::Acquire) & INSIDE != 0 {
            std::hint::spin_loop();
        }
    }
}

/// Leaves the step when it is dropped, also when the step panics.
struct Inside<'a>(&'a Shared);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_sub(1, Ordering::AcqRel);
    }
}

fn help(shared: &Shared, member: usize) {
    let mut done = 0;
    while !shared.ended.load(Ordering::Acquire) {
        if !shared.awake.load(Ordering::Acquire) {
            std::thread::park();
            continue;
        }
        let gate = shared.gate.load(Ordering::Acquire);
        let number = (gate & !OPEN) >> INSIDE_BITS;
        let open = gate & OPEN != 0 && number != done;
        if open && shared.gate.compare_exchange(gate, gate + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            let _inside = Inside(shared);
            done = number;
            let step = *shared.step.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(step) = step {
                step(member);
            }
        }
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_step_after_step() {
        let helpers = Helpers::spawn(3).unwrap();
        for _ in 0..20 {
            let team = helpers.lead();
            let mut parts = vec![0; 97];
            for step in 1..=50 {
                team.share(parts.iter_mut(), |member, part| {
                    assert!(member <= 3);
                    *part += 1;
                });
                assert!(parts.iter().all(|part| *part == step));
            }
        }
    }

    #[test]
    fn who_finds_the_helpers_taken_works_alone() {
        let helpers = Helpers::spawn(1).unwrap();
        let first = helpers.lead();
        assert!(matches!(first, Team::Together(_)) && matches!(helpers.lead(), Team::Alone));
        drop(first);
        assert!(matches!(helpers.lead(), Team::Together(_)));
        assert!(matches!(Helpers::spawn(0).unwrap().lead(), Team::Alone));
    }
}
