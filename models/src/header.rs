//! Checks the header of a safetensors file, without reading the tensors.
//!
//! A file of the format is the header's length in eight bytes, the header in JSON, and the tensors one behind the other.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ModelError;
use crate::folder::{open, unreadable};
use crate::limits::HEADER_BYTES_MAX;

/// What a header says about its file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// How most numbers are held, as `f32`, `f16` or `bf16`.
    pub(crate) precision: String,
    /// How many bytes the file has.
    pub(crate) bytes: u64,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl Header {
    /// Reads the header of a weights file and checks that its tensors fill the file exactly, without a hole or an overlap.
    pub(crate) fn read(path: &Path) -> Result<Header, ModelError> {
        let invalid = |detail: String| ModelError::InvalidFile { path: path.to_path_buf(), detail };
        let failed = |error: std::io::Error| unreadable(path, &error);
        let mut file = open(path)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| invalid(format!("{bytes} bytes are no safetensors file")))?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_BYTES_MAX || length + 8 > bytes {
            return Err(invalid(format!(
                "its header has {length} bytes, the file {bytes}, the limit is {HEADER_BYTES_MAX}"
            )));
        }
        let mut text = Vec::new();
        file.by_ref().take(length).read_to_end(&mut text).map_err(failed)?;
        let start = file.stream_position().map_err(failed)?;
        let entries = read_entries(&text).map_err(invalid)?;
        check_tensors(&entries, bytes - start).map_err(invalid)?;
        Ok(Header { precision: find_precision(&entries), bytes })
    }
}

fn read_entries(text: &[u8]) -> Result<Vec<(String, Entry)>, String> {
    let values: BTreeMap<String, Value> =
        serde_json::from_slice(text).map_err(|error| format!("its header: {error}"))?;
    let tensors = values.into_iter().filter(|(name, _)| name != "__metadata__");
    let read = |(name, value)| match serde_json::from_value(value) {
        Ok(entry) => Ok((name, entry)),
        Err(error) => Err(format!("its tensor `{name}`: {error}")),
    };
    tensors.map(read).collect()
}

fn check_tensors(entries: &[(String, Entry)], bytes: u64) -> Result<(), String> {
    let mut order: Vec<&(String, Entry)> = entries.iter().collect();
    order.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    for (name, entry) in order {
        let size = entry.bytes().ok_or_else(|| format!("its tensor `{name}` has no size"))?;
        if entry.data_offsets[0] != end || Some(entry.data_offsets[1]) != end.checked_add(size) {
            return Err(format!("its tensor `{name}` of {size} bytes is at {:?}, expected {end}", entry.data_offsets));
        }
        end += size;
    }
    match end == bytes {
        true => Ok(()),
        false => Err(format!("its tensors have {end} bytes, the file has {bytes} for them")),
    }
}

/// Returns the kind of number that takes the most bytes.
fn find_precision(entries: &[(String, Entry)]) -> String {
    let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, entry) in entries {
        *bytes.entry(&entry.dtype).or_default() += entry.bytes().unwrap_or(0);
    }
    bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map_or(String::new(), |(dtype, _)| dtype.to_lowercase())
}

impl Entry {
    /// Returns the size of the tensor, or `None` for an unknown kind of number or more bytes than there can be.
    fn bytes(&self) -> Option<u64> {
        let number = match self.dtype.as_str() {
            "F64" | "I64" | "U64" => 8,
            "F32" | "I32" | "U32" => 4,
            "F16" | "BF16" | "I16" | "U16" => 2,
            "I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2" => 1,
            _ => return None,
        };
        self.shape.iter().try_fold(number, |bytes: u64, size| bytes.checked_mul(*size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, data: usize) -> Result<Header, ModelError> {
        read_bytes(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat())
    }

    fn read_bytes(bytes: &[u8]) -> Result<Header, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        Header::read(&path)
    }

    fn tensor(dtype: &str, shape: &str, start: u64, end: u64) -> String {
        format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
    }

    #[test]
    fn a_sound_file_is_described() {
        let header = format!(
            r#"{{"__metadata__":{{"format":"pt"}},"b":{},"a":{}}}"#,
            tensor("BF16", "[2,3]", 4, 16),
            tensor("F32", "[]", 0, 4)
        );
        let bytes = 8 + header.len() as u64 + 16;
        assert_eq!(read(&header, 16), Ok(Header { precision: "bf16".to_string(), bytes }));
    }

    #[test]
    fn a_hostile_header_is_refused() {
        let one = |dtype, shape, start, end| format!(r#"{{"a":{}}}"#, tensor(dtype, shape, start, end));
        let overlap = format!(r#"{{"a":{},"b":{}}}"#, tensor("F32", "[2]", 0, 8), tensor("F32", "[2]", 4, 12));
        let refused = [
            read(&one("F32", "[2]", 0, 8), 4),
            read(&one("F32", "[2]", 0, 8), 12),
            read(&one("F32", "[2]", 4, 12), 12),
            read(&one("F32", "[3]", 0, 8), 8),
            read(&one("F32", "[-1]", 0, 8), 8),
            read(&one("F4", "[2]", 0, 8), 8),
            read(&one("F32", "[4294967296,4294967296,4294967296]", 0, 8), 8),
            read(&overlap, 12),
            read("{", 0),
            read("[]", 0),
            read(&"[".repeat(100_000), 0),
            read_bytes(b"short"),
            read_bytes(&u64::MAX.to_le_bytes()),
            read_bytes(&[&100u64.to_le_bytes()[..], b"{}"].concat()),
        ];
        for (number, outcome) in refused.into_iter().enumerate() {
            assert_eq!(outcome.map_err(|error| error.code()), Err("model_file_invalid"), "{number}");
        }
    }
}
