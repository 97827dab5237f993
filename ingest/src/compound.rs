//! Reads the streams of a compound file (OLE2), the container of Word 97 and its time, in memory and under bounds.
//!
//! Follows [MS-CFB]: a file of sectors, chained by an allocation table, and of small sectors inside one of its streams.
//! A chain that breaks ends its stream early, since the reader of the format knows better what is then missing.
//! Knows no document format and writes nothing.

use std::collections::HashMap;

use crate::error::ReadError;
use crate::limits::Limits;
use crate::little::{u16_at, u32_at, u64_at};

/// First bytes of every compound file.
pub(crate) const MARK: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Bytes of the header, whatever the sector size; also those of the smallest sector.
const HEADER_BYTES: usize = 512;
/// Positions of sectors of the allocation table that the header itself holds.
const HEADER_SECTORS: usize = 109;
/// Bytes of one directory entry.
const ENTRY_BYTES: usize = 128;
/// Streams shorter than this lie in the stream of small sectors. Fixed by the format.
const SMALL_BYTES: u64 = 4096;
/// Bytes of a small sector. Fixed by the format.
const SMALL_SECTOR_BYTES: usize = 64;
/// No entry and no sector has a number from here on.
const NONE: u32 = 0xFFFF_FFFA;

/// An opened compound file, whose streams are copied together when asked for.
pub(crate) struct Compound<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// The sector that follows each sector.
    next: Vec<u32>,
    /// The small sector that follows each small sector.
    next_small: Vec<u32>,
    small: Vec<u8>,
    /// Streams of the root storage by lower-case name.
    streams: HashMap<String, Stream>,
}

#[derive(Clone, Copy)]
struct Stream {
    first: u32,
    bytes: u64,
}

/// One entry of the directory: a stream or a storage.
struct Entry {
    name: String,
    kind: u8,
    siblings: [u32; 2],
    child: u32,
    stream: Stream,
}

impl<'a> Compound<'a> {
    /// Opens a compound file and reads its tables and its directory.
    ///
    /// # Errors
    /// `Corrupt` when it has no directory, `LimitExceeded` when that has too many entries.
    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        let shift = u16_at(bytes, 30).filter(|shift| matches!(shift, 9 | 12));
        let (true, Some(shift)) = (bytes.starts_with(MARK) && bytes.len() >= HEADER_BYTES, shift) else {
            return Err(corrupt("its header is broken"));
        };
        let mut file = Self {
            bytes,
            sector_bytes: 1 << shift,
            next: Vec::new(),
            next_small: Vec::new(),
            small: Vec::new(),
            streams: HashMap::new(),
        };
        file.next = file.allocation();
        let entries = file.entries(limits)?;
        let Some(root) = entries.first() else { return Err(corrupt("it has no directory")) };
        file.next_small = numbers(&file.chain(u32_at(bytes, 60).unwrap_or(NONE), u64::MAX));
        file.small = file.chain(root.stream.first, root.stream.bytes);
        file.streams = streams(&entries);
        Ok(file)
    }

    /// Returns a stream of the root storage, cut short where its chain breaks.
    pub(crate) fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let stream = self.streams.get(&name.to_lowercase())?;
        Some(match stream.bytes < SMALL_BYTES {
            true => self.small_chain(*stream),
            false => self.chain(stream.first, stream.bytes),
        })
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.sector_bytes)?;
        // The last sector of many files is not written to its end.
        self.bytes.get(start..self.bytes.len().min(start.checked_add(self.sector_bytes)?)).filter(|it| !it.is_empty())
    }

    /// Joins the sectors of the allocation table, which are listed in the header and in a chain behind it.
    fn allocation(&self) -> Vec<u32> {
        let sectors_max = self.bytes.len() / self.sector_bytes + 1;
        let mut listed = numbers(&self.bytes[76..76 + 4 * HEADER_SECTORS]);
        let mut more = u32_at(self.bytes, 68).unwrap_or(NONE);
        while let Some(sector) = self.sector(more).filter(|_| more < NONE && listed.len() <= sectors_max) {
            let mut page = numbers(sector);
            more = page.pop().unwrap_or(NONE);
            listed.extend(page);
        }
        let sectors = listed.into_iter().filter(|number| *number < NONE).take(sectors_max);
        sectors.filter_map(|number| self.sector(number)).flat_map(numbers).collect()
    }

    /// Joins the sectors of a chain up to `bytes_max`; a circle ends after as many steps as there are sectors.
    fn chain(&self, first: u32, bytes_max: u64) -> Vec<u8> {
        let wanted = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(self.bytes.len());
        let (mut joined, mut number) = (Vec::new(), first);
        while joined.len() < wanted {
            let Some(sector) = self.sector(number) else { break };
            joined.extend_from_slice(&sector[..sector.len().min(wanted - joined.len())]);
            number = self.next.get(number as usize).copied().unwrap_or(NONE);
        }
        joined
    }

    fn small_chain(&self, stream: Stream) -> Vec<u8> {
        let wanted = stream.bytes as usize;
        let (mut joined, mut number) = (Vec::new(), stream.first);
        while joined.len() < wanted {
            let start = (number as usize).saturating_mul(SMALL_SECTOR_BYTES);
            let end = self.small.len().min(start.saturating_add(SMALL_SECTOR_BYTES));
            let Some(sector) = self.small.get(start..end).filter(|it| !it.is_empty()) else { break };
            joined.extend_from_slice(&sector[..sector.len().min(wanted - joined.len())]);
            number = self.next_small.get(number as usize).copied().unwrap_or(NONE);
        }
        joined
    }

    fn entries(&self, limits: &Limits) -> Result<Vec<Entry>, ReadError> {
        let directory = self.chain(u32_at(self.bytes, 48).unwrap_or(NONE), u64::MAX);
        let count = directory.len() / ENTRY_BYTES;
        if count > limits.zip_entries_max {
            let limit = limits.zip_entries_max as u64;
            return Err(ReadError::LimitExceeded { what: "entries of a compound file".into(), limit });
        }
        Ok(directory.chunks_exact(ENTRY_BYTES).filter_map(entry).collect())
    }
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let name_bytes = usize::from(u16_at(bytes, 64)?).saturating_sub(2).min(62);
    let units: Vec<u16> = bytes[..name_bytes].chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).collect();
    Some(Entry {
        name: String::from_utf16_lossy(&units).to_lowercase(),
        kind: bytes[66],
        siblings: [u32_at(bytes, 68)?, u32_at(bytes, 72)?],
        child: u32_at(bytes, 76)?,
        // Files of the first version leave rubbish in the upper half of the size, and none is that large.
        stream: Stream { first: u32_at(bytes, 116)?, bytes: u64_at(bytes, 120)? & 0xFFFF_FFFF },
    })
}

/// Returns the streams below the root; where its tree is broken, the first of each name in the whole directory.
fn streams(entries: &[Entry]) -> HashMap<String, Stream> {
    let mut found = HashMap::new();
    let mut visited = vec![false; entries.len()];
    let mut open: Vec<u32> = entries.first().map(|root| root.child).into_iter().collect();
    while let Some(number) = open.pop() {
        let Some(seen) = visited.get_mut(number as usize).filter(|seen| !**seen) else { continue };
        *seen = true;
        let entry = &entries[number as usize];
        open.extend(entry.siblings);
        if entry.kind == 2 {
            found.insert(entry.name.clone(), entry.stream);
        }
    }
    if found.is_empty() {
        for entry in entries.iter().filter(|entry| entry.kind == 2).rev() {
            found.insert(entry.name.clone(), entry.stream);
        }
    }
    found
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    (0..bytes.len() / 4).filter_map(|at| u32_at(bytes, 4 * at)).collect()
}

fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "ole2".into(), detail: detail.into() }
}
