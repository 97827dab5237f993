//! Characters of symbol fonts, whose codes are pictures and no Unicode.
//!
//! Holds the signs that carry meaning in a text; every other private code is left out.

/// Returns the character that `code` of `font` shows; `None` for a private code without a known sign.
pub(super) fn shown(font: &str, code: u32) -> Option<char> {
    let low = if (0xF000..=0xF0FF).contains(&code) { code & 0xFF } else { code };
    match (font, low) {
        ("Wingdings", 0x6F | 0x71 | 0xA8) => Some('☐'),
        ("Wingdings", 0xFC) => Some('✓'),
        ("Wingdings", 0xFE) => Some('☒'),
        ("Wingdings", 0xE0) => Some('→'),
        ("Symbol", 0..=0x7F) => greek(low).or_else(|| plain(low)),
        ("Symbol", _) => greek(low),
        _ if low == code => plain(code),
        _ => None,
    }
}

fn plain(code: u32) -> Option<char> {
    char::from_u32(code).filter(|character| !character.is_control())
}

/// Returns a character of Adobe's Symbol encoding.
fn greek(code: u32) -> Option<char> {
    const UPPER: &str = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ";
    const LOWER: &str = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ";
    let letter = |letters: &str, at: u32| letters.chars().nth(at as usize);
    match code {
        0x41..=0x5A => letter(UPPER, code - 0x41),
        0x61..=0x7A => letter(LOWER, code - 0x61),
        0xA2 => Some('′'),
        0xA3 => Some('≤'),
        0xA5 => Some('∞'),
        0xAB => Some('↔'),
        0xAC => Some('←'),
        0xAD => Some('↑'),
        0xAE => Some('→'),
        0xAF => Some('↓'),
        0xB0 => Some('°'),
        0xB1 => Some('±'),
        0xB2 => Some('″'),
        0xB3 => Some('≥'),
        0xB4 => Some('×'),
        0xB6 => Some('∂'),
        0xB7 => Some('•'),
        0xB8 => Some('÷'),
        0xB9 => Some('≠'),
        0xBB => Some('≈'),
        0xBC => Some('…'),
        0xC6 => Some('∅'),
        0xC7 => Some('∩'),
        0xC8 => Some('∪'),
        0xCE => Some('∈'),
        0xD1 => Some('∇'),
        0xD2 | 0xE2 => Some('®'),
        0xD3 | 0xE3 => Some('©'),
        0xD4 | 0xE4 => Some('™'),
        0xD5 => Some('∏'),
        0xD6 => Some('√'),
        0xD7 => Some('⋅'),
        0xDE => Some('⇒'),
        0xE5 => Some('∑'),
        0xF2 => Some('∫'),
        _ => None,
    }
}
