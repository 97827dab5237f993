//! Random bytes through the functions that fuzzers call: whatever they are, each returns.

use proptest::prelude::*;
use ragstone_ingest::fuzz;

/// Markup that the reader of Word files knows, mixed.
fn any_markup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("<w:p>"),
        Just("</w:p>"),
        Just("<w:r><w:t>words"),
        Just("</w:t></w:r>"),
        Just("<w:tbl><w:tr><w:tc>"),
        Just("</w:tc></w:tr></w:tbl>"),
        Just("<w:tcPr><w:gridSpan w:val=\"9999999\"/><w:vMerge/></w:tcPr>"),
        Just("<w:pPr><w:outlineLvl w:val=\"1\"/></w:pPr>"),
        Just("<w:ins>"),
        Just("</w:del>"),
        Just("<w:footnoteReference w:id=\"1\"/>"),
        Just("&amp;&#x0;&nope;"),
        Just("<m:oMath><m:r><m:t>x"),
    ];
    let namespace = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";
    prop::collection::vec(piece, 0..60)
        .prop_map(move |pieces| format!("<w:document {namespace}><w:body>{}", pieces.concat()).into_bytes())
}

/// Signs and digits of Arabic are no letters: a row of them had fewer letters than signs from right to left, and the
/// difference went below zero, so that the row counted as one from left to right.
#[test]
fn a_row_of_signs_without_letters_is_laid_out() {
    let glyph = |at: u8| [at * 40, 0, 0, 10, 40, 40, 8, 0x60 + at, 0x06];
    fuzz::layout(&(0..4).flat_map(glyph).collect::<Vec<u8>>());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        fuzz::docx(&bytes);
        fuzz::layout(&bytes);
        fuzz::chunk(&bytes);
        fuzz::protocol(&bytes);
    }

    #[test]
    fn any_markup_is_survived(bytes in any_markup()) {
        fuzz::docx(&bytes);
    }

    #[test]
    fn any_text_is_cut_within_its_bounds(rules in any::<[u8; 4]>(), text in "[\u{0}-\u{30} a-z中。.\n\u{1e}]{0,800}") {
        fuzz::chunk(&[&rules, text.as_bytes()].concat());
    }

    #[test]
    fn any_frame_behind_its_mark_is_survived(length in 0..200u64, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let reply = [b"\x01RAGDOC\x02".as_slice(), &length.to_le_bytes(), &body].concat();
        fuzz::protocol(&reply);
        let member = br#"{"Member":{"path":"a","bytes":5}}"#;
        let reply = [b"\x01RAGDOC\x02".as_slice(), &(member.len() as u64).to_le_bytes(), member, &body].concat();
        fuzz::protocol(&reply);
    }
}
