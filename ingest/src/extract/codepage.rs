//! Code pages by the numbers under which Microsoft's formats name them: as a page, a language or a font's character set.
//!
//! Decoding itself is encoding_rs's; a number without an encoding there counts as Western European.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_2, ISO_8859_5, ISO_8859_7, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS,
    UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
    WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

/// Returns the encoding of a Windows code page, or `None` for a number that is none.
pub(super) fn numbered(page: u32) -> Option<&'static Encoding> {
    Some(match page {
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 | 54936 => GBK,
        949 | 1361 => EUC_KR,
        950 => BIG5,
        1200 => UTF_16LE,
        1201 => UTF_16BE,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1252 | 28591 | 437 | 850 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10000 => MACINTOSH,
        10007 => X_MAC_CYRILLIC,
        20866 => KOI8_R,
        21866 => KOI8_U,
        28592 => ISO_8859_2,
        28595 => ISO_8859_5,
        28597 => ISO_8859_7,
        51932 => EUC_JP,
        65001 => UTF_8,
        _ => return None,
    })
}

/// Returns the encoding that Windows used for a language.
pub(super) fn of_language(language: u16) -> &'static Encoding {
    match (language & 0x3FF, language) {
        (0x01 | 0x20 | 0x29, _) => WINDOWS_1256,
        (0x02 | 0x19 | 0x22 | 0x23 | 0x2F, _) | (_, 0x0C1A) => WINDOWS_1251,
        (0x04, 0x0404 | 0x0C04 | 0x1404) => BIG5,
        (0x04, _) => GBK,
        (0x05 | 0x0E | 0x15 | 0x18 | 0x1A | 0x1B | 0x1C | 0x24, _) => WINDOWS_1250,
        (0x08, _) => WINDOWS_1253,
        (0x0D, _) => WINDOWS_1255,
        (0x11, _) => SHIFT_JIS,
        (0x12, _) => EUC_KR,
        (0x1E, _) => WINDOWS_874,
        (0x1F, _) => WINDOWS_1254,
        (0x25..=0x27, _) => WINDOWS_1257,
        (0x2A, _) => WINDOWS_1258,
        _ => WINDOWS_1252,
    }
}

/// Returns the encoding of a font's character set; `None` for those that name none, as 0, 1 and 2 do.
pub(super) fn of_character_set(set: u32) -> Option<&'static Encoding> {
    Some(match set {
        77 => MACINTOSH,
        128 => SHIFT_JIS,
        129 | 130 => EUC_KR,
        134 => GBK,
        136 => BIG5,
        161 => WINDOWS_1253,
        162 => WINDOWS_1254,
        163 => WINDOWS_1258,
        177 => WINDOWS_1255,
        178..=180 => WINDOWS_1256,
        186 => WINDOWS_1257,
        204 => WINDOWS_1251,
        222 => WINDOWS_874,
        238 => WINDOWS_1250,
        _ => return None,
    })
}
