//! Writing to stdout: lines, JSON and aligned tables.
//!
//! Draws no progress and no colours; what is for people only goes to stderr.

use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints a line.
///
/// Where stdout is gone, nobody is left to answer, and the process ends: whatever it was doing can be done again.
pub fn print_line(line: &str) {
    print_bytes(format!("{line}\n").as_bytes());
}

/// Prints a value as one line of JSON.
pub fn print_json(value: &impl Serialize) {
    print_line(&serde_json::to_string(value).expect("values for output have text keys and no failing parts"));
}

/// Prints bytes as they are.
pub fn print_bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: stdout: {error}");
        }
        std::process::exit(2);
    }
}

/// Prints a table whose columns are aligned; columns of numbers stand to the right.
pub fn print_table(head: &[&str], rows: &[Vec<String>]) {
    let columns = head.len();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0).max(head[at].len());
    let is_number = |at: usize| rows.iter().all(|row| row[at].is_empty() || row[at].parse::<f64>().is_ok());
    let form: Vec<(usize, bool)> = (0..columns).map(|at| (width(at), is_number(at))).collect();
    print_line(&aligned(head.iter().copied(), &form));
    rows.iter().for_each(|row| print_line(&aligned(row.iter().map(String::as_str), &form)));
}

/// Joins cells by the width of each column and whether it stands to the right.
fn aligned<'a>(cells: impl Iterator<Item = &'a str>, form: &[(usize, bool)]) -> String {
    let cells = cells.zip(form).map(|(cell, &(width, right))| match right {
        true => format!("{cell:>width$}"),
        false => format!("{cell:<width$}"),
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Returns a text in one line without control characters, so that no file name steers the terminal.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        let form = [(4, false), (3, true)];
        assert_eq!(aligned(["a", "1"].into_iter(), &form), "a       1");
        assert_eq!(aligned(["a", ""].into_iter(), &[(4, false), (3, false)]), "a");
    }

    #[test]
    fn a_text_of_a_stranger_stays_on_its_line() {
        assert_eq!(one_line("a\n b\t\tc\u{1b}[2J"), "a b c\u{fffd}[2J");
    }
}
