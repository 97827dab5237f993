//! Cuts folded text into pieces: words that stand between spaces and signs, and runs of scripts written without spaces.
//!
//! It decides where a piece begins and ends from the characters alone; it knows no dictionary, no stop words and no stems.

use unicode_normalization::char::is_combining_mark;

/// A piece of text that holds at least one letter or digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Letters, digits, underscores, and the points and commas inside a number.
    Word(&'t str),
    /// What an apostrophe cut off from the word before it: the `s` of `Newton's`.
    Tail(&'t str),
    /// A run of Chinese, Japanese, Thai, Lao, Khmer or Burmese, in which no sign separates the words.
    Unspaced(&'t str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Unspaced,
    Other,
}

/// Calls `visit` with each piece of a text, in order.
pub fn for_each_piece<'t>(text: &'t str, mut visit: impl FnMut(Piece<'t>)) {
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let end = match class_of(first) {
            Class::Other => start + first.len_utf8(),
            Class::Unspaced => end_of_unspaced(text, start),
            Class::Word => end_of_word(text, start),
        };
        let piece = &text[start..end];
        if piece.chars().any(char::is_alphanumeric) {
            visit(match class_of(first) {
                Class::Unspaced => Piece::Unspaced(piece),
                _ if follows_apostrophe(text.as_bytes(), start) => Piece::Tail(piece),
                _ => Piece::Word(piece),
            });
        }
        start = end;
    }
}

fn class_of(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => Class::Word,
        '\0'..='\u{7f}' => Class::Other,
        c if is_unspaced(c) => Class::Unspaced,
        c if c.is_alphanumeric() || is_combining_mark(c) => Class::Word,
        _ => Class::Other,
    }
}

/// True for the letters of scripts that are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn end_of_unspaced(text: &str, start: usize) -> usize {
    text[start..].find(|c| class_of(c) != Class::Unspaced).map_or(text.len(), |length| start + length)
}

fn end_of_word(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = start;
    while let Some(c) = text[end..].chars().next() {
        if class_of(c) != Class::Word && !joins_digits(bytes, end) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// True for the point of `3.14` and `v1.2.3`, and for the comma that sets off three digits, as in `18,592`.
fn joins_digits(bytes: &[u8], at: usize) -> bool {
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let between = at > 0 && is_digit(at - 1) && is_digit(at + 1);
    match bytes[at] {
        b'.' => between,
        b',' => between && is_digit(at + 2) && is_digit(at + 3) && !is_digit(at + 4),
        _ => false,
    }
}

fn follows_apostrophe(bytes: &[u8], start: usize) -> bool {
    start >= 2 && bytes[start - 1] == b'\'' && bytes[start - 2].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Tail, Unspaced, Word};
    use super::*;

    fn check(text: &str, expected: &[Piece<'_>]) {
        let mut pieces = Vec::new();
        for_each_piece(text, |piece| pieces.push(piece));
        assert_eq!(pieces, expected, "of {text:?}");
    }

    #[test]
    fn spaces_and_signs_end_words() {
        check("one-dimensional (heat) flow.", &[Word("one"), Word("dimensional"), Word("heat"), Word("flow")]);
        check("a/b\\c", &[Word("a"), Word("b"), Word("c")]);
    }

    #[test]
    fn points_and_thousands_commas_stay_inside_numbers() {
        check("$18,592 and 3.14.", &[Word("18,592"), Word("and"), Word("3.14")]);
        check("1,234,567", &[Word("1,234,567")]);
        check("v1.2.3", &[Word("v1.2.3")]);
        check("1,2,3", &[Word("1"), Word("2"), Word("3")]);
        check("2,5000", &[Word("2"), Word("5000")]);
    }

    #[test]
    fn an_apostrophe_cuts_off_a_tail() {
        check("Newton's law", &[Word("Newton"), Tail("s"), Word("law")]);
        check("'quoted'", &[Word("quoted")]);
    }

    #[test]
    fn underscores_alone_are_no_word() {
        check("__ _ a_b", &[Word("a_b")]);
    }

    #[test]
    fn scripts_without_spaces_are_runs_of_their_own() {
        check("2021年GDP增长", &[Word("2021"), Unspaced("年"), Word("GDP"), Unspaced("增长")]);
        check("東京タワー・ビル", &[Unspaced("東京タワー"), Unspaced("ビル")]);
        check("สวัสดี", &[Unspaced("สวัสดี")]);
    }

    #[test]
    fn marks_stay_in_their_word() {
        check("हिन्दी भाषा", &[Word("हिन्दी"), Word("भाषा")]);
    }

    #[test]
    fn emoji_and_signs_are_no_pieces() {
        check("go🚀now ✅ →", &[Word("go"), Word("now")]);
        check("", &[]);
    }
}
