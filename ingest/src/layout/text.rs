//! Cleans the text of a row and joins rows to running text.
//!
//! Only ligatures and presentation forms are taken apart; other compatibility characters keep their meaning, since
//! `10²` must not become `102`.

use unicode_normalization::UnicodeNormalization;

/// Takes ligatures and presentation forms apart, composes accents, drops soft hyphens and controls, and puts right to
/// left text into the order in which it is read.
pub fn clean(row: &str) -> String {
    let mut text = String::with_capacity(row.len());
    for character in row.chars() {
        match character {
            '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
            '\u{f0b7}' | '\u{f0a7}' | '\u{f076}' => text.push('•'),
            '\u{fb00}'..='\u{fdff}' | '\u{fe30}'..='\u{fe4f}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fd5}' => {
                push(&mut text, &std::iter::once(character).nfkc().collect::<String>());
            }
            _ if character.is_whitespace() => text.push(' '),
            _ if character.is_control() => {}
            _ => text.push(character),
        }
    }
    let text: String = text.nfc().collect();
    let text = if text.chars().any(is_right_to_left) { logical(&text) } else { text };
    text.trim().to_owned()
}

/// Appends the text of a glyph to a row as it stands on the page. A glyph for several letters from right to left, such as
/// lam with alef, has them in reading order, and all of the row is turned later.
pub fn push(row: &mut String, glyph: &str) {
    if glyph.chars().nth(1).is_some() && glyph.chars().any(is_right_to_left) {
        row.extend(glyph.chars().rev());
    } else {
        row.push_str(glyph);
    }
}

/// Appends a row to running text: joins a word cut by a hyphen, what a hyphen holds together, and ideographs.
pub fn append(text: &mut String, row: &str) {
    let (Some(last), Some(first)) = (text.chars().next_back(), row.chars().next()) else {
        text.push_str(row);
        return;
    };
    let before = text.chars().rev().nth(1);
    let is_hyphen = matches!(last, '-' | '\u{2010}') && before.is_some_and(char::is_alphanumeric);
    if is_hyphen && before.is_some_and(char::is_alphabetic) && first.is_lowercase() {
        text.pop();
    } else if !(is_hyphen && first.is_alphanumeric() || is_ideograph(last) && is_ideograph(first)) {
        text.push(' ');
    }
    text.push_str(row);
}

/// Returns whether a character belongs to a script that is written without spaces.
pub fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{303f}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{2fa1f}')
}

fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Turns a row from the order on the page, left to right, into the order of reading.
fn logical(row: &str) -> String {
    let characters: Vec<char> = row.chars().collect();
    let right = characters.iter().filter(|c| is_right_to_left(**c)).count();
    let left = characters.iter().filter(|c| c.is_alphabetic() && !is_right_to_left(**c)).count();
    if right < left {
        return reversed_runs(&characters, is_right_to_left);
    }
    let backwards: Vec<char> = characters.into_iter().rev().map(mirrored).collect();
    reversed_runs(&backwards, |c| (c.is_alphanumeric() && !is_right_to_left(c)) || matches!(c, '.' | ',' | '%' | '/'))
}

fn reversed_runs(characters: &[char], turns: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    let mut run = Vec::new();
    for &character in characters {
        if turns(character) {
            run.push(character);
        } else {
            text.extend(run.drain(..).rev());
            text.push(character);
        }
    }
    text.extend(run.drain(..).rev());
    text
}

fn mirrored(character: char) -> char {
    match character {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '<' => '>',
        '>' => '<',
        _ => character,
    }
}
