//! Measures and encodes text in Helvetica, Helvetica-Bold and STSong-Light.
//!
//! Latin text is WinAnsi with the published advance widths; everything else is two-byte Unicode with full width.

/// Which of the fonts a run is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    /// Helvetica.
    Regular,
    /// Helvetica-Bold.
    Bold,
    /// STSong-Light.
    Song,
}

/// Advance widths of Helvetica for the codes 32 to 126, in thousandths of the size. Specified by the font.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// Advance widths of Helvetica-Bold for the same codes.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

impl Font {
    /// Returns the resource name in content streams.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Regular => "F1",
            Self::Bold => "F2",
            Self::Song => "F3",
        }
    }

    /// Returns the font for a character of text that is bold or not.
    pub(super) fn of(character: char, is_bold: bool) -> Self {
        match (win_ansi(character), is_bold) {
            (None, _) => Self::Song,
            (Some(_), true) => Self::Bold,
            (Some(_), false) => Self::Regular,
        }
    }
}

/// Returns the advance of a character in thousandths of the font size.
pub(super) fn advance(character: char, is_bold: bool) -> f32 {
    let widths = if is_bold { &BOLD } else { &REGULAR };
    f32::from(match win_ansi(character) {
        None | Some(0x85 | 0x89 | 0x97 | 0x99) => 1000,
        Some(code @ 32..=126) => widths[usize::from(code) - 32],
        Some(0x91 | 0x92) => widths[7],
        Some(0x93 | 0x94) => 333,
        Some(0x95) => 350,
        Some(0xB0) => 400,
        Some(0xD7) => 584,
        Some(_) => 556,
    })
}

/// Returns the width of a text in points.
pub(super) fn width(text: &str, size: f32, is_bold: bool) -> f32 {
    text.chars().map(|character| advance(character, is_bold)).sum::<f32>() * size / 1000.0
}

/// Writes the operators that show a line at the current position, changing fonts where the script changes.
pub(super) fn show(text: &str, size: f32, is_bold: bool, content: &mut String) {
    let mut open: Option<Font> = None;
    for character in text.chars() {
        let font = Font::of(character, is_bold);
        if open != Some(font) {
            content.push_str(if open.is_some() { "> Tj " } else { "" });
            content.push_str(&format!("/{} {size} Tf <", font.resource()));
            open = Some(font);
        }
        match win_ansi(character) {
            Some(code) => content.push_str(&format!("{code:02X}")),
            None => {
                let mut units = [0; 2];
                character.encode_utf16(&mut units).iter().for_each(|unit| content.push_str(&format!("{unit:04X}")));
            }
        }
    }
    content.push_str(if open.is_some() { "> Tj\n" } else { "" });
}

/// Returns the WinAnsi code of a character; `None` where it has none.
fn win_ansi(character: char) -> Option<u8> {
    let mut buffer = [0; 4];
    let (bytes, _, is_lossy) = encoding_rs::WINDOWS_1252.encode(character.encode_utf8(&mut buffer));
    match bytes[..] {
        [code] if !is_lossy && !character.is_control() => Some(code),
        _ => None,
    }
}
