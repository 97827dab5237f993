//! Splits identifiers such as `max_tokens`, `parseXmlFile` and `q3report` into the words they are made of.
//!
//! Ordinary words have no parts, and one-letter parts are left out: nobody searches for them, and they match everywhere.

/// Calls `visit` with each part of an identifier, or never when the word has no inner boundary.
pub fn for_each_part<'t>(word: &'t str, mut visit: impl FnMut(&'t str)) {
    let mut start = 0;
    for (at, c) in word.char_indices() {
        if is_boundary(word, at, c) {
            emit(&word[start..at], &mut visit);
            start = at;
        }
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

/// True before a capital that starts a word, between a letter and a digit, and at an underscore.
fn is_boundary(word: &str, at: usize, c: char) -> bool {
    let Some(before) = word[..at].chars().next_back() else {
        return false;
    };
    if before == '_' || c == '_' {
        return true;
    }
    if c.is_ascii_digit() != before.is_ascii_digit() {
        return c.is_alphanumeric() && before.is_alphanumeric();
    }
    c.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && starts_word(&word[at..]))
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
