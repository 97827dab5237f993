//! Looks values up in a PDF's object graph without ever failing.
//!
//! Everything wrong (a dangling reference, another type, a cycle) reads as absent. Changes nothing.

use lopdf::{Dictionary, Document, Object};

/// An affine map `[a b c d e f]` as in PDF: `x' = a x + c y + e`, `y' = b x + d y + f`.
pub type Matrix = [f64; 6];

/// The map that changes nothing.
pub const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// Follows references to the value itself.
pub fn resolve<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|(_, object)| object).filter(|object| !object.is_null())
}

/// Returns the resolved value under `key`.
pub fn entry<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    resolve(document, dictionary.get(key).ok()?)
}

/// Returns the dictionary under `key`, also that of a stream.
pub fn dictionary<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    as_dictionary(entry(document, parent, key)?)
}

/// Returns a dictionary or the dictionary of a stream.
pub fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

/// Returns the array under `key`.
pub fn array<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [Object]> {
    entry(document, dictionary, key)?.as_array().ok().map(Vec::as_slice)
}

/// Returns the name under `key`.
pub fn name<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
    entry(document, dictionary, key)?.as_name().ok()
}

/// Returns the finite number under `key`.
pub fn number(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<f64> {
    as_number(document, dictionary.get(key).ok()?)
}

/// Returns a finite number.
pub fn as_number(document: &Document, object: &Object) -> Option<f64> {
    match resolve(document, object)? {
        Object::Integer(integer) => Some(*integer as f64),
        Object::Real(real) => Some(f64::from(*real)).filter(|real| real.is_finite()),
        _ => None,
    }
}

/// Returns exactly `N` numbers under `key`.
pub fn numbers<const N: usize>(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<[f64; N]> {
    let values: Vec<f64> =
        array(document, dictionary, key)?.iter().filter_map(|value| as_number(document, value)).collect();
    values.try_into().ok()
}

/// Returns the value under `key` of a page or of the nearest parent that has it.
pub fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = page;
    for _ in 0..64 {
        if let Some(value) = entry(document, node, key) {
            return Some(value);
        }
        node = dictionary(document, node, b"Parent")?;
    }
    None
}

/// Returns the map that applies `first` and then `second`.
pub fn then(first: &Matrix, second: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = *first;
    let [g, h, i, j, k, l] = *second;
    [a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l]
}

/// Returns where a point goes.
pub fn apply(matrix: &Matrix, x: f64, y: f64) -> (f64, f64) {
    let [a, b, c, d, e, f] = *matrix;
    (a * x + c * y + e, b * x + d * y + f)
}
