//! Which documents of a collection say nearly the same, by signatures of their texts.
//!
//! A signature is kept for each document that was ingested, in a file beside the table: records of one size, of which the
//! last one of a document counts. It is a cache: a record that is damaged, or whose document has other bytes now, is
//! passed over, and a document without one is compared with nothing. Comparing goes over all signatures, which takes
//! less than a millisecond for ten thousand.

use super::collection::Collection;
use crate::config::limits::SIGNATURES_KEPT;
use ragstone_ingest::minhash::{SIGNATURE_BYTES, Signature};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Share of runs of words in common from which a document is a near duplicate. Chosen: the usual share for cleaning
/// collections of texts; an edition with some changed sentences is above, another report in the same form below.
pub const NEAR_DUPLICATE_SHARE: f32 = 0.8;
/// Name of the file in the folder of a table.
const FILE: &str = "_signatures";
/// Key, hash of the bytes, signature, checksum of these.
const RECORD_BYTES: usize = 16 + 32 + SIGNATURE_BYTES + 8;
/// Records, for each document that has one, from which the file is written anew without the old ones.
const RECORDS_REWRITTEN: usize = 2;

/// A document that says nearly the same as another.
#[derive(Clone, Debug, PartialEq)]
pub struct NearDuplicate {
    /// Id of the other document.
    pub document_id: String,
    /// Where the other came from.
    pub uri: String,
    /// Estimated share of runs of words that they have in common.
    pub similarity: f32,
}

/// The document that is nearest to one.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Which it is.
    pub document: NearDuplicate,
    /// Whether it is still being written.
    pub is_pending: bool,
}

/// The signatures of a collection.
pub struct Signatures {
    path: PathBuf,
    /// `None` until the file was read.
    known: Mutex<Option<Known>>,
}

#[derive(Default)]
struct Known {
    entries: Vec<Entry>,
    /// Place of each document in `entries`, by the hash of its id.
    places: HashMap<u128, usize>,
    /// Place that is given away next when there is no more room.
    oldest: usize,
}

struct Entry {
    key: u128,
    sha256: [u8; 32],
    signature: Signature,
    /// Id and uri, while it is being written.
    pending: Option<(String, String)>,
}

/// A document that is near another, before it is known whether that is still there.
#[derive(Clone, Debug)]
struct Candidate {
    key: u128,
    sha256: [u8; 32],
    pending: Option<(String, String)>,
    similarity: f32,
}

impl Signatures {
    /// Names the file of a table, by its folder; reads nothing yet.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE), known: Mutex::default() }
    }

    /// Returns the document of a collection that is nearest to one, if one is near.
    pub fn nearest(&self, collection: &Collection, id: &str, signature: &Signature) -> Option<Nearest> {
        self.near(id, signature).into_iter().find_map(|Candidate { key, sha256, pending, similarity }| {
            let is_pending = pending.is_some();
            let (document_id, uri) = pending.or_else(|| collection.document_by_key(key, &sha256))?;
            Some(Nearest { document: NearDuplicate { document_id, uri, similarity }, is_pending })
        })
    }

    /// Returns the documents that are near one, the nearest first.
    fn near(&self, id: &str, signature: &Signature) -> Vec<Candidate> {
        let key = xxh3_128(id.as_bytes());
        let near = |entry: &Entry| {
            let similarity = signature.similarity(&entry.signature);
            let is_near = similarity >= NEAR_DUPLICATE_SHARE && entry.key != key;
            let Entry { key, sha256, pending, .. } = entry;
            is_near.then(|| Candidate { key: *key, sha256: *sha256, pending: pending.clone(), similarity })
        };
        let mut found: Vec<_> = self.known(&mut self.lock()).entries.iter().filter_map(near).collect();
        found.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        found
    }

    /// Adds a document that is about to be written, so that those behind it are compared with it.
    pub fn begin(&self, (id, uri): (&str, &str), sha256: [u8; 32], signature: Signature) {
        let pending = Some((id.to_owned(), uri.to_owned()));
        let mut known = self.lock();
        self.known(&mut known).put(Entry { key: xxh3_128(id.as_bytes()), sha256, signature, pending });
    }

    /// Keeps a document that was written.
    pub fn keep(&self, id: &str) {
        let mut known = self.lock();
        let Some(entry) = self.known(&mut known).find(id) else { return };
        entry.pending = None;
        if let Err(error) = append(&self.path, &record(entry)) {
            tracing::warn!(file = %self.path.display(), %error, "signature not written");
        }
    }

    /// Forgets a document that could not be written.
    pub fn forget(&self, id: &str) {
        let mut known = self.lock();
        let key = xxh3_128(id.as_bytes());
        let known = self.known(&mut known);
        if let Some(place) = known.places.remove(&key) {
            // No hash of a document is like this one, so that it is passed over until its place is given away.
            known.entries[place].sha256 = [0; 32];
            known.entries[place].pending = None;
        }
    }

    fn known<'a>(&self, known: &'a mut Option<Known>) -> &'a mut Known {
        known.get_or_insert_with(|| {
            let bytes = std::fs::read(&self.path).unwrap_or_default();
            let mut known = Known::default();
            let records = bytes.len() / RECORD_BYTES;
            bytes.chunks_exact(RECORD_BYTES).filter_map(entry).for_each(|entry| known.put(entry));
            let is_whole = bytes.len() == records * RECORD_BYTES;
            if (!is_whole || records > RECORDS_REWRITTEN * known.entries.len())
                && let Err(error) = rewrite(&self.path, &known.entries)
            {
                tracing::warn!(file = %self.path.display(), %error, "signatures not written");
            }
            known
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn find(&mut self, id: &str) -> Option<&mut Entry> {
        let place = *self.places.get(&xxh3_128(id.as_bytes()))?;
        Some(&mut self.entries[place])
    }

    /// Puts a document in the place of its earlier self, else at the end, else in that of the oldest.
    fn put(&mut self, entry: Entry) {
        if let Some(&place) = self.places.get(&entry.key) {
            self.entries[place] = entry;
            return;
        }
        let place = match self.entries.len() < SIGNATURES_KEPT {
            true => self.entries.len(),
            false => self.oldest,
        };
        self.places.insert(entry.key, place);
        if place == self.entries.len() {
            return self.entries.push(entry);
        }
        self.oldest = (place + 1) % SIGNATURES_KEPT;
        let gone = std::mem::replace(&mut self.entries[place], entry);
        if self.places.get(&gone.key) == Some(&place) {
            self.places.remove(&gone.key);
        }
    }
}

fn record(entry: &Entry) -> Vec<u8> {
    let mut record = Vec::with_capacity(RECORD_BYTES);
    record.extend(entry.key.to_le_bytes());
    record.extend(entry.sha256);
    record.extend(entry.signature.to_bytes());
    record.extend(xxh3_64(&record).to_le_bytes());
    record
}

/// Reads a record, `None` where it is damaged.
fn entry(record: &[u8]) -> Option<Entry> {
    let (body, checksum) = record.split_last_chunk::<8>()?;
    let (key, rest) = body.split_first_chunk::<16>()?;
    let (sha256, signature) = rest.split_first_chunk::<32>()?;
    let is_sound = xxh3_64(body).to_le_bytes() == *checksum;
    let signature = Signature::from_bytes(signature.try_into().ok()?);
    is_sound.then(|| Entry { key: u128::from_le_bytes(*key), sha256: *sha256, signature, pending: None })
}

fn append(path: &Path, record: &[u8]) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(record)
}

fn rewrite(path: &Path, entries: &[Entry]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    entries.iter().try_for_each(|entry| file.write_all(&record(entry)))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(changed: usize) -> Signature {
        let word = |at: usize| if at < changed { format!("new{at} ") } else { format!("word{at} ") };
        Signature::of(&(0..300).map(word).collect::<String>()).unwrap()
    }

    fn begin(signatures: &Signatures, id: &str, changed: usize) {
        signatures.begin((id, &format!("{id}.txt")), [1; 32], signature(changed));
    }

    fn add(signatures: &Signatures, id: &str, changed: usize) {
        begin(signatures, id, changed);
        signatures.keep(id);
    }

    fn keys(signatures: &Signatures, id: &str, changed: usize) -> Vec<u128> {
        signatures.near(id, &signature(changed)).into_iter().map(|near| near.key).collect()
    }

    fn key(id: &str) -> u128 {
        xxh3_128(id.as_bytes())
    }

    #[test]
    fn near_documents_are_found_after_reopening_and_never_the_document_itself() {
        let folder = tempfile::tempdir().unwrap();
        let signatures = Signatures::new(folder.path());
        [("a", 0), ("far", 200)].iter().for_each(|(id, changed)| add(&signatures, id, *changed));
        for signatures in [signatures, Signatures::new(folder.path())] {
            assert_eq!(keys(&signatures, "b", 3), [key("a")]);
            assert!(keys(&signatures, "a", 0).is_empty());
        }
    }

    #[test]
    fn a_document_that_could_not_be_written_is_near_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let signatures = Signatures::new(folder.path());
        begin(&signatures, "a", 0);
        let near = signatures.near("b", &signature(0));
        assert_eq!(near[0].pending, Some(("a".to_owned(), "a.txt".to_owned())));
        signatures.forget("a");
        let near = signatures.near("b", &signature(0));
        assert!(near.iter().all(|near| near.sha256 == [0; 32] && near.pending.is_none()));
        assert!(keys(&Signatures::new(folder.path()), "b", 0).is_empty());
    }

    #[test]
    fn a_torn_or_damaged_file_is_read_as_far_as_it_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let signatures = Signatures::new(folder.path());
        ["a", "b", "c"].iter().for_each(|id| add(&signatures, id, 0));
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[RECORD_BYTES + 40] ^= 1;
        std::fs::write(&path, &bytes[..3 * RECORD_BYTES - 7]).unwrap();
        let again = Signatures::new(folder.path());
        assert_eq!(keys(&again, "d", 0), [key("a")]);
        add(&again, "d", 0);
        assert_eq!(keys(&Signatures::new(folder.path()), "e", 0).len(), 2, "what is added later is read");
    }

    #[test]
    fn records_of_replaced_documents_are_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let signatures = Signatures::new(folder.path());
        (0..9).for_each(|_| add(&signatures, "a", 0));
        let size = || std::fs::metadata(folder.path().join(FILE)).unwrap().len() as usize;
        assert_eq!(size(), 9 * RECORD_BYTES);
        keys(&Signatures::new(folder.path()), "b", 0);
        assert_eq!(size(), RECORD_BYTES);
    }

    #[test]
    fn ten_thousand_documents_are_compared_in_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let signatures = Signatures::new(folder.path());
        let far = signature(250);
        (0..10_000).for_each(|at| signatures.begin((&at.to_string(), ""), [1; 32], far.clone()));
        let started = std::time::Instant::now();
        (0..20).for_each(|_| assert!(keys(&signatures, "a", 0).is_empty()));
        assert!(started.elapsed().as_millis() < 2_000, "{:?} for twenty", started.elapsed());
    }
}
