//! Upkeep: joining small fragments, expiring old versions, naming index generations, checking every byte.
//!
//! Everything that commits runs only when the table's writer calls it, between commits, so it never races a write. A
//! [`Join`] writes its fragment beside other commits, and is put in place if its fragments are still what they were.

use super::{Table, VerifyReport, storage};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use lance::dataset::cleanup::CleanupPolicyBuilder;
use lance::dataset::optimize::{
    CompactionOptions, CompactionTask, IgnoreRemap, RewriteResult, TaskData, commit_compaction, compact_files,
};
use lance::table::format::Fragment;
use std::sync::Arc;

/// Rows that a fragment grows to before compaction leaves it alone.
///
/// A join stops at the first fragment that reaches it, which bounds what one join rewrites to twice as many rows (200 MB
/// at 384 dimensions).
pub const FRAGMENT_ROWS: usize = 65_536;
/// Sizes up to which fragments are joined with their like: a row is rewritten about once for each size on its way to a
/// full fragment, and not with every run of small commits.
const TIERS: [usize; 4] = [64, 1_024, 16_384, FRAGMENT_ROWS];
/// Fragments of a tier that are let be, since joining them costs more than reading them.
const SMALL_FRAGMENTS_MAX: usize = 16;
/// Share of deleted rows from which a fragment is rewritten.
const DELETED_SHARE_MAX: f32 = 0.2;

/// Fragments of one version that are to become one.
pub struct Join {
    table: Table,
    fragments: Vec<Fragment>,
}

/// A written fragment that no version names yet.
pub struct Joined {
    fragments: Vec<Fragment>,
    result: RewriteResult,
}

impl Join {
    /// Writes the joined fragment, without deleted rows; row ids stay. Writes may go on meanwhile.
    pub async fn run(self) -> Result<Joined> {
        let dataset = &self.table.dataset;
        let task = TaskData { fragments: self.fragments.clone() };
        let task = CompactionTask { task, read_version: dataset.version().version, options: join_options() };
        let result = task.execute(dataset).await.map_err(storage)?;
        Ok(Joined { fragments: self.fragments, result })
    }
}

fn join_options() -> CompactionOptions {
    CompactionOptions { target_rows_per_fragment: 2 * FRAGMENT_ROWS, ..CompactionOptions::default() }
}

/// Returns how many rows a fragment counts for: those written, until so many are deleted that a rewrite pays.
///
/// Otherwise a full fragment would be rewritten for its first deleted row.
fn rows_worth_keeping(fragment: &Fragment) -> usize {
    let (written, left) = (fragment.physical_rows, fragment.num_rows());
    let (Some(written), Some(left)) = (written, left) else { return usize::MAX };
    if (written - left) as f32 > DELETED_SHARE_MAX * written as f32 { left } else { written }
}

/// Returns which fragments to join, given the rows of each: many of one tier, or enough for a full fragment.
fn to_join(rows: &[usize]) -> Option<Vec<usize>> {
    let tier_of = |rows: usize| TIERS.iter().position(|&tier| rows < tier);
    (0..TIERS.len()).find_map(|tier| {
        let mut sum = 0;
        let mut joined = Vec::new();
        for at in (0..rows.len()).filter(|&at| tier_of(rows[at]) == Some(tier)) {
            sum += rows[at];
            joined.push(at);
            if sum >= FRAGMENT_ROWS {
                return Some(joined);
            }
        }
        (joined.len() > SMALL_FRAGMENTS_MAX).then_some(joined)
    })
}

impl Table {
    /// Returns the fragments that should be joined now, from the manifest alone.
    pub fn join_due(&self) -> Option<Join> {
        let fragments = self.dataset.fragments();
        let rows: Vec<usize> = fragments.iter().map(rows_worth_keeping).collect();
        let fragments = to_join(&rows)?.into_iter().map(|at| fragments[at].clone()).collect();
        Some(Join { table: self.clone(), fragments })
    }

    /// Commits joined fragments as the next version; `None` where a write has changed one of them meanwhile.
    pub async fn put_joined(&self, joined: Joined) -> Result<Option<Self>> {
        let present = self.dataset.fragments();
        if !joined.fragments.iter().all(|fragment| present.contains(fragment)) {
            return Ok(None);
        }
        let mut dataset = self.dataset.as_ref().clone();
        let no_index = Arc::new(IgnoreRemap::default());
        commit_compaction(&mut dataset, vec![joined.result], no_index, &join_options()).await.map_err(storage)?;
        self.sync_checksums();
        Ok(Some(self.with_dataset(dataset)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::collection::EmbeddingSchema;
    use crate::schema::row::{ID, to_batch};
    use crate::schema::{ChunkRow, CollectionName, CollectionSchema, Metric};
    use crate::schema::{Chunking, VectorForms};
    use crate::table::{Changes, DataFolder};
    use arrow::array::AsArray;
    use futures::TryStreamExt;
    use lance::table::format::{DeletionFile, DeletionFileType};
    use std::collections::HashSet;

    #[test]
    fn few_fragments_of_a_tier_are_let_be() {
        assert_eq!(to_join(&[]), None);
        assert_eq!(to_join(&[1_000; 16]), None);
        let of_all_tiers: Vec<usize> = [[10; 16], [100; 16], [2_000; 16], [70_000; 16]].concat();
        assert_eq!(to_join(&of_all_tiers), None);
    }

    #[test]
    fn many_fragments_of_a_tier_are_joined_wherever_they_lie() {
        let with_a_large_one: Vec<usize> = [[1; 9].as_slice(), &[17_000], &[1; 8]].concat();
        assert_eq!(to_join(&with_a_large_one), Some((0..18).filter(|&at| at != 9).collect()));
    }

    #[test]
    fn a_join_ends_where_it_fills_a_fragment() {
        assert_eq!(to_join(&[17_000; 5]), Some(vec![0, 1, 2, 3]));
        assert_eq!(to_join(&[60_000, 90_000, 20_000]), Some(vec![0, 2]));
    }

    #[test]
    fn a_full_fragment_is_let_be_until_many_of_its_rows_are_deleted() {
        let fragment = |written, deleted| {
            let deletions = DeletionFile {
                read_version: 1,
                id: 1,
                file_type: DeletionFileType::Bitmap,
                num_deleted_rows: Some(deleted),
                base_id: None,
            };
            Fragment { deletion_file: Some(deletions), ..Fragment::new(0).with_physical_rows(written) }
        };
        assert_eq!(rows_worth_keeping(&fragment(70_000, 14_000)), 70_000);
        assert_eq!(rows_worth_keeping(&fragment(70_000, 14_001)), 55_999);
        assert_eq!(rows_worth_keeping(&Fragment::new(0)), usize::MAX);
    }

    /// Commits of one size, joined as they come: how often is a row rewritten, and how many fragments are there?
    fn rewrites(commit_rows: usize, commits: usize) -> (f64, usize) {
        let (mut rows, mut rewritten, mut most) = (Vec::new(), 0, 0);
        for _ in 0..commits {
            rows.push(commit_rows);
            while let Some(joined) = to_join(&rows) {
                let sum: usize = joined.iter().map(|&at| rows[at]).sum();
                assert!(sum < 2 * FRAGMENT_ROWS);
                rewritten += sum;
                for at in joined.into_iter().rev() {
                    rows.remove(at);
                }
                rows.push(sum);
            }
            most = most.max(rows.iter().filter(|&&rows| rows < FRAGMENT_ROWS).count());
        }
        (rewritten as f64 / (commit_rows * commits) as f64, most)
    }

    #[test]
    fn a_row_is_rewritten_a_few_times_and_fragments_stay_few() {
        for (commit_rows, commits) in [(1, 200_000), (100, 20_000), (1_000, 2_000), (10_000, 200)] {
            let (times, most) = rewrites(commit_rows, commits);
            assert!(times <= 6.0, "commits of {commit_rows}: {times} times");
            assert!(most <= TIERS.len() * (SMALL_FRAGMENTS_MAX + 1), "commits of {commit_rows}: {most} fragments");
        }
    }

    fn row(id: usize) -> ChunkRow {
        ChunkRow { id: id.to_string(), embedding: Some(vec![id as f32, 1.0]), ..ChunkRow::default() }
    }

    async fn add(table: &Table, schema: &CollectionSchema, id: usize) -> Table {
        let rows = vec![to_batch(schema, &[row(id)]).unwrap()];
        table.commit(Changes { rows, ..Changes::default() }).await.unwrap().table
    }

    async fn ids(table: &Table) -> Vec<String> {
        let batches: Vec<_> = table.scan(&[ID]).await.unwrap().try_collect().await.unwrap();
        let ids = batches.iter().flat_map(|batch| batch[ID].as_string::<i32>().iter());
        ids.map(|id| id.unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_join_is_put_in_place_unless_a_write_has_changed_its_fragments() {
        let folder = tempfile::tempdir().unwrap();
        let embedding =
            EmbeddingSchema { model: None, dimension: 2, metric: Metric::Dot, forms: VectorForms::default() };
        let (description, chunking, fields) = (String::new(), Chunking::default(), Vec::new());
        let schema = CollectionSchema { description, embedding, chunking, fields };
        let name = CollectionName::parse("joined").unwrap();
        let mut table = DataFolder::open(folder.path()).unwrap().create(&name, &schema).await.unwrap();
        for id in 0..17 {
            table = add(&table, &schema, id).await;
        }
        let early = table.join_due().unwrap().run().await.unwrap();
        let late = table.join_due().unwrap().run().await.unwrap();
        let later = add(&table, &schema, 17).await;
        let placed = later.put_joined(early).await.unwrap().unwrap();
        assert!(placed.version() > later.version() && placed.join_due().is_none());
        let found: HashSet<String> = ids(&placed).await.into_iter().collect();
        assert_eq!(found, (0..18).map(|id| id.to_string()).collect());
        assert_eq!(placed.take(&[3, 17], &[ID]).await.unwrap()[ID].as_string::<i32>().value(0), "3");
        let removed = later.commit(Changes { removed: vec![3], ..Changes::default() }).await;
        assert!(removed.is_err(), "the version after this one exists, and changed the same fragments");
        let shrunk = placed.commit(Changes { removed: vec![3], ..Changes::default() }).await.unwrap().table;
        assert!(shrunk.put_joined(late).await.unwrap().is_none());
        assert_eq!(ids(&shrunk).await.len(), 17);
    }
}
