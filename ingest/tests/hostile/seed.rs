//! One good file of each format, small, to be mutated.

use crate::fixture::package::packed;
use crate::fixture::pdf::{HELVETICA, Pdf, shown};
use crate::fixture::{compound, word::WordFile};
use crate::formats::{MAIL, RTF, book, opendocument, presentation, workbook};
use crate::legacy;

/// Returns a file of each format with its name.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let text = "<office:document-content><office:text><text:h>T</text:h><text:p>a<text:s text:c='2'/>b</text:p><table:table>\
        <table:table-row><table:table-cell table:number-columns-repeated='2'><text:p>c</text:p></table:table-cell>\
        </table:table-row></table:table></office:text></office:document-content>";
    let sheet = "<worksheet><sheetData><row r='1'><c r='B1' t='s'><v>0</v></c></row></sheetData></worksheet>";
    let html = "<html><title>T</title><h1>T</h1><ul><li>a<li>b</ul><table><tr><td colspan=2>c<td>d</table><pre>e</pre>";
    vec![
        ("a.pdf", pdf()),
        ("b.pdf", composite()),
        ("a.docx", docx(BODY)),
        ("a.doc", doc()),
        ("a.xls", legacy::costs()),
        ("a.ppt", legacy::presentation()),
        ("a.msg", legacy::message(&[("__substg1.0_10130102", html.as_bytes().to_vec())])),
        ("a.zip", packed(&[("a.txt", "words"), ("b.html", html)])),
        ("a.rtf", RTF.to_vec()),
        ("a.odt", opendocument("text", text)),
        ("a.pptx", presentation()),
        ("a.xlsx", workbook(sheet)),
        ("a.epub", book("<itemref idref='a'/>", &[])),
        ("a.eml", MAIL.as_bytes().to_vec()),
        ("a.html", html.as_bytes().to_vec()),
        ("a.md", b"# T\n\n- a\n  - b\n\n| c | d |\n|---|---|\n| e | f |\n\n> q\n\n```\ncode\n```\n".to_vec()),
        ("a.csv", b"a;b\n\"c\nd\";2\n".to_vec()),
        ("a.json", b"{\"a\": [1, {\"b\": null, \"c\": \"text\"}]}".to_vec()),
    ]
}

const BODY: &str = "<w:p><w:pPr><w:pStyle w:val='Heading1'/></w:pPr><w:r><w:t>Title</w:t></w:r></w:p><w:tbl><w:tr><w:tc>\
    <w:tcPr><w:gridSpan w:val='2'/><w:vMerge w:val='restart'/></w:tcPr><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr>\
    </w:tbl><w:p><w:r><w:t>text</w:t></w:r><w:r><w:fldChar w:fldCharType='begin'/></w:r></w:p>";

/// Returns a Word file with this body.
pub fn docx(body: &str) -> Vec<u8> {
    packed(&[("word/document.xml", &format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>"))])
}

fn doc() -> Vec<u8> {
    compound::packed(&WordFile::default().with("Title\r", 1, &[]).with("some text\r", 0, &[]).streams())
}

fn pdf() -> Vec<u8> {
    let form = format!("/Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F {HELVETICA} >> >>");
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    let content = shown(&[(50.0, 700.0, "first"), (50.0, 650.0, "second")]) + "q 1 0 0 1 9 9 cm /X Do Q";
    Pdf::new().stream(10, &form, "BT /F 9 Tf [(a) -300 (b)] TJ ET").page(&content, &resources, "/Rotate 90").bytes()
}

fn composite() -> Vec<u8> {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding 12 0 R /ToUnicode 13 0 R /DescendantFonts [<< /Type \
        /Font /Subtype /CIDFontType2 /BaseFont /X /DW 500 /W [1 2 500 3 [500 600]] >>] >>";
    let map = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 begincidrange <0000> <00ff> 1 endcidrange";
    let text = "1 beginbfchar <0041> <0058> endbfchar 1 beginbfrange <0042> <0060> <0061> endbfrange";
    let pdf = Pdf::new().stream(12, "/Type /CMap", map).stream(13, "", text);
    pdf.page("BT /F 10 Tf 50 700 Td <004100420043> Tj ET", &format!("/Font << /F {font} >>"), "").bytes()
}
