//! The object store under every local table: synced when a write returns, with a checksum of each object.
//!
//! Lance's own local path never syncs and can acknowledge a truncated file, so tables are opened through its
//! `file-object-store` scheme with this wrapper, which replaces the store inside by one that calls fsync on files and
//! folders. It keeps no data and caches nothing; checking what is read is left to [`super::checksum`], on demand.

use super::checksum::ChecksumLog;
use futures::stream::BoxStream;
use lance_io::object_store::WrappingObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart, list::PaginatedListStore,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
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
        let inner = LocalFileSystem::new().with_fsync(true);
        Arc::new(DurableStore { inner: Arc::new(inner), checksums: self.checksums.clone() })
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
    inner: Arc<LocalFileSystem>,
    checksums: Arc<ChecksumLog>,
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
        let result = self.inner.put_opts(location, payload, opts).await?;
        self.checksums.record(location, sum.bytes, sum.hash.digest128());
        Ok(result)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        let checksums = self.checksums.clone();
        Ok(Box::new(SummedUpload { inner, location: location.clone(), checksums, sum: ObjectSum::default() }))
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
