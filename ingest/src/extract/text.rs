//! Reads plain text: finds its encoding and cuts it into paragraphs at blank lines.
//!
//! Guesses no headings and no lists from plain text, and refuses bytes that are not text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;

/// Bytes looked at to tell text from binary and UTF-16 from UTF-8. Chosen: a page of text is decisive.
const SNIFFED_BYTES: usize = 4096;

/// Reads plain text in any common encoding.
///
/// # Errors
/// `UnsupportedFormat` for binary content, `NoText` for blank text, `LimitExceeded` for too many characters.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let text = decode(bytes, None)?;
    if text.chars().count() > limits.text_chars_max {
        let limit = limits.text_chars_max as u64;
        return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
    }
    let mut document = Document {
        media_type: "text/plain".into(),
        extractor: concat!("ragstone-text ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    for paragraph in paragraphs(&text) {
        document.push(BlockKind::Paragraph, None, None, &paragraph);
    }
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

/// Returns text with `\n` line ends, decoded by byte order mark, then UTF-16 by its zero bytes, then UTF-8, then
/// `hint`, then statistics (GBK, Big5, Shift_JIS, Windows code pages).
///
/// # Errors
/// `UnsupportedFormat` with format `binary` for bytes that are no text.
pub(crate) fn decode(bytes: &[u8], hint: Option<&'static Encoding>) -> Result<String, ReadError> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => match utf16(bytes) {
            Some(encoding) => encoding,
            None if is_binary(bytes) => return Err(ReadError::UnsupportedFormat { format: "binary".into() }),
            None if std::str::from_utf8(bytes).is_ok() => UTF_8,
            None => hint.unwrap_or_else(|| guess(bytes)),
        },
    };
    let (text, _, _) = encoding.decode(bytes);
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Returns the UTF-16 flavour whose high bytes are mostly zero, as in text with Latin letters, digits or spaces.
///
/// CJK text without a mark is recognised by its line ends and spaces, of which a real text has some.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(SNIFFED_BYTES) & !1];
    let pairs = head.len() / 2;
    if pairs < 4 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // A few CJK characters have a zero low byte, so the other half decides by majority.
    if odd * 50 >= pairs && odd > 3 * even {
        Some(UTF_16LE)
    } else if even * 50 >= pairs && even > 3 * odd {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Zero bytes, or more than one control character in fifty, do not occur in text.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SNIFFED_BYTES)];
    let controls = head.iter().filter(|byte| matches!(byte, 1..=8 | 14..=26 | 28..=31)).count();
    head.contains(&0) || controls * 50 > head.len()
}

/// Returns the encoding that bytes are most likely in, by statistics.
pub(crate) fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Allow)
}

/// Returns runs of lines between blank lines, each line without trailing space; the last may be empty.
pub(crate) fn paragraphs(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in text.lines() {
        let line = line.trim_end();
        let open = found.last_mut().expect("one paragraph is always open");
        if line.is_empty() {
            if !open.is_empty() {
                found.push(String::new());
            }
            continue;
        }
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let document = read(bytes, "a.txt", &Limits::default()).unwrap();
        assert_eq!(document.text, expected);
    }

    #[test]
    fn blank_lines_end_paragraphs_and_line_ends_are_unified() {
        check(b"one\r\ntwo  \r\n\r\n \r\nthree\rfour", "one\ntwo\n\nthree\nfour");
    }

    #[test]
    fn marked_and_unmarked_unicode_is_decoded() {
        check("\u{feff}caf\u{e9}".as_bytes(), "café");
        let little: Vec<u8> = "报销 travel".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&little, "报销 travel");
        let big: Vec<u8> = "the rule".encode_utf16().flat_map(u16::to_be_bytes).collect();
        check(&big, "the rule");
    }

    #[test]
    fn chinese_and_japanese_code_pages_are_told_apart() {
        let chinese =
            "员工在同一工作年度内享有带薪年假，工龄满十年的员工享有十个工作日。请提前两周申请，由部门经理批准。";
        check(&encoding_rs::GBK.encode(chinese).0, chinese);
        let taiwan =
            "員工在同一工作年度內享有帶薪年假，工齡滿十年的員工享有十個工作日。請提前兩週申請，由部門經理批准。";
        check(&encoding_rs::BIG5.encode(taiwan).0, taiwan);
        let japanese = "社員は年次有給休暇を取得することができます。申請は二週間前までに上司へ提出してください。";
        check(&encoding_rs::SHIFT_JIS.encode(japanese).0, japanese);
    }

    #[test]
    fn binary_and_blank_content_are_refused_with_their_own_reasons() {
        let binary = read(&[0x7f, b'E', b'L', b'F', 0, 0, 0, 1, 2, 3, 0], "a", &Limits::default());
        assert_eq!(binary, Err(ReadError::UnsupportedFormat { format: "binary".into() }));
        let blank = read(b" \n\t\n", "a", &Limits::default());
        assert_eq!(blank, Err(ReadError::NoText { detail: "blank".into() }));
    }

    #[test]
    fn text_beyond_the_limit_is_refused() {
        let limits = Limits { text_chars_max: 3, ..Limits::default() };
        assert!(matches!(read(b"four", "a", &limits), Err(ReadError::LimitExceeded { limit: 3, .. })));
    }
}
