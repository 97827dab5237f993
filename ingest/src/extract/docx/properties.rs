//! Reads what a Word file states about itself: title, author and creation time.

use super::xml::{Token, walk};
use crate::error::ReadError;

/// Core properties; blank ones are `None`.
#[derive(Default)]
pub(super) struct Properties {
    pub title: Option<String>,
    pub author: Option<String>,
    pub created: Option<String>,
}

/// Parses the core properties part.
pub(super) fn parse(xml: &str, depth_max: usize) -> Result<Properties, ReadError> {
    let mut properties = Properties::default();
    let mut names: Vec<String> = Vec::new();
    walk(xml, depth_max, |token| {
        match token {
            Token::Open(element) => names.push(element.local_name().as_ref().to_owned()),
            Token::Close => drop(names.pop()),
            Token::Text(text) => {
                let field = match names.last().map(String::as_str) {
                    Some("title") => &mut properties.title,
                    Some("creator") => &mut properties.author,
                    Some("created") => &mut properties.created,
                    _ => return Ok(()),
                };
                field.get_or_insert_default().push_str(text);
            }
        }
        Ok(())
    })?;
    for field in [&mut properties.title, &mut properties.author, &mut properties.created] {
        *field = field.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    Ok(properties)
}
