//! Decrypts a PDF file whose password is given, as its user or as its owner.
//!
//! lopdf hashes passwords and has the ciphers. It can do more itself, but in files of revision 4 and earlier it takes an
//! owner's password for the key of the file, and one that is not ASCII for its bytes in UTF-8, and then what it gives is
//! noise; and one string that no cipher fits ends its work. Nothing here shows a password.

use lopdf::encryption::crypt_filters::{CryptFilter, Rc4CryptFilter};
use lopdf::encryption::{PasswordAlgorithm, decrypt_object};
use lopdf::xref::XrefEntry;
use lopdf::{Dictionary, Document, EncryptionState, Object, ObjectStream};
use md5::{Digest, Md5};

use super::lock;
use super::stage::quietly;

/// What follows a password that is shorter than 32 bytes. Specified by ISO 32000, algorithm 2.
const PADDING: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08, 0x2E, 0x2E, 0x00,
    0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];
/// First revision whose files have a key that both passwords open.
const ONE_KEY_REVISION: i64 = 5;
/// Bytes of a key that an owner's password gives: the longest, and the shortest, which files of revision 2 have.
const KEY_BYTES: [usize; 2] = [16, 5];

/// Decrypts a file that [`lock`] has loaded as it is, and returns whether the password is one of its two.
pub fn unlock(document: &mut Document, password: &str) -> bool {
    match quietly(|| state(document, password)).flatten() {
        Some(state) => quietly(|| decrypt(document, &state)).is_some(),
        None => false,
    }
}

/// Returns key and ciphers of the file, if the password is one of its two.
fn state(document: &Document, password: &str) -> Option<EncryptionState> {
    let prepared = PasswordAlgorithm::try_from(document).ok()?.sanitize_password(password);
    // Some programs encrypt with the bytes of a password as they are.
    let ways = prepared.into_iter().chain([password.as_bytes().to_vec()]);
    let user = ways.into_iter().find_map(|bytes| opening(document, bytes))?;
    EncryptionState::decode(document, user).ok()
}

/// Returns the password that the key of the file is made from.
fn opening(document: &Document, password: Vec<u8>) -> Option<Vec<u8>> {
    let is_users = |password: &[u8]| document.authenticate_raw_user_password(password).is_ok();
    if is_users(&password) {
        return Some(password);
    }
    let dictionary = document.get_encrypted().ok()?;
    let revision = dictionary.get(b"R").and_then(Object::as_i64).ok()?;
    if revision >= ONE_KEY_REVISION {
        return document.authenticate_raw_owner_password(&password).is_ok().then_some(password);
    }
    let stated = dictionary.get(b"Length").and_then(Object::as_i64).ok();
    let stated = stated.and_then(|bits| usize::try_from(bits / 8).ok()).filter(|bytes| (5..=16).contains(bytes));
    let lengths = stated.into_iter().chain(KEY_BYTES);
    lengths.filter_map(|length| users(dictionary, revision, &password, length)).find(|password| is_users(password))
}

/// Returns the user's password as the owner's gives it: by ISO 32000, algorithm 7, it is encrypted with the latter.
fn users(dictionary: &Dictionary, revision: i64, owners: &[u8], key_bytes: usize) -> Option<Vec<u8>> {
    let owners = &owners[..owners.len().min(PADDING.len())];
    let mut hash = Md5::new().chain_update(owners).chain_update(&PADDING[..PADDING.len() - owners.len()]).finalize();
    let is_first = revision < 3;
    for _ in 0..if is_first { 0 } else { 50 } {
        hash = Md5::digest(hash);
    }
    let mut value = dictionary.get(b"O").and_then(Object::as_str).ok()?.get(..PADDING.len())?.to_vec();
    for round in (0..if is_first { 1 } else { 20 }).rev() {
        let key: Vec<u8> = hash[..key_bytes].iter().map(|byte| byte ^ round).collect();
        value = Rc4CryptFilter.decrypt(&key, &value).ok()?;
    }
    Some(value)
}

/// Decrypts all objects, takes those out of object streams, and forgets the encryption.
fn decrypt(document: &mut Document, state: &EncryptionState) {
    let own = document.trailer.remove(b"Encrypt").and_then(|stated| stated.as_reference().ok());
    own.and_then(|own| document.objects.remove(&own));
    let mut inner = Vec::new();
    for (&id, object) in &mut document.objects {
        // A string that is not encrypted although it should be costs itself alone.
        let _ = decrypt_object(state, id, object);
        let Object::Stream(stream) = object else { continue };
        if !stream.dict.has_type(lock::OBJECT_STREAM) {
            continue;
        }
        let entries = &document.reference_table.entries;
        let is_here = |number: u32| match entries.get(&number) {
            Some(XrefEntry::Compressed { container, .. }) => *container == id.0,
            _ => true,
        };
        let unpacked = ObjectStream::new(stream).ok();
        inner.extend(unpacked.into_iter().flat_map(|it| it.objects).filter(|((number, _), _)| is_here(*number)));
    }
    for (id, object) in inner {
        document.objects.entry(id).or_insert(object);
    }
}
