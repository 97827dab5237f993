//! Reads what a file states about itself in the elements of Dublin Core: title, author and creation time.
//!
//! These are the same in Office Open XML, OpenDocument and EPUB, up to the name of the time. Other properties are ignored.

use super::xml::{Token, walk};
use crate::error::ReadError;

/// Core properties; blank ones are `None`.
#[derive(Default)]
pub(super) struct Properties {
    pub title: Option<String>,
    pub author: Option<String>,
    pub created: Option<String>,
}

/// Parses a part of properties: the first title, all authors, and the time of creation before any other date.
pub(super) fn parse(xml: &str, depth_max: usize) -> Result<Properties, ReadError> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    walk(xml, depth_max, |token| {
        match token {
            Token::Open(element) => {
                open.push(found.len());
                found.push((element.local_name().as_ref().to_owned(), String::new()));
            }
            Token::Close => drop(open.pop()),
            Token::Text(text) => {
                if let Some(at) = open.last() {
                    found[*at].1.push_str(text);
                }
            }
        }
        Ok(())
    })?;
    let all = |wanted: &str| {
        let values = found.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.trim());
        values.filter(|value| !value.is_empty()).collect::<Vec<_>>()
    };
    let first = |wanted: &str| all(wanted).first().map(|value| (*value).to_owned());
    Ok(Properties {
        title: first("title"),
        author: Some(all("creator").join(", ")).filter(|author| !author.is_empty()),
        created: first("created").or_else(|| first("creation-date")).or_else(|| first("date")),
    })
}
