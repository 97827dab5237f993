//! Loads an encrypted file as it is, with its encryption dictionary put together where that is scattered over objects, or
//! stands in the trailer itself.
//!
//! Both are allowed, and lopdf knows neither: it then decrypts with another cipher, or not at all, and says nothing. No
//! key is computed here; that is [`super::unlock`]'s.

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

use super::object;
use super::repair::find;
use super::stage::quietly;

const NAME: &[u8] = b"/Encrypt";
/// Deepest nesting of the dictionary: its filters, and what is in one of them.
const DEPTH_MAX: usize = 3;

/// Type that object streams have in a document that [`locked`] gives: lopdf unpacks them while it loads, and leaves out
/// those that it cannot unpack, as these are encrypted.
pub const OBJECT_STREAM: &[u8] = b"LockedObjStm";

/// Loads a file with such a dictionary, not decrypted yet; `None` for every other file.
pub fn scattered(bytes: &[u8]) -> Option<Document> {
    let (document, stated) = hidden(bytes)?;
    let Object::Dictionary(dictionary) = object::resolve(&document, &stated)? else { return None };
    let is_whole = |value: &Object| match value {
        Object::Dictionary(filters) => filters.iter().all(|(_, filter)| !matches!(filter, Object::Reference(_))),
        value => !matches!(value, Object::Reference(_)),
    };
    if matches!(stated, Object::Reference(_)) && dictionary.iter().all(|(_, value)| is_whole(value)) {
        return None;
    }
    put(document, stated)
}

/// Loads an encrypted file with its dictionary in one object, not decrypted yet; `None` for every other file.
pub fn locked(bytes: &[u8]) -> Option<Document> {
    let (document, stated) = hidden(bytes)?;
    put(document, stated)
}

/// Loads a file as if it were not encrypted, and returns what its trailer says of its encryption.
fn hidden(bytes: &[u8]) -> Option<(Document, Object)> {
    let first = find(bytes, NAME)?;
    let mut file = bytes.to_vec();
    hide(&mut file, first);
    let options = LoadOptions::with_filter(keep);
    let mut document = quietly(|| Document::load_mem_with_options(&file, options))?.ok()?;
    let stated = document.trailer.remove(b"Encrypx")?;
    Some((document, stated))
}

/// Has lopdf keep every object as it is; it looks at what is given to it, not at what it gets back.
fn keep(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    if let Object::Stream(stream) = object
        && stream.dict.has_type(b"ObjStm")
    {
        stream.dict.set("Type", Object::Name(OBJECT_STREAM.to_vec()));
    }
    Some((id, Object::Null))
}

/// Puts what the trailer says of the encryption into one object.
fn put(mut document: Document, stated: Object) -> Option<Document> {
    let Object::Dictionary(dictionary) = object::resolve(&document, &stated)? else { return None };
    let whole = Object::Dictionary(whole(&document, dictionary, 0));
    let id = match stated {
        Object::Reference(id) => id,
        _ => document.new_object_id(),
    };
    document.objects.insert(id, whole);
    document.trailer.set("Encrypt", id);
    Some(document)
}

/// Changes the name of each entry `Encrypt` from a place on, so that the file loads as it is.
fn hide(file: &mut [u8], mut at: usize) {
    while let Some(next) = find(&file[at..], NAME) {
        at += next + NAME.len();
        // `/EncryptMetadata` is another entry.
        if !file.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            file[at - 1] = b'x';
        }
    }
}

fn whole(document: &Document, dictionary: &Dictionary, depth: usize) -> Dictionary {
    let mut whole = Dictionary::new();
    for (key, value) in dictionary.iter() {
        let value = match object::resolve(document, value) {
            Some(Object::Dictionary(inner)) if depth < DEPTH_MAX => {
                Object::Dictionary(self::whole(document, inner, depth + 1))
            }
            Some(value) => value.clone(),
            None => continue,
        };
        whole.set(key.clone(), value);
    }
    whole
}
