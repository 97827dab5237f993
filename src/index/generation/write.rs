//! Builds a generation and writes it so that it appears whole or not at all.
//!
//! Everything is written and synced under a temporary name in the same folder, then renamed, then the folder above is
//! synced. What a crash leaves behind is a folder whose name ends in `.tmp`, which the next attempt replaces.

use super::error::IndexError;
use super::file::FILE_NAME;
use super::layout::{DIMENSION_MAX, HEADER_BYTES, Header, ROWS_MAX, SECTIONS, Section};
use crate::index::distance::{Kernels, as_bytes};
use crate::index::graph::{BuildParams, Earlier, Graph, Space, build, mean_of, sketch_stride, sketches_of};
use crate::schema::Metric;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use xxhash_rust::xxh3::Xxh3;

/// Bytes collected before they go to the system.
const BUFFER_BYTES: usize = 1 << 20;

/// The rows of a generation to be.
#[derive(Clone, Copy, Debug)]
pub struct RowVectors<'a> {
    /// Length of a vector.
    pub dimension: usize,
    /// Measure of nearness.
    pub metric: Metric,
    /// Row id of each vector.
    pub row_ids: &'a [u64],
    /// Vectors; normalised by the caller for cosine. They are not copied.
    pub vectors: &'a [&'a [f32]],
    /// The graph of an earlier generation over many of the same rows, from which the new one goes on.
    pub earlier: Option<Earlier<'a>>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationSummary {
    /// Number of rows.
    pub rows: usize,
    /// Size of the file.
    pub bytes: usize,
    /// Layers of the graph above layer 0.
    pub layers: usize,
    /// Rows that were out of reach until an edge was laid to them.
    pub reconnected: usize,
}

/// Builds the graph over some rows and writes it to a folder that must not exist yet.
///
/// Takes minutes for each million rows that are new; `cancel` stops it soon and leaves nothing behind under the final name.
pub fn write_generation(
    path: &Path,
    rows: RowVectors<'_>,
    params: &BuildParams,
    cancel: &AtomicBool,
) -> Result<GenerationSummary, IndexError> {
    check(&rows)?;
    let space = Space::new(Kernels::get(), rows.metric, rows.dimension, rows.vectors.to_vec());
    let graph = build(&space, rows.earlier.as_ref(), params, cancel).map_err(|_| IndexError::Cancelled)?;
    let io = IndexError::io(path);
    let folder = temporary(path);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => fs::create_dir_all(&folder).map_err(&io)?,
    }
    let contents = Contents { row_ids: rows.row_ids, space: &space, mean: mean_of(&space), graph: &graph };
    let bytes = write_file(&folder.join(FILE_NAME), &contents, params).map_err(&io)?;
    publish(&folder, path).map_err(&io)?;
    let (rows, layers) = (graph.order.len(), graph.counts.len());
    Ok(GenerationSummary { rows, bytes, layers, reconnected: graph.reconnected })
}

/// What goes into the file.
struct Contents<'a> {
    row_ids: &'a [u64],
    space: &'a Space<'a>,
    mean: Vec<f32>,
    graph: &'a Graph,
}

fn check(rows: &RowVectors<'_>) -> Result<(), IndexError> {
    let input = |what, found, expected| Err(IndexError::Input { what, found, expected });
    if rows.dimension == 0 || rows.dimension > DIMENSION_MAX {
        return input("dimension", rows.dimension, DIMENSION_MAX);
    }
    if rows.row_ids.len() > ROWS_MAX {
        return input("rows", rows.row_ids.len(), ROWS_MAX);
    }
    if rows.row_ids.len() != rows.vectors.len() {
        return input("vectors", rows.vectors.len(), rows.row_ids.len());
    }
    match rows.vectors.iter().find(|vector| vector.len() != rows.dimension) {
        Some(vector) => input("values of a vector", vector.len(), rows.dimension),
        None => Ok(()),
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".tmp");
    path.with_file_name(name)
}

fn publish(folder: &Path, path: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()?;
    fs::rename(folder, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn write_file(path: &Path, contents: &Contents<'_>, params: &BuildParams) -> io::Result<usize> {
    let mut header = header_of(contents, params);
    let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
    let places = header.places().ok_or_else(too_large)?;
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create_new(path)?);
    file.write_all(&[0; HEADER_BYTES])?;
    let mut end = HEADER_BYTES;
    for (at, (section, place)) in Section::ALL.into_iter().zip(&places).enumerate() {
        file.write_all(&[0; 64][..place.start - end])?;
        header.checksums[at] = write_section(&mut file, section, contents)?;
        end = place.end;
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header.encode().ok_or_else(too_large)?)?;
    file.into_inner()?.sync_all()?;
    Ok(end)
}

fn header_of(contents: &Contents<'_>, params: &BuildParams) -> Header {
    let Contents { space, graph, .. } = contents;
    Header {
        rows: graph.order.len() as u64,
        dimension: space.dimension() as u32,
        metric: space.metric(),
        degree: graph.base.degree() as u32,
        upper_degree: graph.upper.degree() as u32,
        layers: graph.counts.len() as u32,
        upper_rows: graph.upper.rows() as u64,
        ef_construction: u32::try_from(params.ef_construction).unwrap_or(u32::MAX),
        seed: params.seed,
        checksums: [0; SECTIONS],
    }
}

/// Writes a section and returns its checksum.
fn write_section(out: &mut impl Write, section: Section, contents: &Contents<'_>) -> io::Result<u64> {
    let Contents { row_ids, space, mean, graph } = contents;
    let mut hash = Xxh3::new();
    let mut put = |bytes: &[u8]| {
        hash.update(bytes);
        out.write_all(bytes)
    };
    match section {
        Section::RowIds => {
            let ids: Vec<u64> = graph.order.iter().map(|&row| row_ids[row as usize]).collect();
            put(as_bytes(&ids))?;
        }
        Section::Vectors => {
            graph.order.iter().try_for_each(|&row| put(as_bytes(space.vector(row))))?;
        }
        Section::Codes => put(&graph.codes.bytes)?,
        Section::Facts => put(as_bytes(&graph.codes.facts))?,
        Section::Sketches if sketch_stride(space.dimension()) == 0 => {}
        Section::Sketches => {
            sketches_of(space, &graph.order, mean).try_for_each(|sketch| put(as_bytes(&sketch)))?;
        }
        Section::Mean => put(as_bytes(mean))?,
        Section::Base => put(as_bytes(graph.base.ids()))?,
        Section::Counts => put(as_bytes(&graph.counts))?,
        Section::Upper => put(as_bytes(graph.upper.ids()))?,
    }
    Ok(hash.digest())
}
