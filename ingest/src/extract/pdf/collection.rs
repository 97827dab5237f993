//! Character collections of Chinese, Japanese and Korean fonts: the text of a glyph number where the file states none.
//!
//! A font that names one of Adobe's four collections has fixed glyph numbers, whatever program is embedded. The tables
//! are Adobe's, as hayro-cmap packs them, and are unpacked when a file first needs one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hayro_cmap::{BfString, CMap, CidFamily, load_embedded};
use lopdf::{Dictionary, Document, Object};

use super::object::{self, entry};

/// One of the four collections.
#[derive(Clone)]
pub struct Collection(Rc<CMap>);

impl std::fmt::Debug for Collection {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str("Collection")
    }
}

impl Collection {
    /// Returns the collection that a descendant font names; `None` for `Identity` and unknown ones.
    pub fn of(document: &Document, descendant: &Dictionary) -> Option<Self> {
        let system = object::dictionary(document, descendant, b"CIDSystemInfo")?;
        let part = |key: &[u8]| match entry(document, system, key) {
            Some(Object::String(name, _)) => Some(name.as_slice()),
            _ => None,
        };
        let family = CidFamily::from_registry_ordering(part(b"Registry")?, part(b"Ordering")?);
        thread_local!(static READ: RefCell<HashMap<CidFamily, Option<Collection>>> = RefCell::default());
        READ.with_borrow_mut(|read| read.entry(family.clone()).or_insert_with(|| Self::read(&family)).clone())
    }

    fn read(family: &CidFamily) -> Option<Self> {
        let table = load_embedded(family.ucs2_cmap()?)?;
        CMap::parse(table, load_embedded).map(|map| Self(Rc::new(map)))
    }

    /// Returns the text of a glyph number.
    pub fn text(&self, glyph: u32) -> Option<String> {
        match self.0.lookup_bf_string(glyph)? {
            BfString::Char(character) => Some(character.to_string()),
            BfString::String(text) => Some(text),
        }
    }
}
