//! Finds where sentences end, in scripts with spaces and in Chinese and Japanese.
//!
//! Works by rules and a short list of abbreviations; when in doubt it does not split, because a long unit is harmless.

use std::ops::Range;

/// Words before a full stop that do not end a sentence, in lower case.
const ABBREVIATIONS: [&str; 46] = [
    "inc", "ltd", "corp", "co", "llc", "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "no", "nos", "vs", "etc",
    "fig", "figs", "eq", "eqs", "sec", "secs", "vol", "pp", "ed", "eds", "cf", "al", "approx", "dept", "est", "jan",
    "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "art", "ref",
];

/// Longest piece of text in front of a full stop that is looked at for an abbreviation.
const WORD_BYTES_MAX: usize = 24;

/// Returns the byte ranges of the sentences of `text`, without the white space around them.
///
/// Their order is that of the text, and everything but white space lies in one of them.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !is_ender(character) {
            continue;
        }
        let mut end = at + character.len_utf8();
        while let Some((at, next)) = characters.next_if(|(_, next)| is_ender(*next) || is_closer(*next)) {
            end = at + next.len_utf8();
        }
        if is_end(text, at, character, end) {
            push_trimmed(&mut found, text, start..end);
            start = end;
        }
    }
    push_trimmed(&mut found, text, start..text.len());
    found
}

/// Pushes a range without the white space at its edges, unless nothing is left.
pub(super) fn push_trimmed(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let part = &text[range.clone()];
    let trimmed = part.trim_start();
    let start = range.end - trimmed.len();
    let length = trimmed.trim_end().len();
    if length > 0 {
        found.push(start..start + length);
    }
}

fn is_wide_ender(character: char) -> bool {
    matches!(character, '。' | '！' | '？' | '；' | '…')
}

fn is_ender(character: char) -> bool {
    matches!(character, '.' | '!' | '?') || is_wide_ender(character)
}

fn is_closer(character: char) -> bool {
    matches!(character, '”' | '’' | '」' | '』' | '）' | '》' | '】' | ')' | ']' | '"' | '\'' | '»')
}

/// Decides whether the ender at `at`, whose run of enders and closers goes to `end`, ends a sentence.
fn is_end(text: &str, at: usize, ender: char, end: usize) -> bool {
    let rest = &text[end..];
    if is_wide_ender(ender) {
        return ender != '…' || !rest.starts_with(|next: char| next.is_lowercase() || next == ' ');
    }
    let Some(next) = rest.chars().next() else { return true };
    if !next.is_whitespace() {
        return is_wide(next) && !text[..at].ends_with(|before: char| before.is_ascii_digit());
    }
    let Some(follower) = rest.chars().find(|next| !next.is_whitespace()) else { return true };
    if ender != '.' {
        return true;
    }
    !follower.is_lowercase() && !is_abbreviation(word_before(text, at), follower)
}

/// Returns the characters before `at` back to white space, at most a few of them.
fn word_before(text: &str, at: usize) -> &str {
    let mut start = at;
    for (position, character) in text[..at].char_indices().rev() {
        if character.is_whitespace() || is_wide(character) || at - position > WORD_BYTES_MAX {
            break;
        }
        start = position;
    }
    text[start..at].trim_start_matches(['(', '[', '"', '“', '‘', '\''])
}

/// `Inc`, `U.S`, a single letter as in a name, and a number at the start of a line, as in `2. Second`.
fn is_abbreviation(word: &str, follower: char) -> bool {
    let lower = word.to_lowercase();
    if lower == "no" || lower == "nos" {
        return follower.is_ascii_digit();
    }
    let mut letters = word.chars();
    let is_initial = matches!((letters.next(), letters.next()), (Some(one), None) if one.is_uppercase());
    let has_inner_stop = word.contains('.')
        && word.split('.').all(|part| part.chars().count() <= 2 && !part.is_empty())
        && word.chars().any(char::is_alphabetic);
    is_initial || has_inner_stop || ABBREVIATIONS.contains(&lower.as_str())
}

/// Whether a character belongs to a script written without spaces.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn english_sentences_end_at_stops_before_a_new_beginning() {
        check("One. Two!  Three? four", &["One.", "Two!", "Three?", "four"]);
        check("He said \"Stop.\" Then he left.", &["He said \"Stop.\"", "Then he left."]);
    }

    #[test]
    fn abbreviations_initials_and_decimals_end_nothing() {
        for text in [
            "Acme Inc. Sued the U.S. Government",
            "See No. 5 and Fig. 3",
            "It costs 3.14 euros",
            "J. Smith wrote it",
            "e.g. This",
        ] {
            check(text, &[text]);
        }
        check("The answer is no. Nobody asked.", &["The answer is no.", "Nobody asked."]);
    }

    #[test]
    fn chinese_sentences_end_with_their_closing_quotes() {
        check("他说：“请假。”然后走了；好！", &["他说：“请假。”", "然后走了；", "好！"]);
        check("年假十天……病假另计。", &["年假十天……", "病假另计。"]);
        check("增长3.5倍。", &["增长3.5倍。"]);
    }

    #[test]
    fn white_space_alone_is_no_sentence() {
        check(" \n\t", &[]);
        check("", &[]);
    }
}
