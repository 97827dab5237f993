//! Unpacks streams: the filters that lopdf knows, one at a time, plus ASCIIHex and RunLength.
//!
//! Image filters are not decoded: such a stream reads as absent. The size of the result is bounded by the memory limit
//! of the worker process, not here, because lopdf inflates in one step.

use lopdf::{Dictionary, Document, Object, Stream};

use super::object;
use super::syntax::hex_digit;

/// Most filters on one stream.
const FILTERS_MAX: usize = 8;

/// Returns the unpacked bytes of a stream, as far as they can be unpacked.
pub fn unpack(document: &Document, stream: &Stream) -> Option<Vec<u8>> {
    let names = list(document, &stream.dict, b"Filter", b"F");
    let parameters = list(document, &stream.dict, b"DecodeParms", b"DP");
    if names.len() > FILTERS_MAX {
        return None;
    }
    let mut bytes = stream.content.clone();
    for (at, name) in names.iter().enumerate() {
        let parameters = parameters.get(at).and_then(|value| object::as_dictionary(value));
        bytes = decode(bytes, name.as_name().ok()?, parameters)?;
    }
    Some(bytes)
}

fn list<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8], short: &[u8]) -> Vec<&'a Object> {
    let value = object::entry(document, dictionary, key).or_else(|| object::entry(document, dictionary, short));
    match value {
        Some(Object::Array(values)) => {
            values.iter().map(|value| object::resolve(document, value).unwrap_or(value)).collect()
        }
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

fn decode(bytes: Vec<u8>, filter: &[u8], parameters: Option<&Dictionary>) -> Option<Vec<u8>> {
    let filter: &[u8] = match filter {
        b"ASCIIHexDecode" | b"AHx" => return Some(ascii_hex(&bytes)),
        b"RunLengthDecode" | b"RL" => return Some(run_length(&bytes)),
        b"Crypt" => return Some(bytes),
        b"FlateDecode" | b"Fl" => b"FlateDecode",
        b"LZWDecode" | b"LZW" => b"LZWDecode",
        b"ASCII85Decode" | b"A85" => b"ASCII85Decode",
        _ => return None,
    };
    let bytes = if filter == b"ASCII85Decode" { ascii_85_frame(bytes) } else { bytes };
    let mut dictionary = Dictionary::new();
    dictionary.set("Filter", Object::Name(filter.to_vec()));
    if let Some(parameters) = parameters {
        dictionary.set("DecodeParms", parameters.clone());
    }
    Stream::new(dictionary, bytes).decompressed_content().ok()
}

/// Cuts white space and everything behind the end mark, because lopdf wants the mark to be the last two bytes.
fn ascii_85_frame(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.windows(2).position(|pair| pair == b"~>") {
        bytes.truncate(end + 2);
    }
    bytes
}

fn ascii_hex(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> =
        bytes.iter().take_while(|&&byte| byte != b'>').filter_map(|&byte| hex_digit(byte)).collect();
    if digits.len() % 2 == 1 {
        digits.push(0);
    }
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn run_length(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let mut at = 0;
    while let Some(&length) = bytes.get(at) {
        let length = usize::from(length);
        match length {
            0..=127 => {
                let end = (at + 2 + length).min(bytes.len());
                unpacked.extend_from_slice(&bytes[(at + 1).min(end)..end]);
                at += length + 2;
            }
            128 => break,
            _ => {
                let Some(&byte) = bytes.get(at + 1) else { break };
                unpacked.extend(std::iter::repeat_n(byte, 257 - length));
                at += 2;
            }
        }
    }
    unpacked
}
