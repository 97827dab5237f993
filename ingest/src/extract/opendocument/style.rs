//! What paragraph styles and list styles mean; a document has them in two parts.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use crate::error::ReadError;
use crate::extract::list::{LEVELS, Level, Numbering};
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// Longest chain of parents that is followed.
const CHAIN_MAX: usize = 16;

/// Styles of a document, as far as they decide kinds of blocks and list markers.
#[derive(Default)]
pub(super) struct Styles {
    /// Parent of each style.
    parents: HashMap<String, String>,
    /// Lists by the name of their style.
    pub numbering: Numbering,
    list: Option<String>,
}

impl Styles {
    /// Adds the styles of one part.
    pub(super) fn add(&mut self, xml: &str, limits: &Limits) -> Result<(), ReadError> {
        walk(xml, limits.depth_max, |token| {
            if let Token::Open(element) = token {
                self.take(element);
            }
            Ok(())
        })
    }

    fn take(&mut self, element: &BytesStart) {
        match element.local_name().as_ref() {
            "style" => {
                let named = attribute(element, "name").zip(attribute(element, "parent-style-name"));
                self.parents.extend(named);
            }
            "list-style" => {
                self.list = attribute(element, "name");
                self.numbering.lists.extend(self.list.clone().map(|name| (name, Default::default())));
            }
            "list-level-style-number" => self.add_level(element, number_format(attribute(element, "num-format"))),
            "list-level-style-bullet" | "list-level-style-image" => self.add_level(element, "bullet"),
            _ => {}
        }
    }

    fn add_level(&mut self, element: &BytesStart, format: &str) {
        let number = |name: &str| attribute(element, name).and_then(|value| value.parse::<u32>().ok());
        let level =
            number("level").and_then(|level| usize::try_from(level).ok()).and_then(|level| level.checked_sub(1));
        let Some(levels) = self.list.as_ref().and_then(|name| self.numbering.lists.get_mut(name)) else { return };
        let Some((own, level)) = level.filter(|level| *level < LEVELS).and_then(|at| Some((levels.get_mut(at)?, at)))
        else {
            return;
        };
        let shown = number("display-levels").unwrap_or(1).clamp(1, level as u32 + 1) as usize;
        let numbers: Vec<String> = (level + 2 - shown..=level + 1).map(|level| format!("%{level}")).collect();
        let part = |name: &str| attribute(element, name).unwrap_or_default();
        *own = Level {
            start: number("start-value"),
            format: format.to_owned(),
            text: Some(format!("{}{}{}", part("num-prefix"), numbers.join("."), part("num-suffix"))),
        };
    }

    /// Returns whether a paragraph style is that of the document's title, or based on it.
    pub(super) fn is_title(&self, name: &str) -> bool {
        let mut next = Some(name);
        for _ in 0..CHAIN_MAX {
            match next {
                Some("Title") => return true,
                Some(name) => next = self.parents.get(name).map(String::as_str),
                None => return false,
            }
        }
        false
    }
}

/// Names a number format as Office Open XML does.
fn number_format(stated: Option<String>) -> &'static str {
    match stated.as_deref() {
        Some("a") => "lowerLetter",
        Some("A") => "upperLetter",
        Some("i") => "lowerRoman",
        Some("I") => "upperRoman",
        Some("一, 二, 三, ...") => "chineseCounting",
        Some("") | None => "none",
        Some(_) => "decimal",
    }
}
