//! Finds the headings of a file and ranks them by size over all its pages.
//!
//! A title that the file states is one where it stands. Else works from what is unusual: larger than the body, bold where the body is not, capitals, or numbered as sections are.

use std::collections::HashMap;

use super::block::Draft;
use crate::document::BlockKind;

/// Longest heading, in characters.
const CHARS_MAX: usize = 160;
/// How much larger than the body a heading is.
const LARGER: f32 = 1.12;
/// Lowest level given.
const LEVEL_MAX: u8 = 3;

/// What is usual in a file, and the sizes of its headings.
pub struct Ranks {
    body: f32,
    bold: bool,
    sizes: Vec<i32>,
    /// Levels of stated titles, by their words.
    stated: HashMap<String, u8>,
}

impl Ranks {
    /// Learns the body text and heading sizes of a file, and the titles that it states.
    pub fn of<'a>(drafts: impl Iterator<Item = &'a Draft> + Clone, titles: &[(String, u8)]) -> Self {
        let mut weights: HashMap<i32, usize> = HashMap::new();
        let (mut bold, mut all) = (0, 0);
        for draft in drafts.clone() {
            let characters = draft.text.len();
            *weights.entry(halves(draft.size)).or_default() += characters;
            all += characters;
            bold += if draft.bold { characters } else { 0 };
        }
        let body = weights.iter().max_by_key(|(size, weight)| (**weight, **size)).map_or(20, |(size, _)| *size);
        let mut ranks =
            Self { body: body as f32 / 2.0, bold: bold * 2 > all, sizes: Vec::new(), stated: HashMap::new() };
        for (title, level) in titles {
            ranks.stated.entry(words(title)).or_insert(*level);
        }
        let mut sizes: Vec<i32> =
            drafts.filter(|draft| ranks.is_larger(draft) && is_short(draft)).map(|draft| halves(draft.size)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        ranks.sizes = sizes;
        ranks
    }

    /// Returns the level of a heading, or `None` for everything else.
    pub fn level(&self, draft: &Draft) -> Option<u8> {
        if draft.kind == BlockKind::Table || !is_short(draft) {
            return None;
        }
        if let Some(level) = self.stated.get(&words(&draft.text)) {
            return Some((*level).min(LEVEL_MAX));
        }
        if self.is_larger(draft) {
            let rank = self.sizes.iter().position(|size| *size == halves(draft.size))?;
            return Some((rank as u8).saturating_add(1).min(LEVEL_MAX));
        }
        let below = (self.sizes.len() as u8).saturating_add(1).min(LEVEL_MAX);
        if let Some(level) = section(&draft.text).filter(|_| draft.rows <= 2) {
            return Some(level.max(below.min(2)));
        }
        let ended = draft.text.ends_with(['.', ',', ';', ':', '。', '，']);
        let bold = draft.bold && !self.bold && draft.size >= 0.95 * self.body;
        let listed = draft.kind == BlockKind::ListItem;
        let unusual = bold || (is_capitals(&draft.text) && draft.size >= 0.95 * self.body);
        (unusual && !ended && !listed && draft.rows <= 2).then_some(below)
    }

    fn is_larger(&self, draft: &Draft) -> bool {
        draft.size > LARGER * self.body
    }
}

/// Returns the letters and digits of a title; spaces and dashes differ between outline and page.
fn words(title: &str) -> String {
    title.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn halves(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

fn is_short(draft: &Draft) -> bool {
    let characters = draft.text.chars().count();
    let letters = draft.text.chars().filter(|c| c.is_alphabetic()).count();
    characters <= CHARS_MAX && draft.rows <= 3 && letters >= 2 && letters * 2 >= characters
}

fn is_capitals(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    letters.len() >= 5 && text.chars().count() <= 90 && letters.iter().all(|letter| letter.is_uppercase())
}

/// Returns the level of a numbered section title: `PART I` 1, `Item 2. …` and `Chapter 3` 2, `4.1 …` by its dots.
fn section(text: &str) -> Option<u8> {
    let mut words = text.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let title = words.next().unwrap_or(second);
    let numbered = second.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'I' | 'V' | 'X'));
    match first.to_lowercase().as_str() {
        "part" if numbered && second.len() <= 5 && text.len() <= 80 => return Some(1),
        "item" | "chapter" | "section" | "appendix" if numbered && second.len() <= 5 => {
            return title.starts_with(char::is_uppercase).then_some(2);
        }
        _ => {}
    }
    let dots = first.trim_end_matches('.').matches('.').count();
    let number = first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && first.len() <= 8;
    let named = second.starts_with(char::is_uppercase) && !text.ends_with(['.', ';', ',']);
    (number && dots >= 1 && named && text.len() <= 90).then_some((dots as u8 + 1).min(LEVEL_MAX))
}
