//! The object store under every local table: synced before a version counts, with a checksum of each object.
//!
//! Lance's own local path never syncs and can acknowledge a truncated file, so tables are opened through its
//! `file-object-store` scheme with this wrapper. What a version is made of (data, deletions, transaction) is noted when it
//! is written, and all of it is synced side by side before the manifest that names it is put, so that the disk does it in
//! one go; the manifest and all else is synced when its write returns. So is an object that comes in parts, for it is large
//! and may be one that no waiting commit needs. It keeps no data and caches nothing; checking what
//! is read is left to [`super::checksum`], on demand.

use super::checksum::ChecksumLog;
use futures::stream::BoxStream;
use lance_io::object_store::WrappingObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart, list::PaginatedListStore,
};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::Xxh3;

/// Puts [`DurableStore`] in place of the store that Lance opened.
#[derive(Debug)]
pub struct DurableWrapper {
    checksums: Arc<ChecksumLog>,
}

impl DurableWrapper {
    /// Makes a wrapper that logs checksums of one table.
    pub fn new(checksums: Arc<ChecksumLog>) -> Self {
        Self { checksums }
    }
}

impl WrappingObjectStore for DurableWrapper {
    fn wrap(&self, _store_prefix: &str, _original: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(DurableStore {
            inner: LocalFileSystem::new().with_fsync(true),
            later: LocalFileSystem::new(),
            unsynced: Unsynced::default(),
            checksums: self.checksums.clone(),
        })
    }

    fn wrap_paginated(
        &self,
        _store_prefix: &str,
        _original: Arc<dyn PaginatedListStore>,
    ) -> Option<Arc<dyn PaginatedListStore>> {
        None
    }
}

/// A local store that syncs, and logs the checksum of each object that it wrote.
#[derive(Debug)]
struct DurableStore {
    /// Syncs each object when it is written.
    inner: LocalFileSystem,
    /// Leaves that for the manifest.
    later: LocalFileSystem,
    unsynced: Unsynced,
    checksums: Arc<ChecksumLog>,
}

/// When an object is synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// When its write returns, after everything that was written before.
    Now,
    /// Before the next manifest is put.
    BeforeManifest,
    /// Whenever the system does: it is rebuilt when it is lost.
    Never,
}

impl Sync {
    fn of(location: &Path) -> Self {
        let mut parts = location.parts().map(|part| part.as_ref().to_owned()).collect::<Vec<_>>();
        let (name, folder) = (parts.pop().unwrap_or_default(), parts.pop().unwrap_or_default());
        match (folder.as_str(), name.as_str()) {
            ("data" | "_deletions" | "_transactions", _) => Self::BeforeManifest,
            ("_versions", "latest_version_hint.json") => Self::Never,
            _ => Self::Now,
        }
    }
}

/// Files that were written and not synced yet.
#[derive(Debug, Default)]
struct Unsynced(Mutex<BTreeSet<PathBuf>>);

impl Unsynced {
    fn add(&self, location: &Path) {
        self.lock().insert(PathBuf::from(format!("/{location}")));
    }

    /// Syncs the files, and the folders that name them, side by side.
    async fn sync(&self) -> Result<()> {
        let files = std::mem::take(&mut *self.lock());
        let folders: BTreeSet<PathBuf> =
            files.iter().flat_map(|file| file.ancestors().skip(1).take(2)).map(PathBuf::from).collect();
        let syncs: Vec<_> = files
            .iter()
            .cloned()
            .chain(folders)
            .map(|path| tokio::task::spawn_blocking(move || sync_path(&path)))
            .collect();
        for sync in syncs {
            let synced = sync.await.map_err(std::io::Error::other).and_then(|synced| synced);
            if let Err(error) = synced {
                self.lock().extend(files);
                return Err(object_store::Error::Generic { store: "durable", source: Box::new(error) });
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs a file or folder; one that was removed meanwhile needs none.
fn sync_path(path: &std::path::Path) -> std::io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl fmt::Display for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mut sum = ObjectSum::default();
        sum.add(&payload);
        let result = match Sync::of(location) {
            Sync::Now => {
                self.unsynced.sync().await?;
                self.inner.put_opts(location, payload, opts).await?
            }
            Sync::BeforeManifest => {
                let result = self.later.put_opts(location, payload, opts).await?;
                self.unsynced.add(location);
                result
            }
            Sync::Never => self.later.put_opts(location, payload, opts).await?,
        };
        self.checksums.record(location, sum.bytes, sum.hash.digest128());
        Ok(result)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        let (location, checksums) = (location.clone(), self.checksums.clone());
        Ok(Box::new(SummedUpload { inner, location, checksums, sum: ObjectSum::default() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// Running checksum of an object.
#[derive(Default)]
struct ObjectSum {
    hash: Xxh3,
    bytes: u64,
}

impl ObjectSum {
    fn add(&mut self, payload: &PutPayload) {
        for part in payload {
            self.hash.update(part);
            self.bytes += part.len() as u64;
        }
    }
}

/// An upload in parts; parts are handed over in order, so the checksum can run along.
struct SummedUpload {
    inner: Box<dyn MultipartUpload>,
    location: Path,
    checksums: Arc<ChecksumLog>,
    sum: ObjectSum,
}

impl fmt::Debug for SummedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SummedUpload").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl MultipartUpload for SummedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.sum.add(&data);
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        self.checksums.record(&self.location, self.sum.bytes, self.sum.hash.digest128());
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manifest_names_is_synced_before_it_and_all_else_at_once() {
        let sync = |path: &str| Sync::of(&Path::from(path));
        assert!(sync("a/c.lance/data/x.lance") == Sync::BeforeManifest);
        assert!(sync("a/c.lance/_deletions/0-1-2.arrow") == Sync::BeforeManifest);
        assert!(sync("a/c.lance/_transactions/1-x.txn") == Sync::BeforeManifest);
        assert!(sync("a/c.lance/_versions/18446744073709551613.manifest") == Sync::Now);
        assert!(sync("a/c.lance/_versions/latest_version_hint.json") == Sync::Never);
        assert!(sync("a/c.lance/_refs/tags/x.json") == Sync::Now);
        assert!(sync("data") == Sync::Now);
    }

    #[tokio::test]
    async fn files_that_are_gone_need_no_sync_and_others_are_noted_once() {
        let folder = tempfile::tempdir().unwrap();
        let unsynced = Unsynced::default();
        for name in ["here", "here", "gone"] {
            unsynced.add(&Path::from_filesystem_path(folder.path()).unwrap().join(name));
        }
        std::fs::write(folder.path().join("here"), "x").unwrap();
        assert_eq!(unsynced.lock().len(), 2);
        unsynced.sync().await.unwrap();
        assert!(unsynced.lock().is_empty());
    }
}
