//! PDF files that are encrypted: what opens without a password, what with a given one, and what says that it needs one.

use std::collections::BTreeMap;
use std::sync::Arc;

use lopdf::encryption::crypt_filters::{Aes128CryptFilter, Aes256CryptFilter, CryptFilter};
use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, Stream, StringFormat, dictionary};
use ragstone_ingest::{Limits, Passwords, ReadError, read_locked};

use crate::fixture::pdf::{Pdf, shown};
use crate::worker::pool;

/// Ways of encrypting, by the version in the file.
const VERSIONS: [u8; 4] = [1, 2, 4, 5];
/// The owner's password of every file here.
const OWNER: &str = "owner";

fn plain() -> Document {
    let mut document = Document::load_mem(&Pdf::of(&shown(&[(50.0, 700.0, "behind a lock")])).bytes()).unwrap();
    let id = || Object::String(vec![7; 16], StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id(), id()]);
    document
}

/// Returns a file whose catalog, page tree and page lie in an encrypted stream of objects, as its index says.
fn packed(version: u8, user: &str) -> Vec<u8> {
    let page = Pdf::of(&shown(&[(50.0, 700.0, "behind a lock")])).objects.remove(0).1;
    let tree = b"<< /Type /Pages /Count 1 /Kids [100 0 R] >>".to_vec();
    let bodies = [(1, b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()), (2, tree), (100, page)];
    let (mut numbers, mut content) = (String::new(), Vec::new());
    for (number, body) in &bodies {
        numbers += &format!("{number} {} ", content.len());
        content.extend_from_slice(&[body.as_slice(), b" "].concat());
    }
    let entries = dictionary! { "Type" => "ObjStx", "N" => 3, "First" => numbers.len() as i64 };
    let mut document = plain();
    bodies.iter().for_each(|(number, _)| drop(document.objects.remove(&(*number, 0))));
    document.objects.insert((50, 0), Stream::new(entries, [numbers.as_bytes(), &content].concat()).into());
    let mut file = file(lock(document, version, user));
    // lopdf leaves streams of objects out when it writes, as it makes its own.
    let kind = file.windows(6).position(|bytes| bytes == b"ObjStx").unwrap();
    file[kind + 5] = b'm';
    let text = String::from_utf8_lossy(&file).into_owned();
    let lock = text.rsplit("/Encrypt ").next().unwrap().split(' ').next().unwrap();
    let mut rows = Vec::new();
    for number in 0..999_u32 {
        let packed = bodies.iter().position(|(body, _)| *body == number);
        let start = format!("\n{number} 0 obj");
        let start = file.windows(start.len()).position(|bytes| bytes == start.as_bytes());
        let (kind, at, index) = match (packed, start) {
            (Some(index), _) => (2, 50, index as u8),
            (None, Some(start)) => (1, start as u32 + 1, 0),
            (None, None) => (0, 0, 0),
        };
        rows.extend_from_slice(&[&[kind], at.to_be_bytes().as_slice(), &[index]].concat());
    }
    let (id, count, length) = ("07".repeat(16), rows.len() / 6, rows.len());
    let start = file.len();
    let index = format!(
        "999 0 obj << /Type /XRef /Size {count} /W [1 4 1] /Root 1 0 R /Encrypt {lock} 0 R /ID [<{id}> <{id}>] \
         /Length {length} >>\nstream\n"
    );
    file.extend_from_slice(index.as_bytes());
    file.extend_from_slice(&rows);
    file.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    file
}

fn locked(version: u8, password: &str) -> Document {
    lock(plain(), version, password)
}

fn lock(mut document: Document, version: u8, password: &str) -> Document {
    let (owner_password, user_password, permissions) = (OWNER, password, Permissions::all());
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

fn file(mut document: Document) -> Vec<u8> {
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    file
}

fn check(document: Document, expected: Result<&str, ReadError>) {
    check_with(&file(document), "", expected);
}

/// Checks what a file gives with passwords, one a line.
fn check_with(file: &[u8], passwords: &str, expected: Result<&str, ReadError>) {
    let passwords = Passwords::from_lines(passwords).unwrap();
    let found = read_locked(file, "a.pdf", &Limits::default(), &passwords);
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

#[test]
fn a_given_password_opens_a_file_for_its_user_and_for_its_owner() {
    for version in VERSIONS {
        let file = file(locked(version, "secret"));
        for passwords in ["secret", OWNER, "other\nsecret", "secret\nother", "other\nowner\nthird"] {
            check_with(&file, passwords, Ok("behind a lock"));
        }
        for passwords in ["", "other", "Secret", "secret ", "secre"] {
            check_with(&file, passwords, Err(ReadError::Encrypted));
        }
    }
}

/// lopdf took the bytes of the password in UTF-8 for the key, and the page was noise.
#[test]
fn a_password_that_is_not_ascii_opens_a_file() {
    for (version, password) in [(1, "pässwörd"), (2, "pässwörd"), (4, "pässwörd"), (5, "pässwörd"), (5, "密码")]
    {
        let file = file(locked(version, password));
        check_with(&file, password, Ok("behind a lock"));
        check_with(&file, OWNER, Ok("behind a lock"));
        check_with(&file, "password", Err(ReadError::Encrypted));
    }
}

#[test]
fn a_password_longer_than_its_revision_looks_at_opens_a_file() {
    for (version, looked_at) in [(1, 32), (2, 32), (4, 32), (5, 127)] {
        let file = file(locked(version, &"p".repeat(looked_at)));
        check_with(&file, &"p".repeat(looked_at + 50), Ok("behind a lock"));
        check_with(&file, &"p".repeat(looked_at - 1), Err(ReadError::Encrypted));
    }
}

#[test]
fn a_password_opens_what_is_scattered_or_has_lost_its_index() {
    for version in VERSIONS {
        let mut document = locked(version, "secret");
        let id = document.trailer.get(b"Encrypt").unwrap().as_reference().unwrap();
        let dictionary = document.objects.remove(&id).unwrap();
        document.trailer.set("Encrypt", dictionary);
        let scattered = file(document);
        let mut broken = file(locked(version, "secret"));
        let index = broken.windows(9).rposition(|bytes| bytes == b"startxref").unwrap();
        broken.truncate(index);
        for file in [scattered, broken] {
            check_with(&file, "other\nsecret", Ok("behind a lock"));
            check_with(&file, OWNER, Ok("behind a lock"));
            check_with(&file, "other", Err(ReadError::Encrypted));
        }
    }
}

/// lopdf unpacked object streams before they were decrypted, and left those out that it could not unpack.
#[test]
fn objects_in_an_encrypted_stream_of_objects_are_found() {
    for version in VERSIONS {
        for (user, passwords) in [("", ""), ("secret", "secret"), ("secret", OWNER)] {
            let file = packed(version, user);
            check_with(&file, passwords, Ok("behind a lock"));
            let passwords = Passwords::from_lines(passwords).unwrap();
            let document = read_locked(&file, "a.pdf", &Limits::default(), &passwords).unwrap();
            assert!(document.warnings.is_empty(), "{:?}", document.warnings);
        }
    }
}

#[test]
fn a_string_that_no_cipher_fits_costs_itself_alone() {
    for version in VERSIONS {
        let mut document = locked(version, "secret");
        document.add_object(Object::string_literal("not encrypted"));
        let information = document.add_object(dictionary! { "Title" => Object::string_literal("x") });
        document.trailer.set("Info", information);
        check_with(&file(document), "secret", Ok("behind a lock"));
    }
}

#[test]
fn a_file_that_needs_no_password_is_read_whatever_is_given() {
    check_with(&file(plain()), "other\nsecret", Ok("behind a lock"));
    for version in VERSIONS {
        check_with(&file(locked(version, "")), "other", Ok("behind a lock"));
    }
}

#[test]
fn hostile_locks_end_in_an_error_of_their_own() {
    let hostile: [(&str, Object); 12] = [
        ("O", Object::string_literal("")),
        ("O", Object::Null),
        ("U", Object::string_literal(vec![0; 100_000])),
        ("R", Object::Integer(i64::MAX)),
        ("R", Object::Integer(2)),
        ("R", Object::Integer(-1)),
        ("Length", Object::Integer(-8)),
        ("Length", Object::Integer(i64::MAX)),
        ("V", Object::Integer(3)),
        ("P", Object::string_literal("all")),
        ("Filter", Object::Name(b"Other".to_vec())),
        ("CF", Object::Reference((1, 0))),
    ];
    for version in VERSIONS {
        for (key, value) in &hostile {
            let mut document = locked(version, "secret");
            let id = document.trailer.get(b"Encrypt").unwrap().as_reference().unwrap();
            document.get_dictionary_mut(id).unwrap().set(*key, value.clone());
            let passwords = Passwords::from_lines(&format!("secret\nowner\n{}", "x".repeat(1024))).unwrap();
            // Some of them change nothing that matters; the others say that no password opens them, or that it is noise.
            let _ = read_locked(&file(document), "a.pdf", &Limits::default(), &passwords);
        }
    }
}

#[test]
fn worker_processes_are_given_passwords_and_tell_nobody() {
    let file = file(locked(4, "secret"));
    let with = |passwords: &str| pool(Limits::default(), 1).with_passwords(Passwords::from_lines(passwords).unwrap());
    assert_eq!(with("other\nsecret").read(&file, "a.pdf").unwrap().text, "behind a lock");
    let error = with("not-this-one").read(&file, "a.pdf").unwrap_err();
    assert_eq!(error, ReadError::Encrypted);
    assert!(!format!("{error} {error:?}").contains("not-this-one"));
}
