//! Legacy Word files by feature: each case writes a small file and names the blocks that have to come out.

use ragstone_ingest::{BlockKind, ReadError};

use crate::fixture::word::{IN_LIST, IN_TABLE, ROW_END, WordFile};
use crate::fixture::{check, compound, document, survive, try_read};

fn plain(text: &str) -> WordFile {
    WordFile::default().with(text, 0, &[])
}

#[test]
fn text_of_one_and_of_two_bytes_is_read_through_its_pieces() {
    check(&document(&plain("年假 and 𝄞 rest\r").bytes(), "a.doc"), &[(BlockKind::Paragraph, "年假 and 𝄞 rest")]);
    let narrow = WordFile { is_narrow: true, ..plain("Caf\u{e9} at noon\r") };
    check(&document(&narrow.bytes(), "a.doc"), &[(BlockKind::Paragraph, "Café at noon")]);
}

#[test]
fn headings_are_known_by_number_through_styles_based_on_them() {
    let file = plain("Intro\r").with("Eins\r", 1, &[]).with("Own\r", 2, &[]).with("Top\r", 3, &[]);
    let document = document(&file.bytes(), "a.doc");
    let levels: Vec<_> = document.blocks.iter().map(|block| block.level).collect();
    assert_eq!(levels, [None, Some(1), Some(1), Some(1)]);
    assert_eq!(document.title.as_deref(), Some("Top"));
}

#[test]
fn list_items_are_counted_in_their_format_from_their_start() {
    let file = WordFile::default().with("first\r", 0, IN_LIST).with("\r", 0, &[]).with("second\r", 0, IN_LIST);
    let expected = [(BlockKind::ListItem, "c) first"), (BlockKind::ListItem, "d) second")];
    check(&document(&file.bytes(), "a.doc"), &expected);
}

#[test]
fn cell_and_row_marks_make_a_table() {
    let file = plain("before\r")
        .with("a\u{7}", 0, IN_TABLE)
        .with("b one\r", 0, IN_TABLE)
        .with("b two\u{7}", 0, IN_TABLE)
        .with("\u{7}", 0, ROW_END)
        .with("\u{7}", 0, IN_TABLE)
        .with("d\u{7}", 0, IN_TABLE)
        .with("\u{7}", 0, ROW_END)
        .with("after\r", 0, &[]);
    let document = document(&file.bytes(), "a.doc");
    let expected =
        [(BlockKind::Paragraph, "before"), (BlockKind::Table, "a | b one b two\nd"), (BlockKind::Paragraph, "after")];
    check(&document, &expected);
    assert_eq!(document.blocks[1].cells, [["a", "b one b two"], ["", "d"]]);
}

#[test]
fn fields_show_their_result_and_tracked_deletions_nothing() {
    let file = plain("See \u{13} HYPERLINK \"x\" \u{14}the \u{13}PAGE\u{14}4\u{15}th\u{15} page, not this.\r");
    check(&document(&file.bytes(), "a.doc"), &[(BlockKind::Paragraph, "See the 4th page, not this.")]);
    let deleted = WordFile { deleted: vec![(4, 8)], ..plain("The old new rule\r") };
    check(&document(&deleted.bytes(), "a.doc"), &[(BlockKind::Paragraph, "The new rule")]);
}

#[test]
fn notes_and_comments_follow_the_paragraph_that_refers_to_them() {
    let file = WordFile {
        footnotes: vec!["From 2023.".into(), "Twice.".into()],
        comments: vec![("Ana".into(), "Really?".into())],
        ..plain("Paid\u{2} and\u{5} more\u{2}.\r").with("next\r", 0, &[])
    };
    let expected = [
        (BlockKind::Paragraph, "Paid[1] and more[2]."),
        (BlockKind::Note, "[1] From 2023."),
        (BlockKind::Comment, "Ana: Really?"),
        (BlockKind::Note, "[2] Twice."),
        (BlockKind::Paragraph, "next"),
    ];
    check(&document(&file.bytes(), "a.doc"), &expected);
}

#[test]
fn blank_encrypted_old_and_headless_files_end_in_their_own_errors() {
    assert_eq!(try_read(&plain("\r").bytes(), "a.doc"), Err(ReadError::NoText { detail: "blank".into() }));
    let locked = WordFile { flags: 0x0100, ..plain("secret\r") };
    assert_eq!(try_read(&locked.bytes(), "a.doc"), Err(ReadError::Encrypted));
    let mut streams = plain("old\r").streams();
    streams[0].1[0..4].copy_from_slice(&[0xDC, 0xA5, 45, 0]);
    let old = try_read(&compound::packed(&streams), "a.doc");
    assert!(matches!(old, Err(ReadError::UnsupportedFormat { format }) if format == "doc before Word 6"));
    let cut = &plain("text\r").bytes()[..900];
    assert!(matches!(try_read(cut, "a.doc"), Err(ReadError::UnsupportedFormat { .. } | ReadError::Corrupt { .. })));
}

/// A table of 2^30 pieces and one of 2^30 characters are claims that a file of a few kilobytes can make.
#[test]
fn absurd_counts_and_places_are_refused_or_passed_over() {
    for at in 0..0x120 {
        let mut streams = plain("some text\r").with("a\u{7}", 0, IN_TABLE).with("\u{7}", 0, ROW_END).streams();
        streams[0].1[0x40 + 2 * at..0x42 + 2 * at].copy_from_slice(&[0xFF, 0x7F]);
        let _ = try_read(&compound::packed(&streams), "a.doc");
    }
    for at in 0..512 {
        let mut streams = WordFile { footnotes: vec!["note".into()], ..plain("text\u{2}\r") }.streams();
        let end = streams[1].1.len();
        streams[1].1[at % end] = 0xFF;
        let _ = try_read(&compound::packed(&streams), "a.doc");
    }
}

#[test]
fn a_chain_of_sectors_that_runs_in_a_circle_ends() {
    let mut bytes = plain("text\r").bytes();
    let table = bytes.len() - 512;
    for at in (table..bytes.len()).step_by(4) {
        bytes[at..at + 4].copy_from_slice(&0u32.to_le_bytes());
    }
    let _ = try_read(&bytes, "a.doc");
}

#[test]
fn damaged_files_never_stop_the_reader() {
    let file = WordFile { footnotes: vec!["note".into()], ..plain("text\u{2}\r").with("x\r", 1, IN_LIST) };
    survive(&file.bytes(), "a.doc");
}
