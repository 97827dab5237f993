//! Turns a text into the counted terms under which it is indexed and searched; documents and queries go the same way.
//!
//! It keeps no positions, so there are no phrase queries, and it guesses no language: English endings are removed from
//! every word in plain Latin letters, which leaves words of other languages findable under their own, equally cut, form.
//! A Chinese word is indexed whole and by its characters, so that a query finds it where the dictionary cut differently;
//! this measured better than pairs of characters, and better than words alone.

use frostem::{Algorithm, Stemmer};
use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};

use super::fold::fold;
use super::identifier::for_each_part;
use super::terms::{Analyzed, TermCollector};
use super::word::{Piece, for_each_piece};

/// Longest term in characters; the rest of a longer word is not indexed. A SHA-256 in hex still fits.
pub const TERM_CHARS_MAX: usize = 64;

/// Longest run handed to the dictionary at once, in characters: bounds what one hostile run can cost.
const RUN_CHARS_MAX: usize = 512;

/// English words that say nothing about a passage. Question words are among them: passages seldom hold them, so they
/// would weigh much and mean little. In byte order, for binary search.
const STOP_WORDS: [&str; 59] = [
    "a", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for",
    "from", "had", "has", "have", "how", "if", "in", "into", "is", "it", "its", "may", "must", "no", "not", "of", "on",
    "or", "should", "so", "such", "than", "that", "the", "their", "then", "there", "these", "they", "this", "to",
    "was", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would",
];

/// What an apostrophe leaves of a contracted or possessive English word. In byte order, for binary search.
const TAILS: [&str; 7] = ["d", "ll", "m", "re", "s", "t", "ve"];

/// The rules that make terms of text. It holds no state, so one serves all threads.
#[derive(Clone, Copy)]
pub struct Analyzer {
    stemmer: Stemmer,
    segmenter: WordSegmenterBorrowed<'static>,
}

impl Default for Analyzer {
    fn default() -> Self {
        Self::new()
    }
}

impl Analyzer {
    /// Creates the analyzer over the dictionaries that are compiled into the program.
    pub fn new() -> Self {
        Self {
            stemmer: Stemmer::new(Algorithm::English),
            segmenter: WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()),
        }
    }

    /// Returns the counted terms of a text.
    pub fn analyze(&self, text: &str) -> Analyzed {
        let folded = fold(text);
        let mut terms = TermCollector::with_capacity(folded.len());
        for_each_piece(&folded, |piece| match piece {
            Piece::Word(word) => self.add_word(word, &mut terms),
            Piece::Tail(tail) if is_listed(&TAILS, &tail.to_ascii_lowercase()) => {}
            Piece::Tail(word) => self.add_word(word, &mut terms),
            Piece::Unspaced(run) => self.add_run(run, &mut terms),
        });
        terms.count()
    }

    fn add_word(&self, word: &str, terms: &mut TermCollector) {
        let word = cut(word.trim_matches('_'));
        if word.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
            return match word.contains(',') {
                true => terms.push_chars(word.chars().filter(|c| *c != ',')),
                false => terms.push(word),
            };
        }
        self.add_lowered(word, terms);
        for_each_part(word, |part| self.add_lowered(part, terms));
        if word.chars().all(is_hangul) {
            add_pairs(word, terms);
        }
    }

    fn add_lowered(&self, word: &str, terms: &mut TermCollector) {
        if !word.is_ascii() {
            return terms.push_chars(word.chars().flat_map(char::to_lowercase));
        }
        if !word.bytes().all(|b| b.is_ascii_alphabetic()) {
            return terms.push_ascii_lowercase(word);
        }
        let mut lowered = [0; TERM_CHARS_MAX];
        let lowered = &mut lowered[..word.len()];
        lowered.copy_from_slice(word.as_bytes());
        lowered.make_ascii_lowercase();
        let lowered = std::str::from_utf8(lowered).expect("ASCII letters are UTF-8");
        if !is_listed(&STOP_WORDS, lowered) {
            terms.push(&self.stemmer.stem(lowered));
        }
    }

    fn add_run(&self, mut run: &str, terms: &mut TermCollector) {
        while !run.is_empty() {
            let (head, rest) = run.split_at(end_of_chars(run, RUN_CHARS_MAX));
            let mut start = 0;
            for end in self.segmenter.segment_str(head).skip(1) {
                add_dictionary_word(&head[start..end], terms);
                start = end;
            }
            run = rest;
        }
    }
}

fn add_dictionary_word(word: &str, terms: &mut TermCollector) {
    if !word.chars().any(char::is_alphanumeric) {
        return;
    }
    terms.push(cut(word));
    if word.chars().nth(1).is_some() {
        word.chars().filter(|c| is_han(*c)).for_each(|c| terms.push_chars(std::iter::once(c)));
    }
}

/// Adds each two neighbouring syllables of a Korean word, whose particles are written onto the noun.
fn add_pairs(word: &str, terms: &mut TermCollector) {
    if word.chars().nth(2).is_some() {
        for (first, second) in word.chars().zip(word.chars().skip(1)) {
            terms.push_chars([first, second].into_iter());
        }
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

fn is_listed(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

fn cut(word: &str) -> &str {
    &word[..end_of_chars(word, TERM_CHARS_MAX)]
}

fn end_of_chars(text: &str, chars_max: usize) -> usize {
    if text.len() <= chars_max {
        return text.len();
    }
    text.char_indices().nth(chars_max).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        Analyzer::new().analyze(text).terms().map(|(term, _)| term.to_owned()).collect()
    }

    /// Checks the distinct terms of a text, whatever their order.
    fn check(text: &str, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(terms(text), expected, "of {text:?}");
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(STOP_WORDS.is_sorted());
        assert!(TAILS.is_sorted());
    }

    #[test]
    fn english_words_lose_their_endings_and_their_capitals() {
        check("Connected CONNECTIONS connecting", &["connect"]);
        check("laws of heated aircraft", &["law", "heat", "aircraft"]);
    }

    #[test]
    fn stop_words_are_dropped() {
        check("What is the similarity of a wing?", &["similar", "wing"]);
        check("the", &[]);
    }

    #[test]
    fn contractions_lose_their_tail() {
        check("Newton's laws don\u{2019}t bend", &["newton", "law", "don", "bend"]);
        check("O'Neill", &["o", "neill"]);
    }

    #[test]
    fn accents_do_not_matter() {
        check("Résumé resume", &["resum"]);
        check("Zürich ZURICH", &["zurich"]);
    }

    #[test]
    fn german_umlauts_and_sharp_s_are_folded() {
        check("Größe GROESSE Straße STRASSE", &["gross", "groess", "strass"]);
        check("über UBER", &["uber"]);
    }

    #[test]
    fn chinese_words_are_kept_whole_and_by_character() {
        check("北京大学", &["北京", "大学", "北", "京", "大", "学"]);
        check("我爱北京。", &["我", "爱", "北京", "北", "京"]);
    }

    #[test]
    fn a_chinese_question_shares_terms_with_its_answer() {
        let answer = terms("2021年，中国的国内生产总值增长了8.1%。");
        let shared = terms("2021年中国GDP增长多少？").iter().filter(|term| answer.contains(term)).count();
        assert!(shared >= 5, "shared {shared} of {answer:?}");
    }

    #[test]
    fn japanese_is_cut_by_dictionary() {
        check("こんにちは世界", &["こんにちは", "世界", "世", "界"]);
        assert!(terms("東京タワーへ行きました").contains(&"東京".to_owned()));
    }

    #[test]
    fn korean_words_are_found_without_their_particles() {
        check("서울에서", &["서울에서", "서울", "울에", "에서"]);
        check("서울", &["서울"]);
    }

    #[test]
    fn thai_is_cut_by_dictionary() {
        check("ทุกสองสัปดาห์", &["ทุก", "สอง", "สัปดาห์"]);
    }

    #[test]
    fn cyrillic_and_greek_are_lowered() {
        check("МОСКВА Москва", &["москва"]);
        check("ΟΔΟΣ οδός", &["οδοσ"]);
    }

    #[test]
    fn numbers_are_kept_without_their_thousands_commas() {
        check("$18,592 in 2023", &["18592", "2023"]);
        check("3.14 or 1,234,567.5", &["3.14", "1234567.5"]);
        check("Q3 2023", &["q3", "2023"]);
        check("１２３", &["123"]);
    }

    #[test]
    fn identifiers_are_kept_whole_and_in_parts() {
        check("max_body_bytes", &["max_body_bytes", "max", "bodi", "byte"]);
        check("parseXmlFile", &["parsexmlfil", "pars", "xml", "file"]);
        check("__init__", &["init"]);
        check("covid19", &["covid19", "covid", "19"]);
    }

    #[test]
    fn emoji_separate_words_and_are_no_terms() {
        check("ship🚀it 👩‍👩‍👧", &["ship"]);
    }

    #[test]
    fn nothing_makes_no_terms() {
        assert!(Analyzer::new().analyze("").is_empty());
        assert!(Analyzer::new().analyze(" \u{0}\u{ffff} -- … \n").is_empty());
    }

    #[test]
    fn repetitions_count() {
        let analyzed = Analyzer::new().analyze("wing wings flow");
        assert_eq!(analyzed.terms().collect::<Vec<_>>(), [("flow", 1), ("wing", 2)]);
        assert_eq!(analyzed.length(), 3);
    }

    #[test]
    fn a_single_word_of_ten_megabytes_is_cut_to_one_term() {
        for letter in ["x", "aB", "_", "9", "é"] {
            let analyzed = Analyzer::new().analyze(&letter.repeat(10_000_000 / letter.len()));
            let longest = analyzed.terms().map(|(term, _)| term.chars().count()).max();
            assert!(longest.unwrap_or(0) <= TERM_CHARS_MAX);
            assert!(analyzed.length() <= TERM_CHARS_MAX as u32);
        }
    }

    #[test]
    fn megabytes_without_a_break_do_not_cost_quadratic_time() {
        for letter in ["学", "ก", "\u{301}", "가"] {
            let begun = std::time::Instant::now();
            Analyzer::new().analyze(&letter.repeat(3_000_000 / letter.len()));
            assert!(begun.elapsed().as_secs() < 30, "{letter:?} took {:?}", begun.elapsed());
        }
    }
}
