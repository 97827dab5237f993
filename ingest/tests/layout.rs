//! Reading order, tables and pages, measured on pages that the tests write.

use std::collections::HashMap;

use ragstone_ingest::{BlockKind, Document};

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

/// A glyph for two letters says them in reading order, and turning its row turned them back: `اخلطوط` for `الخطوط`.
#[test]
fn letters_of_one_glyph_stay_in_their_order_when_their_row_is_turned() {
    check_right_to_left("ﻡﻼﺳ", "سلام");
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 13 0 R >> >>";
    let map = "4 beginbfchar <61> <0633> <62> <06440627> <63> <0645> <64> <0020> endbfchar";
    let pdf = Pdf::new().stream(13, "", map).page("BT /F 10 Tf 50 700 Td (cba) Tj ET", font, "");
    assert_eq!(pdf.read().text, "سلام");
}

fn cells(document: &Document) -> Vec<Vec<&str>> {
    let tables = document.blocks.iter().filter(|block| block.kind == BlockKind::Table);
    tables.flat_map(|table| &table.cells).map(|row| row.iter().map(String::as_str).collect()).collect()
}

/// Labels and their wrapped texts were read as two columns: all labels first, and then all that is said of them.
#[test]
fn labels_with_wrapped_texts_beside_them_are_rows() {
    let lines = [
        (50.0, 700.0, "Annual leave that is"),
        (200.0, 700.0, "Days off with full pay, agreed with the manager at least"),
        (50.0, 688.0, "carried over"),
        (200.0, 688.0, "two weeks ahead and taken before the end of March"),
        (50.0, 666.0, "Travel expenses"),
        (200.0, 666.0, "What a journey on behalf of the company costs, as shown"),
        (200.0, 654.0, "by receipts and"),
        (200.0, 642.0, "paid with the next salary"),
        (50.0, 620.0, "Training budget"),
        (200.0, 620.0, "The yearly sum for courses and books of each employee"),
    ];
    let document = Pdf::of(&shown(&lines)).read();
    let expected = [
        [
            "Annual leave that is carried over",
            "Days off with full pay, agreed with the manager at least two weeks ahead and taken before the end of March",
        ],
        [
            "Travel expenses",
            "What a journey on behalf of the company costs, as shown by receipts and paid with the next salary",
        ],
        ["Training budget", "The yearly sum for courses and books of each employee"],
    ];
    assert_eq!(cells(&document), expected);
    assert_eq!(document.text, expected.map(|row| row.join(" | ")).join("\n"));
}

/// Paragraphs of two columns end at different heights, and here some of them end at the same.
#[test]
fn columns_with_paragraphs_are_not_rows() {
    let mut lines = Vec::new();
    for (row, gap) in [0.0, 0.0, 0.0, 12.0, 12.0, 12.0, 24.0, 24.0, 24.0, 24.0].into_iter().enumerate() {
        let y = 700.0 - 12.0 * row as f32;
        lines.push((50.0, y - gap, "left column of text that is long enough"));
        lines.push((320.0, y - if row > 4 { 12.0 } else { 0.0 }, "right column of text that is long enough"));
    }
    let text = Pdf::of(&shown(&lines)).read().text;
    assert!(text.rfind("left").unwrap() < text.find("right").unwrap(), "{text}");
}

/// The lines of a header stood apart from their table, or were not part of any.
#[test]
fn what_stands_over_a_column_is_part_of_its_header() {
    let mut lines = vec![(300.0, 710.0, "Cash and"), (180.0, 700.5, "Adjusted"), (300.0, 700.5, "Cash")];
    lines.extend([(50.0, 691.0, "In millions"), (180.0, 691.0, "Cost"), (300.0, 691.0, "Equivalents")]);
    lines.extend([(50.0, 676.0, "December 31, 2022"), (50.0, 664.0, "Changes in value"), (50.0, 652.0, "Recorded")]);
    for (row, label) in ["Bonds", "Deposits", "Paper"].into_iter().enumerate() {
        let y = 640.0 - 12.0 * row as f32;
        lines.extend([(50.0, y, label), (180.0, y, "6,423"), (300.0, y, "3,307")]);
    }
    let document = Pdf::of(&shown(&lines)).read();
    let found = cells(&document);
    assert_eq!(found[0], ["In millions", "Adjusted Cost", "Cash and Cash Equivalents"], "{}", document.text);
    assert_eq!(found.last().unwrap(), &["Paper", "6,423", "3,307"]);
}

#[test]
fn a_header_and_one_row_are_a_table_if_they_are_long() {
    let columns = [50.0, 150.0, 250.0, 350.0];
    let line = |y: f32, cells: [&'static str; 4]| columns.into_iter().zip(cells).map(move |(x, cell)| (x, y, cell));
    let header = line(700.0, ["Declared", "Recorded", "Paid", "Amount"]);
    let lines: Vec<_> = header.chain(line(688.0, ["March 14", "May 18", "June 8", "5,057"])).collect();
    let document = Pdf::of(&shown(&lines)).read();
    assert_eq!(
        cells(&document),
        [["Declared", "Recorded", "Paid", "Amount"], ["March 14", "May 18", "June 8", "5,057"]]
    );
}

/// A sign at the head of a column was taken for that of the number beside it.
#[test]
fn signs_are_joined_to_numbers_alone() {
    let columns = [50.0, 200.0, 300.0];
    let line = |y: f32, cells: [&'static str; 3]| columns.into_iter().zip(cells).map(move |(x, cell)| (x, y, cell));
    let rows = [["Segment", "$", "%"], ["Graphics", "308", "11"], ["Compute", "6,495", "166"]];
    let lines: Vec<_> = rows.iter().zip([700.0, 688.0, 676.0]).flat_map(|(row, y)| line(y, *row)).collect();
    assert_eq!(cells(&Pdf::of(&shown(&lines)).read()), rows);
}

/// Returns the content that draws lines from corner to corner.
fn ruled(lines: &[[f32; 4]]) -> String {
    lines.iter().map(|[x0, y0, x1, y1]| format!("{x0} {y0} m {x1} {y1} l S ")).collect()
}

const RULED: [(f32, f32, &str); 11] = [
    (52.0, 688.0, "Kind"),
    (142.0, 688.0, "Rule"),
    (302.0, 688.0, "Days"),
    (52.0, 674.0, "Annual"),
    (52.0, 662.0, "leave"),
    (142.0, 674.0, "Agreed with the manager at"),
    (142.0, 662.0, "least two weeks ahead"),
    (302.0, 674.0, "25"),
    (52.0, 648.0, "Illness"),
    (142.0, 648.0, "A certificate from the third day"),
    (302.0, 648.0, "42"),
];
const RULED_CELLS: [[&str; 3]; 3] = [
    ["Kind", "Rule", "Days"],
    ["Annual leave", "Agreed with the manager at least two weeks ahead", "25"],
    ["Illness", "A certificate from the third day", "42"],
];

/// Lines of wrapped cells that stand no closer than rows do were rows of their own.
#[test]
fn cells_that_rules_enclose_may_wrap_and_stand_close() {
    let (columns, rows) = ([50.0, 140.0, 300.0, 340.0], [700.0, 685.0, 658.0, 644.0]);
    let level = rows.map(|y| [50.0, y, 340.0, y]);
    let upright = columns.map(|x| [x, 644.0, x, 700.0]);
    let strokes = ruled(&level) + &ruled(&upright);
    let pieces: String = rows
        .windows(2)
        .flat_map(|y| columns.windows(2).map(move |x| (x, y)))
        .map(|(x, y)| format!("{} {} {} {} re ", x[0], y[1], x[1] - x[0], y[0] - y[1]))
        .collect();
    let thin = |[x0, y0, x1, y1]: [f32; 4]| format!("{x0} {y0} {} {} re f ", x1 - x0 + 0.5, y1 - y0 + 0.5);
    let fills: String = level.into_iter().chain(upright).map(thin).collect();
    let around = [(50.0, 720.0, "What stands above the table."), (50.0, 620.0, "What stands below the table.")];
    for drawn in [strokes, pieces + "S", fills] {
        let document = Pdf::of(&format!("{drawn} {} {}", shown(&RULED), shown(&around))).read();
        assert_eq!(cells(&document), RULED_CELLS, "{drawn}");
        let rows = RULED_CELLS.map(|row| row.join(" | ")).join("\n");
        assert_eq!(document.text, format!("{}\n\n{rows}\n\n{}", around[0].2, around[1].2));
        let (_, x0, y0, x1, y1) = document.blocks[1].boxes[0];
        assert!(
            (x0 - 50.0).abs() < 1.0 && (y0 - 644.0).abs() < 1.0 && (x1 - 340.0).abs() < 1.0 && (y1 - 700.0).abs() < 1.0
        );
    }
}

#[test]
fn a_cell_goes_on_where_the_rule_that_would_end_it_is_missing() {
    let level = [
        [50.0, 700.0, 340.0, 700.0],
        [140.0, 680.0, 340.0, 680.0],
        [50.0, 660.0, 340.0, 660.0],
        [50.0, 640.0, 340.0, 640.0],
    ];
    let upright = [
        [50.0, 640.0, 50.0, 700.0],
        [140.0, 640.0, 140.0, 700.0],
        [240.0, 640.0, 240.0, 680.0],
        [340.0, 640.0, 340.0, 700.0],
    ];
    let text = shown(&[
        (60.0, 676.0, "Kind"),
        (150.0, 686.0, "Days of a year"),
        (150.0, 666.0, "2023"),
        (250.0, 666.0, "2024"),
        (60.0, 646.0, "Leave"),
        (150.0, 646.0, "25"),
        (250.0, 646.0, "26"),
    ]);
    let document = Pdf::of(&(ruled(&level) + &ruled(&upright) + &text)).read();
    assert_eq!(cells(&document), [["Kind", "Days of a year", ""], ["", "2023", "2024"], ["Leave", "25", "26"]]);
}

#[test]
fn frames_and_boxes_around_words_are_no_tables() {
    let mut boxes = String::new();
    let mut lines = Vec::new();
    for number in 0..36 {
        let (x, y) = (50.0 + 25.02 * (number % 9) as f32, 700.0 - 12.0 * (number / 9) as f32);
        boxes += &format!("{} {} 25.02 12 re S ", x - 1.0, y - 3.0);
        lines.push((x, y, "aaaa"));
    }
    let document = Pdf::of(&(boxes + &shown(&lines))).read();
    assert!(document.blocks.iter().all(|block| block.cells.is_empty()), "{}", document.text);
    let frame = ruled(&[
        [40.0, 40.0, 40.0, 750.0],
        [40.0, 750.0, 560.0, 750.0],
        [560.0, 750.0, 560.0, 40.0],
        [40.0, 40.0, 560.0, 40.0],
    ]);
    let plain = Pdf::of(&shown(&RULED)).read();
    assert_eq!(Pdf::of(&(frame + &shown(&RULED))).read().blocks, plain.blocks);
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
    /// What draws rules around its cells.
    rules: String,
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
    let mut heights = vec![722.0, y - 3.0];
    for _ in 0..rows {
        y -= leading + if is_wrapped { 2.0 } else { 0.0 };
        heights.push(y - 3.0);
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
    let sides: Vec<f32> = [45.0, 225.0].into_iter().chain((1..=columns).map(|column| right(column) + 5.0)).collect();
    let (bottom, end) = (y - 3.0, right(columns) + 5.0);
    let level = heights.iter().map(|height| [45.0, *height, end, *height]);
    let upright = sides.iter().map(|side| [*side, bottom, *side, 722.0]);
    Written { cells, content: shown(&lines), rules: ruled(&level.chain(upright).collect::<Vec<_>>()) }
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

fn check_written(name: &str, content: impl Fn(&Written) -> String) {
    let mut sum = 0.0;
    for number in 0..200 {
        let written = table(&mut Chance(number));
        let document = Pdf::of(&content(&written)).read();
        let found = document.blocks.iter().find(|block| block.kind == BlockKind::Table);
        let score = found.map_or(0.0, |found| cell_f1(&found.cells, &written.cells));
        if score < 0.9 {
            println!("{name} {number}: {score} {:?}\n{:?}", found.map(|found| &found.cells), written.cells);
        }
        sum += score;
    }
    assert!(sum / 200.0 >= 0.95, "cell F1 of {name} tables is {}", sum / 200.0);
}

#[test]
fn cells_of_written_tables_are_found_in_their_row_and_column() {
    check_written("plain", |written| written.content.clone());
    check_written("ruled", |written| written.rules.clone() + &written.content);
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
