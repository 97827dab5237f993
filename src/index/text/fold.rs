//! Folds text to the one spelling under which it is indexed: compatibility forms unified, accents and ligatures opened.
//!
//! Letter case stays, because word splitting reads it. Vowel signs and voicing marks of scripts in which they tell words
//! apart (Devanagari, Thai, kana) stay too: only the accents that follow Latin, Greek and Cyrillic letters go.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Returns the folded form of a text, borrowed when nothing needs folding.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (settled, after) = rest.split_at(rest.find(|c| !is_settled(c)).unwrap_or(rest.len()));
        let (unsettled, after) = after.split_at(after.find(is_settled).unwrap_or(after.len()));
        folded.push_str(settled);
        normalise(unsettled, &mut folded);
        rest = after;
    }
    Cow::Owned(folded)
}

/// True for characters that every normalisation form leaves alone, whatever stands beside them.
///
/// They make up nearly all of English and Chinese text, and this test costs a fraction of normalising them.
fn is_settled(c: char) -> bool {
    matches!(c, '\0'..='\u{7f}' | '\u{3001}'..='\u{3029}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

fn normalise(text: &str, folded: &mut String) {
    let mut chars = text.chars();
    if let (Some(c @ '\u{ff01}'..='\u{ff5e}'), None) = (chars.next(), chars.next()) {
        // A lone full-width form, as the punctuation of Chinese text is, lies at a fixed distance from its ASCII twin.
        folded.extend(char::from_u32(c as u32 - 0xfee0));
        return;
    }
    for c in text.nfkd().filter(|c| !is_dropped(*c)).nfc() {
        match c {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'þ' | 'Þ' => folded.push_str("th"),
            'ø' | 'Ø' => folded.push('o'),
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            'ł' | 'Ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            '’' | '‘' | 'ʼ' => folded.push('\''),
            c => folded.push(c),
        }
    }
}

/// True for accents, and for the invisible characters that may stand inside a word without being part of it.
fn is_dropped(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(fold(text), expected, "of {text:?}");
    }

    #[test]
    fn ascii_is_borrowed_as_it_is() {
        assert!(matches!(fold("Plain text, 42."), Cow::Borrowed("Plain text, 42.")));
    }

    #[test]
    fn accents_go_whether_composed_or_not() {
        check("Café", "Cafe");
        check("Cafe\u{301}", "Cafe");
        check("Ångström, naïve, señor, čeština", "Angstrom, naive, senor, cestina");
        check("Ёлка", "Елка");
    }

    #[test]
    fn letters_without_a_decomposition_are_spelled_out() {
        check("Straße Ærø Łódź œuvre", "Strasse aero lodz oeuvre");
    }

    #[test]
    fn compatibility_forms_become_plain() {
        check("ＡＢＣ１２３，", "ABC123,");
        check("ﬁne ² ①", "fine 2 1");
        check("ｶﾞｲﾄﾞ", "ガイド");
    }

    #[test]
    fn marks_that_carry_meaning_stay() {
        check("が", "が");
        check("か\u{3099}", "が");
        check("हिन्दी", "हिन्दी");
        check("한국어", "한국어");
    }

    #[test]
    fn invisible_characters_inside_a_word_go() {
        check("co\u{ad}op\u{200b}erate\u{feff}", "cooperate");
    }

    #[test]
    fn chinese_is_unchanged_but_for_its_full_width_forms() {
        check("总理，莫迪。", "总理,莫迪。");
    }
}
