//! A generation as it is served: mapped, checked once, and read by any number of threads.
//!
//! Answers only for what was written into it; which of its rows still live is the caller's to know.

use super::error::IndexError;
use super::file::MappedFile;
use super::layout::Section;
use crate::index::graph::{NONE, View, code_stride, sketch_stride};
use crate::schema::{Metric, ShortForm};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of a file is checked when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Header, lengths and layer sizes: at once, for a file whose sections were checked before.
    Header,
    /// Also that every neighbour is a row, so that no walk leaves the file; the rest is left to
    /// [`Generation::check_bytes`].
    Graph,
    /// Every byte and every neighbour; costs one pass over the file.
    Full,
}

/// A sealed generation, open for reading.
#[derive(Debug)]
pub struct Generation {
    pub(super) file: MappedFile,
    is_checked: AtomicBool,
}

impl Generation {
    /// Opens the generation in a folder.
    pub fn open(path: &Path, verify: Verify) -> Result<Self, IndexError> {
        let generation = Self { file: MappedFile::open(path)?, is_checked: AtomicBool::new(verify != Verify::Graph) };
        if verify == Verify::Full {
            generation.check_bytes(path)?;
        }
        if !generation.layers_fit() {
            return Err(damaged(path, Section::Counts, "sizes of layers do not fit together"));
        }
        if verify != Verify::Header && !generation.neighbours_exist() {
            return Err(damaged(path, Section::Base, "neighbour that is no row"));
        }
        Ok(generation)
    }

    /// Returns whether its bytes were compared with their checksums, by whoever wrote it or since it was opened.
    pub fn is_checked(&self) -> bool {
        self.is_checked.load(Ordering::Relaxed)
    }

    /// Compares every byte with its checksum; the path is for the error.
    pub fn check_bytes(&self, path: &Path) -> Result<(), IndexError> {
        match self.file.find_damage() {
            Some((section, detail)) => Err(damaged(path, section, detail)),
            None => {
                self.is_checked.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.file.header().rows as usize
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the length of a vector.
    pub fn dim(&self) -> usize {
        self.file.header().dimension as usize
    }

    /// Returns the measure of nearness.
    pub fn metric(&self) -> Metric {
        self.file.header().metric
    }

    /// Returns the size of the file.
    pub fn bytes(&self) -> usize {
        self.file.len()
    }

    /// Returns the row id of each ordinal.
    pub fn row_ids(&self) -> &[u64] {
        self.file.values(Section::RowIds)
    }

    /// Returns the vectors of all ordinals, row-major.
    pub fn vectors(&self) -> &[f32] {
        self.file.values(Section::Vectors)
    }

    /// Returns the vector of an ordinal, which must be below the number of rows.
    pub fn vector(&self, ordinal: u32) -> &[f32] {
        &self.vectors()[ordinal as usize * self.dim()..][..self.dim()]
    }

    /// Returns the graph and the short forms of rows; walks read the codes.
    pub fn view(&self) -> View<'_> {
        let header = self.file.header();
        View {
            rows: self.len(),
            stride: code_stride(self.dim()),
            codes: self.file.bytes(Section::Codes),
            facts: self.file.values(Section::Facts),
            short: ShortForm::Bytes,
            sketches: self.file.values(Section::Sketches),
            sketch_stride: sketch_stride(self.dim()),
            degree: header.degree as usize,
            base: self.file.values(Section::Base),
            upper_degree: header.upper_degree as usize,
            counts: self.file.values(Section::Counts),
            upper: self.file.values(Section::Upper),
        }
    }

    /// Layers get smaller upwards, and their lists fill the section.
    fn layers_fit(&self) -> bool {
        let counts: &[u32] = self.file.values(Section::Counts);
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let largest = counts.first().is_none_or(|&count| count as usize <= self.len());
        total == self.file.header().upper_rows && largest && counts.windows(2).all(|pair| pair[0] >= pair[1])
    }

    fn neighbours_exist(&self) -> bool {
        let view = self.view();
        let exist = |ids: &[u32], rows: usize| ids.iter().all(|&id| id == NONE || (id as usize) < rows);
        let mut upper = view.upper;
        let upper_exist = view.counts.iter().all(|&count| {
            let (layer, rest) = upper.split_at(count as usize * view.upper_degree);
            upper = rest;
            exist(layer, count as usize)
        });
        exist(view.base, view.rows) && upper_exist
    }
}

fn damaged(path: &Path, section: Section, detail: &str) -> IndexError {
    IndexError::Damaged { path: path.to_path_buf(), section: section.name(), detail: detail.to_owned() }
}
