//! The predefined CJK encodings: character codes that are bytes of a national charset or of Unicode.
//!
//! Gives text only. The glyph numbers behind these encodings are not known here, so widths come from the rule that
//! CJK characters are one em wide.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS};

/// How the bytes of a code are to be read.
#[derive(Clone, Copy, Debug)]
pub enum Predefined {
    /// UTF-16, most significant byte first.
    Utf16,
    /// UTF-8.
    Utf8,
    /// UTF-32, most significant byte first.
    Utf32,
    /// One or two bytes of a charset whose lead bytes have the high bit.
    Charset(&'static Encoding),
    /// Two bytes of JIS X 0208 without the high bits.
    Jis,
}

impl Predefined {
    /// Returns the encoding of that name, if it is one of the predefined ones (`Identity` is not).
    pub fn named(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let stem = name.strip_suffix("-H").or_else(|| name.strip_suffix("-V")).unwrap_or(name);
        let has = |part: &str| stem.contains(part);
        Some(match stem {
            "H" | "V" | "Ext" | "Add" | "78" => Self::Jis,
            "EUC" | "78-EUC" => Self::Charset(EUC_JP),
            "GBpc-EUC" | "GB-EUC" => Self::Charset(GB18030),
            _ if has("UTF16") || has("UCS2") => Self::Utf16,
            _ if has("UTF8") => Self::Utf8,
            _ if has("UTF32") => Self::Utf32,
            _ if has("RKSJ") => Self::Charset(SHIFT_JIS),
            _ if has("GBK") => Self::Charset(GB18030),
            _ if has("KSC") => Self::Charset(EUC_KR),
            _ if has("B5") || has("HKscs") => Self::Charset(BIG5),
            _ => return None,
        })
    }

    /// Returns how many bytes the first code of `bytes` has.
    pub fn length(self, bytes: &[u8]) -> usize {
        let first = bytes.first().copied().unwrap_or(0);
        let wanted = match self {
            Self::Utf16 if (0xd8..0xdc).contains(&first) => 4,
            Self::Utf16 | Self::Jis => 2,
            Self::Utf32 => 4,
            Self::Utf8 => [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4][usize::from(first >> 4)],
            Self::Charset(encoding) if encoding == SHIFT_JIS && (0xa0..0xe0).contains(&first) => 1,
            Self::Charset(_) if first < 0x81 || first == 0xff => 1,
            Self::Charset(_) => 2,
        };
        wanted.min(bytes.len()).max(1)
    }

    /// Returns the text of one code.
    pub fn decode(self, code: &[u8]) -> String {
        match self {
            Self::Utf16 => {
                let units = code.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                char::decode_utf16(units).flatten().collect()
            }
            Self::Utf8 => String::from_utf8_lossy(code).into_owned(),
            Self::Utf32 => {
                let scalar = code.iter().fold(0, |scalar, &byte| scalar << 8 | u32::from(byte));
                char::from_u32(scalar).map(String::from).unwrap_or_default()
            }
            Self::Charset(encoding) => charset(encoding, code),
            Self::Jis => {
                let shifted: Vec<u8> = code.iter().map(|byte| byte | 0x80).collect();
                charset(EUC_JP, &shifted)
            }
        }
    }
}

fn charset(encoding: &'static Encoding, code: &[u8]) -> String {
    let (text, damaged) = encoding.decode_without_bom_handling(code);
    if damaged { String::new() } else { text.into_owned() }
}
