//! Attacks on PDF: circles, bombs, floods, and numbers out of range.

use super::markup::{DEPTHS, nested};
use super::{Attack, add};
use crate::fixture::package::packed_bytes;
use crate::fixture::pdf::{HELVETICA, Pdf, bomb};

/// Returns the attacks on PDF.
pub fn pdfs() -> Vec<Attack> {
    let mut attacks = Vec::new();
    nestings(&mut attacks);
    circles(&mut attacks);
    bombs(&mut attacks);
    floods(&mut attacks);
    indexes(&mut attacks);
    fonts(&mut attacks);
    attacks
}

fn nestings(attacks: &mut Vec<Attack>) {
    for depth in DEPTHS {
        let around = [("array", "[", "]"), ("dictionary", "<< /A ", ">>"), ("string", "(", ")")];
        for (kind, open, close) in around {
            add(attacks, &format!("{kind}-{depth}.pdf"), move || {
                Pdf::of("BT /F 9 Tf (x) Tj ET").object(50, nested(open, "1", close, depth)).bytes()
            });
            add(attacks, &format!("shown-{kind}-{depth}.pdf"), move || {
                Pdf::of(&format!("BT /F 9 Tf {} TJ (x) Tj ET", nested(open, "1", close, depth))).bytes()
            });
        }
        add(attacks, &format!("tree-{depth}.pdf"), move || {
            let mut pdf = Pdf::of("BT /F 9 Tf (x) Tj ET");
            for at in 0..depth.min(50_000) {
                let node = format!("<< /Type /Pages /Count 1 /Kids [{} 0 R] /Parent {} 0 R >>", 1001 + at, 999 + at);
                pdf = pdf.object(1000 + at, node);
            }
            replaced(pdf.bytes(), "/Kids [100 0 R]", "/Kids [1000 0 R]")
        });
        add(attacks, &format!("states-{depth}.pdf"), move || {
            Pdf::of(&nested("q BT ", "/F 9 Tf (x) Tj", " ET Q", depth)).bytes()
        });
    }
}

fn replaced(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

/// Returns a page that draws form 10.
fn drawing(forms: impl IntoIterator<Item = (usize, String, String)>) -> Vec<u8> {
    let pdf = forms.into_iter().fold(Pdf::new(), |pdf, (number, resources, content)| {
        let form = format!("/Subtype /Form /BBox [0 0 9 9] /Resources << {resources} /Font << /F {HELVETICA} >> >>");
        pdf.stream(number, &form, content)
    });
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    pdf.page("/X Do BT /F 9 Tf 9 9 Td (x) Tj ET", &resources, "").bytes()
}

fn circles(attacks: &mut Vec<Attack>) {
    let draws = |number: usize| format!("/XObject << /X {number} 0 R >>");
    let two = move || vec![(10, draws(11), "/X Do".to_owned()), (11, draws(10), "/X Do".to_owned())];
    add(attacks, "form-itself.pdf", move || drawing([(10, draws(10), "/X Do".repeat(1000))]));
    add(attacks, "form-pair.pdf", move || drawing(two()));
    add(attacks, "form-chain.pdf", move || drawing((10..5000).map(|at| (at, draws(at + 1), "/X Do".to_owned()))));
    // Each of 30 forms draws the next one ten times.
    add(attacks, "form-fan.pdf", move || drawing((10..40).map(|at| (at, draws(at + 1), "/X Do ".repeat(10)))));
    let swaps = [
        ("kids", "/Kids [100 0 R]", "/Kids [2 0 R 100 0 R]"),
        ("parent", "/Parent 2 0 R", "/Parent 100 0 R"),
        ("contents", "/Contents 101 0 R", "/Contents 100 0 R"),
        ("resources", "/Resources <<", "/Resources 100 0 R /X <<"),
        ("length", "/Length 20", "/Length 101 0 R"),
        ("root", "/Root 1 0 R", "/Root 2 0 R"),
        ("count", "/Count 1", "/Count 2147483647"),
        ("box", "/MediaBox [0 0 612 792]", "/MediaBox [-1e38 1e38 1e308 0]"),
        ("turn", "/Type /Page ", "/Type /Page /Rotate 1e300 "),
        ("unit", "/Type /Page ", "/Type /Page /UserUnit 1e300 "),
        ("lock", "/Root 1 0 R", "/Root 1 0 R /Encrypt << /Filter /Standard /V 9 /R 99 /Length 99999999 >>"),
        ("key", "/Root 1 0 R", "/Root 1 0 R /Encrypt << /Filter /Standard /V 5 /R 6 /O () /U () /P -1 >>"),
        ("back", "/Root 1 0 R", "/Root 1 0 R /Prev 9"),
        ("negative", "/Root 1 0 R", "/Root 1 0 R /Prev -1"),
    ];
    for (name, from, to) in swaps {
        add(attacks, &format!("circle-{name}.pdf"), move || {
            replaced(Pdf::of("BT /F 9 Tf (x) Tj ET").bytes(), from, to)
        });
    }
    add(attacks, "circle-reference.pdf", || {
        Pdf::of("BT /F 9 Tf (x) Tj ET").object(5, "5 0 R").object(6, "7 0 R").bytes()
    });
}

/// Returns bytes as zlib packs them.
fn deflated(bytes: Vec<u8>) -> Vec<u8> {
    let checksum = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let container = packed_bytes(&[(String::new(), Vec::new()), ("x".into(), bytes)]);
    // The second entry is deflated; its name has one byte.
    let start = container[4..].windows(4).position(|window| window == b"PK\x03\x04").unwrap() + 4 + 31;
    let end = container.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    [&[0x78, 0x9c], &container[start..end], &(checksum.1 << 16 | checksum.0).to_be_bytes()].concat()
}

fn bombs(attacks: &mut Vec<Attack>) {
    add(attacks, "run-length.pdf", bomb);
    let packed = |filter: &'static str, bytes: Vec<u8>| {
        let mut file = Pdf::new().page("", "", "").stream(200, filter, bytes).bytes();
        file = replaced(file, "/Contents 101 0 R", "/Contents 200 0 R");
        file
    };
    add(attacks, "once.pdf", move || packed("/Filter /FlateDecode", deflated(vec![b' '; 256 << 20])));
    add(attacks, "twice.pdf", move || {
        packed("/Filter [/FlateDecode /FlateDecode]", deflated(deflated(vec![b' '; 256 << 20])))
    });
    add(attacks, "predicted.pdf", move || {
        let filter = "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 99 >>";
        packed(filter, deflated(vec![b' '; 1 << 20]))
    });
    add(attacks, "filters.pdf", move || {
        packed("/Filter [/A85 /A85 /A85 /A85 /A85 /A85 /A85 /A85]", vec![b'z'; 1 << 20])
    });
    add(attacks, "zeros.pdf", move || packed("/Filter /ASCII85Decode", vec![b'z'; 32 << 20]));
    add(attacks, "many-filters.pdf", || {
        let filters = format!("/Filter [{}]", "/AHx ".repeat(100_000));
        Pdf::of("BT /F 9 Tf (x) Tj ET").stream(200, &filters, "00").bytes()
    });
    // One stream of a megabyte, named a hundred thousand times.
    add(attacks, "contents.pdf", || {
        let parts = format!("/Contents [{}]", "200 0 R ".repeat(100_000));
        let pdf = Pdf::of("").stream(200, "", vec![b' '; 1 << 20]);
        replaced(pdf.bytes(), "/Contents 101 0 R", &parts)
    });
    add(attacks, "objects.pdf", || {
        let stream = deflated(b"1 0 ".repeat(16 << 20));
        Pdf::of("BT /F 9 Tf (x) Tj ET")
            .stream(60, "/Type /ObjStm /N 99999999 /First 9 /Filter /FlateDecode", stream)
            .bytes()
    });
}

/// Operators, repeated.
const FLOODS: [(&str, &str, usize); 21] = [
    ("glyphs", "BT /F 9 Tf 1 0 0 1 9 9 Tm (aaaaaaaaaaaaaaaaaaaa) Tj ET ", 50_000),
    ("rows", "BT /F 9 Tf 1 0 0 1 9 %.7 Tm (a b c) Tj ET ", 20_000),
    ("places", "BT /F 9 Tf 1 0 0 1 %.3 %.7 Tm (a) Tj ET ", 20_000),
    ("sizes", "BT /F %.3 Tf 1 0 0 1 %.3 400 Tm (a) Tj ET ", 20_000),
    ("turns", "BT /F 9 Tf 0 1 -1 0 % % Tm (a) Tj ET ", 20_000),
    ("slants", "BT /F 9 Tf 1 .%1 -.%1 1 % 9 Tm (a) Tj ET ", 20_000),
    (
        "columns",
        "BT /F 9 Tf 1 0 0 1 % 700 Tm (word) Tj 0 -10 Td (word) Tj 0 -10 Td (word) Tj 0 -10 Td (word) Tj ET ",
        10_000,
    ),
    ("saved", "q ", 1_000_000),
    ("restored", "Q ", 1_000_000),
    ("numbers", "1 ", 1_000_000),
    ("names", "/A", 1_000_000),
    ("infinite", "BT /F 1e38 Tf 1e38 0 0 1e38 1e38 1e38 Tm (a) Tj ET ", 1_000),
    ("none", "BT /F 0 Tf 0 0 0 0 0 0 Tm (a) Tj ET ", 10_000),
    ("images", "BI /W 9999999 /H 9999999 ID x ", 50_000),
    ("rules", "9 % m 599 % l S % 9 m % 599 l S BT /F 9 Tf 1 0 0 1 % % Tm (a) Tj ET ", 1_990),
    ("boxes", "% % 9 9 re ", 500_000),
    ("corners", "9 9 m h 9 9 l ", 500_000),
    ("comments", "%%%%%%", 500_000),
    ("escapes", "(\\377\\\\\\", 100_000),
    ("digits", "0000000000", 500_000),
    ("hexadecimal", "<", 500_000),
];

fn floods(attacks: &mut Vec<Attack>) {
    for (name, piece, count) in FLOODS {
        add(attacks, &format!("flood-{name}.pdf"), move || {
            let numbered = |at: usize| piece.replace('%', &(at % 600).to_string());
            Pdf::of(&(0..count).map(numbered).collect::<String>()).bytes()
        });
    }
    add(attacks, "string.pdf", || Pdf::of(&format!("BT /F 9 Tf ({}) Tj ET", "a".repeat(4 << 20))).bytes());
    add(attacks, "adjusted.pdf", || Pdf::of(&format!("BT /F 9 Tf [{}] TJ ET", "(a)-9".repeat(500_000))).bytes());
    add(attacks, "pages.pdf", || (0..25_000).fold(Pdf::new(), |pdf, _| pdf.page("", "", "")).bytes());
    add(attacks, "notes.pdf", || {
        let note = "<< /Subtype /FreeText /Contents (x) /Rect [0 0 9 9] >> ".repeat(100_000);
        Pdf::new().page("", "", &format!("/Annots [{note}]")).bytes()
    });
    add(attacks, "links.pdf", || {
        let link = "<< /Subtype /Link /Rect [0 0 612 792] /A << /S /URI /URI (https://example.org) >> >>";
        let font = format!("/Font << /F {HELVETICA} >>");
        let annotations = format!("/Annots [{}]", link.repeat(100_000));
        Pdf::new().page(&"BT /F 9 Tf 9 9 Td (x) Tj ET ".repeat(20_000), &font, &annotations).bytes()
    });
    add(attacks, "outline.pdf", || {
        let title = |at: usize| format!("<< /Title (x) /First {} 0 R /Next {} 0 R >>", at + 1, at + 2);
        let pdf = (1_000..60_000).fold(Pdf::of("BT /F 9 Tf (x) Tj ET"), |pdf, at| pdf.object(at, title(at)));
        let pdf = pdf.object(50, "<< /First 1000 0 R >>");
        replaced(pdf.bytes(), "/Type /Catalog", "/Type /Catalog /Outlines 50 0 R")
    });
    add(attacks, "fields.pdf", || {
        let note = format!("<< /Subtype /Widget /V ({}) /Rect [1e38 -1e38 1e308 1] >> ", "x\n".repeat(10_000));
        Pdf::new().page("", "", &format!("/Annots [{}]", note.repeat(20))).bytes()
    });
}

fn indexes(attacks: &mut Vec<Attack>) {
    let ends = [
        ("itself", "xref\n0 0\ntrailer\n<< /Root 1 0 R /Prev @ >>\nstartxref\n@\n%%EOF"),
        (
            "huge",
            "xref\n0 4294967295\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R /Size 4294967295 >>\nstartxref\n@\n%%EOF",
        ),
        ("far", "xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R >>\nstartxref\n99999999999999999999\n%%EOF"),
        (
            "stream",
            "9 0 obj << /Type /XRef /W [9 9 9] /Size 2147483647 /Root 1 0 R /Length 9 >> stream\n123456789\nendstream\nstartxref\n@\n%%EOF",
        ),
        (
            "wide",
            "9 0 obj << /Type /XRef /W [2147483647 4 4] /Index [0 2147483647] /Size 9 /Root 1 0 R /Length 1 >> stream\n1\nendstream\nstartxref\n@\n%%EOF",
        ),
        (
            "zero",
            "9 0 obj << /Type /XRef /W [0 0 0] /Index [0 2147483647] /Size 2147483647 /Root 1 0 R /Length 1 >> stream\n1\nendstream\nstartxref\n@\n%%EOF",
        ),
        ("hybrid", "xref\n0 0\ntrailer\n<< /Root 1 0 R /XRefStm @ >>\nstartxref\n@\n%%EOF"),
    ];
    for (name, end) in ends {
        add(attacks, &format!("index-{name}.pdf"), move || {
            let mut file = Pdf::of("BT /F 9 Tf (x) Tj ET").bytes();
            let at = file.len().to_string();
            file.extend_from_slice(end.replace('@', &at).as_bytes());
            file
        });
    }
    add(attacks, "index-chain.pdf", || {
        let mut file = Pdf::of("BT /F 9 Tf (x) Tj ET").bytes();
        let mut before = 9;
        for _ in 0..20_000 {
            let at = file.len();
            file.extend_from_slice(format!("xref\n0 0\ntrailer\n<< /Root 1 0 R /Prev {before} >>\n").as_bytes());
            before = at;
        }
        file.extend_from_slice(format!("startxref\n{before}\n%%EOF").as_bytes());
        file
    });
    add(attacks, "objects-everywhere.pdf", || [b"%PDF-1.4\n".to_vec(), b"1 0 obj ".repeat(500_000)].concat());
    add(attacks, "marks-everywhere.pdf", || [b"%PDF-1.4\n".to_vec(), b"/Root /ID ".repeat(300_000)].concat());
    add(attacks, "ends-everywhere.pdf", || [b"%PDF-1.4\n".to_vec(), b"startxref 9 %%EOF ".repeat(100_000)].concat());
}

fn fonts(attacks: &mut Vec<Attack>) {
    let maps = [
        (
            "full",
            "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0000> <ffff> <0000> endbfrange ",
            2_000,
        ),
        (
            "wide",
            "1 beginbfrange <00000000> <ffffffff> <0000> endbfrange 1 begincidrange <00000000> <ffffffff> 0 endcidrange ",
            100,
        ),
        ("back", "1 beginbfrange <ffff> <0000> <ffff> endbfrange ", 10_000),
        ("long", "1 beginbfchar <01> <004100410041004100410041004100410041004100410041> endbfchar ", 20_000),
        ("uses", "/A usecmap /Identity-H usecmap /GBK-EUC-H usecmap ", 10_000),
        ("open", "1 beginbfrange <0000> <ffff> [", 10_000),
        ("ranges", "100 begincodespacerange <00> <ff> <0000> <ffff> <000000> <ffffff> ", 10_000),
    ];
    for (name, map, count) in maps {
        add(attacks, &format!("map-{name}.pdf"), move || {
            let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding 12 0 R /ToUnicode 12 0 R /DescendantFonts [<< /Type \
                /Font /Subtype /CIDFontType2 /DW 1e30 /W [0 2147483647 1e30 9 [1e308]] >>] >>";
            let pdf = Pdf::new().stream(12, "/Type /CMap /UseCMap 12 0 R", map.repeat(count));
            pdf.page("BT /F 10 Tf <004100420043> Tj ET", &format!("/Font << /F {font} >>"), "").bytes()
        });
    }
    let odd = [
        "<< /Type /Font /Subtype /Type0 /DescendantFonts [12 0 R] /Encoding /Identity-H >>",
        "<< /Type /Font /Subtype /Type3 /CharProcs << /a 10 0 R >> /Encoding << /Differences [97 /a] >> /FontMatrix [0 0 0 0 0 0] >>",
        "<< /Type /Font /Subtype /Type1 /FirstChar -2147483648 /LastChar 2147483647 /Widths [1e308] >>",
        "<< /Type /Font /Subtype /Type1 /Encoding << /Differences [2147483647 /a -9 /b /u110000 /uniD800 /g99999999999] >> >>",
        "<< /Type /Font /Subtype /TrueType /FontDescriptor << /FontFile2 13 0 R >> >>",
        "<< /Type /Font /Subtype /Type1 /FontDescriptor << /FontFile3 13 0 R >> >>",
    ];
    for (at, font) in odd.into_iter().enumerate() {
        add(attacks, &format!("font-{at}.pdf"), move || {
            let program = [&[0, 1, 0, 0, 0xFF, 0xFF], [0xFF; 4096].as_slice()].concat();
            let pdf = Pdf::new().object(12, font).stream(13, "", program);
            pdf.page("BT /F 10 Tf (abc) Tj ET", "/Font << /F 12 0 R >>", "").bytes()
        });
    }
}
