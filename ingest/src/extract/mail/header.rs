//! The header of a message or part: fields by name, words in any character set, dates.

use encoding_rs::{Encoding, UTF_8};

use super::decode;

/// Most bytes of a header; a longer one is none.
const HEADER_BYTES_MAX: usize = 256 << 10;

/// Fields of one header, in order, names in lower case.
#[derive(Default)]
pub(super) struct Header {
    fields: Vec<(String, Vec<u8>)>,
}

impl Header {
    /// Splits a message or part into its header and what follows the blank line.
    pub(super) fn split(bytes: &[u8]) -> (Self, &[u8]) {
        let mut header = Self::default();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1).or(Some(rest.len())) {
            let (line, after) = rest.split_at(end);
            let line = line.trim_ascii_end();
            if line.is_empty() || bytes.len() - after.len() > HEADER_BYTES_MAX {
                return (header, after);
            }
            rest = after;
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let Some((_, value)) = header.fields.last_mut() {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let name = String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase();
            header.fields.push((name, line.get(colon + 1..).unwrap_or_default().trim_ascii().to_vec()));
        }
        (header, rest)
    }

    /// Returns the first field of this name as it stands.
    pub(super) fn raw(&self, name: &str) -> Option<String> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Returns the first field of this name with its words decoded.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        Some(words(value)).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns a parameter of a field, such as the boundary of the content type.
    pub(super) fn parameter(&self, field: &str, name: &str) -> Option<String> {
        let value = self.raw(field)?;
        for part in split_parameters(&value).skip(1) {
            let (key, value) = part.split_once('=')?;
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            if key == name {
                let plain = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                return Some(words(plain.as_bytes()));
            }
            if key == format!("{name}*") {
                return Some(extended(value));
            }
        }
        None
    }
}

/// Cuts at semicolons outside quotes.
fn split_parameters(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    })
}

/// Decodes `utf-8'en'%e2%82%ac`.
fn extended(value: &str) -> String {
    let mut parts = value.splitn(3, '\'');
    let encoding = parts.next().and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
    let escaped = parts.nth(1).unwrap_or(value).replace('%', "=");
    encoding.decode_without_bom_handling(&decode::quoted_printable(escaped.as_bytes(), false)).0.into_owned()
}

/// Decodes `=?utf-8?B?5bm05YGH?=` and leaves the rest as it is; bytes beyond ASCII are UTF-8, else Western European.
fn words(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(value).0.into_owned(),
    };
    let (mut decoded, mut rest) = (String::new(), text.as_str());
    let mut is_after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let Some((word, after)) = word(&from[2..]) else {
            decoded.push_str(&rest[..start + 2]);
            (rest, is_after_word) = (&rest[start + 2..], false);
            continue;
        };
        // Space between two words belongs to neither.
        if !(is_after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        decoded.push_str(&word);
        (rest, is_after_word) = (after, true);
    }
    decoded.push_str(rest);
    decoded
}

/// Decodes a word behind its `=?`; returns it and what follows.
fn word(text: &str) -> Option<(String, &str)> {
    let mut parts = text.splitn(3, '?');
    let (label, kind, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (content, after) = rest.split_once("?=")?;
    // A language may follow the character set.
    let label = label.split('*').next().unwrap_or(label);
    let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(UTF_8);
    let bytes = match kind {
        "B" | "b" => decode::base64(content.as_bytes()),
        "Q" | "q" => decode::quoted_printable(content.as_bytes(), true),
        _ => return None,
    };
    Some((encoding.decode_without_bom_handling(&bytes).0.into_owned(), after))
}

/// Turns `Mon, 3 Feb 2025 09:00:00 +0100` into RFC 3339.
pub(super) fn date(value: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let value = value.split_once(',').map_or(value, |(_, rest)| rest);
    let mut parts = value.split_whitespace();
    let day: u32 = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = parts.next()?.to_lowercase();
    let month = MONTHS.iter().position(|name| month.starts_with(name))? + 1;
    let year: u32 = parts.next()?.parse().ok()?;
    let year = if year < 100 { year + if year < 70 { 2000 } else { 1900 } } else { year };
    let mut time = parts.next()?.split(':').map(|part| part.parse::<u32>().ok().filter(|part| *part < 60));
    let (hour, minute) = (time.next()??, time.next()??);
    let second = time.next().flatten().unwrap_or(0);
    let zone = match parts.next() {
        Some(zone) if zone.len() == 5 && zone.starts_with(['+', '-']) && zone != "+0000" && zone != "-0000" => {
            format!("{}:{}", zone.get(..3)?, zone.get(3..)?)
        }
        _ => "Z".into(),
    };
    (hour < 24).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_character_set_are_decoded_and_joined() {
        assert_eq!(words(b"=?utf-8?B?5bm05YGH?= =?gb2312?Q?=C4=EA?= Re: a =?x"), "年假年 Re: a =?x");
        assert_eq!(words("höhe".as_bytes()), "höhe");
    }

    #[test]
    fn folded_fields_and_parameters_are_found() {
        let (header, rest) = Header::split(b"Content-Type: multipart/mixed;\r\n\tboundary=\"a;b\"\r\n\r\nbody");
        assert_eq!(header.parameter("content-type", "boundary").as_deref(), Some("a;b"));
        assert_eq!(rest, b"body");
        let (header, _) = Header::split(b"Content-Disposition: attachment; filename*=utf-8''%e5%b9%b4.pdf\n\n");
        assert_eq!(header.parameter("content-disposition", "filename").as_deref(), Some("年.pdf"));
    }

    #[test]
    fn dates_are_read_with_and_without_weekday_and_seconds() {
        assert_eq!(date("Mon, 3 Feb 2025 09:00:00 +0100").as_deref(), Some("2025-02-03T09:00:00+01:00"));
        assert_eq!(date("3 Feb 25 09:00 GMT").as_deref(), Some("2025-02-03T09:00:00Z"));
        assert_eq!(date("yesterday"), None);
    }
}
