//! Reads what an Office file of the time before XML states about itself ([MS-OLEPS]): title, author, creation time.

use encoding_rs::WINDOWS_1252;

use super::codepage;
use super::properties::Properties;
use crate::compound::Compound;
use crate::little::{u16_at, u32_at, u64_at, usize_at};

/// Name of the stream; its first character is a control.
const STREAM: &str = "\u{5}SummaryInformation";
/// Numbers of the properties.
const CODE_PAGE: u32 = 1;
const TITLE: u32 = 2;
const AUTHOR: u32 = 4;
const CREATED: u32 = 12;
/// Types of values: text of one byte, text of two, and a time.
const TEXT: u32 = 0x1E;
const WIDE_TEXT: u32 = 0x1F;
const TIME: u32 = 0x40;

/// Returns the stated properties; a broken set has fewer.
pub(super) fn parse(file: &Compound) -> Properties {
    file.stream(STREAM).and_then(|stream| properties(&stream)).unwrap_or_default()
}

fn properties(stream: &[u8]) -> Option<Properties> {
    let set = stream.get(usize_at(stream, 44)?..)?;
    let count = usize_at(set, 4)?.min(set.len() / 8);
    let value = |wanted: u32| {
        let at = (0..count).find(|at| u32_at(set, 8 + 8 * at) == Some(wanted))?;
        set.get(usize_at(set, 12 + 8 * at)?..)
    };
    let page = value(CODE_PAGE).and_then(|value| u16_at(value, 4)).map_or(1252, u32::from);
    let text = |number| value(number).and_then(|value| text(value, page)).filter(|text| !text.is_empty());
    Some(Properties { title: text(TITLE), author: text(AUTHOR), created: value(CREATED).and_then(time) })
}

fn text(value: &[u8], page: u32) -> Option<String> {
    let (kind, length) = (u32_at(value, 0)?, usize_at(value, 4)?);
    let text = match kind {
        TEXT => {
            let encoding = codepage::numbered(page).unwrap_or(WINDOWS_1252);
            encoding.decode_without_bom_handling(value.get(8..8usize.checked_add(length)?)?).0.into_owned()
        }
        WIDE_TEXT => {
            let wide = value.get(8..8usize.checked_add(length.checked_mul(2)?)?)?;
            let units: Vec<u16> = wide.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).collect();
            String::from_utf16_lossy(&units)
        }
        _ => return None,
    };
    let end = text.find('\0').unwrap_or(text.len());
    Some(text[..end].trim().to_owned())
}

/// Writes a Windows time as RFC 3339 in UTC; zero and times before 1970 are unset ones.
fn time(value: &[u8]) -> Option<String> {
    let steps = u64_at(value, 4).filter(|_| u32_at(value, 0) == Some(TIME))?;
    super::date::of_windows(steps)
}
