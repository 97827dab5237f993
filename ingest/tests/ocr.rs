//! Pages without text: what is known about them, and a command that reads them.

use std::path::PathBuf;
use std::time::Duration;

use ragstone_ingest::chunk::{ChunkRules, split};
use ragstone_ingest::ocr::OcrCommand;
use ragstone_ingest::{Document, Limits, ReadError, read};

use crate::fixture::pdf::{HELVETICA, Pdf, shown};
use crate::worker::pool;

const IMAGE: &str = "/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray";
const SCAN: &str = "/XObject << /I 50 0 R >>";

/// Returns a file whose first and third page have text and whose second is a picture.
fn mixed() -> Vec<u8> {
    let fonts = format!("/Font << /F {HELVETICA} >>");
    let pdf = Pdf::of(&shown(&[(50.0, 700.0, "first")])).page("/I Do", SCAN, "");
    pdf.page(&shown(&[(50.0, 700.0, "third")]), &fonts, "").stream(50, IMAGE, [0]).bytes()
}

fn scan() -> Vec<u8> {
    Pdf::new().page("/I Do", SCAN, "").stream(50, IMAGE, [0]).bytes()
}

/// Runs a script in place of a recogniser.
fn command(script: &str) -> OcrCommand {
    let args = ["-c", script, "ocr", "{page}"].map(String::from).to_vec();
    OcrCommand { program: PathBuf::from("/bin/sh"), args, page_max: Duration::from_secs(5), pages_max: 10 }
}

fn read_with(file: &[u8], ocr: OcrCommand) -> Result<Document, ReadError> {
    pool(Limits::default(), 1).with_ocr(ocr).read(file, "a.pdf")
}

#[test]
fn every_page_has_a_quality_and_scanned_ones_are_named() {
    let document = read(&mixed(), "a.pdf", &Limits::default()).unwrap();
    assert_eq!((document.page_quality, document.needs_ocr), (vec![1.0, 0.0, 1.0], vec![2]));
}

#[test]
fn text_in_no_known_encoding_needs_ocr_too() {
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /X /Encoding << /Differences [97 /uniE001 /uniE002] >> >> >>";
    let document = Pdf::new().page("BT /F 10 Tf 50 700 Td (abababab) Tj ET", font, "").read();
    assert_eq!(document.needs_ocr, [1]);
    assert!(document.page_quality[0] < 0.1);
}

#[test]
fn what_a_command_reads_stands_on_its_page_under_its_name() {
    let check = "test \"$(head -c 5)\" = %PDF- && printf 'read from\\npage %s\\n\\nby a script' \"$1\"";
    let document = read_with(&mixed(), command(check)).unwrap();
    assert_eq!(document.text, "first\n\nread from page 2\n\nby a script\n\nthird");
    assert_eq!((&document.needs_ocr, &document.warnings), (&vec![], &vec![]));
    let pages: Vec<_> = document.blocks.iter().filter_map(|block| block.page).collect();
    assert_eq!((pages, document.page_quality.clone()), (vec![1, 2, 2, 3], vec![1.0, 1.0, 1.0]));
    let rules = ChunkRules { target_tokens: 2, max_tokens: 9, ..ChunkRules::default() };
    let chunks = split(&document, &rules, &|text| text.split_whitespace().count());
    let extractors: Vec<_> = chunks.iter().map(|chunk| chunk.extractor.as_str()).collect();
    assert_eq!(extractors, ["pdf-extract 0.12.1", "sh", "sh", "pdf-extract 0.12.1"]);
}

#[test]
fn a_file_of_scans_is_readable_by_a_command_and_by_nothing_else() {
    assert_eq!(read_with(&scan(), command("echo words")).unwrap().text, "words");
    let no_text = Err(ReadError::NoText { detail: "scanned".into() });
    assert_eq!(read_with(&scan(), command("exit 3")), no_text);
    assert_eq!(read(&scan(), "a.pdf", &Limits::default()), no_text);
}

fn check_failure(ocr: OcrCommand, reason: &str) {
    let document = read_with(&mixed(), ocr).unwrap();
    assert_eq!((document.text.as_str(), document.needs_ocr), ("first\n\nthird", vec![2]));
    assert!(
        document.warnings.iter().any(|it| it == &format!("page 2: ocr failed: {reason}")),
        "{:?}",
        document.warnings
    );
}

#[test]
fn a_command_that_fails_hangs_or_floods_costs_a_warning_and_no_more() {
    check_failure(command("exit 3"), "exit code 3");
    check_failure(command("true"), "no text");
    check_failure(OcrCommand { page_max: Duration::from_millis(200), ..command("sleep 60") }, "no answer in 200 ms");
    check_failure(OcrCommand { pages_max: 0, ..command("echo x") }, "over the limit of pages");
    check_failure(OcrCommand { program: "/nowhere".into(), ..command("") }, "No such file or directory (os error 2)");
    check_failure(command("yes words"), "more than 1048576 bytes");
}
