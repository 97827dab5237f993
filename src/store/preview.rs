//! What an ingest would write of a file, without a collection: its chunks, as the rules of one would cut it.
//!
//! Opens no data folder and writes nothing; reads files in worker processes as an ingest does.

use super::document::{fitted, read_chunks};
use super::embedder::Embedder;
use super::model::Models;
use super::worker_pool;
use crate::config::Config;
use crate::error::Result;
use crate::schema::{Chunking, ChunkingChoice};
use ragstone_ingest::INSIDE;
use ragstone_ingest::chunk::Chunk;
use ragstone_ingest::detect::is_archive;
use ragstone_ingest::worker::WorkerPool;
use std::ops::ControlFlow;

/// What cutting files needs.
pub struct Preview {
    workers: WorkerPool,
    embedder: Embedder,
    chunking: Chunking,
}

/// A file, or one inside an archive, by its uri, with its chunks or the reason for having none.
pub type Previewed = (String, Result<Vec<Chunk>>);

impl Preview {
    /// Prepares to cut files for a model, the configured one without a name, by some rules with what is asked of them.
    pub fn new(config: &Config, model: Option<&str>, rules: &Chunking, asked: &ChunkingChoice) -> Result<Self> {
        let models = Models::new(config);
        let embedder = models.get(model.unwrap_or(&config.model), config.precision, None)?;
        let chunking = fitted(asked, asked.applied_to(rules)?, &embedder)?;
        Ok(Self { workers: worker_pool(config)?, embedder, chunking })
    }

    /// Reads and cuts a file, or every file inside it where it is an archive. Blocks while it is read.
    pub fn read(&self, uri: &str, bytes: &[u8]) -> Vec<Previewed> {
        let chunks = |uri: &str, bytes: &[u8]| {
            let read = read_chunks((uri, bytes), &self.workers, &self.chunking, &self.embedder);
            read.map(|(_, chunks)| chunks)
        };
        if !is_archive(bytes) {
            return vec![(uri.to_owned(), chunks(uri, bytes))];
        }
        let mut read = Vec::new();
        self.workers.unpack(bytes, &mut |path, member| {
            let uri = path.map_or_else(|| uri.to_owned(), |path| format!("{uri}{INSIDE}{path}"));
            let previewed = member.map_err(Into::into).and_then(|member| chunks(&uri, &member));
            read.push((uri, previewed));
            ControlFlow::Continue(())
        });
        read
    }
}
