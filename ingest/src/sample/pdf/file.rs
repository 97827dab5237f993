//! Puts pages, fonts and properties into one PDF file with a cross-reference table.
//!
//! Streams are stored plain, so that the bytes depend on nothing but the text.

use std::collections::BTreeSet;

use super::flow::{PAGE, pages};
use crate::sample::source::{Part, SampleDocument};

/// Objects before the first page: catalog, page tree, properties, and the fonts with their parts.
const FIXED_OBJECTS: usize = 9;

/// Renders a document as a PDF file.
pub fn render(document: &SampleDocument) -> Vec<u8> {
    let pages = pages(document);
    let page_id = |position: usize| FIXED_OBJECTS + 1 + 2 * position;
    let kids: Vec<String> = (0..pages.len()).map(|position| format!("{} 0 R", page_id(position))).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {} /Kids [{}] >>", pages.len(), kids.join(" ")),
        information(document),
    ];
    objects.extend(fonts(document));
    for (position, content) in pages.iter().enumerate() {
        let (width, height) = PAGE;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {} 0 R \
             /Resources << /Font << /F1 4 0 R /F2 5 0 R /F3 6 0 R >> >> >>",
            page_id(position) + 1
        ));
        objects.push(stream(content));
    }
    assembled(&objects)
}

fn information(document: &SampleDocument) -> String {
    let day: String = document.date.chars().filter(char::is_ascii_digit).collect();
    format!(
        "<< /Title {} /Author {} /CreationDate (D:{day}090000Z) /Producer (Ragstone) >>",
        text_string(&document.title),
        text_string(&document.author)
    )
}

/// Returns the fonts: two simple ones, and the composite one with its descendant, descriptor and ToUnicode map.
fn fonts(document: &SampleDocument) -> [String; 6] {
    let latin = |name: &str| format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>");
    [
        latin("Helvetica"),
        latin("Helvetica-Bold"),
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H \
         /DescendantFonts [7 0 R] /ToUnicode 9 0 R >>"
            .to_owned(),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 8 0 R \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>"
            .to_owned(),
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 \
         /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
            .to_owned(),
        stream(&to_unicode(document)),
    ]
}

/// Maps each two-byte code that the document uses to itself, because the codes are Unicode.
fn to_unicode(document: &SampleDocument) -> String {
    let mut codes = BTreeSet::new();
    for text in texts(document) {
        codes.extend(text.encode_utf16().filter(|code| *code > 0xFF));
    }
    let codes: Vec<u16> = codes.into_iter().collect();
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
         /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
         /CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n",
    );
    for group in codes.chunks(100) {
        map.push_str(&format!("{} beginbfchar\n", group.len()));
        group.iter().for_each(|code| map.push_str(&format!("<{code:04X}> <{code:04X}>\n")));
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap CMapName currentdict /CMap defineresource pop end end\n");
    map
}

fn texts(document: &SampleDocument) -> Vec<&str> {
    let mut texts = vec![document.title.as_str(), document.author.as_str()];
    texts.extend(document.notes.iter().map(|(_, text)| text.as_str()));
    for part in &document.parts {
        match part {
            Part::Heading(_, text) | Part::Paragraph(text) | Part::Bullet(text) | Part::Numbered(_, text) => {
                texts.push(text);
            }
            Part::Table(rows) => texts.extend(rows.iter().flatten().map(String::as_str)),
        }
    }
    texts
}

/// Writes a text string as UTF-16 with its mark, in hexadecimal.
fn text_string(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

fn stream(content: &str) -> String {
    format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len() + 1)
}

fn assembled(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::with_capacity(objects.len());
    for (position, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", position + 1).as_bytes());
    }
    let start = file.len();
    let mut tail = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    offsets.iter().for_each(|offset| tail.push_str(&format!("{offset:010} 00000 n \n")));
    tail.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    file.extend_from_slice(tail.as_bytes());
    file
}
