//! Attacks on packages: what they hold, how they are packed, and where their names lead.

use super::markup::{DEPTHS, nested};
use super::{Attack, add};
use crate::fixture::compound;
use crate::fixture::package::{packed, packed_bytes, relations};
use crate::fixture::word::WordFile;
use crate::formats::{book, opendocument, presentation, workbook};
use crate::hostile::seed::docx;

/// Formats whose main part a test writes.
const KINDS: [&str; 5] = ["docx", "odt", "pptx", "xlsx", "epub"];

/// Returns a package whose main part has this prologue, attributes on its root and body.
fn package(kind: &str, prologue: &str, attributes: &str, body: &str) -> Vec<u8> {
    let xml = |root: &str, inner: &str| format!("{prologue}<{root} {attributes}>{inner}</{root}>");
    match kind {
        "docx" => packed(&[("word/document.xml", &xml("w:document", &format!("<w:body>{body}</w:body>")))]),
        "odt" => opendocument("text", &xml("office:document-content", &format!("<office:text>{body}</office:text>"))),
        "pptx" => {
            let slide = format!("<p:sp><p:txBody><a:p><a:r><a:t>{body}</a:t></a:r></a:p></p:txBody></p:sp>");
            let order = "<p:presentation><p:sldIdLst><p:sldId r:id='r1'/></p:sldIdLst></p:presentation>";
            packed(&[
                ("_rels/.rels", &relations(&[("r", "officeDocument", "ppt/presentation.xml")])),
                ("ppt/presentation.xml", order),
                ("ppt/_rels/presentation.xml.rels", &relations(&[("r1", "slide", "slides/slide1.xml")])),
                ("ppt/slides/slide1.xml", &xml("p:sld", &slide)),
            ])
        }
        "xlsx" => {
            let row = format!("<sheetData><row><c t='inlineStr'><is><t>{body}</t></is></c></row></sheetData>");
            workbook(&xml("worksheet", &row))
        }
        _ => book("<itemref idref='b'/>", &[("OEBPS/two.xhtml", &xml("html", &format!("<body><p>{body}</p></body>")))]),
    }
}

/// Returns the attacks on packages.
pub fn packages() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for kind in KINDS {
        markup(&mut attacks, kind);
        packing(&mut attacks, kind);
    }
    nestings(&mut attacks);
    numbers(&mut attacks);
    names(&mut attacks);
    compounds(&mut attacks);
    attacks
}

fn markup(attacks: &mut Vec<Attack>, kind: &'static str) {
    add(attacks, &format!("attributes.{kind}"), move || {
        let attributes: String = (0..80_000).map(|at| format!("a{at}='1' ")).collect();
        package(kind, "", &attributes, "x")
    });
    add(attacks, &format!("spaces.{kind}"), move || {
        let attributes: String = (0..80_000).map(|at| format!("xmlns:n{at}='u{at}' ")).collect();
        package(kind, "", &attributes, "x")
    });
    add(attacks, &format!("laughs.{kind}"), move || {
        let entity = |at: usize| format!("<!ENTITY e{} \"{}\">", at + 1, format!("&e{at};").repeat(10));
        let entities: String = (0..12).map(entity).collect();
        package(kind, &format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{entities}]>"), "", "&e12;")
    });
    add(attacks, &format!("external.{kind}"), move || {
        package(kind, "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "", "&e;")
    });
    add(attacks, &format!("unclosed.{kind}"), move || package(kind, "", "", &"<w:p><text:p>".repeat(50_000)));
}

fn packing(attacks: &mut Vec<Attack>, kind: &'static str) {
    add(attacks, &format!("bomb.{kind}"), move || package(kind, "", "", &" ".repeat(64 << 20)));
    add(attacks, &format!("entries.{kind}"), move || {
        // As many as a directory without extensions can name.
        let mut parts: Vec<_> = (0..65_535).map(|at| (format!("word/{at}.xml"), Vec::new())).collect();
        parts[0].0 = "word/document.xml".into();
        parts[1].0 = "xl/workbook.xml".into();
        packed_bytes(&parts)
    });
    add(attacks, &format!("cut.{kind}"), move || {
        let mut bytes = package(kind, "", "", "x");
        bytes.truncate(bytes.len() - 10);
        bytes
    });
    add(attacks, &format!("lies.{kind}"), move || {
        // Sizes in the directory say four gigabytes.
        let mut bytes = package(kind, "", "", "x");
        let marks: Vec<usize> = (0..bytes.len() - 28).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
        marks.iter().for_each(|at| bytes[at + 20..at + 28].fill(0xFF));
        bytes
    });
}

fn nestings(attacks: &mut Vec<Attack>) {
    let nests = [
        ("docx", "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"),
        ("docx", "<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>"),
        ("docx", "<w:p><w:r><w:txbxContent>", "</w:txbxContent></w:r></w:p>"),
        ("docx", "<w:ins>", "</w:ins>"),
        ("odt", "<text:p><text:span>", "</text:span></text:p>"),
        ("odt", "<text:list><text:list-item>", "</text:list-item></text:list>"),
        (
            "odt",
            "<table:table><table:table-row><table:table-cell>",
            "</table:table-cell></table:table-row></table:table>",
        ),
        ("pptx", "<p:grpSp>", "</p:grpSp>"),
        ("xlsx", "<r>", "</r>"),
        ("epub", "<div>", "</div>"),
    ];
    for (at, (kind, open, close)) in nests.into_iter().enumerate() {
        for depth in DEPTHS {
            let name = format!("nested-{at}-{depth}.{kind}");
            add(attacks, &name, move || package(kind, "", "", &nested(open, "x", close, depth)));
        }
    }
}

fn numbers(attacks: &mut Vec<Attack>) {
    let bodies = [
        ("docx", "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2147483647'/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>"),
        ("docx", "<w:p><w:pPr><w:numPr><w:ilvl w:val='4294967296'/><w:numId w:val='-1'/></w:numPr></w:pPr></w:p>"),
        ("docx", "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r></w:p>"),
        ("docx", "<w:p><w:r><w:footnoteReference w:id='7'/><w:commentReference w:id='3'/></w:r></w:p>"),
        ("odt", "<text:p><text:s text:c='2147483647'/></text:p>"),
        (
            "odt",
            "<table:table><table:table-row table:number-rows-repeated='1000000000'><table:table-cell \
             table:number-columns-repeated='1000000000'><text:p>x</text:p></table:table-cell></table:table-row></table:table>",
        ),
    ];
    for (at, (kind, body)) in bodies.into_iter().enumerate() {
        for times in [1, 20_000] {
            let name = format!("number-{at}-{times}.{kind}");
            add(attacks, &name, move || package(kind, "", "", &body.repeat(times)));
        }
    }
    let sheets = [
        "<row r='99999999999'><c r='ZZZZZZZZZ1'><v>1</v></c></row>",
        "<row><c t='s'><v>4294967295</v></c></row>",
        "<row><c s='4294967295'><v>1e308</v></c></row>",
        "<row><c s='1'><v>-1e308</v></c><c s='1'><v>99999999999</v></c></row>",
    ];
    for (at, sheet) in sheets.into_iter().enumerate() {
        add(attacks, &format!("sheet-{at}.xlsx"), move || {
            workbook(&format!("<worksheet><sheetData>{}</sheetData></worksheet>", sheet.repeat(5_000)))
        });
    }
    add(attacks, "spine.epub", || book(&"<itemref idref='b'/>".repeat(100_000), &[]));
    add(attacks, "styles.docx", || {
        let styles = "<w:styles><w:style w:styleId='A'><w:basedOn w:val='B'/></w:style><w:style w:styleId='B'><w:basedOn \
            w:val='A'/></w:style></w:styles>";
        let body = "<w:p><w:pPr><w:pStyle w:val='A'/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>";
        let document = format!("<w:document><w:body>{body}</w:body></w:document>");
        packed(&[("word/document.xml", &document), ("word/styles.xml", styles)])
    });
}

fn names(attacks: &mut Vec<Attack>) {
    for (at, name) in
        ["../../etc/passwd", "/etc/passwd", "C:\\x", "..\\..\\x", "a/../../b", "\0", "con"].into_iter().enumerate()
    {
        add(attacks, &format!("slip-{at}.docx"), move || {
            let relations = relations(&[("r", "officeDocument", name)]);
            packed(&[("_rels/.rels", &relations), (name, "<x/>"), ("word/document.xml", "<w:document/>")])
        });
        add(attacks, &format!("slip-{at}.epub"), move || book("<itemref idref='a'/>", &[(name, "x")]));
        add(attacks, &format!("slip-{at}.zip"), move || packed(&[(name, "some words"), ("a.txt", "other words")]));
    }
}

fn compounds(attacks: &mut Vec<Attack>) {
    let streams = || WordFile::default().with("Title\r", 1, &[]).with("some text\r", 0, &[]).streams();
    for (at, offset) in [30, 44, 48, 56, 60, 64, 68, 72, 76].into_iter().enumerate() {
        for value in [0u32, 1, u32::MAX, 0x7FFF_FFFF] {
            add(attacks, &format!("header-{at}-{value}.doc"), move || {
                let mut bytes = compound::packed(&streams());
                bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
                bytes
            });
        }
    }
    add(attacks, "offsets.doc", move || {
        let mut streams = streams();
        streams[0].1[64..512].fill(0xFE);
        compound::packed(&streams)
    });
    add(attacks, "docx.docx", || docx(&"<w:p><w:r><w:t>x</w:t></w:r></w:p>".repeat(200_000)));
    add(attacks, "slides.pptx", || presentation().repeat(2));
}
