//! PDF files as they come: each defect of producers and of the interpreter has a small file of its own here.

use ragstone_ingest::{BlockKind, Limits, ReadError, read};

use crate::fixture::pdf::{HELVETICA, Pdf, shown};

fn check(pdf: Pdf, expected: &str) {
    assert_eq!(pdf.read().text, expected);
}

#[test]
fn words_are_found_by_gaps_where_there_are_no_spaces() {
    check(Pdf::of("BT /F 10 Tf 50 700 Td [(No)-300(spaces)-300(here)] TJ ET"), "No spaces here");
}

#[test]
fn letters_set_apart_are_one_word() {
    check(Pdf::of("BT /F 10 Tf 3 Tc 50 700 Td (spaced) Tj ET"), "spaced");
}

#[test]
fn quote_operators_show_text_on_the_next_line() {
    check(Pdf::of("BT /F 10 Tf 12 TL 50 700 Td (one) Tj (two) ' 0 0 (three) \" ET"), "one two three");
}

#[test]
fn word_spacing_parts_words() {
    check(Pdf::of("BT /F 10 Tf 5 Tw 50 700 Td (a b c) Tj ET"), "a b c");
}

#[test]
fn text_stands_where_it_stands_however_it_was_placed() {
    let expected = Pdf::of("BT /F 10 Tf 50 700 Td (ab) Tj ET").read();
    for content in [
        "BT /F 10 Tf 50 700 Td (a) Tj 5.56 0 Td (b) Tj ET",
        "BT /F 10 Tf 1 0 0 1 55.56 700 Tm (b) Tj 1 0 0 1 50 700 Tm (a) Tj ET",
        "1 0 0 1 50 700 cm BT /F 10 Tf (a) Tj (b) Tj ET",
        "BT /F 10 Tf 50 700 Td [(a) 1000 -1000 (b)] TJ ET",
        "q 10 0 0 10 50 700 cm BT /F 1 Tf (a) Tj ET Q BT /F 10 Tf 55.56 700 Td (b) Tj ET",
        "q 0.5 0 0 1 0 0 cm BT /F 10 Tf 200 Tz 100 700 Td (a) Tj (b) Tj ET Q",
        "BT /F 10 Tf 50 690 Td 10 Ts (ab) Tj ET",
        "BT /F 10 Tf 45 712 Td 5 -12 TD (a) Tj 0 12 Td T* q 9 Tc Q 5.56 0 Td (b) Tj ET",
    ] {
        let found = Pdf::of(content).read();
        assert_eq!((&found.text, &found.blocks), (&expected.text, &expected.blocks), "{content}");
    }
}

#[test]
fn a_form_stands_where_its_matrix_and_the_page_put_it() {
    let form = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Matrix [1 0 0 1 0 100] /Resources << /Font << /F {HELVETICA} >> >>"
    );
    let content = format!("{} q 1 0 0 1 50 580 cm /X Do Q", shown(&[(50.0, 700.0, "above"), (50.0, 660.0, "below")]));
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    let pdf = Pdf::new().stream(10, &form, "BT /F 10 Tf (between) Tj ET").page(&content, &resources, "");
    check(pdf, "above\n\nbetween\n\nbelow");
}

/// Fonts are kept by resource name in the interpreter; a form's `F` is not the page's `F`.
#[test]
fn a_font_of_a_form_does_not_replace_that_of_the_page() {
    let map = "1 beginbfchar <61> <0042> endbfchar";
    let other = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 11 0 R >>";
    let form = format!("/Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F {other} >> >>");
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    let content = "BT /F 10 Tf 50 700 Td (a) Tj ET q 1 0 0 1 50 600 cm /X Do Q BT /F 10 Tf 50 500 Td (a) Tj ET";
    let pdf = Pdf::new().stream(11, "", map).stream(10, &form, "BT /F 10 Tf (a) Tj ET").page(content, &resources, "");
    check(pdf, "a\n\nB\n\na");
}

/// A form that draws itself overflowed the stack of the interpreter and ended the process.
#[test]
fn a_form_that_draws_itself_is_drawn_once() {
    let form = "/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 10 0 R >> >>";
    let content = format!("/X Do {}", shown(&[(50.0, 700.0, "still here")]));
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    check(Pdf::new().stream(10, form, "/X Do /X Do").page(&content, &resources, ""), "still here");
}

#[test]
fn an_image_is_not_run_as_content() {
    let resources = format!("/Font << /F {HELVETICA} >> /XObject << /X 10 0 R >>");
    let image = Pdf::new().stream(10, "/Subtype /Image /Width 1 /Height 1", "BT /F 10 Tf (pixels) Tj ET");
    check(image.page(&format!("/X Do {}", shown(&[(9.0, 9.0, "text")])), &resources, ""), "text");
}

#[test]
fn an_inline_image_ends_where_it_ends() {
    let content = format!("BI /W 1 /H 1 /BPC 8 /CS /G ID \u{1}(EI)x EI {}", shown(&[(50.0, 700.0, "after")]));
    check(Pdf::of(&content), "after");
}

fn composite(encoding: &str, more: &str) -> String {
    format!(
        "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding {encoding} {more} /DescendantFonts [<< \
         /Type /Font /Subtype /CIDFontType0 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) \
         /Supplement 2 >> >>] >> >>"
    )
}

fn check_composite(encoding: &str, codes: &str, expected: &str) {
    let content = format!("BT /F 10 Tf 50 700 Td <{codes}> Tj ET");
    check(Pdf::new().page(&content, &composite(encoding, ""), ""), expected);
}

/// Fonts with predefined encodings are not embedded in most Chinese, Japanese and Korean files; the interpreter
/// panicked on every one of them.
#[test]
fn predefined_encodings_are_read() {
    check_composite("/GBK-EUC-H", "d6d0ced4416263", "中卧Abc");
    check_composite("/UniGB-UCS2-H", "4e2d6587", "中文");
    check_composite("/UniGB-UTF16-H", "4e2dd840dc0b", "中𠀋");
    check_composite("/90ms-RKSJ-H", "93fa967b8ceab1", "日本語ｱ");
    check_composite("/ETen-B5-H", "a4a4a4e5", "中文");
    check_composite("/KSCms-UHC-H", "c7d1b1b9", "한국");
    check_composite("/EUC-H", "c6fccbdc", "日本");
    check_composite("/H", "467c4b5c", "日本");
}

#[test]
fn an_embedded_encoding_with_codes_of_both_lengths_is_read() {
    let map = "2 begincodespacerange <00> <7f> <8140> <fefe> endcodespacerange 1 begincidrange <00> <7f> 1 endcidrange";
    let text = "2 beginbfchar <41> <0058> <8140> <4e2d> endbfchar";
    let pdf = Pdf::new().stream(12, "/Type /CMap", map).stream(13, "", text);
    let resources = composite("12 0 R", "/ToUnicode 13 0 R");
    check(pdf.page("BT /F 10 Tf 50 700 Td <418140> Tj ET", &resources, ""), "X中");
}

#[test]
fn sloppy_unicode_maps_do_not_lose_the_page() {
    let map = "9 beginbfchar <41> <006> <42> <d800> <43> <00430044> endbfchar 1 beginbfrange <61> <63> [<0078> <0079>] endbfrange";
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 13 0 R >> >>";
    let pdf = Pdf::new().stream(13, "", map);
    assert!(pdf.page("BT /F 10 Tf 50 700 Td (Cab) Tj ET", font, "").read().text.contains("CDxy"));
}

#[test]
fn widths_of_composite_fonts_come_in_both_forms() {
    let font = "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 13 0 R \
                /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /DW 100 /W [1 2 500 3 [500]] >>] >> >>";
    let map = "1 beginbfrange <0001> <0003> <0061> endbfrange";
    let pdf = Pdf::new().stream(13, "", map).page("BT /F 10 Tf 50 700 Td <000100020003> Tj ET", font, "");
    let document = pdf.read();
    assert_eq!(document.text, "abc");
    let (_, x0, _, x1, _) = document.blocks[0].boxes[0];
    assert_eq!(x1 - x0, 15.0);
}

#[test]
fn glyphs_that_are_drawings_have_the_names_and_widths_of_their_font() {
    let font = "/Font << /F << /Type /Font /Subtype /Type3 /FontMatrix [.01 0 0 .01 0 0] /FirstChar 97 /Widths [50] \
        /CharProcs << >> /Encoding << /Differences [97 /a /b] >> >> >>";
    let document = Pdf::new().page("BT /F 10 Tf 50 700 Td (a) Tj 5 0 Td (b) Tj ET", font, "").read();
    assert_eq!(document.text, "ab");
}

#[test]
fn a_unicode_map_that_is_a_name_means_the_codes_themselves() {
    let font = "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode /Identity-V \
                /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>] >> >>";
    check(Pdf::new().page("BT /F 10 Tf 50 700 Td <4e2d0041> Tj ET", font, ""), "中A");
}

fn ascii_85(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(4) {
        let mut value = (0..4).fold(0_u32, |sum, at| sum << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = b'!' + (value % 85) as u8;
            value /= 85;
        }
        text.extend_from_slice(&digits[..=group.len()]);
    }
    [text, b"~>".to_vec()].concat()
}

#[test]
fn content_under_every_text_filter_is_read() {
    let hexadecimal: String = "BT /F 10 Tf 50 700 Td (hex) Tj ET".bytes().map(|byte| format!("{byte:02x}")).collect();
    let plain = b"BT /F 10 Tf 50 700 Td (packed) Tj ET";
    // Codes of nine bits: clear, each byte by itself, end.
    let codes = std::iter::once(256).chain(plain.iter().map(|byte| u32::from(*byte))).chain([257]);
    let bits: Vec<u8> = codes.flat_map(|code| (0..9).rev().map(move |bit| (code >> bit & 1) as u8)).collect();
    let lzw: Vec<u8> =
        bits.chunks(8).map(|byte| (0..8).fold(0, |sum, bit| sum << 1 | byte.get(bit).unwrap_or(&0))).collect();
    let runs = [&[33], b"BT /F 10 Tf 50 700 Td (runs) Tj ET".as_slice(), &[128]].concat();
    for (filter, bytes, expected) in [
        ("/Filter /ASCIIHexDecode", (hexadecimal + ">").into_bytes(), "hex"),
        ("/Filter [/RunLengthDecode]", runs, "runs"),
        ("/Filter /LZWDecode", lzw, "packed"),
        ("/Filter /ASCII85Decode", ascii_85(plain), "packed"),
        (
            "/Filter [/AHx /A85]",
            ascii_85(plain).iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            "packed",
        ),
    ] {
        let resources = format!("/Font << /F {HELVETICA} >>");
        let mut pdf = Pdf::new().page("", &resources, "").stream(200, filter, bytes);
        let page = String::from_utf8(pdf.objects[0].1.clone()).unwrap().replace("101 0 R", "200 0 R");
        pdf.objects[0].1 = page.into_bytes();
        check(pdf, expected);
    }
}

#[test]
fn glyph_names_that_spell_their_character_are_read() {
    let encoding = "<< /Type /Encoding /Differences [65 /uni4E2D /u1F600 /f_f_i /a.alt /eacute] >>";
    let font = format!("/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding {encoding} >> >>");
    check(Pdf::new().page("BT /F 10 Tf 50 700 Td (ABCDE) Tj ET", &font, ""), "中😀ffiaé");
}

#[test]
fn a_damaged_font_program_costs_no_text() {
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /FirstChar 65 \
                /LastChar 200 /Widths [600 600] /FontDescriptor << /Type /FontDescriptor /FontFile3 14 0 R >> >> >>";
    let pdf = Pdf::new().stream(14, "/Subtype /Type1C", "no font at all");
    check(pdf.page("BT /F 10 Tf 50 700 Td (AB) Tj ET", font, ""), "AB");
}

#[test]
fn odd_operands_and_unknown_states_are_passed_over() {
    let content = "/Nothing gs /Pattern cs /P scn (x) Tj /Gone 5 Tf (y) Tj 1 cm Q Q ] >> \
                   BT /F 10 Tf 50 700 Td [(ok) /Name null] TJ 5 Tj ET";
    check(Pdf::of(content), "ok");
}

#[test]
fn a_page_without_a_size_or_with_a_damaged_stream_is_no_end() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let pdf = Pdf::new().page(&shown(&[(50.0, 700.0, "first")]), &resources, "/MediaBox []");
    let pdf = pdf.page("", "", "/MediaBox [0 0 99 99]").page(&shown(&[(50.0, 700.0, "third")]), &resources, "");
    let document = pdf.read();
    assert_eq!(document.text, "first\n\nthird");
    assert_eq!(document.pages, Some(3));
    assert_eq!(document.blocks.iter().map(|block| block.page).collect::<Vec<_>>(), [Some(1), Some(3)]);
}

#[test]
fn a_turned_page_is_read_as_it_is_seen() {
    let content =
        "BT /F 10 Tf 0 1 -1 0 100 50 Tm (first line) Tj ET BT /F 10 Tf 0 1 -1 0 112 50 Tm (second line) Tj ET";
    let resources = format!("/Font << /F {HELVETICA} >>");
    let document = Pdf::new().page(content, &resources, "/Rotate 90").read();
    assert_eq!(document.text, "first line second line");
    let (page, x0, y0, x1, y1) = document.blocks[0].boxes[0];
    assert!(page == 1 && x0 == 50.0 && x1 < 150.0 && y0 > 490.0 && y1 < 530.0, "{x0} {y0} {x1} {y1}");
}

#[test]
fn a_page_may_be_turned_any_way_and_start_anywhere() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    for (turn, matrix, next) in [
        (90, "0 1 -1 0 200 150", "0 1 -1 0 212 150"),
        (180, "-1 0 0 -1 300 300", "-1 0 0 -1 300 312"),
        (270, "0 -1 1 0 200 300", "0 -1 1 0 188 300"),
        (-90, "0 -1 1 0 200 300", "0 -1 1 0 188 300"),
    ] {
        let content = format!("BT /F 10 Tf {matrix} Tm (first line) Tj {next} Tm (second line) Tj ET");
        let more = format!("/Rotate {turn} /MediaBox [100 100 400 500]");
        let document = Pdf::new().page(&content, &resources, &more).read();
        assert_eq!(document.text, "first line second line", "{turn}");
        let (_, x0, y0, x1, y1) = document.blocks[0].boxes[0];
        let (width, height) = if turn == 180 { (300.0, 400.0) } else { (400.0, 300.0) };
        assert!(x0 >= 0.0 && y0 >= 0.0 && x1 <= width && y1 <= height, "{turn}: {x0} {y0} {x1} {y1}");
    }
}

#[test]
fn text_outside_the_visible_box_is_not_text() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let content = shown(&[(50.0, 700.0, "hidden"), (50.0, 150.0, "seen")]);
    check(Pdf::new().page(&content, &resources, "/CropBox [0 100 612 300]"), "seen");
}

#[test]
fn form_fields_show_their_value() {
    let appearance = format!("/Subtype /Form /BBox [0 0 100 20] /Resources << /Font << /F {HELVETICA} >> >>");
    let annotation = "/Annots [<< /Subtype /Widget /Rect [50 600 150 620] /AP << /N 15 0 R >> >>]";
    let resources = format!("/Font << /F {HELVETICA} >>");
    let pdf = Pdf::new().stream(15, &appearance, "BT /F 10 Tf 2 5 Td (filled in) Tj ET");
    check(pdf.page(&shown(&[(50.0, 700.0, "Name:")]), &resources, annotation), "Name:\n\nfilled in");
}

#[test]
fn fields_and_free_texts_that_nothing_draws_show_what_they_state() {
    let pdf = Pdf::of(&shown(&[(50.0, 700.0, "Form")]))
        .object(
            100,
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 101 0 R /Annots [20 0 R 21 0 R] >>",
        )
        .object(20, "<< /Subtype /Widget /FT /Tx /V (Ten days) /Rect [50 600 200 620] >>")
        .object(21, "<< /Subtype /FreeText /Contents <FEFF5E745047> /Rect [50 500 200 520] >>");
    check(pdf, "Ten days\n\n年假");
}

#[test]
fn glyph_numbers_of_a_known_collection_are_text_without_a_unicode_map() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font \
        /Subtype /CIDFontType0 /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 4 >> >>] >>";
    let content = "BT /F 10 Tf 50 700 Td <034B034C002200230024> Tj ET";
    check(Pdf::new().page(content, &format!("/Font << /F {font} >>"), ""), "あぃABC");
}

/// Returns a TrueType program that has nothing but a map of characters: `中` is glyph 5.
fn truetype() -> Vec<u8> {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let segments =
        words(&[4, 32, 0, 4, 4, 1, 0, 0x4e2d, 0xffff, 0, 0x4e2d, 0xffff, 5_u16.wrapping_sub(0x4e2d), 1, 0, 0]);
    let map = [words(&[0, 1, 3, 1, 0, 12]), segments].concat();
    let record = words(&[0, 1, 1, 0, 0, 0, 0x636d, 0x6170, 0, 0, 0, 28, 0, map.len() as u16]);
    [record, map].concat()
}

/// Without a Unicode map and a collection, the font program is all that says what a glyph means.
#[test]
fn glyph_numbers_of_an_embedded_truetype_font_are_text_by_its_own_map() {
    let font = |map: &str| {
        format!(
            "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< /Type /Font \
             /Subtype /CIDFontType2 /BaseFont /X /CIDToGIDMap {map} /FontDescriptor << /FontFile2 14 0 R >> >>] >> >>"
        )
    };
    let pdf = || Pdf::new().stream(14, "", truetype()).stream(15, "", [0, 0, 0, 5]);
    check(pdf().page("BT /F 10 Tf 50 700 Td <0005> Tj ET", &font("/Identity"), ""), "中");
    check(pdf().page("BT /F 10 Tf 50 700 Td <0001> Tj ET", &font("15 0 R"), ""), "中");
}

#[test]
fn ligatures_are_letters_and_powers_stay_powers() {
    let map = "4 beginbfchar <61> <fb01> <62> <fb03> <63> <0066006c> <64> <00b2> endbfchar";
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 13 0 R >> >>";
    check(Pdf::new().stream(13, "", map).page("BT /F 10 Tf 50 700 Td (abcd) Tj ET", font, ""), "fiffifl²");
}

#[test]
fn title_author_and_time_are_what_the_file_states() {
    let bytes = Pdf::of(&shown(&[(50.0, 700.0, "text")]))
        .object(50, "<< /Title <FEFF54585DE5624B518C> /Author (A. Writer) /CreationDate (D:20240131120000+01'00') >>")
        .bytes();
    let text = String::from_utf8(bytes).unwrap().replace("/Root 1 0 R", "/Root 1 0 R /Info 50 0 R");
    let document = read(text.as_bytes(), "a.pdf", &Limits::default()).unwrap();
    assert_eq!(document.title.as_deref(), Some("员工手册"));
    assert_eq!(document.author.as_deref(), Some("A. Writer"));
    assert_eq!(document.created.as_deref(), Some("2024-01-31T12:00:00+01:00"));
}

/// Its upper half is not that of Windows: æ came out as ñ.
#[test]
fn a_font_that_states_no_encoding_and_is_no_symbol_font_has_the_standard_one() {
    let font = |flags: u8| {
        let widths = "500 ".repeat(224);
        format!(
            "/Font << /F << /Type /Font /Subtype /TrueType /BaseFont /ArialMT /FirstChar 32 /Widths [{widths}] \
             /FontDescriptor << /Type /FontDescriptor /Flags {flags} >> >> >>"
        )
    };
    let content = "BT /F 10 Tf 50 700 Td (ae,\\361 \\200) Tj ET";
    check(Pdf::new().page(content, &font(32), ""), "ae,æ €");
    check(Pdf::new().page(content, &font(4), ""), "ae,ñ €");
}

#[test]
fn vertical_writing_is_read_down_its_columns_from_the_right() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /UniJIS-UTF16-V /DescendantFonts [<< /Type /Font \
        /Subtype /CIDFontType0 /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 4 >> >>] >>";
    let column = |x: u32, text: &str| {
        let codes: String = text.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
        format!("BT /F 20 Tf 1 0 0 1 {x} 760 Tm [<{codes}> 100 <3002>] TJ ET ")
    };
    let down = "吾輩は猫である名前はまだ無いどこで生れたかとんと見当がつかぬ";
    let content = column(500, down) + &column(470, "二行目の文章") + &column(440, "三行目の文章");
    check(
        Pdf::new().page(&content, &format!("/Font << /F {font} >>"), ""),
        &format!("{down}。二行目の文章。\n\n三行目の文章。"),
    );
}

/// Up is positive for the room between letters of vertical text, so that a negative one sets them apart.
#[test]
fn letters_of_vertical_text_set_apart_keep_their_order() {
    let font = "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /UniJIS-UTF16-V /DescendantFonts [<< \
        /Type /Font /Subtype /CIDFontType0 >>] >> >>";
    let column = |x: u32| format!("BT /F 20 Tf -8 Tc 1 0 0 1 {x} 760 Tm <7b2c4e00884c> Tj <76ee> Tj ET ");
    check(Pdf::new().page(&(column(500) + &column(460)), font, ""), "第一行目\n\n第一行目");
}

/// Codes without a meaning were passed over, and a page full of them passed for a blank one.
#[test]
fn a_page_in_an_unknown_encoding_is_named() {
    let unknown = "/Font << /F << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [<< \
        /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>] >> >>";
    let pdf = Pdf::of(&shown(&[(50.0, 700.0, "text")])).page("BT /F 10 Tf 50 700 Td <000500060007> Tj ET", unknown, "");
    let document = pdf.read();
    assert_eq!(document.warnings, ["page 2: needs_ocr, its text is not in a known encoding"]);
    assert_eq!((document.needs_ocr, document.page_quality), (vec![2], vec![1.0, 0.0]));
}

#[test]
fn a_page_that_is_a_picture_is_named_beside_those_with_text() {
    let image = "/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray";
    let pdf = Pdf::of(&shown(&[(50.0, 700.0, "text")])).page("/I Do", "/XObject << /I 50 0 R >>", "");
    let document = pdf.stream(50, image, [0]).read();
    assert_eq!(document.warnings, ["page 2: needs_ocr, it shows a picture and no text"]);
}

#[test]
fn two_columns_are_read_one_after_the_other() {
    let mut lines = vec![(50.0, 740.0, "A title that runs across both of the columns of this page, from edge to edge")];
    for row in 0..5 {
        let y = 700.0 - 12.0 * row as f32;
        lines.push((50.0, y, "left column of text that is long enough"));
        lines.push((320.0, y, "right column of text that is long enough"));
    }
    let text = Pdf::of(&shown(&lines)).read().text;
    let (left, right) = (text.rfind("left").unwrap(), text.find("right").unwrap());
    assert!(text.starts_with("A title") && left < right, "{text}");
}

#[test]
fn rows_of_aligned_cells_are_a_table() {
    let mut lines = Vec::new();
    for (row, cells) in
        [["Item", "2022", "2021"], ["Revenue", "5,931", "7,103"], ["Cost", "2,754", "2,472"]].iter().enumerate()
    {
        for (column, cell) in cells.iter().enumerate() {
            lines.push((50.0 + 150.0 * column as f32, 700.0 - 12.0 * row as f32, *cell));
        }
    }
    let document = Pdf::of(&shown(&lines)).read();
    assert_eq!(document.blocks[0].kind, BlockKind::Table);
    assert_eq!(document.blocks[0].cells[1], ["Revenue", "5,931", "7,103"]);
    assert_eq!(document.text, "Item | 2022 | 2021\nRevenue | 5,931 | 7,103\nCost | 2,754 | 2,472");
}

#[test]
fn cells_of_a_table_stand_in_their_column_where_others_are_empty() {
    let content = shown(&[
        (150.0, 700.0, "Paid in the quarter"),
        (50.0, 685.0, "Item"),
        (150.0, 685.0, "March"),
        (250.0, 685.0, "April"),
        (50.0, 670.0, "Tea"),
        (250.0, 670.0, "12"),
        (50.0, 655.0, "Cups"),
        (158.0, 655.0, "7"),
        (250.0, 655.0, "1,204"),
        (150.0, 640.0, "7"),
        (250.0, 640.0, "1,216"),
    ]);
    let document = Pdf::of(&content).read();
    let table = document.blocks.iter().find(|block| block.kind == BlockKind::Table).unwrap();
    let rows: Vec<Vec<&str>> = table.cells.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let expected = [["Item", "March", "April"], ["Tea", "", "12"], ["Cups", "7", "1,204"], ["", "7", "1,216"]];
    assert_eq!(rows[rows.len() - 4..], expected);
}

#[test]
fn a_word_cut_at_the_end_of_a_line_is_joined() {
    let lines = [(50.0, 700.0, "The manage-"), (50.0, 688.0, "ment of re-"), (50.0, 676.0, "Entry (x)")];
    check(Pdf::of(&shown(&lines).replace("(x)", "x")), "The management of re-Entry x");
}

#[test]
fn what_a_hyphen_holds_together_stays_so_at_the_end_of_a_line() {
    let lines = [
        (50.0, 700.0, "as defined in Rules 13a-"),
        (50.0, 688.0, "15 and"),
        (50.0, 676.0, "10-"),
        (50.0, 664.0, "K -"),
    ];
    let lines = [&lines[..], &[(50.0, 652.0, "not here")]].concat();
    check(Pdf::of(&shown(&lines)), "as defined in Rules 13a-15 and 10-K - not here");
}

#[test]
fn larger_and_numbered_lines_are_headings() {
    let body = shown(&[(50.0, 660.0, "Running text, of which a document has most, in the usual size of letters.")]);
    let item =
        shown(&[(50.0, 640.0, "Item 2. Discussion and Analysis"), (50.0, 600.0, "More running text follows here.")]);
    let document = Pdf::of(&format!("BT /F 18 Tf 50 700 Td (Annual Report) Tj ET {body} {item}")).read();
    let levels: Vec<Option<u8>> = document.blocks.iter().map(|block| block.level).collect();
    assert_eq!(levels, [Some(1), None, Some(2), None], "{}", document.text);
    assert_eq!(document.title.as_deref(), Some("Annual Report"));
}

/// Headings in the size of the text are told by nothing else.
#[test]
fn titles_of_the_outline_are_headings_of_their_depth() {
    let lines =
        [(50.0, 700.0, "Leave"), (50.0, 670.0, "What follows is about leave."), (50.0, 640.0, "Annual leave - days")];
    let bytes = Pdf::of(&shown(&[&lines[..], &[(50.0, 610.0, "There are twenty-five.")]].concat()))
        .object(50, "<< /First 51 0 R >>")
        .object(51, "<< /Title (Leave) /First 52 0 R /Next 51 0 R >>")
        .object(
            52,
            "<< /Title <FEFF0041004E004E00550041004C0020006C006500610076006520140064006100790073> /First 51 0 R >>",
        )
        .bytes();
    let text = String::from_utf8(bytes).unwrap().replace("/Type /Catalog", "/Type /Catalog /Outlines 50 0 R");
    let document = read(text.as_bytes(), "a.pdf", &Limits::default()).unwrap();
    let levels: Vec<Option<u8>> = document.blocks.iter().map(|block| block.level).collect();
    assert_eq!(levels, [Some(1), None, Some(2), None], "{}", document.text);
}

#[test]
fn running_lines_and_page_numbers_are_left_out_after_the_first_page() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let mut pdf = Pdf::new();
    for (number, body) in (1..).zip(["alpha is here", "beta is here", "gamma is here", "delta is here"]) {
        let page_number = number.to_string();
        let lines = [(50.0, 770.0, "Handbook"), (50.0, 400.0, body), (300.0, 30.0, page_number.as_str())];
        pdf = pdf.page(&shown(&lines), &resources, "");
    }
    check(pdf, "Handbook\n\nalpha is here\n\nbeta is here\n\ngamma is here\n\ndelta is here");
}

#[test]
fn ranges_and_pages_of_blocks_point_into_the_text() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let page = |text: &str| shown(&[(50.0, 700.0, text), (50.0, 600.0, "second paragraph é")]);
    let document = Pdf::new().page(&page("one"), &resources, "").page(&page("two"), &resources, "").read();
    let characters: Vec<char> = document.text.chars().collect();
    let mut end = 0;
    for block in &document.blocks {
        assert!(block.start >= end && block.end > block.start && block.end <= characters.len());
        end = block.end;
    }
    let third: String = characters[document.blocks[2].start..document.blocks[2].end].iter().collect();
    assert_eq!((third.as_str(), document.blocks[2].page), ("two", Some(2)));
}

#[test]
fn a_file_with_a_broken_index_is_rebuilt() {
    let bytes = Pdf::of(&shown(&[(50.0, 700.0, "saved")])).bytes();
    let end = bytes.windows(4).rposition(|window| window == b"xref").unwrap() - 5;
    let index = bytes.windows(5).position(|window| window == b"xref\n").unwrap();
    for damaged in [&bytes[..index.min(end)], &[&bytes[..9], b"garbage\n".as_slice(), &bytes[9..]].concat()] {
        let document = read(damaged, "broken.pdf", &Limits::default()).unwrap();
        assert_eq!(document.text, "saved");
        assert_eq!(document.warnings.len(), 1);
    }
}

/// Streams with a wrong length were left out without a word, and their page was blank.
#[test]
fn a_stream_without_a_right_length_ends_where_it_says_so() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let pages = Pdf::of(&shown(&[(50.0, 700.0, "first")])).page(&shown(&[(50.0, 700.0, "second")]), &resources, "");
    let file = String::from_utf8(pages.bytes()).unwrap();
    let (start, end) = file.rsplit_once("/Length").unwrap();
    let (_, end) = end.split_once(" >>").unwrap();
    for length in
        ["", "/Length 0", "/Length 9", "/Length 9999", "/Length -1", "/Length 77 0 R", "/Length 101 0 R", "/Length (x)"]
    {
        let document = read(format!("{start}{length} >>{end}").as_bytes(), "a.pdf", &Limits::default()).unwrap();
        assert_eq!(document.text, "first\n\nsecond", "{length}");
    }
}

#[test]
fn a_page_tree_that_leads_in_a_circle_ends() {
    let bytes = Pdf::of(&shown(&[(50.0, 700.0, "x")])).bytes();
    let text = String::from_utf8(bytes).unwrap().replace("/Kids [100 0 R]", "/Kids [2 0 R]  ");
    assert!(read(text.as_bytes(), "circle.pdf", &Limits::default()).is_ok());
}

#[test]
fn a_file_without_text_says_whether_it_is_a_scan() {
    let scan = Pdf::new().stream(10, "/Subtype /Image", "x").page("/X Do", "/XObject << /X 10 0 R >>", "");
    let no_text = |detail: &str| Err(ReadError::NoText { detail: detail.into() });
    assert_eq!(read(&scan.bytes(), "scan.pdf", &Limits::default()), no_text("scanned"));
    assert_eq!(read(&Pdf::of("").bytes(), "blank.pdf", &Limits::default()), no_text("blank"));
}

#[test]
fn limits_on_pages_and_characters_hold() {
    let limits = Limits { pages_max: 1, ..Limits::default() };
    let two = Pdf::of("").page("", "", "").bytes();
    assert_eq!(read(&two, "a.pdf", &limits), Err(ReadError::LimitExceeded { what: "pages".into(), limit: 1 }));
    let limits = Limits { text_chars_max: 3, ..Limits::default() };
    let long = Pdf::of(&shown(&[(50.0, 700.0, "four")])).bytes();
    let expected = ReadError::LimitExceeded { what: "characters of text".into(), limit: 3 };
    assert_eq!(read(&long, "a.pdf", &limits), Err(expected));
}

#[test]
fn the_cost_of_a_page_does_not_grow_with_the_file() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let mut pdf = Pdf::new();
    for number in 0..3_000 {
        pdf = pdf.page(&format!("BT /F 10 Tf 50 {} Td (word) Tj ET", 200 + number % 400), &resources, "");
    }
    let document = pdf.read();
    assert_eq!(document.pages, Some(3_000));
    assert_eq!(document.blocks.len(), 3_000);
}
