//! Patterns of `LIKE`: `%` stands for any run of characters, `_` for one, everything else for itself.
//!
//! Case counts, and nothing is normalised. The search is leftmost and greedy and never goes back over a `%`, so its
//! cost is at most the length of the pattern times the length of the text.

use std::fmt;

/// A pattern, split at its `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikePattern {
    /// What stands before, between and after the `%`; one segment where there is none.
    ///
    /// `%_` means the same as `_%` and is kept as that, so an inner segment always starts with text to look for.
    segments: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    AnyOne,
}

/// The simple shapes, for which there is a faster way than [`LikePattern::matches`].
pub(super) enum Shape<'a> {
    /// No `%` and no `_`.
    Exact(&'a str),
    /// Text and a final `%`.
    Prefix(&'a str),
    /// Text after an initial `%`.
    Suffix(&'a str),
    /// Text between two `%`.
    Contains(&'a str),
    /// Everything else.
    Other,
}

impl LikePattern {
    /// Reads a pattern; `None` where it ends in the escape character.
    ///
    /// The character after an escape stands for itself.
    pub(super) fn parse(pattern: &str, escape: Option<char>) -> Option<Self> {
        let mut segments = vec![Vec::new()];
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                escaping if Some(escaping) == escape => characters.next()?,
                '%' => {
                    segments.push(Vec::new());
                    continue;
                }
                '_' => {
                    push_one(&mut segments);
                    continue;
                }
                literal => literal,
            };
            push_literal(&mut segments, literal);
        }
        drop_empty_inner(&mut segments);
        Some(Self { segments })
    }

    /// Returns whether the whole text has the pattern's shape.
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, after)) = self.segments.split_first() else { return false };
        let Some(mut rest) = match_start(first, text) else { return false };
        let Some((last, inner)) = after.split_last() else { return rest.is_empty() };
        for segment in inner {
            match find(segment, rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        match_end(last, rest)
    }

    /// Returns which simple shape it is.
    pub(super) fn shape(&self) -> Shape<'_> {
        let segments: Vec<&[Part]> = self.segments.iter().map(Vec::as_slice).collect();
        match segments.as_slice() {
            [[]] => Shape::Exact(""),
            [[Part::Text(text)]] => Shape::Exact(text),
            [[Part::Text(text)], []] => Shape::Prefix(text),
            [[], [Part::Text(text)]] => Shape::Suffix(text),
            [[], [Part::Text(text)], []] => Shape::Contains(text),
            _ => Shape::Other,
        }
    }
}

impl fmt::Display for LikePattern {
    /// Writes the pattern with `\` as its escape.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str("%")?;
            }
            for part in segment {
                match part {
                    Part::AnyOne => f.write_str("_")?,
                    Part::Text(text) => {
                        f.write_str(&text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds `_`: to the open segment, or before the `%` that it directly follows.
fn push_one(segments: &mut [Vec<Part>]) {
    let mut target = segments.len() - 1;
    while target > 0 && segments[target].is_empty() {
        target -= 1;
    }
    segments[target].push(Part::AnyOne);
}

fn push_literal(segments: &mut [Vec<Part>], literal: char) {
    let Some(open) = segments.last_mut() else { return };
    match open.last_mut() {
        Some(Part::Text(text)) => text.push(literal),
        _ => open.push(Part::Text(literal.to_string())),
    }
}

/// Makes one `%` of several in a row.
fn drop_empty_inner(segments: &mut Vec<Vec<Part>>) {
    let last = segments.len() - 1;
    let mut index = 0;
    segments.retain(|segment| {
        let kept = index == 0 || index == last || !segment.is_empty();
        index += 1;
        kept
    });
}

/// Returns what follows the segment at the start of the text.
fn match_start<'a>(segment: &[Part], text: &'a str) -> Option<&'a str> {
    segment.iter().try_fold(text, |rest, part| match part {
        Part::Text(literal) => rest.strip_prefix(literal.as_str()),
        Part::AnyOne => {
            let mut characters = rest.chars();
            characters.next().map(|_| characters.as_str())
        }
    })
}

/// Returns whether the text ends in the segment.
fn match_end(segment: &[Part], text: &str) -> bool {
    let rest = segment.iter().rev().try_fold(text, |rest, part| match part {
        Part::Text(literal) => rest.strip_suffix(literal.as_str()),
        Part::AnyOne => {
            let mut characters = rest.chars();
            characters.next_back().map(|_| characters.as_str())
        }
    });
    rest.is_some()
}

/// Returns what follows the first place where the segment stands in the text.
///
/// Looks for the first character only, which for texts as short as metadata is faster than preparing a better search.
fn find<'a>(segment: &[Part], text: &'a str) -> Option<&'a str> {
    let Some(Part::Text(head)) = segment.first() else { return match_start(segment, text) };
    let first = head.chars().next()?;
    let mut rest = text;
    loop {
        rest = &rest[rest.find(first)?..];
        if let Some(after) = match_start(segment, rest) {
            return Some(after);
        }
        rest = &rest[first.len_utf8()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        LikePattern::parse(pattern, Some('\\')).unwrap().matches(text)
    }

    /// The definition itself, one character at a time, going back where it must.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
            Some((one, rest)) => {
                text.split_first().is_some_and(|(first, text)| (*one == '_' || one == first) && naive(rest, text))
            }
        }
    }

    #[test]
    fn a_pattern_covers_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("a%", "abc", true),
            ("a%", "ba", false),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a%b%c", "a-b-c", true),
            ("a%a", "a", false),
            ("_", "部", true),
            ("_", "", false),
            ("部_", "部门", true),
            ("%_%", "", false),
            ("%ab_d%", "ababcd", true),
            ("A", "a", false),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\\b", r"a\b", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} over {text:?}");
        }
    }

    #[test]
    fn a_pattern_that_ends_in_its_escape_is_refused() {
        assert!(LikePattern::parse("a!", Some('!')).is_none());
        assert!(LikePattern::parse("a\\", None).unwrap().matches("a\\"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[ab部_%]{0,8}", text in "[ab部]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), naive(&p, &t));
        }

        #[test]
        fn a_pattern_prints_as_one_that_reads_back(pattern in r"[ab_%!\\]{0,10}") {
            if let Some(read) = LikePattern::parse(&pattern, Some('!')) {
                prop_assert_eq!(LikePattern::parse(&read.to_string(), Some('\\')), Some(read));
            }
        }
    }
}
