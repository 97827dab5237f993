//! Formats are found by content, and folders are walked in a stable order.

use std::fs;
use std::path::PathBuf;

use ragstone_ingest::detect::{Format, detect};
use ragstone_ingest::glob::Patterns;
use ragstone_ingest::walk::{FoundFile, walk, walk_matching};
use ragstone_ingest::{Limits, ReadError, read};

fn check(bytes: &[u8], name: &str, expected: Result<Format, ReadError>) {
    assert_eq!(detect(bytes, name), expected, "{name}");
}

fn unsupported(format: &str) -> Result<Format, ReadError> {
    Err(ReadError::UnsupportedFormat { format: format.into() })
}

fn compound(stream: &str) -> Vec<u8> {
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

#[test]
fn content_decides_and_not_the_name() {
    check(b"%PDF-1.4\n", "letter.docx", Ok(Format::Pdf));
    check(b"\n\njunk %PDF-1.4\n", "late.pdf", Ok(Format::Pdf));
    check(b"PK\x03\x04....word/document.xml", "report.pdf", Ok(Format::Docx));
    check(b"<!DOCTYPE html><p>x", "page.txt", Ok(Format::Html));
    check(b"# Title", "notes.md", Ok(Format::Markdown));
    check(b"plain", "notes.txt", Ok(Format::Text));
    check(b"BMW is a car", "cars.txt", Ok(Format::Text));
    check(b"{\\rtf1 x}", "a.doc", Ok(Format::Rtf));
    check(&compound("WordDocument"), "a.rtf", Ok(Format::Doc));
    check(&compound("WORDDOCUMENT"), "a.rtf", Ok(Format::Doc));
    check(b"PK\x03\x04..ppt/presentation.xml", "a.zip", Ok(Format::Pptx));
    check(b"PK\x03\x04..xl/workbook.xml", "a.zip", Ok(Format::Xlsx));
    check(b"PK\x03\x04......mimetypeapplication/epub+zip", "a.zip", Ok(Format::Epub));
    check(b"PK\x03\x04...mimetypeapplication/vnd.oasis.opendocument.text", "a.zip", Ok(Format::OpenDocument));
    check(b"From: a@b.c\nSubject: %PDF-1.4\n\nhello", "a.txt", Ok(Format::Mail));
    check(b"{\"a\": 1}\n{\"a\": 2}\n", "a.log", Ok(Format::Json));
    check(b"a,b\n1,2\n", "a.csv", Ok(Format::Csv));
}

#[test]
fn text_that_only_begins_like_a_format_is_text() {
    check(b"{ not json", "a.txt", Ok(Format::Text));
    check(b"[1] A footnote", "a.txt", Ok(Format::Text));
    check(b"[1]\nA footnote", "a.txt", Ok(Format::Text));
    check(b"{\"a\": 1}\nis an object", "a.txt", Ok(Format::Text));
    check(b"Note: one\nSubject: two\n", "a.txt", Ok(Format::Text));
}

#[test]
fn formats_that_are_not_read_are_named() {
    check(b"\x89PNG\r\n\x1a\n", "a.png", unsupported("png"));
    check(b"PK\x03\x04..xl/workbook.bin", "a.xlsb", unsupported("xlsb"));
    check(b"PK\x03\x04..other", "a.zip", unsupported("zip"));
    check(b"<?xml version='1.0'?><a/>", "a.xml", unsupported("xml"));
    check(&compound("Workbook"), "a.xls", Ok(Format::Xls));
    check(&compound("__substg1.0_0037001F"), "a.msg", Ok(Format::Message));
    check(&compound("PowerPoint Document"), "a.ppt", Ok(Format::Ppt));
    check(&compound("Other"), "a.doc", unsupported("ole2"));
}

#[test]
fn an_office_file_under_a_password_is_encrypted() {
    check(&compound("EncryptedPackage"), "a.docx", Err(ReadError::Encrypted));
}

#[test]
fn a_file_of_nothing_or_white_space_is_empty() {
    check(b"", "a.txt", Err(ReadError::EmptyFile));
    check(b" \r\n\t", "a.pdf", Err(ReadError::EmptyFile));
}

#[test]
fn a_file_over_its_limit_is_not_looked_at() {
    let limits = Limits { file_bytes_max: 3, ..Limits::default() };
    let expected = ReadError::LimitExceeded { what: "file bytes".into(), limit: 3 };
    assert_eq!(read(b"four", "a.txt", &limits), Err(expected));
}

/// Makes a folder of its own for a test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_walk_finds_files_in_order_with_paths_below_the_root() {
    let root = folder("walk-order");
    fs::create_dir_all(root.join("b/深い")).unwrap();
    for name in ["z.txt", "b/深い/报告.pdf", "b/a.md", ".hidden", "~$open.docx", "b/draft~"] {
        fs::write(root.join(name), name).unwrap();
    }
    let (files, failures) = walk(&[root.clone(), root.join("z.txt")]);
    let uris: Vec<&str> = files.iter().map(|file| file.uri.as_str()).collect();
    assert_eq!(uris, ["b/a.md", "b/深い/报告.pdf", "z.txt", "z.txt"]);
    assert_eq!(files[2].bytes, 5);
    assert_eq!(failures, []);
}

#[test]
fn a_walk_takes_json_only_where_it_is_asked_for() {
    let root = folder("walk-json");
    for name in ["a.txt", "data.json", "rows.JSONL"] {
        fs::write(root.join(name), "{}").unwrap();
    }
    let uris = |found: Vec<FoundFile>| found.into_iter().map(|file| file.uri).collect::<Vec<_>>();
    assert_eq!(uris(walk(std::slice::from_ref(&root)).0), ["a.txt"]);
    assert_eq!(uris(walk(&[root.join("data.json")]).0), ["data.json"]);
    let wanted = Patterns { include: vec!["*.json".into()], exclude: vec![] };
    assert_eq!(uris(walk_matching(&[root], &wanted).0), ["data.json"]);
}

#[test]
fn a_walk_follows_no_links_inside_a_root() {
    let root = folder("walk-links");
    fs::write(root.join("real.txt"), "x").unwrap();
    std::os::unix::fs::symlink(&root, root.join("circle")).unwrap();
    std::os::unix::fs::symlink(root.join("real.txt"), root.join("link.txt")).unwrap();
    let (files, failures) = walk(&[root]);
    assert_eq!(files.iter().map(|file| file.uri.as_str()).collect::<Vec<_>>(), ["real.txt"]);
    assert_eq!(failures, []);
}

#[test]
fn a_missing_root_is_reported_and_the_others_are_walked() {
    let root = folder("walk-missing");
    fs::write(root.join("a.txt"), "x").unwrap();
    let (files, failures) = walk(&[root.join("nothing"), root.clone()]);
    assert_eq!(files.len(), 1);
    assert!(matches!(&failures[..], [(path, ReadError::Unreadable { .. })] if path.ends_with("nothing")));
}
