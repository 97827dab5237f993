//! Work that outlives its request, and what became of it.
//!
//! Jobs live in this process only: what they wrote is in the tables, and running one again is safe.

use super::ingest::FileOutcome;
use crate::config::limits::{JOBS_KEPT, JOBS_WAITING_MAX, OUTCOMES_TOLD_MAX};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has begun.
    Running,
    /// It has ended; single files may have failed.
    Done,
    /// It could not go on.
    Failed,
}

impl JobState {
    /// Returns the name used in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does: `ingest`, `optimize` or `reembed`.
    pub kind: &'static str,
    /// Collection that it works on.
    pub collection: String,
    /// Where it stands.
    pub state: JobState,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// What became of each file, up to [`OUTCOMES_TOLD_MAX`].
    pub files: Vec<FileOutcome>,
    /// What it found out, where that is more than the files.
    pub result: Option<serde_json::Value>,
    /// Files beyond these.
    pub files_left_out: usize,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The jobs of this process, newest last.
#[derive(Clone, Default)]
pub struct Jobs {
    jobs: Arc<Mutex<VecDeque<Job>>>,
}

/// The right to report on one job.
pub struct JobHandle {
    jobs: Jobs,
    id: String,
}

impl Jobs {
    /// Begins a job, unless too many are under way.
    pub fn begin(&self, kind: &'static str, collection: &str, total: usize) -> Result<JobHandle> {
        let mut jobs = self.lock();
        if jobs.iter().filter(|job| job.state == JobState::Running).count() >= JOBS_WAITING_MAX {
            return Err(Error::Busy { what: "job queue" });
        }
        while jobs.len() >= JOBS_KEPT {
            let Some(oldest) = jobs.iter().position(|job| job.state != JobState::Running) else { break };
            jobs.remove(oldest);
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        jobs.push_back(Job {
            id: id.clone(),
            kind,
            collection: collection.to_owned(),
            state: JobState::Running,
            done: 0,
            total,
            files: Vec::new(),
            result: None,
            files_left_out: 0,
            error: None,
            started_at: Utc::now(),
            finished_at: None,
        });
        Ok(JobHandle { jobs: self.clone(), id })
    }

    /// Lists the jobs, newest first.
    pub fn list(&self) -> Vec<Job> {
        self.lock().iter().rev().cloned().collect()
    }

    /// Returns one job.
    pub fn get(&self, id: &str) -> Result<Job> {
        let found = self.lock().iter().find(|job| job.id == id).cloned();
        found.ok_or_else(|| Error::JobNotFound { id: id.to_owned() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobHandle {
    /// Returns the id of the job.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reports one step with its outcome. An archive has as many steps as files, which nobody knows beforehand.
    pub fn step(&self, outcome: Option<FileOutcome>) {
        self.update(|job| {
            job.done += 1;
            job.total = job.total.max(job.done);
            match job.files.len() < OUTCOMES_TOLD_MAX {
                true => job.files.extend(outcome),
                false => job.files_left_out += usize::from(outcome.is_some()),
            }
        });
    }

    /// Reports how many of how many steps are done.
    pub fn reach(&self, done: usize, total: usize) {
        self.update(|job| (job.done, job.total) = (done, total));
    }

    /// Reports what the job found out.
    pub fn tell(&self, result: serde_json::Value) {
        self.update(|job| job.result = Some(result));
    }

    /// Ends the job.
    pub fn finish(self, result: Result<()>) {
        self.update(|job| {
            job.finished_at = Some(Utc::now());
            match result {
                Ok(()) => job.state = JobState::Done,
                Err(error) => {
                    job.state = JobState::Failed;
                    job.error = Some(error.to_string());
                }
            }
        });
    }

    fn update(&self, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.lock().iter_mut().find(|job| job.id == self.id) {
            change(job);
        }
    }
}
