//! Turns one page into placed glyphs, as a reader sees the page: upright, origin at the lower left of the visible box.
//!
//! Includes what annotations show (form fields, stamps, free text). Does not decide what belongs together.

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string, dictionary};

use super::content::Rewriter;
use super::filter;
use super::font::Fonts;
use super::object::{self, Matrix, as_dictionary, entry};
use super::stage::Placed;
use crate::layout::{Glyph, Page};

/// US Letter, for pages that do not say their size.
const USUAL_BOX: [f64; 4] = [0.0, 0.0, 612.0, 792.0];
/// Font size of text that a file states without drawing it.
const STATED_SIZE: f64 = 10.0;
/// Annotation flags that hide one: hidden and not viewed.
const HIDDEN_FLAGS: i64 = 2 | 32;

/// Reads the glyphs of a page, and how many characters it shows that nobody can tell.
///
/// # Errors
/// A short reason, when nothing of the page could be read.
pub fn read(
    document: &Document,
    fonts: &mut Fonts,
    id: ObjectId,
    number: u32,
    characters_max: usize,
) -> Result<(Page, usize), String> {
    let page = document.get_dictionary(id).map_err(|error| error.to_string())?;
    let empty = Dictionary::new();
    let resources = object::inherited(document, page, b"Resources").and_then(as_dictionary).unwrap_or(&empty);
    let frame = Frame::of(document, page);
    let mut rewriter = Rewriter::new(document, fonts);
    rewriter.add(&contents(document, page), resources, &frame.matrix);
    for annotation in object::array(document, page, b"Annots").unwrap_or_default() {
        add_annotation(document, &mut rewriter, annotation, &frame.matrix);
    }
    let unknown = rewriter.script.unknown();
    let Rewriter { script, paths, .. } = rewriter;
    let (placed, alphabet) = script.run(characters_max)?;
    let glyphs = placed.iter().filter_map(|placed| {
        let letter = alphabet.letter(placed.text.chars().next()? as usize)?;
        glyph(placed, letter.text.clone(), letter.bold).filter(|glyph| frame.shows(glyph))
    });
    Ok((Page { number, height: frame.height, glyphs: glyphs.collect(), rules: paths.rules() }, unknown))
}

/// Returns whether the content of some page is named and not there.
pub fn lacks_content(document: &Document) -> bool {
    let is_lost = |part: &Object| matches!(part, Object::Reference(_)) && object::resolve(document, part).is_none();
    let mut pages = document.page_iter().filter_map(|id| document.get_dictionary(id).ok());
    pages.any(|page| {
        let parts = object::array(document, page, b"Contents").unwrap_or_default();
        page.get(b"Contents").is_ok_and(is_lost) || parts.iter().any(is_lost)
    })
}

/// Returns whether a page draws a picture.
pub fn has_picture(document: &Document, id: ObjectId) -> bool {
    let page = document.get_dictionary(id).ok();
    let resources = page.and_then(|page| object::inherited(document, page, b"Resources")).and_then(as_dictionary);
    let Some(objects) = resources.and_then(|it| object::dictionary(document, it, b"XObject")) else { return false };
    objects.iter().any(|(_, drawn)| {
        let drawn = object::resolve(document, drawn).and_then(as_dictionary);
        drawn.is_some_and(|drawn| object::name(document, drawn, b"Subtype") == Some(b"Image"))
    })
}

/// The visible box and the map from page space to it.
pub struct Frame {
    /// The map.
    pub matrix: Matrix,
    width: f32,
    height: f32,
}

impl Frame {
    /// Returns those of a page.
    pub fn of(document: &Document, page: &Dictionary) -> Self {
        let visible = rectangle(document, page, b"CropBox").or_else(|| rectangle(document, page, b"MediaBox"));
        let [x0, y0, x1, y1] = visible.unwrap_or(USUAL_BOX);
        let turn = object::inherited(document, page, b"Rotate").and_then(|it| object::as_number(document, it));
        let (width, height) = (x1 - x0, y1 - y0);
        let (matrix, width, height) = match turn.unwrap_or(0.0).rem_euclid(360.0) as u32 {
            90 => ([0.0, -1.0, 1.0, 0.0, -y0, x1], height, width),
            180 => ([-1.0, 0.0, 0.0, -1.0, x1, y1], width, height),
            270 => ([0.0, 1.0, -1.0, 0.0, y1, -x0], height, width),
            _ => ([1.0, 0.0, 0.0, 1.0, -x0, -y0], width, height),
        };
        Self { matrix, width: width as f32, height: height as f32 }
    }

    /// Returns whether a glyph starts inside the visible box, or less than its size outside.
    fn shows(&self, glyph: &Glyph) -> bool {
        let within = |at: f32, end: f32| at > -glyph.size && at < end + glyph.size;
        within(glyph.x, self.width) && within(glyph.y, self.height)
    }
}

fn rectangle(document: &Document, page: &Dictionary, key: &[u8]) -> Option<[f64; 4]> {
    let Object::Array(corners) = object::inherited(document, page, key)? else { return None };
    let corners: Vec<f64> = corners.iter().filter_map(|corner| object::as_number(document, corner)).collect();
    let [a, b, c, d] = corners.try_into().ok()?;
    let sorted = [f64::min(a, c), f64::min(b, d), f64::max(a, c), f64::max(b, d)];
    (sorted[2] - sorted[0] > 1.0 && sorted[3] - sorted[1] > 1.0).then_some(sorted)
}

/// Joins the content streams of a page; a damaged one is left out.
fn contents(document: &Document, page: &Dictionary) -> Vec<u8> {
    let parts: Vec<&Object> = match entry(document, page, b"Contents") {
        Some(Object::Array(parts)) => parts.iter().filter_map(|part| object::resolve(document, part)).collect(),
        Some(part) => vec![part],
        None => Vec::new(),
    };
    let mut content = Vec::new();
    for part in parts {
        if let Object::Stream(stream) = part {
            content.extend(filter::unpack(document, stream).unwrap_or_default());
            content.push(b'\n');
        }
    }
    content
}

/// Returns whether an annotation says that it is not to be seen.
pub fn is_hidden(document: &Document, annotation: &Dictionary) -> bool {
    object::number(document, annotation, b"F").unwrap_or(0.0) as i64 & HIDDEN_FLAGS != 0
}

/// Adds what an annotation shows in its normal state, fitted into its rectangle.
fn add_annotation(document: &Document, rewriter: &mut Rewriter, annotation: &Object, frame: &Matrix) {
    let Some(annotation) = object::resolve(document, annotation).and_then(as_dictionary) else { return };
    if is_hidden(document, annotation) || object::name(document, annotation, b"Subtype") == Some(b"Popup") {
        return;
    }
    let normal = object::dictionary(document, annotation, b"AP").and_then(|appearance| appearance.get(b"N").ok());
    let Some(mut normal) = normal else {
        return add_stated(document, rewriter, annotation, frame);
    };
    if let Some(Object::Dictionary(states)) = object::resolve(document, normal) {
        let state = object::name(document, annotation, b"AS").unwrap_or(b"Off");
        let Ok(stated) = states.get(state) else { return };
        normal = stated;
    }
    let Some(Object::Stream(form)) = object::resolve(document, normal) else { return };
    if let Some(matrix) = fit(document, annotation, &form.dict) {
        rewriter.add_form(normal, &object::then(&matrix, frame), &Dictionary::new());
    }
}

/// Adds the text that an annotation states where nothing draws it: the value of a field, a free text.
///
/// Viewers draw such text themselves. Here each line of it is set into the rectangle, in a font that means Unicode.
fn add_stated(document: &Document, rewriter: &mut Rewriter, annotation: &Dictionary, frame: &Matrix) {
    let key: &[u8] = match object::name(document, annotation, b"Subtype") {
        Some(b"Widget") => b"V",
        Some(b"FreeText") => b"Contents",
        _ => return,
    };
    let Some(stated @ Object::String(..)) = object::inherited(document, annotation, key) else { return };
    let Some([x0, y0, x1, y1]) = object::numbers::<4>(document, annotation, b"Rect") else { return };
    let Some(text) = super::stage::quietly(|| decode_text_string(stated).ok()).flatten() else { return };
    let mut content = format!("BT /F {STATED_SIZE} Tf {} {} Td {STATED_SIZE} TL", x0.min(x1), y0.max(y1) - STATED_SIZE);
    for line in text.lines() {
        let codes: String = line.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
        content.push_str(&format!(" <{codes}> Tj T*"));
    }
    let descendant = dictionary! { "Type" => "Font", "Subtype" => "CIDFontType2", "DW" => 500 };
    let font = dictionary! {
        "Type" => "Font", "Subtype" => "Type0", "Encoding" => "UniGB-UTF16-H", "DescendantFonts" => vec![descendant.into()],
    };
    let resources = dictionary! { "Font" => dictionary! { "F" => font } };
    rewriter.add(content.as_bytes(), &resources, frame);
}

/// Returns the map that brings the transformed box of an appearance onto the rectangle of its annotation.
fn fit(document: &Document, annotation: &Dictionary, form: &Dictionary) -> Option<Matrix> {
    let to: [f64; 4] = object::numbers(document, annotation, b"Rect")?;
    let from: [f64; 4] = object::numbers(document, form, b"BBox")?;
    let own = object::numbers(document, form, b"Matrix").unwrap_or(object::IDENTITY);
    let corners = [(from[0], from[1]), (from[0], from[3]), (from[2], from[1]), (from[2], from[3])];
    let corners = corners.map(|(x, y)| object::apply(&own, x, y));
    let low = corners.iter().fold((f64::MAX, f64::MAX), |low, it| (low.0.min(it.0), low.1.min(it.1)));
    let high = corners.iter().fold((f64::MIN, f64::MIN), |high, it| (high.0.max(it.0), high.1.max(it.1)));
    let scale = |from: f64, a: f64, b: f64| if from > 0.0 { (a - b).abs() / from } else { 1.0 };
    let (wide, tall) = (scale(high.0 - low.0, to[0], to[2]), scale(high.1 - low.1, to[1], to[3]));
    let (x, y) = (f64::min(to[0], to[2]), f64::min(to[1], to[3]));
    Some([wide, 0.0, 0.0, tall, x - low.0 * wide, y - low.1 * tall])
}

fn glyph(placed: &Placed, text: std::rc::Rc<str>, bold: bool) -> Option<Glyph> {
    let [a, b, c, d, x, y] = placed.matrix;
    let along = a.hypot(b);
    let size = c.hypot(d) * placed.size.abs();
    let turn = b.atan2(a).to_degrees() + if placed.size < 0.0 { 180.0 } else { 0.0 };
    let glyph = Glyph {
        text,
        x: x as f32,
        y: y as f32,
        width: (placed.width * placed.size.abs() * along) as f32,
        size: size as f32,
        bold,
        turn: (turn / 90.0).round().rem_euclid(4.0) as u8,
    };
    let finite = [glyph.x, glyph.y, glyph.width, glyph.size].iter().all(|number| number.is_finite());
    (finite && glyph.size > 0.0 && !glyph.text.is_empty()).then_some(glyph)
}
