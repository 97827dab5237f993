//! Formats beside PDF and Word, each by its features: a small file and the blocks that have to come out.

use ragstone_ingest::BlockKind::{Comment, Heading, ListItem, Note, Paragraph, Table};
use ragstone_ingest::{Limits, ReadError, read};

use crate::fixture::package::{packed, relations};
use crate::fixture::{check, document, survive, try_read};

const CORE: &str = "<cp:coreProperties xmlns:dc='d'><dc:title>Plan</dc:title><dc:creator>Ana</dc:creator>\
    <dcterms:created>2025-02-03T09:00:00Z</dcterms:created></cp:coreProperties>";

pub const RTF: &[u8] = br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}{\f1\fcharset134 SimSun;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}{\info{\title Plan}{\author Ana}{\creatim\yr2025\mo2\dy3}}
{\header Every page}\pard\s1 Caf\'e9\par\pard\plain{\listtext 1.\tab}One {\b bold}\~word\par
\uc1\u24180 ?{\f1\'bc\'d9}{\deleted gone}{\field{\*\fldinst HYPERLINK x}{\fldrslt link}}{\footnote\chftn  A note.}
{\*\atnid A}{\*\atnauthor Ben}{\*\annotation Really?}\par{\pict ffffff}{\*\unknown skipped}
\trowd\pard\intbl a\cell b\par c\cell\row\trowd\pard\intbl\cell d\cell\row\pard\u-10188?\u-8930? end}";

#[test]
fn rich_text_keeps_headings_lists_tables_notes_and_scripts() {
    let document = document(RTF, "a.rtf");
    let expected = [
        (Heading, "Café"),
        (ListItem, "1. One bold\u{a0}word"),
        (Paragraph, "年假link[1]"),
        (Note, "[1] A note."),
        (Comment, "Ben: Really?"),
        (Table, "a | b c\nd"),
        (Paragraph, "𝄞 end"),
    ];
    check(&document, &expected);
    assert_eq!(document.blocks[5].cells, [["a", "b c"], ["", "d"]]);
    assert_eq!((document.title.as_deref(), document.author.as_deref()), (Some("Plan"), Some("Ana")));
    assert_eq!(document.created.as_deref(), Some("2025-02-03T00:00:00Z"));
}

#[test]
fn nested_tables_of_rich_text_stay_in_their_cell() {
    let source =
        br"{\rtf1 \trowd\pard\intbl\itap2 x\nestcell y\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}
\pard\intbl after\cell b\cell\row}";
    let document = document(source, "a.rtf");
    assert_eq!(document.blocks[0].cells, [["x | y after", "b"]]);
}

pub fn opendocument(kind: &str, content: &str) -> Vec<u8> {
    let meta = "<office:document-meta xmlns:dc='d'><dc:title>Plan</dc:title><dc:creator>Ana</dc:creator>\
        <meta:creation-date>2025-02-03T09:00:00</meta:creation-date></office:document-meta>";
    let mimetype = format!("application/vnd.oasis.opendocument.{kind}");
    packed(&[("mimetype", &mimetype), ("content.xml", content), ("meta.xml", meta)])
}

#[test]
fn opendocument_text_keeps_headings_lists_tables_notes_and_boxes() {
    let content = "<office:document-content><office:automatic-styles>\
        <style:style style:name='P1' style:parent-style-name='Title'/>\
        <text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1'
         style:num-suffix='.'/><text:list-level-style-bullet text:level='2'/></text:list-style></office:automatic-styles>\
        <office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>\
        <text:p text:style-name='P1'>Annual  plan</text:p><text:h text:outline-level='2'>Scope</text:h>\
        <text:p>One<text:s text:c='2'/>two<text:tab/><text:span>three</text:span><text:note text:note-class='footnote'>\
        <text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note>\
        <office:annotation><dc:creator>Ben</dc:creator><dc:date>2025</dc:date><text:p>Really?</text:p></office:annotation>\
        <draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>\
        <text:list text:style-name='L1'><text:list-item><text:p>first</text:p><text:list><text:list-item>\
        <text:p>inner</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>second</text:p>\
        </text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>\
        <table:table-cell table:number-columns-spanned='2'><text:p>b</text:p></table:table-cell>\
        <table:covered-table-cell/></table:table-row><table:table-row><table:table-cell/><table:table-cell>\
        <text:p>c</text:p></table:table-cell><table:table-cell><text:p>d</text:p></table:table-cell></table:table-row>\
        </table:table></office:text></office:body></office:document-content>";
    let document = document(&opendocument("text", content), "a.odt");
    let expected = [
        (Heading, "Annual plan"),
        (Heading, "Scope"),
        (Paragraph, "One  two\tthree[1]"),
        (Paragraph, "boxed"),
        (Note, "[1] A note."),
        (Comment, "Ben: Really?"),
        (ListItem, "1. first"),
        (ListItem, "• inner"),
        (ListItem, "2. second"),
        (Table, "a | b\nc | d"),
    ];
    check(&document, &expected);
    assert_eq!(document.blocks[9].cells, [["a", "b", ""], ["", "c", "d"]]);
    assert_eq!((document.author.as_deref(), document.pages), (Some("Ana"), None));
}

#[test]
fn opendocument_slides_and_sheets_are_pages() {
    let slides = "<office:document-content><office:body><office:presentation><draw:page><draw:frame><draw:text-box>\
        <text:p>One</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>Say hello\
        </text:p></draw:text-box></draw:frame></presentation:notes></draw:page><draw:page><draw:frame><draw:text-box>\
        <text:p>Two</text:p></draw:text-box></draw:frame></draw:page></office:presentation></office:body>\
        </office:document-content>";
    let document = document(&opendocument("presentation", slides), "a.odp");
    check(&document, &[(Paragraph, "One"), (Note, "Say hello"), (Paragraph, "Two")]);
    assert_eq!(document.blocks.iter().map(|block| block.page).collect::<Vec<_>>(), [Some(1), Some(1), Some(2)]);
    let sheets = "<office:document-content><office:body><office:spreadsheet><table:table table:name='Costs'>\
        <table:table-row><table:table-cell><text:p>item</text:p></table:table-cell><table:table-cell><text:p>euro</text:p>\
        </table:table-cell><table:table-cell table:number-columns-repeated='16384'/></table:table-row><table:table-row>\
        <table:table-cell table:number-columns-repeated='2'><text:p>5</text:p></table:table-cell></table:table-row>\
        </table:table><table:table table:name='Empty'/></office:spreadsheet></office:body></office:document-content>";
    let document = crate::fixture::document(&opendocument("spreadsheet", sheets), "a.ods");
    check(&document, &[(Heading, "Costs"), (Table, "item | euro\n5 | 5")]);
    assert_eq!(document.pages, Some(2));
}

pub fn presentation() -> Vec<u8> {
    let shape = |kind: &str, body: &str| {
        format!("<p:sp><p:nvSpPr><p:nvPr><p:ph type='{kind}'/></p:nvPr></p:nvSpPr><p:txBody>{body}</p:txBody></p:sp>")
    };
    let run = |text: &str| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>");
    let bullet = "<a:p><a:pPr><a:buChar char='-'/></a:pPr><a:r><a:t>point</a:t></a:r></a:p>";
    let table = format!(
        "<p:graphicFrame><a:tbl><a:tr><a:tc gridSpan='2'><a:txBody>{}</a:txBody></a:tc><a:tc hMerge='1'><a:txBody><a:p/>\
         </a:txBody></a:tc></a:tr><a:tr><a:tc>{}</a:tc><a:tc>{}</a:tc></a:tr></a:tbl></p:graphicFrame>",
        run("head"),
        run("x"),
        run("y")
    );
    let first = format!(
        "<p:sld>{}{}{}</p:sld>",
        shape("body", bullet),
        shape("sldNum", &run("7")),
        shape("title", &run("Plan"))
    );
    let second = format!("<p:sld>{table}</p:sld>");
    let notes = format!("<p:notes>{}{}</p:notes>", shape("sldImg", ""), shape("body", &run("Say hello")));
    let order = "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r9'/><p:sldId id='257' r:id='r1'/></p:sldIdLst>\
        </p:presentation>";
    packed(&[
        ("_rels/.rels", &relations(&[("r", "officeDocument", "ppt/presentation.xml")])),
        ("ppt/presentation.xml", order),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("r1", "slide", "slides/slide1.xml"), ("r9", "slide", "slides/slide2.xml")]),
        ),
        ("ppt/slides/slide2.xml", &first),
        ("ppt/slides/slide1.xml", &second),
        (
            "ppt/slides/_rels/slide2.xml.rels",
            &relations(&[("n", "notesSlide", "../notesSlides/n.xml"), ("c", "comments", "../c.xml")]),
        ),
        ("ppt/notesSlides/n.xml", &notes),
        ("ppt/c.xml", "<p:cmLst><p:cm><p:text>Really?</p:text></p:cm></p:cmLst>"),
        ("docProps/core.xml", CORE),
    ])
}

#[test]
fn slides_come_in_their_order_with_title_notes_and_comments() {
    let document = document(&presentation(), "a.pptx");
    let expected =
        [(Heading, "Plan"), (ListItem, "• point"), (Note, "Say hello"), (Comment, "Really?"), (Table, "head\nx | y")];
    check(&document, &expected);
    assert_eq!(document.blocks.iter().map(|block| block.page).collect::<Vec<_>>(), [1, 1, 1, 1, 2].map(Some));
    assert_eq!((document.pages, document.created.as_deref()), (Some(2), Some("2025-02-03T09:00:00Z")));
}

pub fn workbook(sheet: &str) -> Vec<u8> {
    packed(&[
        ("_rels/.rels", &relations(&[("r", "officeDocument", "xl/workbook.xml")])),
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name='Costs' r:id='r1'/><sheet name='Old' r:id='r2'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[
                ("r1", "worksheet", "worksheets/sheet1.xml"),
                ("r2", "worksheet", "worksheets/sheet2.xml"),
                ("r3", "sharedStrings", "sharedStrings.xml"),
                ("r4", "styles", "styles.xml"),
            ]),
        ),
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>item</t></si><si><r><t>pr</t></r><r><t>ice</t></r><rPh><t>no</t></rPh></si></sst>",
        ),
        (
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy-mm-dd'/></numFmts><cellXfs><xf numFmtId='0'/>\
          <xf numFmtId='164'/><xf numFmtId='10'/></cellXfs></styleSheet>",
        ),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/worksheets/sheet2.xml", "<worksheet><sheetData><row><c t='b'><v>1</v></c></row></sheetData></worksheet>"),
        ("xl/worksheets/_rels/sheet1.xml.rels", &relations(&[("c", "comments", "../comments1.xml")])),
        (
            "xl/comments1.xml",
            "<comments><commentList><comment ref='B2'><text><r><t>Check</t></r></text></comment></commentList></comments>",
        ),
        ("docProps/core.xml", CORE),
    ])
}

#[test]
fn sheets_are_tables_with_dates_shares_and_shared_texts() {
    let sheet = "<worksheet><sheetData><row r='1'><c r='B1' t='s'><v>0</v></c><c r='D1' t='s'><v>1</v></c></row>\
        <row r='2'><c r='B2' t='inlineStr'><is><t>tea &amp; cups</t></is></c><c r='D2'><f>1+2</f><v>0.30000000000000004</v></c>\
        </row><row r='3'><c r='B3' s='1'><v>45690</v></c><c r='D3' s='2'><v>0.155</v></c></row></sheetData></worksheet>";
    let document = document(&workbook(sheet), "a.xlsx");
    let expected = [
        (Heading, "Costs"),
        (Table, "item | price\ntea & cups | 0.3\n2025-02-02 | 15.5%"),
        (Comment, "B2: Check"),
        (Heading, "Old"),
        (Table, "TRUE"),
    ];
    check(&document, &expected);
    assert_eq!(document.blocks.iter().map(|block| block.page).collect::<Vec<_>>(), [1, 1, 1, 2, 2].map(Some));
}

#[test]
fn a_lone_cell_far_away_costs_nothing_and_a_sheet_of_them_is_refused() {
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c>\
        </row></sheetData></worksheet>";
    assert_eq!(document(&workbook(sheet), "a.xlsx").blocks[1].cells, [vec!["1"], vec!["", "2"]]);
    let wide: String = (0..3000).map(|at| format!("<c r='{}1'><v>1</v></c>", letters(at))).collect();
    let tall = "<row><c r='XFD1'><v>2</v></c></row>".repeat(3000);
    let sheet = format!("<worksheet><sheetData><row>{wide}</row>{tall}</sheetData></worksheet>");
    let refused = try_read(&workbook(&sheet), "a.xlsx");
    assert!(matches!(refused, Err(ReadError::LimitExceeded { what, .. }) if what == "cells of a sheet"));
}

fn letters(column: usize) -> String {
    let digit = |value: usize| char::from(b'A' + (value % 26) as u8);
    [digit(column / 676), digit(column / 26), digit(column)].iter().collect()
}

pub fn book(spine: &str, extra: &[(&str, &str)]) -> Vec<u8> {
    let package = format!(
        "<package><metadata xmlns:dc='d'><dc:title>Plan</dc:title><dc:creator>Ana</dc:creator><dc:creator>Ben</dc:creator>\
         </metadata><manifest><item id='a' href='ch%201.xhtml'/><item id='b' href='two.xhtml'/><item id='n' href='nav.xhtml'
         properties='nav'/></manifest><spine>{spine}</spine></package>"
    );
    let mut parts = vec![
        ("mimetype", "application/epub+zip"),
        (
            "META-INF/container.xml",
            "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>",
        ),
        ("OEBPS/book.opf", &package),
        (
            "OEBPS/ch 1.xhtml",
            "<html><head><title/></head><body><h1>One<a id='x'/></h1><p>text<br/>more</p></body></html>",
        ),
        ("OEBPS/two.xhtml", "<html><body><h1>Two</h1></body></html>"),
        ("OEBPS/nav.xhtml", "<html><body>Contents</body></html>"),
    ];
    parts.retain(|(name, _)| extra.iter().all(|(other, _)| other != name));
    parts.extend_from_slice(extra);
    packed(&parts)
}

#[test]
fn chapters_of_a_book_come_in_the_order_of_its_spine() {
    let bytes = book("<itemref idref='b'/><itemref idref='n'/><itemref idref='a'/><itemref idref='a'/>", &[]);
    let document = document(&bytes, "a.epub");
    check(&document, &[(Heading, "Two"), (Heading, "One"), (Paragraph, "text\nmore")]);
    assert_eq!((document.title.as_deref(), document.author.as_deref()), (Some("Plan"), Some("Ana, Ben")));
}

#[test]
fn a_locked_book_and_a_locked_opendocument_file_are_encrypted() {
    let lock = "<encryption><EncryptedData><CipherData><CipherReference URI='OEBPS/two.xhtml'/></CipherData></EncryptedData>\
        </encryption>";
    let bytes = book("<itemref idref='b'/>", &[("META-INF/encryption.xml", lock)]);
    assert_eq!(try_read(&bytes, "a.epub"), Err(ReadError::Encrypted));
    let manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    let bytes = packed(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", "rubbish"),
        ("META-INF/manifest.xml", manifest),
    ]);
    assert_eq!(try_read(&bytes, "a.odt"), Err(ReadError::Encrypted));
}

pub const MAIL: &str = "From: =?utf-8?B?5a2Z5Li9?= <sun@example.com>\r\nTo: ana@example.com\r\nSubject: Travel =?utf-8?Q?co=C3=BBts?=\r\n\
    Date: Mon, 3 Feb 2025 09:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\n\r\nignored\r\n\
    --b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain; charset=gb2312\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nxOq82Q==\r\n--b2\r\nContent-Type: text/html\r\n\r\n<p>twin</p>\r\n--b2--\r\n\
    --b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<h2>Caf=C3=A9</h2><p>a =\r\n\
    b</p>\r\n--b1\r\nContent-Type: application/pdf; name=\"rules.pdf\"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4\r\n\
    --b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: ben@example.com\r\nSubject: Inner\r\n\r\nforwarded\r\n--b1--\r\n";

#[test]
fn a_message_is_read_part_by_part() {
    let document = document(MAIL.as_bytes(), "a.txt");
    let expected = [
        (Heading, "Travel coûts"),
        (Paragraph, "From: 孙丽 <sun@example.com>\nTo: ana@example.com\nDate: Mon, 3 Feb 2025 09:00:00 +0100"),
        (Paragraph, "年假"),
        (Heading, "Café"),
        (Paragraph, "a b"),
        (Paragraph, "Attachment: rules.pdf"),
        (Heading, "Inner"),
        (Paragraph, "From: ben@example.com"),
        (Paragraph, "forwarded"),
    ];
    check(&document, &expected);
    assert_eq!(document.title.as_deref(), Some("Travel coûts"));
    assert_eq!(document.created.as_deref(), Some("2025-02-03T09:00:00+01:00"));
    assert_eq!(document.warnings, ["an attachment of type application/pdf was not read"]);
}

#[test]
fn damaged_files_of_every_format_never_stop_the_reader() {
    survive(RTF, "a.rtf");
    survive(MAIL.as_bytes(), "a.eml");
    survive(&presentation(), "a.pptx");
    survive(&workbook("<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>"), "a.xlsx");
    survive(&book("<itemref idref='a'/>", &[]), "a.epub");
    survive(&opendocument("text", "<a><office:text><text:p>x</text:p></office:text></a>"), "a.odt");
    survive(b"a,b\n\"1\",2\n", "a.csv");
    survive(b"{\"a\": [1, {\"b\": null}]}", "a.json");
}

fn over(result: Result<ragstone_ingest::Document, ReadError>) -> String {
    match result {
        Err(ReadError::LimitExceeded { what, .. }) => what,
        other => panic!("expected a limit, got {other:?}"),
    }
}

#[test]
fn nesting_beyond_all_measure_is_refused_by_name() {
    let groups = [b"{\\rtf1 ".to_vec(), b"{".repeat(100_000)].concat();
    assert_eq!(over(try_read(&groups, "a.rtf")), "depth of rtf groups");
    let lists = "<text:list>".repeat(5_000);
    assert_eq!(over(try_read(&opendocument("text", &format!("<a>{lists}")), "a.odt")), "depth of xml");
    let tables = "<a:tbl><a:tr><a:tc>".repeat(5_000);
    let slides = packed(&[
        ("ppt/presentation.xml", "<p><p:sldId r:id='r'/></p>"),
        ("ppt/_rels/presentation.xml.rels", &relations(&[("r", "slide", "s.xml")])),
        ("ppt/s.xml", &tables),
    ]);
    assert_eq!(over(try_read(&slides, "a.pptx")), "depth of xml");
    let mut message = String::new();
    for at in 0..100 {
        message += &format!("From: a\nTo: b\nContent-Type: multipart/mixed; boundary=x{at}\n\n--x{at}\n");
    }
    assert_eq!(over(try_read(message.as_bytes(), "a.eml")), "depth of mail parts");
}

#[test]
fn text_and_packages_beyond_their_limits_are_refused_by_name() {
    let limits = Limits { text_chars_max: 10, ..Limits::default() };
    let long = "words and more words";
    let cases = [
        (format!("{{\\rtf1 {long}}}").into_bytes(), "a.rtf"),
        (format!("From: a\nTo: b\n\n{long}").into_bytes(), "a.eml"),
        (opendocument("text", &format!("<a><text:p>{long}</text:p></a>")), "a.odt"),
        (workbook(&format!("<a><row><c t='str'><v>{long}</v></c></row></a>")), "a.xlsx"),
        (presentation(), "a.pptx"),
        (book("<itemref idref='a'/><itemref idref='b'/>", &[]), "a.epub"),
    ];
    for (bytes, name) in cases {
        assert_eq!(over(read(&bytes, name, &limits)), "characters of text", "{name}");
    }
    let bomb = " ".repeat(4 << 20);
    for (kind, name) in [("text", "a.odt"), ("spreadsheet", "a.ods")] {
        assert_eq!(over(try_read(&opendocument(kind, &format!("<a>{bomb}</a>")), name)), "zip inflate ratio", "{name}");
    }
}
