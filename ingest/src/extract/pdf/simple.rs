//! Finds what the 256 codes of a simple font mean, by asking pdf-extract in a document of its own.
//!
//! Asked twice: once for the encoding built into the font program, once for the encoding that the file states; then put
//! together by the rules of the format (named differences, then the base encoding, then the built-in one, and
//! `ToUnicode` above all). A font program that pdf-extract cannot parse costs its own part of the answer only.

use lopdf::{Dictionary, Document, Object, Stream, dictionary};

use super::cmap::CMap;
use super::object::{self, entry};
use super::stage;

/// Text and width of one code; empty text for a code that means nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning {
    /// Text it stands for.
    pub text: String,
    /// Advance in thousandths of the font size.
    pub width: f64,
}

/// Fonts that every viewer has, by beginnings of the names in use, with the name that pdf-extract has metrics for.
const STANDARD_FONTS: [(&str, [&str; 4]); 5] = [
    ("Courier", ["Courier", "Courier-Bold", "Courier-Oblique", "Courier-BoldOblique"]),
    ("Times", ["Times-Roman", "Times-Bold", "Times-Italic", "Times-BoldItalic"]),
    ("Symbol", ["Symbol"; 4]),
    ("ZapfDingbats", ["ZapfDingbats"; 4]),
    ("", ["Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Helvetica-BoldOblique"]),
];

/// Returns the meaning of each code of a Type1, TrueType or Type3 font.
pub fn meanings(document: &Document, font: &Dictionary, unicode: Option<&CMap>) -> Vec<Meaning> {
    let stated = Stated::read(document, font);
    let widths = widths(document, font);
    let standard = standard_name(document, font);
    let built_in = program(document, font).and_then(|program| ask(built_in_font(standard, program.0), program.1));
    let encoded = ask(stated_font(standard, &stated, &widths), Vec::new());
    let plain = || ask(dictionary! { "Type" => "Font", "Subtype" => "TrueType", "BaseFont" => standard }, Vec::new());
    let encoded = encoded.or_else(plain).unwrap_or_else(|| vec![Meaning::default(); 256]);
    let has_program = built_in.is_some();
    let standard_text = Some(&stated).filter(|it| !has_program && it.is_silent() && is_nonsymbolic(document, font));
    let standard_text = standard_text.and_then(|_| ask(stated_font(standard, &stated, &None), Vec::new()));
    let mut meanings = built_in.filter(|_| !stated.base).unwrap_or_else(|| encoded.clone());
    for (code, meaning) in meanings.iter_mut().enumerate() {
        if let Some(name) = &stated.differences[code] {
            let unnamed = has_program && encoded[code].text.is_empty();
            let text = spelled_out(name).unwrap_or_else(|| encoded[code].text.clone());
            if !unnamed || !text.is_empty() {
                meaning.text = text;
            }
        }
        if let Some(standard) = standard_text.as_ref().filter(|it| !it[code].text.is_empty()) {
            meaning.text.clone_from(&standard[code].text);
        }
        if let Some(text) = unicode.and_then(|map| map.unicode.get(&(code as u32))) {
            meaning.text.clone_from(text);
        }
        meaning.width = widths.as_ref().map_or(encoded[code].width, |widths| widths[code]);
    }
    meanings
}

/// What the file says about the encoding.
struct Stated {
    /// Whether it names a base encoding.
    base: bool,
    /// Whether that is `StandardEncoding`, which is what a standard font has built in.
    standard: bool,
    encoding: Option<Object>,
    differences: Vec<Option<Vec<u8>>>,
}

impl Stated {
    fn read(document: &Document, font: &Dictionary) -> Self {
        let mut stated = Self { base: false, standard: false, encoding: None, differences: vec![None; 256] };
        let base = match entry(document, font, b"Encoding") {
            Some(Object::Name(name)) => Some(name.as_slice()),
            Some(Object::Dictionary(dictionary)) => {
                stated.read_differences(document, dictionary);
                object::name(document, dictionary, b"BaseEncoding")
            }
            _ => None,
        };
        let known =
            base.filter(|name| [&b"WinAnsiEncoding"[..], b"MacRomanEncoding", b"MacExpertEncoding"].contains(name));
        stated.standard = base == Some(b"StandardEncoding");
        stated.base = known.is_some() || stated.standard;
        if stated.differences.iter().any(Option::is_some) {
            let mut encoding = dictionary! { "Type" => "Encoding", "Differences" => stated.numbered() };
            if let Some(name) = known {
                encoding.set("BaseEncoding", Object::Name(name.to_vec()));
            }
            stated.encoding = Some(encoding.into());
        } else {
            stated.encoding = known.map(|name| Object::Name(name.to_vec()));
        }
        stated
    }

    /// Returns whether it says nothing at all.
    fn is_silent(&self) -> bool {
        !self.base && self.encoding.is_none()
    }

    fn read_differences(&mut self, document: &Document, encoding: &Dictionary) {
        let mut code = 0;
        for item in object::array(document, encoding, b"Differences").unwrap_or_default() {
            match object::resolve(document, item) {
                Some(Object::Name(name)) => {
                    if let Some(slot) = self.differences.get_mut(code) {
                        *slot = Some(name.clone());
                    }
                    code += 1;
                }
                Some(Object::Integer(number)) => code = usize::try_from(*number).unwrap_or(256),
                _ => {}
            }
        }
    }

    /// Returns the differences with a number before each name, and with names that pdf-extract knows.
    fn numbered(&self) -> Vec<Object> {
        let named = self.differences.iter().enumerate().filter_map(|(code, name)| Some((code, name.as_ref()?)));
        named.flat_map(|(code, name)| [Object::Integer(code as i64), Object::Name(stem(name).to_vec())]).collect()
    }
}

/// Returns a glyph name without the suffix of a variant: `a.sc` is an `a`.
fn stem(name: &[u8]) -> &[u8] {
    match name.iter().position(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => &name[..dot],
        _ => name,
    }
}

/// Returns the text of names that carry it: `uni00E9`, `u1F600`, `f_f_i`.
fn spelled_out(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(stem(name)).ok()?;
    let hexadecimal = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(String::from);
    if let Some(digits) = name.strip_prefix("uni").filter(|digits| digits.len() == 4) {
        return hexadecimal(digits);
    }
    if let Some(digits) = name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len())) {
        return hexadecimal(digits);
    }
    let parts: Vec<&str> = name.split('_').collect();
    (parts.len() > 1 && parts.iter().all(|part| part.len() == 1)).then(|| parts.concat())
}

/// Returns the 256 widths that the file states, in thousandths of the font size.
fn widths(document: &Document, font: &Dictionary) -> Option<Vec<f64>> {
    let listed = object::array(document, font, b"Widths")?;
    let first = object::number(document, font, b"FirstChar").unwrap_or(0.0).clamp(0.0, 255.0) as usize;
    let scale = match object::name(document, font, b"Subtype") {
        Some(b"Type3") => {
            object::numbers::<6>(document, font, b"FontMatrix").map_or(1.0, |matrix| matrix[0].abs() * 1000.0)
        }
        _ => 1.0,
    };
    let descriptor = object::dictionary(document, font, b"FontDescriptor");
    let missing = descriptor.and_then(|it| object::number(document, it, b"MissingWidth")).unwrap_or(0.0);
    let mut widths = vec![missing; 256];
    for (slot, width) in widths[first..].iter_mut().zip(listed) {
        *slot = object::as_number(document, width).unwrap_or(missing) * scale;
    }
    widths.iter().any(|width| *width != 0.0).then_some(widths)
}

/// Returns whether a font says that it has the letters of the standard encoding; one that says nothing has those of
/// Windows, as most have.
fn is_nonsymbolic(document: &Document, font: &Dictionary) -> bool {
    let descriptor = object::dictionary(document, font, b"FontDescriptor");
    let flags = descriptor.and_then(|it| object::number(document, it, b"Flags")).unwrap_or(0.0) as u32;
    let is_embedded = descriptor.is_some_and(|it| it.has(b"FontFile2"));
    flags & 0b10_0100 == 0b10_0000 && !is_embedded
}

/// Returns the standard font whose metrics and built-in encoding stand in for a font that has none of its own.
fn standard_name(document: &Document, font: &Dictionary) -> &'static str {
    let name = String::from_utf8_lossy(object::name(document, font, b"BaseFont").unwrap_or_default()).into_owned();
    let name = name.split_once('+').map_or(name.as_str(), |(_, name)| name);
    let style =
        usize::from(name.contains("Bold")) + 2 * usize::from(name.contains("Italic") || name.contains("Oblique"));
    let family = STANDARD_FONTS.iter().find(|(beginning, _)| name.starts_with(beginning));
    family.map_or("Helvetica", |(_, names)| names[style])
}

/// Returns the font program: its descriptor for the stage, and the stream that this refers to.
fn program(document: &Document, font: &Dictionary) -> Option<(Dictionary, Vec<Stream>)> {
    let descriptor = object::dictionary(document, font, b"FontDescriptor")?;
    for key in [&b"FontFile3"[..], b"FontFile"] {
        let Some(Object::Stream(stream)) = entry(document, descriptor, key) else { continue };
        let mut plain = Dictionary::new();
        if key == b"FontFile3" {
            if object::name(document, &stream.dict, b"Subtype") != Some(b"Type1C") {
                return None;
            }
            plain.set("Subtype", "Type1C");
        }
        let mut dictionary = dictionary! { "Type" => "FontDescriptor" };
        dictionary.set(key, Object::Reference((100, 0)));
        return Some((dictionary, vec![Stream::new(plain, super::filter::unpack(document, stream)?)]));
    }
    None
}

fn built_in_font(standard: &'static str, descriptor: Dictionary) -> Dictionary {
    let mut font = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => standard };
    if descriptor.has(b"FontFile3") {
        // Without an encoding to fall back to, pdf-extract panics on each code that the font program leaves out.
        font.set("Encoding", dictionary! { "Type" => "Encoding" });
    }
    font.set("FontDescriptor", descriptor);
    font
}

/// Builds the font without its program. A symbol font keeps its built-in encoding only where no widths are stated.
fn stated_font(standard: &'static str, stated: &Stated, widths: &Option<Vec<f64>>) -> Dictionary {
    let mut font = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => standard };
    if let Some(encoding) = &stated.encoding {
        font.set("Encoding", encoding.clone());
    } else if widths.is_some() && !stated.standard && !matches!(standard, "Symbol" | "ZapfDingbats") {
        font.set("Encoding", "WinAnsiEncoding");
    }
    font
}

/// Shows each of the 256 codes once and returns what came out.
fn ask(font: Dictionary, parts: Vec<Stream>) -> Option<Vec<Meaning>> {
    let mut content = b"BT /F 1 Tf\n".to_vec();
    for code in 0..256 {
        content.extend_from_slice(format!("<{code:02x}> Tj\n").as_bytes());
    }
    let placed = stage::run(font, parts, content, 512).ok()?;
    let mut meanings = vec![Meaning::default(); 256];
    for character in placed {
        if let Some(meaning) = meanings.get_mut(character.string) {
            meaning.text = character.text.chars().filter(|c| !c.is_control()).collect();
            meaning.width = character.width * 1000.0;
        }
    }
    Some(meanings)
}
