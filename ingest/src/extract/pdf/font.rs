//! What the codes of a font mean: where one ends, its text, its width.
//!
//! A font is read once per file and shared between pages. Glyph outlines are not looked at, and glyphs that are written
//! downwards all count as one em high.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::cmap::CMap;
use super::collection::Collection;
use super::object::{self, entry};
use super::predefined::Predefined;
use super::simple::{self, Meaning};
use super::{filter, truetype};

/// One code as read from a string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Code<'a> {
    /// The code itself.
    pub code: u32,
    /// The bytes that it took.
    pub bytes: &'a [u8],
}

/// A font ready to decode strings.
#[derive(Debug)]
pub struct Font {
    /// A number that no other font of the file has.
    pub number: usize,
    /// Whether its name or descriptor says that it is bold.
    pub bold: bool,
    /// Whether it is written downwards, in columns from the right.
    pub vertical: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Simple(Vec<Meaning>),
    Composite(Box<Composite>),
}

#[derive(Debug)]
struct Composite {
    predefined: Option<Predefined>,
    encoding: Option<CMap>,
    unicode: CMap,
    collection: Option<Collection>,
    characters: HashMap<u32, String>,
    identity_text: bool,
    widths: HashMap<u32, f64>,
    width: f64,
}

/// Most fonts remembered that stand in a resource dictionary itself, as those of few files do.
const DIRECT_FONTS_MAX: usize = 32;

/// The fonts of a file, each read when first used.
#[derive(Default)]
pub struct Fonts {
    read: HashMap<ObjectId, Rc<Font>>,
    direct: Vec<(Object, Rc<Font>)>,
    /// How many were read.
    count: usize,
}

impl Fonts {
    /// Returns the font that a resource entry names.
    pub fn font(&mut self, document: &Document, object: &Object) -> Option<Rc<Font>> {
        let id = object.as_reference().ok();
        let known = match id {
            Some(id) => self.read.get(&id),
            None => self.direct.iter().find(|(direct, _)| direct == object).map(|(_, font)| font),
        };
        if let Some(font) = known {
            return Some(Rc::clone(font));
        }
        self.count += 1;
        let dictionary = object::as_dictionary(object::resolve(document, object)?)?;
        let font = Rc::new(Font::read(document, dictionary, self.count));
        match id {
            Some(id) => drop(self.read.insert(id, Rc::clone(&font))),
            None if self.direct.len() < DIRECT_FONTS_MAX => self.direct.push((object.clone(), Rc::clone(&font))),
            None => {}
        }
        Some(font)
    }
}

impl Font {
    fn read(document: &Document, font: &Dictionary, number: usize) -> Self {
        let unicode = match entry(document, font, b"ToUnicode") {
            Some(Object::Stream(stream)) => filter::unpack(document, stream).map(|bytes| CMap::parse(&bytes)),
            _ => None,
        };
        if object::name(document, font, b"Subtype") == Some(b"Type0") {
            let composite = Composite::read(document, font, unicode.unwrap_or_default());
            let descendant = descendant(document, font);
            let bold = descendant.is_some_and(|it| is_bold(document, it)) || is_bold(document, font);
            let vertical = is_vertical(document, font);
            return Self { number, bold, vertical, kind: Kind::Composite(Box::new(composite)) };
        }
        let meanings = simple::meanings(document, font, unicode.as_ref());
        Self { number, bold: is_bold(document, font), vertical: false, kind: Kind::Simple(meanings) }
    }

    /// Cuts the next code off a shown string; `None` at its end.
    pub fn code<'a>(&self, bytes: &mut &'a [u8]) -> Option<Code<'a>> {
        let length = match &self.kind {
            _ if bytes.is_empty() => return None,
            Kind::Simple(_) => 1,
            Kind::Composite(composite) => composite.length(bytes),
        };
        let (raw, rest) = bytes.split_at(length);
        *bytes = rest;
        Some(Code { code: raw.iter().fold(0, |code, &byte| code << 8 | u32::from(byte)), bytes: raw })
    }

    /// Returns text and width of a code.
    pub fn meaning(&self, code: Code) -> Meaning {
        match &self.kind {
            Kind::Simple(meanings) => meanings.get(code.code as usize).cloned().unwrap_or_default(),
            Kind::Composite(composite) => composite.meaning(code.code, code.bytes),
        }
    }
}

impl Composite {
    fn read(document: &Document, font: &Dictionary, unicode: CMap) -> Self {
        let mut composite = Self {
            predefined: None,
            encoding: None,
            unicode,
            collection: None,
            characters: HashMap::new(),
            identity_text: object::name(document, font, b"ToUnicode").is_some_and(|name| name.starts_with(b"Identity")),
            widths: HashMap::new(),
            width: 1000.0,
        };
        match entry(document, font, b"Encoding") {
            Some(Object::Name(name)) => composite.predefined = Predefined::named(name),
            Some(Object::Stream(stream)) => {
                let map = filter::unpack(document, stream).map(|bytes| CMap::parse(&bytes)).unwrap_or_default();
                let base = object::name(document, &stream.dict, b"UseCMap").or(map.base.as_deref());
                composite.predefined = base.and_then(Predefined::named);
                composite.encoding = Some(map).filter(|map| !map.codespaces.is_empty());
            }
            _ => {}
        }
        if let Some(descendant) = descendant(document, font) {
            composite.width = object::number(document, descendant, b"DW").unwrap_or(1000.0);
            composite.widths = widths(document, descendant);
            if composite.predefined.is_none() {
                composite.collection = Collection::of(document, descendant);
            }
            if composite.unicode.unicode.is_empty() && composite.collection.is_none() {
                composite.characters = characters(document, descendant);
            }
        }
        composite
    }

    fn length(&self, bytes: &[u8]) -> usize {
        if let Some(map) = &self.encoding {
            let mut code = 0;
            for (length, &byte) in (1..=4).zip(bytes) {
                code = code << 8 | u32::from(byte);
                if map.codespaces.iter().any(|&(wide, low, high)| wide == length && (low..=high).contains(&code)) {
                    return length;
                }
            }
            let shortest = map.codespaces.iter().map(|space| space.0).min().unwrap_or(1);
            return shortest.min(bytes.len());
        }
        self.predefined.map_or(2, |predefined| predefined.length(bytes)).min(bytes.len())
    }

    fn meaning(&self, code: u32, raw: &[u8]) -> Meaning {
        let glyph = match (&self.encoding, self.predefined) {
            (Some(map), _) => map.glyph(code),
            (None, None) => Some(code),
            (None, Some(_)) => None,
        };
        let text = self.unicode.unicode.get(&code).cloned();
        let text = text.or_else(|| self.predefined.map(|predefined| predefined.decode(raw)));
        let text = text.or_else(|| self.collection.as_ref()?.text(glyph?));
        let text = text.or_else(|| self.characters.get(&glyph?).cloned());
        let text = text.or_else(|| char::from_u32(code).filter(|_| self.identity_text).map(String::from));
        let text = text.unwrap_or_default();
        Meaning { width: self.width_of(glyph, &text), text }
    }

    /// Returns the advance. In all four CJK collections the glyphs 1 to 95 are the printable ASCII characters.
    fn width_of(&self, glyph: Option<u32>, text: &str) -> f64 {
        let latin = text.chars().next().filter(|c| (' '..='~').contains(c)).map(|c| c as u32 - 0x1f);
        let known = glyph.or(latin).and_then(|glyph| self.widths.get(&glyph).copied());
        let guessed = if glyph.is_none() && latin.is_some() { 500.0 } else { self.width };
        known.unwrap_or(guessed)
    }
}

fn descendant<'a>(document: &'a Document, font: &'a Dictionary) -> Option<&'a Dictionary> {
    object::as_dictionary(object::resolve(document, object::array(document, font, b"DescendantFonts")?.first()?)?)
}

/// Reads `/W`: `first [w w w]` and `first last w`.
fn widths(document: &Document, font: &Dictionary) -> HashMap<u32, f64> {
    let mut widths = HashMap::new();
    let items = object::array(document, font, b"W").unwrap_or_default();
    let number = |at: usize| items.get(at).and_then(|item| object::as_number(document, item));
    let mut at = 0;
    while let Some(first) = number(at) {
        let first = first.max(0.0) as u32;
        if let Some(Object::Array(list)) = items.get(at + 1).and_then(|item| object::resolve(document, item)) {
            for (glyph, width) in (first..=0xffff).zip(list) {
                widths.extend(object::as_number(document, width).map(|width| (glyph, width)));
            }
            at += 2;
        } else {
            let (Some(last), Some(width)) = (number(at + 1), number(at + 2)) else { break };
            widths.extend((first..=(last.clamp(0.0, 65535.0) as u32)).map(|glyph| (glyph, width)));
            at += 3;
        }
    }
    widths
}

/// Returns the characters of the glyphs of an embedded TrueType program, by the number that codes lead to.
fn characters(document: &Document, font: &Dictionary) -> HashMap<u32, String> {
    let program = || {
        let descriptor = object::dictionary(document, font, b"FontDescriptor")?;
        match entry(document, descriptor, b"FontFile2")? {
            Object::Stream(stream) => filter::unpack(document, stream),
            _ => None,
        }
    };
    let by_glyph = program().map(|program| truetype::characters(&program)).unwrap_or_default();
    let Some(Object::Stream(map)) = entry(document, font, b"CIDToGIDMap") else { return by_glyph };
    let map = filter::unpack(document, map).unwrap_or_default();
    let glyphs = map.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    (0..).zip(glyphs).filter_map(|(number, glyph)| Some((number, by_glyph.get(&glyph)?.clone()))).collect()
}

/// Returns whether the encoding is one for vertical writing, by its name or by what it says.
fn is_vertical(document: &Document, font: &Dictionary) -> bool {
    match entry(document, font, b"Encoding") {
        Some(Object::Name(name)) => name.ends_with(b"-V") || name == b"V",
        Some(Object::Stream(map)) => object::number(document, &map.dict, b"WMode") == Some(1.0),
        _ => false,
    }
}

fn is_bold(document: &Document, font: &Dictionary) -> bool {
    let name = String::from_utf8_lossy(object::name(document, font, b"BaseFont").unwrap_or_default()).to_lowercase();
    let descriptor = object::dictionary(document, font, b"FontDescriptor");
    let number = |key: &[u8]| descriptor.and_then(|it| object::number(document, it, key)).unwrap_or(0.0);
    let forced = number(b"Flags") as u32 & (1 << 18) != 0;
    let named = ["bold", "black", "heavy", "-bd", "demi"].iter().any(|part| name.contains(part));
    forced || named || number(b"FontWeight") >= 600.0
}
