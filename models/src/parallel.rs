//! Works numbered jobs side by side, on the calling thread and others that live as long as the call.
//!
//! It does not know what the jobs are, and it keeps no threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::ModelError;

/// Works jobs 0 to `jobs` on up to `workers` threads, the caller's among them; each takes the next job as it gets free.
pub(crate) fn side_by_side<T: Send>(
    jobs: usize,
    workers: usize,
    work: impl Fn(usize) -> Result<T, ModelError> + Sync,
) -> Result<Vec<(usize, T)>, ModelError> {
    let next = AtomicUsize::new(0);
    let run = || -> Result<Vec<(usize, T)>, ModelError> {
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return Ok(done);
            }
            done.push((job, work(job)?));
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..workers.min(jobs)).map(|_| scope.spawn(run)).collect();
        let mut done = run()?;
        for helper in helpers {
            let panicked = |_| ModelError::Compute { detail: "an encoding thread panicked".to_string() };
            done.extend(helper.join().map_err(panicked)??);
        }
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_worked_once() {
        for workers in [1, 2, 5] {
            let mut done = side_by_side(7, workers, |job| Ok(vec![job as f32])).unwrap();
            done.sort_by_key(|(job, _)| *job);
            assert_eq!(done, (0..7).map(|job| (job, vec![job as f32])).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_failed_job_fails_the_call() {
        let failed = side_by_side(7, 3, |job| if job == 5 { Err(ModelError::Stopped) } else { Ok(()) });
        assert_eq!(failed, Err(ModelError::Stopped));
    }
}
