//! Archives: each file in them is a document of its own, and a hostile one costs only itself.

use std::ops::ControlFlow;

use ragstone_ingest::Limits;

use crate::fixture::package::{packed, packed_bytes};
use crate::fixture::pdf;
use crate::hostile::docx;
use crate::worker::pool;

/// Returns what comes out of a file: paths, and texts or codes of errors.
fn outcomes(bytes: &[u8], limits: Limits) -> Vec<(String, String)> {
    let mut found = Vec::new();
    pool(limits, 1).read_each(bytes, "a.zip", &mut |path, outcome| {
        let text = outcome.map_or_else(|error| format!("error: {}", error.code()), |document| document.text);
        found.push((path.unwrap_or("itself").to_owned(), text));
    });
    found
}

fn check(bytes: &[u8], limits: Limits, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    assert_eq!(outcomes(bytes, limits), expected);
}

#[test]
fn files_of_an_archive_and_of_archives_in_it_are_documents() {
    let inner = packed(&[("deep/b.txt", "inner words"), (".hidden", "no"), ("__MACOSX/b.txt", "no")]);
    let word = docx("<w:p><w:r><w:t>typed</w:t></w:r></w:p>");
    let parts: Vec<(String, Vec<u8>)> = vec![
        ("a.txt".into(), b"plain words".to_vec()),
        ("folder/".into(), Vec::new()),
        ("folder/inner.zip".into(), inner),
        ("c.docx".into(), word),
        ("d.png".into(), b"\x89PNG".to_vec()),
    ];
    let expected = [
        ("a.txt", "plain words"),
        ("folder/inner.zip!/deep/b.txt", "inner words"),
        ("c.docx", "typed"),
        ("d.png", "error: unsupported_format"),
    ];
    check(&packed_bytes(&parts), Limits::default(), &expected);
}

#[test]
fn a_file_that_is_no_archive_is_read_as_itself() {
    check(b"plain words", Limits::default(), &[("itself", "plain words")]);
    check(&docx("<w:p><w:r><w:t>typed</w:t></w:r></w:p>"), Limits::default(), &[("itself", "typed")]);
    check(b"PK\x05\x06 and nothing else", Limits::default(), &[("itself", "error: corrupt")]);
}

#[test]
fn names_that_lead_out_are_refused_and_the_rest_is_read() {
    let names = ["../up.txt", "/root.txt", "a/../../b.txt", "C:\\x.txt", "..\\up.txt"];
    let mut parts: Vec<(&str, &str)> = names.iter().map(|name| (*name, "words")).collect();
    parts.push(("good.txt", "words"));
    let found = outcomes(&packed(&parts), Limits::default());
    assert!(found[..5].iter().all(|(_, text)| text == "error: corrupt"), "{found:?}");
    assert_eq!(found[5], ("good.txt".to_owned(), "words".to_owned()));
}

/// A member that ends its process is answered for by its path, and another process goes on behind it.
#[test]
fn a_member_that_kills_its_reader_costs_only_itself() {
    let parts: Vec<(String, Vec<u8>)> = vec![
        ("a.txt".into(), b"before".to_vec()),
        ("bomb.pdf".into(), pdf::bomb()),
        ("b.txt".into(), b"after".to_vec()),
    ];
    // The packed bomb is itself packed two hundred times over, which the ratio would refuse.
    let limits = Limits { memory_bytes_max: 400 << 20, inflate_ratio_max: 100_000, ..Limits::default() };
    let expected = [("a.txt", "before"), ("bomb.pdf", "error: limit_exceeded"), ("b.txt", "after")];
    check(&packed_bytes(&parts), limits, &expected);
}

#[test]
fn entries_bytes_ratio_and_nesting_are_bounded() {
    let two = packed(&[("a.txt", "12345678"), ("b.txt", "12345678")]);
    let few = Limits { zip_entries_max: 1, ..Limits::default() };
    check(&two, few, &[("itself", "error: limit_exceeded")]);
    let small = Limits { package_bytes_max: 12, ..Limits::default() };
    check(&two, small, &[("a.txt", "12345678"), ("b.txt", "error: limit_exceeded")]);
    let bomb = packed_bytes(&[("a".into(), Vec::new()), ("bomb.txt".into(), vec![b' '; 8 << 20])]);
    check(&bomb, Limits::default(), &[("a", "error: empty_file"), ("bomb.txt", "error: limit_exceeded")]);
    let nested = (0..4).fold(b"deep".to_vec(), |inner, _| packed_bytes(&[("x".into(), inner)]));
    check(&nested, Limits::default(), &[("x!/x!/x", "error: limit_exceeded")]);
    let many: Vec<_> = (0..6).map(|at| (format!("{at}.zip"), two.clone())).collect();
    let few = Limits { zip_entries_max: 8, ..Limits::default() };
    let found = outcomes(&packed_bytes(&many), few);
    assert_eq!(found.iter().filter(|(_, text)| text == "12345678").count(), 5, "{found:?}");
}

/// Gives a file of an archive another name of the same length.
fn renamed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn an_archive_without_files_says_so() {
    check(&packed(&[]), Limits::default(), &[("itself", "error: no_text")]);
    check(&packed(&[("folder/", ""), (".hidden", "x")]), Limits::default(), &[("itself", "error: no_text")]);
}

#[test]
fn a_path_that_is_taken_or_too_long_is_refused() {
    let long = "x".repeat(1_100);
    let bytes = packed(&[("a/x.txt", "one"), ("a-x.txt", "twin"), (&long, "words"), ("c.txt", "three")]);
    // The library that packs would write the same name twice, so the twin gets its own one afterwards.
    let found = outcomes(&renamed(bytes, b"a-x.txt", b"a\\x.txt"), Limits::default());
    let codes: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(codes, ["one", "error: corrupt", "error: limit_exceeded", "three"], "{found:?}");
    assert_eq!(found[2].0.len(), 1_024);
}

#[test]
fn names_in_a_code_page_are_decoded() {
    let name = "员工手册与年假申请表.txt";
    let encoded = encoding_rs::GBK.encode(name).0.into_owned();
    // A name of as many letters holds the place, with the mark for UTF-8 unset.
    let place = "n".repeat(encoded.len());
    let bytes = renamed(packed(&[(&place, "words")]), place.as_bytes(), &encoded);
    check(&bytes, Limits::default(), &[(name, "words")]);
}

#[test]
fn unpacking_ends_when_nobody_wants_more() {
    let pool = pool(Limits::default(), 1);
    let parts: Vec<(String, Vec<u8>)> = (0..50).map(|at| (format!("{at}.txt"), vec![b'x'; 1 << 20])).collect();
    let mut seen = 0;
    pool.unpack(&packed_bytes(&parts), &mut |_, _| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(seen, 3);
    assert_eq!(pool.read(b"after", "a.txt").unwrap().text, "after");
}
