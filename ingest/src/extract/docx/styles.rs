//! Knows what each paragraph style stands for: a heading level, the title, or a list numbering.
//!
//! Follows `basedOn`, and goes by the style's built-in English name, because ids are localised.

use std::collections::HashMap;

use crate::error::ReadError;
use crate::extract::xml::{Token, attribute, walk};

/// Longest chain of `basedOn` that is followed; Word itself stops at 11.
const CHAIN_MAX: usize = 16;

/// All paragraph styles of a document, by id.
#[derive(Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    /// Id of the style that paragraphs without one have.
    default_id: Option<String>,
}

/// What a paragraph takes from its style.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub(super) struct Meaning<'a> {
    /// Heading level from 1.
    pub level: Option<u8>,
    /// Whether it is the document's title.
    pub is_title: bool,
    /// Numbering id of the list it belongs to.
    pub num_id: Option<&'a str>,
    /// Level in that list.
    pub list_level: Option<u8>,
}

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    num_id: Option<String>,
    list_level: Option<u8>,
}

impl Styles {
    /// Parses the styles part.
    pub(super) fn parse(xml: &str, depth_max: usize) -> Result<Self, ReadError> {
        let mut styles = Self::default();
        let mut open: Option<(String, Style)> = None;
        let mut depth = 0usize;
        let mut style_depth = 0;
        walk(xml, depth_max, |token| {
            match token {
                Token::Open(element) => {
                    depth += 1;
                    if element.local_name().as_ref() == "style" {
                        let id = attribute(element, "styleId").unwrap_or_default();
                        if attribute(element, "default").is_some_and(|value| value == "1" || value == "true")
                            && attribute(element, "type").is_some_and(|kind| kind == "paragraph")
                        {
                            styles.default_id = Some(id.clone());
                        }
                        open = Some((id, Style::default()));
                        style_depth = depth;
                    } else if let Some((_, style)) = &mut open {
                        style.take(element.local_name().as_ref(), attribute(element, "val"));
                    }
                }
                Token::Close => {
                    if depth == style_depth
                        && let Some((id, style)) = open.take()
                    {
                        styles.by_id.insert(id, style);
                    }
                    depth -= 1;
                }
                Token::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(styles)
    }

    /// Returns what the style with this id means; `None` asks for the default style.
    pub(super) fn meaning(&self, id: Option<&str>) -> Meaning<'_> {
        let mut meaning = Meaning::default();
        let mut next = id.or(self.default_id.as_deref());
        for _ in 0..CHAIN_MAX {
            let Some(style) = next.and_then(|id| self.by_id.get(id)) else { break };
            let name = style.name.to_lowercase();
            meaning.is_title |= name == "title";
            meaning.level = meaning.level.or(level_named(&name)).or(style.outline);
            meaning.num_id = meaning.num_id.or(style.num_id.as_deref());
            meaning.list_level = meaning.list_level.or(style.list_level);
            next = style.based_on.as_deref();
        }
        meaning.level = meaning.level.filter(|&level| level <= 9);
        meaning
    }
}

impl Style {
    fn take(&mut self, element: &str, value: Option<String>) {
        match element {
            "name" => self.name = value.unwrap_or_default(),
            "basedOn" => self.based_on = value,
            "outlineLvl" => self.outline = value.and_then(|value| value.parse::<u8>().ok()).map(|level| level + 1),
            "numId" => self.num_id = value,
            "ilvl" => self.list_level = value.and_then(|value| value.parse().ok()),
            _ => {}
        }
    }
}

/// Returns the level of the built-in names `heading 1` to `heading 9`, `title` and `subtitle`.
fn level_named(name: &str) -> Option<u8> {
    match name {
        "title" => Some(1),
        "subtitle" => Some(2),
        _ => name.strip_prefix("heading ")?.trim().parse().ok().filter(|level| (1..=9).contains(level)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<w:styles xmlns:w="w">
        <w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
        <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/>
          <w:pPr><w:numPr><w:numId w:val="4"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="berschrift1"/></w:style>
        <w:style w:type="paragraph" w:styleId="Body"><w:name w:val="Body"/><w:basedOn w:val="berschrift1"/>
          <w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
        <w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style></w:styles>"#;

    #[test]
    fn localised_and_derived_styles_keep_their_heading_level() {
        let styles = Styles::parse(XML, 64).unwrap();
        assert_eq!(styles.meaning(Some("berschrift1")).level, Some(1));
        assert_eq!(styles.meaning(Some("Own")).level, Some(1));
        assert_eq!(styles.meaning(Some("Own")).num_id, Some("4"));
        assert_eq!(styles.meaning(Some("Body")).level, None);
        assert!(styles.meaning(Some("T")).is_title);
    }

    #[test]
    fn unknown_circular_and_absent_styles_mean_nothing() {
        let styles = Styles::parse(XML, 64).unwrap();
        for id in [None, Some("none"), Some("Loop"), Some("Standard")] {
            assert_eq!(styles.meaning(id), Meaning::default(), "{id:?}");
        }
    }
}
