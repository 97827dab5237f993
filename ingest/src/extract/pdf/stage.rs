//! Lets pdf-extract run one page that stands alone in a document of its own.
//!
//! The document holds a catalog, a page tree of one, one page and its font: looking the page up costs the same for
//! page 1 and page 10,000, nothing of the source file is reachable, and a panic in here loses this one page.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use lopdf::{Dictionary, Document, Object, Stream, dictionary};
use pdf_extract::{MediaBox, OutputDev, OutputError, Transform, output_doc_page};

/// One character that pdf-extract has placed.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Text as the font of the stage says it.
    pub text: String,
    /// From text space to page space: a, b, c, d, x, y.
    pub matrix: [f64; 6],
    /// Advance in text space, without character spacing.
    pub width: f64,
    /// Font size in text space.
    pub size: f64,
    /// Which shown string it belongs to, from 0.
    pub string: usize,
}

/// Runs `content` with one font `F` and returns what was placed.
///
/// `parts` are streams that the font refers to as objects `100 0 R`, `101 0 R` and so on.
///
/// # Errors
/// A short reason, when pdf-extract panicked or refused the page.
pub fn run(
    font: Dictionary,
    parts: Vec<Stream>,
    content: Vec<u8>,
    characters_max: usize,
) -> Result<Vec<Placed>, String> {
    let document = document(font, parts, content);
    let mut collector = Collector { placed: Vec::new(), strings: 0, characters_max };
    let outcome = quietly(|| output_doc_page(&document, &mut collector, 1));
    match outcome {
        Some(Ok(())) => Ok(collector.placed),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("pdf-extract panicked".into()),
    }
}

/// Runs `work` and returns `None` if it panicked; the panic is not printed.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                previous(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    outcome.ok()
}

fn document(font: Dictionary, parts: Vec<Stream>, content: Vec<u8>) -> Document {
    let mut document = Document::with_version("1.7");
    let page = dictionary! {
        "Type" => "Page", "Parent" => (2, 0), "Contents" => (4, 0),
        "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "F" => font } },
    };
    let tree = dictionary! { "Type" => "Pages", "Count" => 1, "Kids" => vec![Object::Reference((3, 0))] };
    document.objects.insert((1, 0), dictionary! { "Type" => "Catalog", "Pages" => (2, 0) }.into());
    document.objects.insert((2, 0), tree.into());
    document.objects.insert((3, 0), page.into());
    document.objects.insert((4, 0), Stream::new(Dictionary::new(), content).into());
    for (at, part) in (100..).zip(parts) {
        document.objects.insert((at, 0), part.into());
    }
    document.trailer.set("Root", (1, 0));
    document
}

struct Collector {
    placed: Vec<Placed>,
    strings: usize,
    characters_max: usize,
}

impl OutputDev for Collector {
    fn begin_page(&mut self, _: u32, _: &MediaBox, _: Option<(f64, f64, f64, f64)>) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        map: &Transform,
        width: f64,
        _spacing: f64,
        size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        if self.placed.len() < self.characters_max {
            let matrix = [map.m11, map.m12, map.m21, map.m22, map.m31, map.m32];
            self.placed.push(Placed { text: text.to_owned(), matrix, width, size, string: self.strings });
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        self.strings += 1;
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
