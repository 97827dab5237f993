//! Word documents by feature: each case is a few lines of body XML and the blocks that have to come out.

use std::io::{Cursor, Write};

use ragstone_ingest::extract::docx::read;
use ragstone_ingest::{BlockKind, Document, Limits, ReadError};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NUMBERING: &str = r#"<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0">
    <w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl></w:abstractNum>
    <w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"#;
const STYLES: &str = r#"<w:styles xmlns:w="w"><w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/>
    </w:style></w:styles>"#;
const FOOTNOTES: &str = r#"<w:footnotes xmlns:w="w"><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>
    <w:footnote w:id="7"><w:p><w:r><w:t> From 2023.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
const COMMENTS: &str = r#"<w:comments xmlns:w="w"><w:comment w:id="3" w:author="Ana"><w:p><w:r><w:t>Really?</w:t></w:r>
    </w:p></w:comment></w:comments>"#;

fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, xml) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(xml.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn document(body: &str) -> Result<Document, ReadError> {
    let xml = format!(r#"<w:document xmlns:w="w" xmlns:mc="mc"><w:body>{body}</w:body></w:document>"#);
    let parts = [
        ("word/document.xml", xml.as_str()),
        ("word/numbering.xml", NUMBERING),
        ("word/styles.xml", STYLES),
        ("word/footnotes.xml", FOOTNOTES),
        ("word/comments.xml", COMMENTS),
    ];
    read(&packed(&parts), "a.docx", &Limits::default())
}

/// Compares kinds and texts of all blocks; the unreferenced comment at the end is left away.
fn check(body: &str, expected: &[(BlockKind, &str)]) {
    let document = document(body).unwrap();
    let characters: Vec<char> = document.text.chars().collect();
    let mut found: Vec<(BlockKind, String)> = Vec::new();
    for block in &document.blocks {
        found.push((block.kind, characters[block.start..block.end].iter().collect()));
    }
    if !body.contains("commentReference") {
        assert_eq!(found.pop(), Some((BlockKind::Comment, "Ana: Really?".to_owned())));
    }
    let expected: Vec<_> = expected.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
    assert_eq!(found, expected);
}

fn run(text: &str) -> String {
    format!("<w:r><w:t>{text}</w:t></w:r>")
}

fn paragraph(text: &str) -> String {
    format!("<w:p>{}</w:p>", run(text))
}

#[test]
fn entities_tabs_breaks_and_hyphens_are_text() {
    let body =
        "<w:p><w:r><w:t>R&amp;D</w:t><w:tab/><w:t>a</w:t><w:br/><w:t>b</w:t><w:noBreakHyphen/><w:t>c</w:t></w:r></w:p>";
    check(body, &[(BlockKind::Paragraph, "R&D\ta\nb-c")]);
}

#[test]
fn tracked_changes_count_as_accepted() {
    let body = format!(
        "<w:p>{}<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins>{}</w:ins></w:p>\
         <w:p><w:moveFrom>{}</w:moveFrom></w:p>",
        run("The "),
        run("new"),
        run("gone")
    );
    check(&body, &[(BlockKind::Paragraph, "The new")]);
}

#[test]
fn a_deleted_paragraph_mark_joins_two_paragraphs() {
    let body = format!("<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{}</w:p>{}", run("one "), paragraph("two"));
    check(&body, &[(BlockKind::Paragraph, "one two")]);
}

#[test]
fn headings_and_list_items_carry_level_and_marker() {
    let item = |text| format!(r#"<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>{}</w:p>"#, run(text));
    let body = format!(r#"<w:p><w:pPr><w:pStyle w:val="H2"/></w:pPr>{}</w:p>{}{}"#, run("Head"), item("a"), item("b"));
    check(&body, &[(BlockKind::Heading, "Head"), (BlockKind::ListItem, "1. a"), (BlockKind::ListItem, "2. b")]);
    assert_eq!(document(&body).unwrap().blocks[0].level, Some(2));
}

#[test]
fn notes_and_comments_follow_the_paragraph_that_refers_to_them() {
    let body = format!(
        r#"<w:p>{}<w:r><w:footnoteReference w:id="7"/></w:r><w:r><w:commentReference w:id="3"/></w:r></w:p>{}"#,
        run("Paid"),
        paragraph("next")
    );
    let expected = [
        (BlockKind::Paragraph, "Paid[1]"),
        (BlockKind::Note, "[1] From 2023."),
        (BlockKind::Comment, "Ana: Really?"),
        (BlockKind::Paragraph, "next"),
    ];
    check(&body, &expected);
}

#[test]
fn a_text_box_is_read_once_after_its_paragraph() {
    let inner = |text| format!("<w:txbxContent>{}</w:txbxContent>", paragraph(text));
    let body = format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback></mc:AlternateContent>\
         </w:r>{}</w:p>",
        inner("boxed"),
        inner("boxed"),
        run("anchor")
    );
    check(&body, &[(BlockKind::Paragraph, "anchor"), (BlockKind::Paragraph, "boxed")]);
}

#[test]
fn links_controls_fields_and_equations_show_their_text() {
    let body = format!(
        "<w:sdt><w:sdtContent><w:p><w:hyperlink>{}</w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r>{}\
         <m:oMath xmlns:m='m'><m:r><m:t>E=mc</m:t></m:r></m:oMath></w:p></w:sdtContent></w:sdt>",
        run("link "),
        run("4 ")
    );
    check(&body, &[(BlockKind::Paragraph, "link 4 E=mc")]);
}

#[test]
fn equations_keep_fractions_powers_and_roots() {
    let part = |name: &str, text: &str| format!("<m:{name}><m:r><m:t>{text}</m:t></m:r></m:{name}>");
    let fraction = format!("<m:f>{}{}</m:f>", part("num", "a"), part("den", "b"));
    let power = format!("<m:sSup>{}{}</m:sSup>", part("e", "x"), part("sup", "2"));
    let body = format!("<w:p><m:oMath>{fraction}{power}<m:rad>{}</m:rad></m:oMath></w:p>", part("e", "y"));
    check(&body, &[(BlockKind::Paragraph, "a/bx^2√y")]);
}

#[test]
fn a_picture_says_what_it_shows_once() {
    let picture = r#"<w:drawing><wp:docPr descr="A red &amp; blue chart"/></w:drawing>"#;
    let body = format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice>{picture}</mc:Choice><mc:Fallback>{picture}</mc:Fallback>\
         </mc:AlternateContent></w:r>{}</w:p>",
        run("See")
    );
    check(&body, &[(BlockKind::Paragraph, "See"), (BlockKind::Paragraph, "[A red & blue chart]")]);
}

#[test]
fn endnotes_have_labels_of_their_own() {
    let xml = r#"<document><body><p><r><t>Paid</t><endnoteReference id="2"/></r></p></body></document>"#;
    let notes = r#"<endnotes><endnote id="2"><p><r><t>Later.</t></r></p></endnote></endnotes>"#;
    let bytes = packed(&[("word/document.xml", xml), ("word/endnotes.xml", notes)]);
    assert_eq!(read(&bytes, "a.docx", &Limits::default()).unwrap().text, "Paid[e1]\n\n[e1] Later.");
}

fn cell(properties: &str, content: &str) -> String {
    format!("<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>")
}

#[test]
fn a_table_keeps_its_grid_through_merged_and_nested_cells() {
    let nested = format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell("", &paragraph("x")), cell("", &paragraph("y")));
    let body = format!(
        "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}{}</w:tr></w:tbl>",
        cell(r#"<w:vMerge w:val="restart"/>"#, &paragraph("a")),
        cell(r#"<w:gridSpan w:val="2"/>"#, &(paragraph("b") + &paragraph("c"))),
        cell("<w:vMerge/>", "<w:p/>"),
        cell("", &nested),
        cell("", &paragraph("d")),
    );
    check(&body, &[(BlockKind::Table, "a | b c\nx | y | d")]);
    assert_eq!(document(&body).unwrap().blocks[0].cells, [["a", "b c", ""], ["", "x | y", "d"]]);
}

#[test]
fn a_table_of_one_column_is_only_a_frame() {
    let body = format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cell("", &(paragraph("one") + &paragraph("two"))));
    check(&body, &[(BlockKind::Paragraph, "one"), (BlockKind::Paragraph, "two")]);
}

#[test]
fn a_body_elsewhere_is_found_through_relationships() {
    let relations = r#"<Relationships><Relationship Id="r" Target="/other/main.xml"
        Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"/></Relationships>"#;
    let xml = "<document><body><p><r><t>strict</t></r></p></body></document>";
    let bytes = packed(&[("_rels/.rels", relations), ("other/main.xml", xml)]);
    assert_eq!(read(&bytes, "a.docx", &Limits::default()).unwrap().text, "strict");
}

#[test]
fn broken_blank_and_oversized_files_end_in_their_own_errors() {
    let limits = Limits::default();
    assert!(matches!(read(b"PK\x03\x04", "a.docx", &limits), Err(ReadError::Corrupt { .. })));
    assert!(matches!(read(&packed(&[("x", "y")]), "a.docx", &limits), Err(ReadError::Corrupt { .. })));
    let cut = packed(&[("word/document.xml", "<w:document><w:body><w:p>")]);
    assert!(matches!(read(&cut, "a.docx", &limits), Err(ReadError::Corrupt { .. })));
    let blank = packed(&[("word/document.xml", "<document><body><p/></body></document>")]);
    assert_eq!(read(&blank, "a.docx", &limits), Err(ReadError::NoText { detail: "blank".into() }));
    let deep = format!("<a>{}{}</a>", "<tbl><tr><tc>".repeat(100), "</tc></tr></tbl>".repeat(100));
    let deep = read(&packed(&[("word/document.xml", &deep)]), "a.docx", &limits);
    assert!(matches!(deep, Err(ReadError::LimitExceeded { .. })));
    let long = packed(&[("word/document.xml", "<body><p><r><t>12345</t></r></p></body>")]);
    let long = read(&long, "a.docx", &Limits { text_chars_max: 4, ..limits });
    assert!(matches!(long, Err(ReadError::LimitExceeded { limit: 4, .. })));
}
