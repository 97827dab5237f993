//! Upkeep: joining small fragments, expiring old versions, naming index generations, checking every byte.
//!
//! Runs only when the table's writer calls it, between commits, so it never races a write.

use super::{Table, VerifyReport, storage};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use lance::dataset::cleanup::CleanupPolicyBuilder;
use lance::dataset::optimize::{CompactionOptions, compact_files};

/// Rows that a fragment grows to before compaction leaves it alone.
///
/// Bounds the bytes that one compaction rewrites (100 MB at 384 dimensions), and a million rows are still only 16
/// fragments.
pub const FRAGMENT_ROWS: usize = 65_536;
/// Sizes up to which fragments are joined with their like: a row is rewritten a few times for each size on its way to a
/// full fragment, and not with every run of small commits.
const TIERS: [usize; 3] = [1_024, 8_192, FRAGMENT_ROWS];
/// Fragments of a tier that are let be, since joining them costs more than reading them.
const SMALL_FRAGMENTS_MAX: usize = 32;
/// Share of deleted rows from which a fragment is rewritten.
const DELETED_SHARE_MAX: f32 = 0.2;

impl Table {
    /// Returns the rows up to which fragments should be joined now, from the manifest alone.
    pub fn compaction_due(&self) -> Option<usize> {
        let rows: Vec<usize> = self.dataset.fragments().iter().filter_map(|fragment| fragment.num_rows()).collect();
        let crowded = |&tier: &usize| rows.iter().filter(|&&rows| rows < tier).count() > SMALL_FRAGMENTS_MAX;
        TIERS.into_iter().find(crowded)
    }

    /// Joins fragments below a number of rows and drops deleted rows from the files of the newest version; row ids stay.
    pub async fn compact(&self, rows: usize) -> Result<Self> {
        let mut dataset = self.dataset.as_ref().clone();
        let options = CompactionOptions {
            target_rows_per_fragment: rows,
            materialize_deletions: true,
            materialize_deletions_threshold: DELETED_SHARE_MAX,
            ..CompactionOptions::default()
        };
        compact_files(&mut dataset, options, None).await.map_err(storage)?;
        self.sync_checksums();
        Ok(self.with_dataset(dataset))
    }

    /// Removes versions that are both older than `before` and not among the newest `keep`; returns bytes freed.
    ///
    /// Tagged versions stay.
    pub async fn expire(&self, before: DateTime<Utc>, keep: usize) -> Result<u64> {
        let policy = CleanupPolicyBuilder::default()
            .before_timestamp(before)
            .error_if_tagged_old_versions(false)
            .retain_n_versions(&self.dataset, keep)
            .await
            .map_err(storage)?
            .build();
        let stats = self.dataset.cleanup_with_policy(policy).await.map_err(storage)?;
        Ok(stats.bytes_removed)
    }

    /// Returns a value of the table's configuration at this version.
    pub fn pointer(&self, key: &str) -> Option<&str> {
        self.dataset.config().get(key).map(String::as_str)
    }

    /// Sets a value of the table's configuration as the next version.
    ///
    /// Two writers of one key conflict, so this is a compare-and-swap that is versioned with the table.
    pub async fn set_pointer(&self, key: &str, value: &str) -> Result<Self> {
        let mut dataset = self.dataset.as_ref().clone();
        dataset.update_config([(key, value)]).await.map_err(storage)?;
        self.sync_checksums();
        Ok(self.with_dataset(dataset))
    }

    /// Returns the bytes of the files that this version names.
    pub fn bytes(&self) -> u64 {
        let files = self.dataset.fragments().iter().flat_map(|fragment| &fragment.files);
        files.filter_map(|file| file.file_size_bytes.get()).map(u64::from).sum()
    }

    /// Reads every object of the table and compares it with the checksum log.
    pub async fn verify(&self) -> Result<VerifyReport> {
        let checksums = self.checksums.clone();
        tokio::task::spawn_blocking(move || checksums.verify())
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
    }
}
