//! Repairs streams whose stated length is missing or wrong, which lopdf leaves out.
//!
//! A stream then ends at the first `endstream` behind it. Its object is written again behind the file, with that length.

use std::collections::BTreeMap;

use super::repair::find;

/// Objects of a file: where each stands, and its generation.
pub type Objects = BTreeMap<u32, (usize, u16)>;

/// Appends a copy of each object with such a stream and points `objects` to it.
pub fn repair(file: &mut Vec<u8>, objects: &mut Objects) {
    let mut starts: Vec<usize> = objects.values().map(|(start, _)| *start).collect();
    starts.sort_unstable();
    let mut copies = Vec::new();
    let mut moved = Vec::new();
    for (number, (start, generation)) in objects.iter() {
        let next = starts.partition_point(|other| other <= start);
        let end = starts.get(next).copied().unwrap_or(file.len());
        let body = &file[*start..end];
        let Some(stream) = Stream::of(body).filter(|stream| !stream.has_length(body, file, objects)) else { continue };
        moved.push((*number, (file.len() + copies.len(), *generation)));
        copies.extend_from_slice(&body[..stream.dictionary_end]);
        let data = &body[stream.start..stream.end];
        copies.extend_from_slice(format!(" /Length {} >>\nstream\n", data.len()).as_bytes());
        copies.extend_from_slice(data);
        copies.extend_from_slice(b"\nendstream\nendobj\n");
    }
    file.extend_from_slice(&copies);
    objects.extend(moved);
}

/// A stream inside the bytes of its object.
struct Stream {
    /// Where the last `>>` of its dictionary stands.
    dictionary_end: usize,
    start: usize,
    end: usize,
}

impl Stream {
    fn of(body: &[u8]) -> Option<Self> {
        let mut at = 0;
        loop {
            at += find(&body[at..], b"stream")?;
            let before = body[..at].trim_ascii_end();
            at += b"stream".len();
            if !before.ends_with(b">>") {
                continue;
            }
            let rest = &body[at..];
            let line_end = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
            let start = at + line_end;
            let end = find(&body[start..], b"endstream").or_else(|| find(&body[start..], b"endobj"));
            let end = end.map_or(body.len(), |end| start + end);
            let data = &body[start..end];
            let data = data.strip_suffix(b"\n").unwrap_or(data);
            let data = data.strip_suffix(b"\r").unwrap_or(data);
            return Some(Self { dictionary_end: before.len() - 2, start, end: start + data.len() });
        }
    }

    /// Returns whether its stated length leads to its end.
    fn has_length(&self, body: &[u8], file: &[u8], objects: &Objects) -> bool {
        let stated = stated(&body[..self.dictionary_end], file, objects);
        let behind = stated.and_then(|length| body.get(self.start.checked_add(length)?..));
        behind.is_some_and(|behind| behind.trim_ascii_start().starts_with(b"endstream"))
    }
}

/// Reads the length that a dictionary states, itself or in an object of its own.
fn stated(dictionary: &[u8], file: &[u8], objects: &Objects) -> Option<usize> {
    let mut at = 0;
    let value = loop {
        at += find(&dictionary[at..], b"/Length")? + b"/Length".len();
        // `/Length1` is another entry.
        if !dictionary.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            break &dictionary[at..];
        }
    };
    let number = number(value)?;
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).skip(1);
    let is_reference = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_digit))
        && words.next().is_some_and(|word| word.starts_with(b"R"));
    if !is_reference {
        return Some(number);
    }
    let (start, _) = objects.get(&u32::try_from(number).ok()?)?;
    let object = &file[*start..];
    self::number(&object[find(&object[..object.len().min(64)], b"obj")? + 3..])
}

fn number(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.trim_ascii_start();
    let digits = &bytes[..bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()];
    std::str::from_utf8(digits).ok()?.parse().ok()
}
