//! PDF files that are encrypted: what opens without a password, and what says that it needs one.

use std::collections::BTreeMap;
use std::sync::Arc;

use lopdf::encryption::crypt_filters::{Aes128CryptFilter, Aes256CryptFilter, CryptFilter};
use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat};
use ragstone_ingest::{Limits, ReadError, read};

use crate::fixture::pdf::{Pdf, shown};

/// Ways of encrypting, by the version in the file.
const VERSIONS: [u8; 4] = [1, 2, 4, 5];

fn plain() -> Document {
    let mut document = Document::load_mem(&Pdf::of(&shown(&[(50.0, 700.0, "behind a lock")])).bytes()).unwrap();
    let id = || Object::String(vec![7; 16], StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id(), id()]);
    document
}

fn locked(version: u8, password: &str) -> Document {
    let mut document = plain();
    let (owner_password, user_password, permissions) = ("owner", password, Permissions::all());
    let filters = |filter: Arc<dyn CryptFilter>| BTreeMap::from([(b"StdCF".to_vec(), filter)]);
    let (stream_filter, string_filter) = (b"StdCF".to_vec(), b"StdCF".to_vec());
    let version = match version {
        1 => EncryptionVersion::V1 { document: &document, owner_password, user_password, permissions },
        2 => EncryptionVersion::V2 { document: &document, owner_password, user_password, key_length: 128, permissions },
        4 => EncryptionVersion::V4 {
            document: &document,
            encrypt_metadata: true,
            crypt_filters: filters(Arc::new(Aes128CryptFilter)),
            stream_filter,
            string_filter,
            owner_password,
            user_password,
            permissions,
        },
        _ => EncryptionVersion::V5 {
            encrypt_metadata: true,
            crypt_filters: filters(Arc::new(Aes256CryptFilter)),
            file_encryption_key: &[5; 32],
            stream_filter,
            string_filter,
            owner_password,
            user_password,
            permissions,
        },
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    document
}

fn check(mut document: Document, expected: Result<&str, ReadError>) {
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    let found = read(&file, "a.pdf", &Limits::default());
    assert_eq!(found.as_ref().map(|found| found.text.as_str()), expected.as_ref().copied());
}

#[test]
fn a_file_that_needs_no_password_is_read() {
    for version in VERSIONS {
        check(locked(version, ""), Ok("behind a lock"));
    }
}

#[test]
fn a_file_that_needs_a_password_says_so() {
    for version in VERSIONS {
        check(locked(version, "secret"), Err(ReadError::Encrypted));
    }
}

/// The filters stood in objects of their own, were not found, and the page was blank.
#[test]
fn filters_in_objects_of_their_own_are_found() {
    for (version, password, expected) in
        [(4, "", Ok("behind a lock")), (5, "", Ok("behind a lock")), (5, "secret", Err(ReadError::Encrypted))]
    {
        let mut document = locked(version, password);
        let id = document.trailer.get(b"Encrypt").unwrap().as_reference().unwrap();
        let mut filters = document.get_dictionary(id).unwrap().get(b"CF").unwrap().as_dict().unwrap().clone();
        let filter = filters.get(b"StdCF").unwrap().clone();
        let filter = document.add_object(filter);
        filters.set("StdCF", filter);
        let filters = document.add_object(filters);
        document.get_dictionary_mut(id).unwrap().set("CF", filters);
        check(document, expected);
    }
}

/// The dictionary stood in the trailer, was not seen, and what came out was noise.
#[test]
fn an_encryption_that_stands_in_the_trailer_is_seen() {
    for version in VERSIONS {
        for (password, expected) in [("", Ok("behind a lock")), ("secret", Err(ReadError::Encrypted))] {
            let mut document = locked(version, password);
            let id = document.trailer.get(b"Encrypt").unwrap().as_reference().unwrap();
            let dictionary = document.objects.remove(&id).unwrap();
            document.trailer.set("Encrypt", dictionary);
            check(document, expected);
        }
    }
}
