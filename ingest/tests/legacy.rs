//! Excel workbooks, presentations and Outlook messages of the time before XML: small files and the blocks that have to come out.

use ragstone_ingest::BlockKind::{Heading, Paragraph, Table};
use ragstone_ingest::{Limits, ReadError};

use crate::fixture::compound::packed;
use crate::fixture::{check, document, survive, try_read};

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &(body.len() as u16).to_le_bytes(), body].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Returns a cell: row, column, format, and what the kind of record holds.
fn cell(kind: u16, [row, column, format]: [u16; 3], body: &[u8]) -> Vec<u8> {
    let place: Vec<u8> = [row, column, format].iter().flat_map(|number| number.to_le_bytes()).collect();
    record(kind, &[place.as_slice(), body].concat())
}

/// Returns a workbook of one sheet: texts and formats before its cells.
fn workbook(globals: &[Vec<u8>], cells: &[Vec<u8>]) -> Vec<u8> {
    let begin = |kind: u16| {
        record(0x809, &[6, 0u16, kind].map(|it| if it == 6 { 0x600 } else { it }).map(u16::to_le_bytes).concat())
    };
    let globals = globals.concat();
    let head = begin(5);
    let start = (head.len() + globals.len() + 4 + 6 + 2 + 5 + 4) as u32;
    let sheet = record(0x85, &[&start.to_le_bytes()[..], &[0, 0, 5, 0], b"Costs"].concat());
    let stream = [head, globals, sheet, record(0x0A, &[]), begin(0x10), cells.concat(), record(0x0A, &[])].concat();
    packed(&[("Workbook", stream)])
}

/// Returns a workbook with every kind of cell.
pub fn costs() -> Vec<u8> {
    // The second text goes on in another record, and changes there from one byte a character to two.
    let shared = [&2u32.to_le_bytes()[..], &3u32.to_le_bytes(), &[4, 0, 0], b"item", &[6, 0, 0], b"pri"].concat();
    let more = [&[1][..], &wide("ce价"), &[2, 0, 8, 1, 0], b"ok", &[0; 4]].concat();
    let date = [&164u16.to_le_bytes()[..], &[10, 0, 0], b"yyyy-mm-dd"].concat();
    let format = |id: u16| record(0xE0, &[[0, 0], id.to_le_bytes()].concat());
    let globals =
        [record(0xFC, &shared), record(0x3C, &more), record(0x41E, &date), format(0), format(164), format(10)];
    let text_formula = [&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 8]].concat();
    let cells = [
        cell(0xFD, [0, 1, 0], &0u32.to_le_bytes()),
        cell(0xFD, [0, 3, 0], &1u32.to_le_bytes()),
        cell(0xFD, [1, 1, 0], &2u32.to_le_bytes()),
        cell(0x203, [1, 3, 0], &(0.1f64 + 0.2).to_le_bytes()),
        cell(0x27E, [2, 1, 1], &((45_690u32 << 2) | 2).to_le_bytes()),
        cell(0x27E, [2, 3, 2], &((1550u32 << 2) | 3).to_le_bytes()),
        cell(0xBD, [3, 1, 0], &[&[6, 0, 0, 0][..], &[0, 0], &(10u32 << 2 | 2).to_le_bytes(), &[2, 0]].concat()),
        cell(0x06, [4, 1, 0], &text_formula),
        record(0x207, &[&[3, 0, 0][..], b"sum"].concat()),
        cell(0x205, [4, 3, 0], &[1, 0]),
    ];
    workbook(&globals, &cells)
}

#[test]
fn a_workbook_is_read_sheet_by_sheet() {
    let document = document(&costs(), "a.xls");
    check(
        &document,
        &[(Heading, "Costs"), (Table, "item |  | price价\nok |  | 0.3\n2025-02-02 |  | 1550%\n1 | 10\nsum |  | TRUE")],
    );
    assert_eq!((document.pages, document.blocks[1].page), (Some(1), Some(1)));
}

#[test]
fn a_locked_workbook_is_encrypted_and_an_empty_one_blank() {
    assert_eq!(try_read(&workbook(&[record(0x2F, &[0; 6])], &[]), "a.xls"), Err(ReadError::Encrypted));
    assert_eq!(try_read(&workbook(&[], &[]), "a.xls"), Err(ReadError::NoText { detail: "blank".into() }));
}

/// Returns a record of a presentation; containers have version 15.
fn atom(head: u16, kind: u16, content: &[u8]) -> Vec<u8> {
    [&head.to_le_bytes()[..], &kind.to_le_bytes(), &(content.len() as u32).to_le_bytes(), content].concat()
}

/// Returns a presentation of two slides, of which the file holds the second before the first.
pub fn presentation() -> Vec<u8> {
    let header = |kind: u32| atom(0, 0xF9F, &kind.to_le_bytes());
    let persist = |number: u32| atom(0, 0x3F3, &[&number.to_le_bytes()[..], &[0; 16]].concat());
    let list = [
        persist(2),
        header(0),
        atom(0, 0xFA0, &wide("Plan\u{b}年假")),
        header(1),
        atom(0, 0xFA8, b"first point\rsecond"),
        persist(1),
        header(0),
        atom(0, 0xFA8, b"End"),
    ];
    let masters = atom(0x1F, 0xFF0, &[header(0), atom(0, 0xFA8, b"Click to edit")].concat());
    let slides = atom(0x0F, 0xFF0, &list.concat());
    let document = atom(0x0F, 0x3E8, &[masters, slides].concat());
    let slide = |text: &str| {
        let text = [header(4), atom(0, 0xFA8, text.as_bytes())].concat();
        atom(0x0F, 0x3EE, &atom(0x0F, 0x40C, &atom(0x0F, 0xF003, &atom(0x0F, 0xF004, &atom(0x0F, 0xF00D, &text)))))
    };
    let (second, first) = (slide("box at the end"), slide("box on the plan"));
    let places = [document.len() as u32, (document.len() + second.len()) as u32];
    let directory_at = places[1] + first.len() as u32;
    let directory = atom(0, 0x1772, &[2u32 << 20 | 1, places[0], places[1]].map(u32::to_le_bytes).concat());
    let edit_at = directory_at + directory.len() as u32;
    let edit = atom(0, 0xFF5, &[0, 0, 0, directory_at, 1, 3, 0].map(u32::to_le_bytes).concat());
    let user = atom(0, 0xFF6, &[20, 0xE391_C05F, edit_at, 0].map(u32::to_le_bytes).concat());
    packed(&[("PowerPoint Document", [document, second, first, directory, edit].concat()), ("Current User", user)])
}

#[test]
fn slides_come_in_the_order_of_their_list_with_the_texts_of_their_shapes() {
    let document = document(&presentation(), "a.ppt");
    let expected = [
        (Heading, "Plan 年假"),
        (Paragraph, "first point"),
        (Paragraph, "second"),
        (Paragraph, "box on the plan"),
        (Heading, "End"),
        (Paragraph, "box at the end"),
    ];
    check(&document, &expected);
    assert_eq!(document.blocks.iter().map(|block| block.page).collect::<Vec<_>>(), [1, 1, 1, 1, 2, 2].map(Some));
}

/// Returns a message with these streams beside those of its people.
pub fn message(body: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let property = |tag: u32, value: u64| [&tag.to_le_bytes()[..], &[0; 4], &value.to_le_bytes()].concat();
    // Seconds since 1601 of a Monday at nine.
    let properties = [
        vec![0; 32],
        property(0x0039_0040, (11_644_473_600 + 1_738_573_200) * 10_000_000),
        property(0x3FFD_0003, 1251),
    ];
    let mut streams = vec![
        ("__properties_version1.0", properties.concat()),
        ("__substg1.0_0037001F", wide("Travel 年假")),
        ("__substg1.0_0C1A001F", wide("Ana")),
        ("__substg1.0_0C1F001F", wide("ana@example.com")),
        ("__substg1.0_0E04001F", wide("Ben")),
    ];
    streams.extend_from_slice(body);
    packed(&streams)
}

#[test]
fn a_message_is_read_with_its_people_and_its_date() {
    let document = document(&message(&[("__substg1.0_1000001F", wide("First.\r\n\r\nSecond."))]), "a.msg");
    let people = "From: Ana <ana@example.com>\nTo: Ben\nDate: 2025-02-03T09:00:00Z";
    check(&document, &[(Heading, "Travel 年假"), (Paragraph, people), (Paragraph, "First."), (Paragraph, "Second.")]);
    assert_eq!((document.title.as_deref(), document.author.as_deref()), (Some("Travel 年假"), Some("Ana")));
}

#[test]
fn a_body_in_a_code_page_or_in_html_is_read() {
    let narrow = document(&message(&[("__substg1.0_1000001E", vec![0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2])]), "a.msg");
    assert!(narrow.text.ends_with("Привет"), "{}", narrow.text);
    let html = document(&message(&[("__substg1.0_10130102", b"<h2>Rules</h2><p>caf\xc3\xa9".to_vec())]), "a.msg");
    assert!(html.text.ends_with("Rules\n\ncafé"), "{}", html.text);
}

#[test]
fn damaged_and_oversized_files_end_in_an_error_of_their_own() {
    survive(&costs(), "a.xls");
    survive(&presentation(), "a.ppt");
    survive(&message(&[("__substg1.0_1000001F", wide("text"))]), "a.msg");
    let limits = Limits { text_chars_max: 5, ..Limits::default() };
    let refused = ragstone_ingest::read(&costs(), "a.xls", &limits);
    assert!(matches!(refused, Err(ReadError::LimitExceeded { what, .. }) if what == "characters of text"));
}
