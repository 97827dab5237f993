//! Counts list items and writes their markers: `1.`, `b)`, `iv`, `一、`, `•`.
//!
//! A marker is part of what a reader sees, and no text of the file holds it. Picture bullets become `•`.

use std::collections::HashMap;

/// Levels that a list can have.
pub(super) const LEVELS: usize = 9;

/// List definitions of a document, and how far each list has counted.
#[derive(Default)]
pub(super) struct Numbering {
    /// Levels by abstract list id.
    pub lists: HashMap<String, [Level; LEVELS]>,
    /// Uses of a list, by the id that paragraphs name.
    pub instances: HashMap<String, Instance>,
    /// Numbers reached, by abstract list id; `None` where a level has not begun.
    counts: HashMap<String, [Option<u32>; LEVELS]>,
    /// Abstract list by the style that stands for it.
    pub style_links: HashMap<String, String>,
    /// Style by the abstract list that is defined elsewhere.
    pub num_style_links: HashMap<String, String>,
}

/// How the items of one level are numbered.
#[derive(Clone, Default)]
pub(super) struct Level {
    /// First number.
    pub start: Option<u32>,
    /// Number format by its name in Office Open XML, for example `lowerRoman`.
    pub format: String,
    /// Pattern in which `%2` stands for the number of the second level.
    pub text: Option<String>,
}

/// One use of a list, with what it sets apart from it.
#[derive(Default)]
pub(super) struct Instance {
    /// Id of its abstract list.
    pub list: String,
    /// First numbers of its own.
    pub starts: HashMap<usize, u32>,
    /// Levels of its own.
    pub levels: HashMap<usize, Level>,
    /// Whether one of its paragraphs has been counted.
    pub is_begun: bool,
}

impl Numbering {
    /// Counts one paragraph of list `num_id` and returns its marker; `None` when it is in no list or has no marker.
    pub(super) fn marker(&mut self, num_id: &str, level: u8) -> Option<String> {
        let level = usize::from(level).min(LEVELS - 1);
        let instance = self.instances.get_mut(num_id)?;
        let list = match self.num_style_links.get(&instance.list).and_then(|style| self.style_links.get(style)) {
            Some(linked) => linked.clone(),
            None => instance.list.clone(),
        };
        let levels = self.lists.get(&list)?;
        let counts = self.counts.entry(list).or_default();
        if !std::mem::replace(&mut instance.is_begun, true) {
            for &level in instance.starts.keys() {
                counts[level] = None;
            }
        }
        let rule = |at: usize| instance.levels.get(&at).filter(|own| own.text.is_some()).unwrap_or(&levels[at]);
        let start = |at: usize| instance.starts.get(&at).copied().or(rule(at).start).unwrap_or(1);
        for (at, count) in counts.iter_mut().enumerate().take(level + 1) {
            *count = match *count {
                Some(count) if at == level => Some(count.saturating_add(1)),
                Some(count) => Some(count),
                None => Some(start(at)),
            };
        }
        counts[level + 1..].fill(None);
        let marker = written(rule(level), |at| (rule(at).format.as_str(), counts[at].unwrap_or_else(|| start(at))));
        Some(marker).filter(|marker| !marker.is_empty())
    }
}

/// Fills the level's pattern, in which `%2` stands for the number of the second level.
fn written<'a>(rule: &Level, number: impl Fn(usize) -> (&'a str, u32)) -> String {
    match rule.format.as_str() {
        "bullet" => return "•".into(),
        "none" => return String::new(),
        _ => {}
    }
    let mut marker = String::new();
    let mut pattern = rule.text.as_deref().unwrap_or_default().chars().peekable();
    while let Some(character) = pattern.next() {
        match pattern.peek().and_then(|next| next.to_digit(10)) {
            Some(digit @ 1..=9) if character == '%' => {
                let (format, count) = number(digit as usize - 1);
                marker.push_str(&spelled(format, count));
                pattern.next();
            }
            _ => marker.push(character),
        }
    }
    marker.trim().to_owned()
}

/// Writes a number in one of Word's number formats; unknown ones are decimal.
fn spelled(format: &str, count: u32) -> String {
    match format {
        "lowerLetter" => letters(count),
        "upperLetter" => letters(count).to_uppercase(),
        "lowerRoman" => roman(count),
        "upperRoman" => roman(count).to_uppercase(),
        "decimalZero" => format!("{count:02}"),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => {
            let circled = char::from_u32(0x245F + count).filter(|_| (1..=20).contains(&count));
            circled.map_or_else(|| count.to_string(), String::from)
        }
        "chineseCounting" | "chineseCountingThousand" | "japaneseCounting" | "ideographDigital" => chinese(count),
        "bullet" | "none" => String::new(),
        _ => count.to_string(),
    }
}

/// `a` to `z`, then `aa`, `bb` and so on, as Word does.
fn letters(count: u32) -> String {
    let Some(index) = count.checked_sub(1) else { return "0".into() };
    let letter = char::from(b'a' + (index % 26) as u8);
    std::iter::repeat_n(letter, (index as usize / 26 + 1).min(32)).collect()
}

fn roman(mut count: u32) -> String {
    if count == 0 || count > 3999 {
        return count.to_string();
    }
    const STEPS: [(u32, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut written = String::new();
    for (value, letters) in STEPS {
        while count >= value {
            written.push_str(letters);
            count -= value;
        }
    }
    written
}

/// 一 to 九十九; larger numbers are decimal.
fn chinese(count: u32) -> String {
    const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |value: u32| DIGITS[value as usize % 10];
    match count {
        0..=9 => digit(count).into(),
        10..=99 => {
            let tens = if count < 20 { "" } else { digit(count / 10) };
            let ones = if count.is_multiple_of(10) { "" } else { digit(count) };
            format!("{tens}十{ones}")
        }
        _ => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn numbers_are_spelled_in_the_format_of_the_list() {
        for (format, count, expected) in [
            ("lowerRoman", 14, "xiv"),
            ("upperLetter", 28, "BB"),
            ("chineseCounting", 21, "二十一"),
            ("chineseCountingThousand", 10, "十"),
            ("decimalZero", 7, "07"),
            ("decimalEnclosedCircle", 3, "③"),
            ("cardinalText", 3, "3"),
        ] {
            assert_eq!(spelled(format, count), expected);
        }
    }
}
