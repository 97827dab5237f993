//! Splits identifiers such as `max_tokens`, `parseXmlFile` and `q3report` into the words they are made of.
//!
//! Ordinary words have no parts, and one-letter parts are left out: nobody searches for them, and they match everywhere.

/// Calls `visit` with each part of an identifier, or never when the word has no inner boundary.
pub fn for_each_part<'t>(word: &'t str, mut visit: impl FnMut(&'t str)) {
    if word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.bytes().skip(1).all(|b| b.is_ascii_lowercase()) {
        return;
    }
    let mut start = 0;
    let mut chars = word.char_indices();
    let mut before = chars.next().map_or('_', |(_, first)| first);
    for (at, c) in chars {
        if is_boundary(before, c, &word[at..]) {
            emit(&word[start..at], &mut visit);
            start = at;
        }
        before = c;
    }
    if start > 0 {
        emit(&word[start..], &mut visit);
    }
}

fn emit<'t>(part: &'t str, visit: &mut impl FnMut(&'t str)) {
    let part = part.trim_matches(['_', '.', ',']);
    if part.chars().nth(1).is_some() {
        visit(part);
    }
}

/// True before a capital that starts a word, between a letter and a digit, and at an underscore; `rest` begins with `c`.
fn is_boundary(before: char, c: char, rest: &str) -> bool {
    if before == '_' || c == '_' {
        return true;
    }
    if c.is_ascii_digit() != before.is_ascii_digit() {
        return c.is_alphanumeric() && before.is_alphanumeric();
    }
    c.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && starts_word(rest))
}

/// True when a capital has at least two small letters after it, as in the `File` of `XMLFile` but not the `Fs` of `PDFs`.
fn starts_word(rest: &str) -> bool {
    rest.chars().skip(1).take(2).filter(|c| c.is_lowercase()).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: &[&str]) {
        let mut parts = Vec::new();
        for_each_part(word, |part| parts.push(part));
        assert_eq!(parts, expected, "of {word:?}");
    }

    #[test]
    fn ordinary_words_have_no_parts() {
        check("word", &[]);
        check("Word", &[]);
        check("WORD", &[]);
        check("PDFs", &[]);
        check("Élan", &[]);
        check("", &[]);
    }

    #[test]
    fn underscores_separate_parts() {
        check("max_tokens", &["max", "tokens"]);
        check("MAX__BODY_bytes", &["MAX", "BODY", "bytes"]);
    }

    #[test]
    fn capitals_start_parts() {
        check("parseXmlFile", &["parse", "Xml", "File"]);
        check("XMLFile", &["XML", "File"]);
        check("größeMax", &["größe", "Max"]);
    }

    #[test]
    fn digits_and_letters_part() {
        check("covid19", &["covid", "19"]);
        check("v14.0.2", &["14.0.2"]);
    }

    #[test]
    fn parts_of_one_letter_are_left_out() {
        check("q3", &[]);
        check("iPhone", &["Phone"]);
    }
}
