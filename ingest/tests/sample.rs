//! The sample documents: they are whole, they are stable, and the readers of this crate read them.

use ragstone_ingest::extract::docx::read;
use ragstone_ingest::sample::{self, Part, SampleDocument};
use ragstone_ingest::{BlockKind, Document, Limits};

fn read_docx(name: &str) -> Document {
    let sample = sample::samples().into_iter().find(|sample| sample.file == name).unwrap();
    read(&sample.bytes, name, &Limits::default()).unwrap()
}

#[test]
fn there_are_thirty_files_of_two_formats_with_their_own_names() {
    let samples = sample::samples();
    let mut names: Vec<_> = samples.iter().map(|sample| sample.file.as_str()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 30);
    assert!(samples.iter().all(|sample| match sample.file.ends_with(".pdf") {
        true => sample.bytes.starts_with(b"%PDF-1.5") && sample.bytes.ends_with(b"%%EOF\n"),
        false => sample.bytes.starts_with(b"PK"),
    }));
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    assert_eq!(sample::samples(), sample::samples());
}

#[test]
fn word_samples_keep_headings_lists_tables_and_notes() {
    let document = read_docx("expense-policy.docx");
    assert_eq!(document.title.as_deref(), Some("Expense Reports"));
    assert_eq!(document.created.as_deref(), Some("2025-02-03T09:00:00Z"));
    assert!(document.text.contains("1. Photograph each receipt"));
    assert!(document.text.contains("[1] During her leave from June to August 2025"));
    let table = document.blocks.iter().find(|block| block.kind == BlockKind::Table).unwrap();
    assert_eq!(table.cells[1], ["Books and journals", "250 euros per year", "Line manager"]);
    assert!(document.blocks.iter().filter(|block| block.level == Some(1)).count() >= 5);
}

#[test]
fn chinese_word_samples_are_read_whole() {
    let document = read_docx("新员工入职指南.docx");
    assert!(document.text.contains("试用期为三个月，最长不超过六个月。"));
    assert!(document.text.contains("报销 | 孙丽 | 8106"));
}

#[test]
fn the_pdf_files_have_a_valid_table_of_objects() {
    for sample in sample::samples().iter().filter(|sample| sample.file.ends_with(".pdf")) {
        let pdf = lopdf::Document::load_mem(&sample.bytes).unwrap();
        assert!(pdf.get_pages().len() >= 2, "{} has {} pages", sample.file, pdf.get_pages().len());
    }
}

#[test]
fn a_document_of_ones_own_is_rendered_in_both_formats() {
    let document = SampleDocument {
        file: "a.docx".into(),
        title: "R&D <plan>".into(),
        author: "A".into(),
        date: "2025-01-01".into(),
        parts: vec![Part::Heading(2, "One & two".into()), Part::Paragraph("Text".into())],
        notes: Vec::new(),
    };
    let read = read(&sample::docx::render(&document), "a.docx", &Limits::default()).unwrap();
    assert_eq!(read.text, "R&D <plan>\n\nOne & two\n\nText");
    assert!(lopdf::Document::load_mem(&sample::pdf::render(&document)).is_ok());
}

#[test]
fn all_samples_are_written_to_a_folder() {
    let folder = std::env::temp_dir().join(format!("ragstone-samples-{}", std::process::id()));
    let paths = sample::write_samples(&folder).unwrap();
    assert!(paths.iter().all(|path| path.is_file()));
    std::fs::remove_dir_all(&folder).unwrap();
}
