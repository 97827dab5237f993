//! Reading order, tables and pages, measured on pages that the tests write.

use std::collections::HashMap;

use ragstone_ingest::BlockKind;

use crate::fixture::pdf::{HELVETICA, Pdf, shown};
use crate::hostile::Chance;

/// A font whose codes are UTF-16.
const UNICODE: &str = "/Font << /U << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /UniGB-UTF16-H /DescendantFonts [<< \
    /Type /Font /Subtype /CIDFontType2 /BaseFont /X /DW 500 >>] >> >>";

/// Returns the content that shows characters one after the other, from the left, as a page does.
fn placed(x: u32, y: u32, text: &str) -> String {
    let codes: String = text.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
    format!("BT /U 10 Tf 1 0 0 1 {x} {y} Tm <{codes}> Tj ET ")
}

fn check_right_to_left(seen: &str, expected: &str) {
    assert_eq!(Pdf::new().page(&placed(100, 700, seen), UNICODE, "").read().text, expected);
}

#[test]
fn text_from_right_to_left_is_read_in_its_order() {
    check_right_to_left("םולש", "שלום");
    check_right_to_left("םימי 25 לש השפוח", "חופשה של 25 ימים");
    check_right_to_left("(הנש) 3.5%", "3.5% (שנה)");
    check_right_to_left("ﺔﻳﻮﻨﺳ ﺓﺯﺎﺟﺇ", "إجازة سنوية");
    check_right_to_left("Rust תפשב בתכנ", "נכתב בשפת Rust");
    check_right_to_left("the word םולש means peace", "the word שלום means peace");
}

#[test]
fn three_columns_under_a_title_are_read_from_the_left() {
    let mut lines = vec![(50.0, 740.0, "One title that runs over the whole of the page and all of its three columns")];
    for row in 0..8 {
        for (x, text) in
            [(50.0, "alpha text of a column"), (230.0, "beta text of a column"), (410.0, "gamma text of a column")]
        {
            lines.push((x, 700.0 - 12.0 * row as f32, text));
        }
    }
    let text = Pdf::of(&shown(&lines)).read().text;
    let at = |word: &str| (text.find(word).unwrap(), text.rfind(word).unwrap());
    assert!(text.starts_with("One title"), "{text}");
    assert!(at("alpha").1 < at("beta").0 && at("beta").1 < at("gamma").0, "{text}");
}

#[test]
fn text_turned_against_its_page_comes_after_it_in_its_own_order() {
    for (matrix, next) in [("0 1 -1 0 500 100", "0 1 -1 0 512 100"), ("0 -1 1 0 512 400", "0 -1 1 0 500 400")] {
        let turned = |matrix: &str, text: &str| format!("BT /F 10 Tf {matrix} Tm ({text}) Tj ET ");
        let content = turned(matrix, "first on the side") + &turned(next, "second on the side");
        let content = content + &shown(&[(50.0, 700.0, "upright text of the page, which is longer than the other")]);
        let text = Pdf::of(&content).read().text;
        assert!(text.starts_with("upright") && text.ends_with("first on the side second on the side"), "{text}");
    }
}

/// A table to be written: its cells, with lines of a wrapped cell parted by a line end.
struct Written {
    cells: Vec<Vec<String>>,
    content: String,
}

const WORDS: [&str; 12] = [
    "revenue",
    "cost",
    "travel",
    "annual leave",
    "net income",
    "deposits",
    "books",
    "training",
    "equipment",
    "goodwill",
    "inventories",
    "other assets",
];

/// Writes a table of a label column and columns of numbers, with a header that wraps or not, gaps, and signs.
fn table(chance: &mut Chance) -> Written {
    let (rows, columns) = (4 + chance.below(12), 1 + chance.below(5));
    let leading = 11.5 + chance.below(8) as f32;
    let mut y = 700.0;
    let mut lines: Vec<(f32, f32, String)> = Vec::new();
    let right = |column: usize| 220.0 + 70.0 * column as f32;
    let set = |lines: &mut Vec<(f32, f32, String)>, column: usize, y: f32, text: &str| {
        let x = if column == 0 { 50.0 } else { right(column) - 5.56 * text.len() as f32 };
        lines.push((x, y, text.to_owned()));
    };
    let is_wrapped = chance.below(2) == 0;
    let mut header = vec!["in millions".to_owned()];
    for column in 1..=columns {
        let year = format!("{}", 2015 + column);
        header.push(if is_wrapped { format!("March {year}") } else { year.clone() });
        if is_wrapped {
            set(&mut lines, column, y + 9.5, "March");
        }
        set(&mut lines, column, y, &year);
    }
    set(&mut lines, 0, y, "in millions");
    let mut cells = vec![header];
    for _ in 0..rows {
        y -= leading + if is_wrapped { 2.0 } else { 0.0 };
        let mut row = vec![WORDS[chance.below(WORDS.len())].to_owned()];
        set(&mut lines, 0, y, &row[0]);
        for column in 1..=columns {
            let number = match chance.below(8) {
                0 if column > 1 => String::new(),
                1 => "-".to_owned(),
                2 => format!("({})", chance.below(999)),
                3 => format!("{}.{}%", chance.below(99), chance.below(10)),
                _ => format!("{},{:03}", 1 + chance.below(99), chance.below(1000)),
            };
            if !number.is_empty() {
                set(&mut lines, column, y, &number);
            }
            row.push(number);
        }
        cells.push(row);
    }
    let lines: Vec<_> =
        lines.iter().map(|(x, y, text)| (*x, *y, text.replace('(', "\\(").replace(')', "\\)"))).collect();
    let lines: Vec<_> = lines.iter().map(|(x, y, text)| (*x, *y, text.as_str())).collect();
    Written { cells, content: shown(&lines) }
}

/// Returns the F1 of cells by row, column and text; empty ones do not count.
fn cell_f1(found: &[Vec<String>], expected: &[Vec<String>]) -> f32 {
    let places = |cells: &[Vec<String>]| {
        let mut places = HashMap::new();
        for (row, line) in cells.iter().enumerate() {
            for (column, text) in line.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                *places.entry((row, column, text.clone())).or_insert(0) += 1;
            }
        }
        places
    };
    let (found, expected) = (places(found), places(expected));
    let shared = found.keys().filter(|place| expected.contains_key(place)).count();
    2.0 * shared as f32 / (found.len() + expected.len()) as f32
}

#[test]
fn cells_of_written_tables_are_found_in_their_row_and_column() {
    let mut sum = 0.0;
    for number in 0..200 {
        let written = table(&mut Chance(number));
        let document = Pdf::of(&written.content).read();
        let found = document.blocks.iter().find(|block| block.kind == BlockKind::Table);
        let score = found.map_or(0.0, |found| cell_f1(&found.cells, &written.cells));
        if score < 0.9 {
            println!("{number}: {score} {:?}\n{:?}", found.map(|found| &found.cells), written.cells);
        }
        sum += score;
    }
    assert!(sum / 200.0 >= 0.95, "cell F1 is {}", sum / 200.0);
}

/// Rows of figures at the top of pages were taken for running lines, because they differ only in their numbers.
#[test]
fn words_are_on_the_page_that_they_were_written_on() {
    let resources = format!("/Font << /F {HELVETICA} >>");
    let (pages, mut pdf) = (60, Pdf::new());
    for page in 1..=pages {
        let mut lines =
            vec![(50.0, 770.0, "Handbook of the company".to_owned()), (300.0, 30.0, format!("Page {page} of 60"))];
        for line in 0..40 {
            let words: Vec<String> = (0..10).map(|word| format!("w{page}x{line}x{word}")).collect();
            lines.push((50.0, 730.0 - 12.0 * line as f32, words.join(" ")));
        }
        let lines: Vec<_> = lines.iter().map(|(x, y, text)| (*x, *y, text.as_str())).collect();
        pdf = pdf.page(&shown(&lines), &resources, "");
    }
    let document = pdf.read();
    let characters: Vec<char> = document.text.chars().collect();
    let (mut right, mut all) = (0, 0);
    for block in &document.blocks {
        let text: String = characters[block.start..block.end].iter().collect();
        for word in text.split_whitespace().filter(|word| word.starts_with('w') && word.contains('x')) {
            all += 1;
            let written = word[1..].split('x').next().unwrap().parse().ok();
            right += usize::from(block.page == written);
        }
    }
    assert_eq!(all, pages * 400);
    assert_eq!(document.text.matches("Handbook").count() + document.text.matches("Page ").count(), 2);
    assert!(right * 100 >= all * 99, "{right} of {all}");
}
