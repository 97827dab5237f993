//! Reads values separated by commas, semicolons, tabs or bars, as one table.
//!
//! The separator is the one that cuts the first lines into equally many values. Infers no types and no header.

use csv::ReaderBuilder;

use super::text;
use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;

/// Separators in the order in which they are preferred where several fit.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// Lines looked at to find the separator.
const SNIFFED_LINES: usize = 50;

/// Reads a table of separated values in any common encoding.
///
/// # Errors
/// `UnsupportedFormat` for binary content, `LimitExceeded` for characters, `NoText` when no value is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let source = text::decode(bytes, None)?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(&source);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut chars = 0;
    for record in reader(source, separator(source)).into_byte_records() {
        // Only a read error could end up here, and there is none in memory.
        let Ok(record) = record else { break };
        let row: Vec<String> = record.iter().map(value).collect();
        chars += row.iter().map(|value| value.chars().count() + 3).sum::<usize>();
        if chars > limits.text_chars_max {
            let limit = limits.text_chars_max as u64;
            return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
        }
        if row.iter().any(|value| !value.is_empty()) {
            rows.push(row);
        }
    }
    let mut document = Document {
        media_type: "text/csv".into(),
        extractor: concat!("ragstone-csv ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    document.push_table(None, rows);
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

fn reader(source: &str, separator: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(source.as_bytes())
}

/// Returns a value on one line, because a row is one line of the text.
fn value(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the separator under which most of the first records have as many values as the first, and more than one.
fn separator(source: &str) -> u8 {
    let score = |separator: u8| {
        let records = reader(source, separator).into_byte_records().take(SNIFFED_LINES).flatten();
        let counts: Vec<usize> = records.map(|record| record.len()).collect();
        let first = counts.first().copied().unwrap_or(0);
        let equal = counts.iter().filter(|count| **count == first).count();
        if first > 1 { equal * 1000 + first.min(999) } else { 0 }
    };
    SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BlockKind;

    fn check(source: &[u8], expected: &[&[&str]]) {
        let document = read(source, "a.csv", &Limits::default()).unwrap();
        assert_eq!(document.blocks[0].cells, expected);
        assert_eq!(document.blocks[0].kind, BlockKind::Table);
    }

    #[test]
    fn quotes_separators_and_line_ends_are_those_of_the_file() {
        check(b"a,b\r\n\"x, y\",\"say \"\"hi\"\"\nthere\"\r\n", &[&["a", "b"], &["x, y", "say \"hi\" there"]]);
        check(b"name;price\nh\xf6he;1,50\n;\n", &[&["name", "price"], &["höhe", "1,50"]]);
        check(b"a\tb, c\n1\t2\n", &[&["a", "b, c"], &["1", "2"]]);
        check("﻿编号,名称\n1,年假\n".as_bytes(), &[&["编号", "名称"], &["1", "年假"]]);
    }

    #[test]
    fn rows_of_unequal_length_and_an_open_quote_are_read() {
        check(b"a,b\n1\n2,3,4\n", &[&["a", "b"], &["1"], &["2", "3", "4"]]);
        check(b"a,b\n\"open,1\n", &[&["a", "b"], &["open,1"]]);
    }

    #[test]
    fn a_table_over_the_limit_or_without_values_is_refused() {
        let limits = Limits { text_chars_max: 20, ..Limits::default() };
        assert!(matches!(read(b"a,b\n1,2\n3,4\n5,6\n", "", &limits), Err(ReadError::LimitExceeded { limit: 20, .. })));
        assert_eq!(read(b",,\n,,\n", "", &Limits::default()), Err(ReadError::NoText { detail: "blank".into() }));
    }
}
