//! Links of PDF files: which addresses are kept, on which words, and what a file of nothing but links costs.

use std::time::{Duration, Instant};

use ragstone_ingest::{Limits, Link, read};

use crate::fixture::pdf::{HELVETICA, Pdf, shown};

/// Returns an annotation that leads to an address.
fn to(uri: &str, place: &str) -> String {
    format!("<< /Type /Annot /Subtype /Link {place} /A << /S /URI /URI ({uri}) >> >>")
}

/// Reads a page of two lines with some annotations on it.
fn links_of(annotations: &str, more: &str) -> Vec<Link> {
    let content = shown(&[(50.0, 700.0, "The harbour office opens at nine,"), (50.0, 680.0, "and closes at five.")]);
    let font = format!("/Font << /F {HELVETICA} >>");
    Pdf::new().page(&content, &font, &format!("/Annots [{annotations}] {more}")).read().links
}

fn check(annotations: &str, expected: &[(&str, &str)]) {
    let links = links_of(annotations, "");
    let found: Vec<_> = links.iter().map(|link| (link.text.as_str(), link.uri.as_str())).collect();
    assert_eq!(found, expected);
    assert!(links.iter().all(|link| link.page == Some(1)));
}

#[test]
fn a_link_is_kept_with_the_words_that_it_stands_on() {
    check(
        &to("https://example.org/a?b=c#d", "/Rect [68 698 134 712]"),
        &[("harbour office", "https://example.org/a?b=c#d")],
    );
    check(&to("mailto:port@example.org", "/Rect [134 712 68 698]"), &[("harbour office", "mailto:port@example.org")]);
    check(&to("https://example.org", "/Rect [300 10 400 30]"), &[("", "https://example.org")]);
    check(&to("www.example.org", ""), &[("", "www.example.org")]);
}

#[test]
fn a_link_over_two_lines_is_one() {
    let expected = &[("at nine, and closes", "https://example.org")][..];
    let quads = "/Rect [0 0 600 800] /QuadPoints [162 712 210 712 162 698 210 698 50 692 102 692 50 678 102 678]";
    check(&to("https://example.org", quads), expected);
    let (first, second) = ("/Rect [162 698 210 712]", "/Rect [50 678 102 692]");
    check(&(to("https://example.org", first) + &to("https://example.org", second)), expected);
    let others = to("https://example.org/1", first) + &to("https://example.org/2", second);
    check(&others, &[("at nine,", "https://example.org/1"), ("and closes", "https://example.org/2")]);
}

#[test]
fn a_link_on_a_turned_page_has_its_words() {
    let link = to("https://example.org", "/Rect [68 698 134 712]");
    for turn in [0, 90, 180, 270] {
        let links = links_of(&link, &format!("/Rotate {turn} /CropBox [20 30 600 780]"));
        assert_eq!(links[0].text, "harbour office", "{turn}");
    }
}

#[test]
fn addresses_that_run_or_read_something_are_left_out() {
    let long = format!("https://example.org/{}", "a".repeat(2_048));
    let refused = [
        "javascript:alert\\(1\\)",
        "JaVaScRiPt:x",
        " javascript:x",
        "java\\nscript:x",
        "\\001https://example.org",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "https://",
        "",
        "//example.org",
        "chapter.html",
        "https://example.org/\\000",
        &long,
    ];
    for uri in refused {
        check(&to(uri, "/Rect [68 698 134 712]"), &[]);
    }
    check(&to(" HTTPS://Example.org ", ""), &[("", "HTTPS://Example.org")]);
    check(&to("https://example.org/\\344", ""), &[("", "https://example.org/ä")]);
}

#[test]
fn what_is_no_link_to_an_address_is_none() {
    let a = "/A << /S /URI /URI (https://example.org) >>";
    for annotation in [
        format!("<< /Subtype /Text {a} >>"),
        format!("<< /Subtype /Link /F 2 {a} >>"),
        "<< /Subtype /Link /A << /S /GoTo /D [1 0 R /Fit] >> >>".into(),
        "<< /Subtype /Link /A << /S /JavaScript /JS (app.alert) /URI (https://example.org) >> >>".into(),
        "<< /Subtype /Link /A << /S /URI /URI 7 >> >>".into(),
        "<< /Subtype /Link /A 7 >> 7 null 999 0 R (text)".into(),
    ] {
        check(&annotation, &[]);
    }
}

#[test]
fn a_link_that_is_made_of_itself_ends() {
    let page = |annotations: &str| Pdf::of("BT /F 9 Tf (x) Tj ET").page("", "", &format!("/Annots {annotations}"));
    let itself = "<< /Subtype /Link /A 50 0 R /S /URI /URI 50 0 R /Rect 50 0 R /QuadPoints 50 0 R >>";
    assert_eq!(page("[50 0 R 50 0 R]").object(50, itself).read().links, []);
    assert_eq!(page("50 0 R").object(50, "[50 0 R [50 0 R] 51 0 R]").object(51, "51 0 R").read().links, []);
    let around = "<< /Subtype /Link /S /URI /URI (https://example.org) /A 50 0 R /P 102 0 R >>";
    assert_eq!(page("[50 0 R 102 0 R 2 0 R]").object(50, around).read().links.len(), 1);
}

#[test]
fn a_hundred_thousand_links_are_cut_to_a_bound_in_time() {
    let glyphs = shown(&(0..5_000).map(|at| (50.0, (at % 700) as f32, "a line of text")).collect::<Vec<_>>());
    let annotations: String = (0..100_000).map(|at| format!("{} 0 R ", 1_000 + at)).collect();
    let font = format!("/Font << /F {HELVETICA} >>");
    let page = Pdf::new().page(&glyphs, &font, &format!("/Annots [{annotations}]"));
    let link = |at: usize| to(&format!("https://example.org/{at}"), "/Rect [0 0 600 800]");
    let file = (0..100_000).fold(page, |pdf, at| pdf.object(1_000 + at, link(at))).bytes();
    let start = Instant::now();
    let links = read(&file, "a.pdf", &Limits::default()).unwrap().links;
    assert_eq!(links.len(), 10_000);
    assert!(!links[0].text.is_empty() && links[9_999].text.is_empty());
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
