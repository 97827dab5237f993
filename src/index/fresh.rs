//! Vectors that no sealed generation covers: blocks of rows in slot order, scanned exactly.
//!
//! A commit adds one block. A block is dropped as a whole when a generation covers its rows.

use std::sync::Arc;

/// Rows up to which neighbouring blocks are copied into one.
const JOINED_ROWS_MAX: usize = 1024;

/// Vectors of consecutive slots, row-major.
pub struct FreshBlock {
    base: u32,
    dimension: usize,
    rows: Vec<f32>,
    present: Option<Vec<bool>>,
}

impl FreshBlock {
    /// Makes a block from one optional vector for each slot from `base` on.
    pub fn new(base: u32, dimension: usize, vectors: &[Option<&[f32]>]) -> Self {
        let mut rows = Vec::with_capacity(vectors.len() * dimension);
        for vector in vectors {
            match vector {
                Some(vector) => rows.extend_from_slice(vector),
                None => rows.resize(rows.len() + dimension, 0.0),
            }
        }
        let present: Vec<bool> = vectors.iter().map(Option::is_some).collect();
        let present = present.contains(&false).then_some(present);
        Self { base, dimension, rows, present }
    }

    /// Returns the first slot.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Returns one past the last slot.
    pub fn end(&self) -> u32 {
        self.base + self.len() as u32
    }

    /// Returns the number of slots.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dimension
    }

    /// Returns whether there are no slots.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the vectors, zeros where there is none.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// Returns whether the row at a position of the block has a vector.
    pub fn has(&self, at: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present[at])
    }

    fn joined(&self, next: &Self) -> Self {
        let rows = [self.rows.as_slice(), &next.rows].concat();
        let present: Vec<bool> =
            (0..self.len()).map(|at| self.has(at)).chain((0..next.len()).map(|at| next.has(at))).collect();
        let present = present.contains(&false).then_some(present);
        Self { base: self.base, dimension: self.dimension, rows, present }
    }

    /// Returns the vector at a position of the block.
    pub fn vector(&self, at: usize) -> Option<&[f32]> {
        self.has(at).then(|| &self.rows[at * self.dimension..(at + 1) * self.dimension])
    }
}

/// Every fresh block of a collection, in slot order.
#[derive(Clone, Default)]
pub struct Fresh {
    blocks: Vec<Arc<FreshBlock>>,
}

impl Fresh {
    /// Returns the blocks in slot order.
    pub fn blocks(&self) -> &[Arc<FreshBlock>] {
        &self.blocks
    }

    /// Returns the number of slots in the blocks.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.len()).sum()
    }

    /// Returns the bytes of the vectors.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| size_of_val(block.rows())).sum()
    }

    /// Returns whether there are no blocks.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds a block behind the others; small neighbours are joined, so that single-row commits stay cheap to scan.
    ///
    /// A block without any vector is not kept.
    pub fn push(&mut self, block: FreshBlock) {
        if (0..block.len()).all(|at| !block.has(at)) {
            return;
        }
        match self.blocks.last() {
            Some(last) if last.end() == block.base && last.len() + block.len() <= JOINED_ROWS_MAX => {
                let joined = last.joined(&block);
                self.blocks.pop();
                self.blocks.push(Arc::new(joined));
            }
            _ => self.blocks.push(Arc::new(block)),
        }
    }

    /// Adds vectors of slots that no block holds yet, ascending.
    pub fn fill(&mut self, dimension: usize, vectors: &[(u32, Vec<f32>)]) {
        for run in vectors.chunk_by(|a, b| a.0 + 1 == b.0) {
            let rows: Vec<Option<&[f32]>> = run.iter().map(|(_, vector)| Some(vector.as_slice())).collect();
            self.blocks.push(Arc::new(FreshBlock::new(run[0].0, dimension, &rows)));
        }
        self.blocks.sort_by_key(|block| block.base);
    }

    /// Keeps the blocks that hold a row which `covered` does not cover.
    pub fn retain_uncovered(&mut self, covered: impl Fn(u32) -> bool) {
        self.blocks.retain(|block| (0..block.len()).any(|at| block.has(at) && !covered(block.base() + at as u32)));
    }

    /// Returns the vector of a slot.
    pub fn vector(&self, slot: u32) -> Option<&[f32]> {
        let at = self.blocks.partition_point(|block| block.end() <= slot);
        let block = self.blocks.get(at).filter(|block| block.base() <= slot)?;
        block.vector((slot - block.base()) as usize)
    }
}
