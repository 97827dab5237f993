//! Judges how much a text looks like text, without a dictionary.
//!
//! Wrong encodings leave characters that no text has, lost spaces and gaps leave letters alone, and broken fonts leave
//! the same few signs over and over. Says nothing about what a text means.

/// Fewest letters from which their spread can be told.
const LETTERS_MIN: usize = 64;
/// Spread of letters in bits that every natural text of some length has. English has about 4.1, Chinese more.
const SPREAD_MIN: f32 = 2.5;
/// Share of lone letters that honest text stays below: initials, list labels, formulas.
const LONE_SHARE: f32 = 0.35;
/// How much a share of characters that no text has costs. A fifth of them halves the quality.
const NONE_WEIGHT: f32 = 2.5;

/// Returns the quality of a text from 0 to 1; 1 for one without characters, since nothing is wrong with it.
pub fn quality(text: &str) -> f32 {
    legibility(std::iter::once(text), 0) * wholeness(text) * spread(text)
}

/// Returns from 0 to 1 how much of what is shown is characters at all: a text, and signs beside it that have none.
pub fn legibility<'a>(texts: impl Iterator<Item = &'a str> + Clone, unknown: usize) -> f32 {
    let shown = || texts.clone().flat_map(str::chars).filter(|it| !it.is_whitespace());
    let (all, none) = (shown().count() + unknown, shown().filter(|it| is_none(*it)).count() + unknown);
    (1.0 - NONE_WEIGHT * none as f32 / all.max(1) as f32).max(0.0)
}

/// Returns whether a character stands for none: a replacement, a private one, a control.
fn is_none(character: char) -> bool {
    let is_private = matches!(character, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    is_private || (character.is_control() && !character.is_whitespace())
}

/// Falls where many words of scripts with spaces are of one letter.
fn wholeness(text: &str) -> f32 {
    let is_spaced = |it: char| it.is_alphabetic() && (it as u32) < 0x2e80;
    let words = || text.split_whitespace().filter(|word| word.chars().any(is_spaced));
    let (all, lone) = (words().count(), words().filter(|word| word.chars().count() == 1).count());
    if all < LETTERS_MIN / 4 {
        return 1.0;
    }
    let over = (lone as f32 / all as f32 - LONE_SHARE).max(0.0);
    1.0 - over / (1.0 - LONE_SHARE)
}

/// Falls where letters repeat more than in any language.
fn spread(text: &str) -> f32 {
    let mut letters: Vec<char> = text.chars().filter(|it| it.is_alphabetic()).collect();
    if letters.len() < LETTERS_MIN {
        return 1.0;
    }
    letters.sort_unstable();
    let shares = letters.chunk_by(|a, b| a == b).map(|same| same.len() as f32 / letters.len() as f32);
    let bits: f32 = shares.map(|share| -share * share.log2()).sum();
    (bits / SPREAD_MIN).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_text_of_any_script_is_good() {
        for text in [
            "Employees are entitled to twenty-five days of annual leave, which they agree with their manager.",
            "员工每年有二十五天年假，须提前与主管商定。未休的假期可以顺延至次年三月三十一日。",
            "A. B. Smith and C. D. Jones, 1999",
            "1,204 | 3,551 | 12%",
            "",
        ] {
            assert_eq!(quality(text), 1.0, "{text}");
        }
    }

    #[test]
    fn garbled_torn_and_stuck_text_is_bad() {
        assert!(quality(&"\u{fffd}\u{e012}\u{e013}a ".repeat(20)) < 0.1);
        assert!(quality(&"t h e l e t t e r s a r e a p a r t ".repeat(4)) < 0.1);
        assert!(quality(&"aaaa ".repeat(40)) < 0.1);
        assert!(legibility(["legible"].into_iter(), 7) < 0.5);
        assert!(quality("caf\u{fffd} au lait, s'il vous pla\u{fffd}t, monsieur") > 0.8);
    }
}
