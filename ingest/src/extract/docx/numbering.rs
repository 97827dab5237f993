//! Counts list items and writes their markers: `1.`, `b)`, `iv`, `一、`, `•`.
//!
//! A marker is part of what a reader sees, and no text of the file holds it. Picture bullets become `•`.

use std::collections::HashMap;

use super::xml::{Token, attribute, walk};
use crate::error::ReadError;

/// Levels that a list can have.
const LEVELS: usize = 9;

/// List definitions of a document, and how far each list has counted.
#[derive(Default)]
pub(super) struct Numbering {
    /// Levels by abstract list id.
    lists: HashMap<String, [Level; LEVELS]>,
    instances: HashMap<String, Instance>,
    /// Numbers reached, by abstract list id; `None` where a level has not begun.
    counts: HashMap<String, [Option<u32>; LEVELS]>,
    style_links: HashMap<String, String>,
    num_style_links: HashMap<String, String>,
}

#[derive(Clone, Default)]
struct Level {
    start: Option<u32>,
    format: String,
    text: Option<String>,
}

#[derive(Default)]
struct Instance {
    list: String,
    starts: HashMap<usize, u32>,
    levels: HashMap<usize, Level>,
    is_begun: bool,
}

impl Numbering {
    /// Parses the numbering part.
    pub(super) fn parse(xml: &str, depth_max: usize) -> Result<Self, ReadError> {
        let mut numbering = Self::default();
        let mut place = Place::default();
        walk(xml, depth_max, |token| {
            if let Token::Open(element) = token {
                numbering.take(&mut place, element);
            }
            Ok(())
        })?;
        Ok(numbering)
    }

    fn take(&mut self, place: &mut Place, element: &quick_xml::events::BytesStart) {
        let value = || attribute(element, "val").unwrap_or_default();
        let level = || attribute(element, "ilvl").and_then(|level| level.parse().ok()).filter(|&level| level < LEVELS);
        match element.local_name().as_ref() {
            "abstractNum" => {
                let id = attribute(element, "abstractNumId").unwrap_or_default();
                self.lists.insert(id.clone(), Default::default());
                *place = Place { list: Some(id), ..Place::default() };
            }
            "num" => {
                let id = attribute(element, "numId").unwrap_or_default();
                self.instances.insert(id.clone(), Instance::default());
                *place = Place { instance: Some(id), ..Place::default() };
            }
            "styleLink" => drop(place.list.clone().map(|list| self.style_links.insert(value(), list))),
            "numStyleLink" => drop(place.list.clone().map(|list| self.num_style_links.insert(list, value()))),
            "lvlOverride" | "lvl" => place.level = level(),
            "abstractNumId" => drop(self.instance(place).map(|instance| instance.list = value())),
            "startOverride" => {
                if let (Some(level), Ok(start), Some(instance)) = (place.level, value().parse(), self.instance(place)) {
                    instance.starts.insert(level, start);
                }
            }
            "start" => drop(self.level(place).map(|level| level.start = value().parse().ok())),
            "numFmt" => drop(self.level(place).map(|level| level.format = value())),
            "lvlText" => drop(self.level(place).map(|level| level.text = Some(value()))),
            _ => {}
        }
    }

    fn instance(&mut self, place: &Place) -> Option<&mut Instance> {
        self.instances.get_mut(place.instance.as_ref()?)
    }

    fn level(&mut self, place: &Place) -> Option<&mut Level> {
        let level = place.level?;
        match &place.list {
            Some(list) => self.lists.get_mut(list)?.get_mut(level),
            None => Some(self.instance(place)?.levels.entry(level).or_default()),
        }
    }

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

/// Where the parser stands: inside an abstract list or an instance, at which level.
#[derive(Default)]
struct Place {
    list: Option<String>,
    instance: Option<String>,
    level: Option<usize>,
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
    use super::*;

    const XML: &str = r#"<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="0">
        <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
        </w:abstractNum><w:abstractNum w:abstractNumId="1">
        <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val=""/></w:lvl></w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
        <w:num w:numId="2"><w:abstractNumId w:val="0"/>
          <w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>
        <w:num w:numId="3"><w:abstractNumId w:val="1"/></w:num></w:numbering>"#;

    #[test]
    fn levels_count_apart_and_begin_again_under_a_new_parent() {
        let mut numbering = Numbering::parse(XML, 64).unwrap();
        let markers: Vec<_> = [0, 1, 1, 0, 1].map(|level| numbering.marker("1", level).unwrap()).into();
        assert_eq!(markers, ["1.", "1.a)", "1.b)", "2.", "2.a)"]);
        assert_eq!(numbering.marker("2", 0).as_deref(), Some("5."));
        assert_eq!(numbering.marker("3", 0).as_deref(), Some("•"));
        assert_eq!(numbering.marker("9", 0), None);
    }

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
