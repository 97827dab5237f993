//! Renders a sample document as a Word file: body, styles, list numbering, footnotes, properties.
//!
//! Dates inside the package are fixed, so that the bytes depend on nothing but the text.

use std::io::{Cursor, Write};

use ::zip::result::ZipResult;
use ::zip::write::SimpleFileOptions;
use ::zip::{DateTime, ZipWriter};

use super::source::{Part, SampleDocument};

const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PARTS: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;

/// Numbering ids: bullets, then one for each ordered list, so that each begins at its own number.
const BULLETS: u32 = 1;

/// Renders a document as a .docx file.
pub fn render(document: &SampleDocument) -> Vec<u8> {
    packed(document).expect("writing a zip into memory cannot fail")
}

fn packed(document: &SampleDocument) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let (body, ordered_lists) = body(document);
    for (name, xml) in [
        ("[Content_Types].xml", content_types()),
        ("_rels/.rels", package_relations()),
        ("word/document.xml", body),
        ("word/_rels/document.xml.rels", document_relations()),
        ("word/styles.xml", styles()),
        ("word/numbering.xml", numbering(ordered_lists)),
        ("word/footnotes.xml", footnotes(document)),
        ("docProps/core.xml", core(document)),
    ] {
        writer.start_file(name, options)?;
        writer.write_all(HEAD.as_bytes())?;
        writer.write_all(xml.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Returns the main part and the number of ordered lists in it.
fn body(document: &SampleDocument) -> (String, u32) {
    let mut xml = format!(r#"<w:document xmlns:w="{WORD}" xmlns:r="{OFFICE}"><w:body>"#);
    xml.push_str(&paragraph(document, &document.title, r#"<w:pStyle w:val="Title"/>"#));
    let mut ordered_lists = 0;
    for part in &document.parts {
        xml.push_str(&match part {
            Part::Heading(level, text) => paragraph(document, text, &format!(r#"<w:pStyle w:val="Heading{level}"/>"#)),
            Part::Paragraph(text) => paragraph(document, text, ""),
            Part::Bullet(text) => paragraph(document, text, &list_properties(BULLETS)),
            Part::Numbered(number, text) => {
                ordered_lists += u32::from(*number == 1 || ordered_lists == 0);
                paragraph(document, text, &list_properties(BULLETS + ordered_lists))
            }
            Part::Table(rows) => table(document, rows),
        });
    }
    xml.push_str(
        r#"<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708" w:gutter="0"/></w:sectPr></w:body></w:document>"#,
    );
    (xml, ordered_lists)
}

fn list_properties(num_id: u32) -> String {
    format!(r#"<w:pStyle w:val="ListParagraph"/><w:numPr><w:ilvl w:val="0"/><w:numId w:val="{num_id}"/></w:numPr>"#)
}

fn paragraph(document: &SampleDocument, text: &str, properties: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr>{}</w:p>", runs(document, text))
}

/// Writes the runs of a text, with a reference where `[^1]` stands.
fn runs(document: &SampleDocument, text: &str) -> String {
    let mut xml = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[^") {
        let Some((label, after)) = after.split_once(']') else { break };
        xml.push_str(&run(before));
        if let Some(position) = document.notes.iter().position(|(own, _)| own == label) {
            xml.push_str(&format!(
                r#"<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="{}"/></w:r>"#,
                position + 1
            ));
        }
        rest = after;
    }
    xml.push_str(&run(rest));
    xml
}

fn run(text: &str) -> String {
    match text {
        "" => String::new(),
        _ => format!(r#"<w:r><w:t xml:space="preserve">{}</w:t></w:r>"#, escaped(text)),
    }
}

fn table(document: &SampleDocument, rows: &[Vec<String>]) -> String {
    let borders: String = ["top", "left", "bottom", "right", "insideH", "insideV"]
        .map(|side| format!(r#"<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>"#))
        .concat();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let grid = format!(r#"<w:gridCol w:w="{}"/>"#, 9026 / columns.max(1)).repeat(columns);
    let mut xml = format!(
        "<w:tbl><w:tblPr><w:tblW w:w=\"0\" w:type=\"auto\"/><w:tblBorders>{borders}</w:tblBorders></w:tblPr>\
         <w:tblGrid>{grid}</w:tblGrid>"
    );
    for (position, row) in rows.iter().enumerate() {
        xml.push_str(if position == 0 { "<w:tr><w:trPr><w:tblHeader/></w:trPr>" } else { "<w:tr>" });
        for cell in row {
            xml.push_str(&format!("<w:tc><w:tcPr/>{}</w:tc>", paragraph(document, cell, "")));
        }
        xml.push_str("</w:tr>");
    }
    xml.push_str("</w:tbl><w:p/>");
    xml
}

fn styles() -> String {
    let mut xml = format!(
        r#"<w:styles xmlns:w="{WORD}"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="SimSun"/><w:sz w:val="22"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="ListParagraph"><w:name w:val="List Paragraph"/><w:basedOn w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:rPr><w:b/><w:sz w:val="44"/></w:rPr></w:style>"#
    );
    for (level, size) in [(1, 32), (2, 28), (3, 24)] {
        xml.push_str(&format!(
            r#"<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="240"/><w:outlineLvl w:val="{}"/></w:pPr><w:rPr><w:b/><w:sz w:val="{size}"/></w:rPr></w:style>"#,
            level - 1
        ));
    }
    xml + "</w:styles>"
}

fn numbering(ordered_lists: u32) -> String {
    let level = |format: &str, text: &str| {
        format!(
            r#"<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{text}"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="720" w:hanging="360"/></w:pPr></w:lvl>"#
        )
    };
    let mut xml = format!(
        r#"<w:numbering xmlns:w="{WORD}"><w:abstractNum w:abstractNumId="0">{}</w:abstractNum><w:abstractNum w:abstractNumId="1">{}</w:abstractNum><w:num w:numId="{BULLETS}"><w:abstractNumId w:val="0"/></w:num>"#,
        level("bullet", "•"),
        level("decimal", "%1.")
    );
    for list in 1..=ordered_lists {
        xml.push_str(&format!(
            r#"<w:num w:numId="{}"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>"#,
            BULLETS + list
        ));
    }
    xml + "</w:numbering>"
}

fn footnotes(document: &SampleDocument) -> String {
    let mut xml = format!(
        r#"<w:footnotes xmlns:w="{WORD}"><w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>"#
    );
    for (position, (_, text)) in document.notes.iter().enumerate() {
        xml.push_str(&format!(
            r#"<w:footnote w:id="{}"><w:p><w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteRef/></w:r>{}</w:p></w:footnote>"#,
            position + 1,
            run(&format!(" {text}"))
        ));
    }
    xml + "</w:footnotes>"
}

fn core(document: &SampleDocument) -> String {
    let date = &document.date;
    format!(
        r#"<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{}</dc:title><dc:creator>{}</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">{date}T09:00:00Z</dcterms:created></cp:coreProperties>"#,
        escaped(&document.title),
        escaped(&document.author)
    )
}

fn content_types() -> String {
    let part = |name: &str, kind: &str| format!(r#"<Override PartName="{name}" ContentType="{kind}"/>"#);
    format!(
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>{}{}{}{}{}</Types>"#,
        part("/word/document.xml", &format!("{PARTS}.document.main+xml")),
        part("/word/styles.xml", &format!("{PARTS}.styles+xml")),
        part("/word/numbering.xml", &format!("{PARTS}.numbering+xml")),
        part("/word/footnotes.xml", &format!("{PARTS}.footnotes+xml")),
        part("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml")
    )
}

fn package_relations() -> String {
    format!(
        r#"<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="{RELATIONS}/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#
    )
}

fn document_relations() -> String {
    let parts = ["styles", "numbering", "footnotes"].iter().enumerate().map(|(position, part)| {
        format!(r#"<Relationship Id="rId{}" Type="{OFFICE}/{part}" Target="{part}.xml"/>"#, position + 1)
    });
    format!(r#"<Relationships xmlns="{RELATIONS}">{}</Relationships>"#, parts.collect::<String>())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
