//! Walks an XML part as a flat run of opened elements, closed elements and text, under a depth limit.
//!
//! Expands nothing that a document type declares: an unknown entity is dropped, so a part cannot grow or fetch.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::error::ReadError;

/// What the walk meets; an empty element is opened and closed.
pub(super) enum Token<'a> {
    /// An element begins: its name without prefix is `Open.0.local_name()`.
    Open(&'a BytesStart<'a>),
    /// The innermost open element ends.
    Close,
    /// Character data with entities resolved.
    Text(&'a str),
}

/// Calls `take` for every token of `xml` in order.
///
/// # Errors
/// `Corrupt` when it is not well-formed, `LimitExceeded` when it nests deeper than `depth_max`, and what `take`
/// returns.
pub(super) fn walk(
    xml: &str,
    depth_max: usize,
    mut take: impl FnMut(Token) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0;
    loop {
        let event = reader.read_event().map_err(|error| damaged(reader.error_position(), &error.to_string()))?;
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > depth_max {
                    return Err(ReadError::LimitExceeded { what: "depth of xml".into(), limit: depth_max as u64 });
                }
                take(Token::Open(&element))?;
            }
            Event::Empty(element) => {
                take(Token::Open(&element))?;
                take(Token::Close)?;
            }
            Event::End(_) => {
                depth -= 1;
                take(Token::Close)?;
            }
            Event::Text(text) => take(Token::Text(&text.xml10_content()))?,
            Event::CData(text) => take(Token::Text(&text.xml10_content()))?,
            Event::GeneralRef(name) => {
                let mut buffer = [0; 4];
                take(Token::Text(entity(&name.xml10_content(), &mut buffer)))?;
            }
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(damaged(reader.buffer_position(), "xml ends inside an element")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
        }
    }
}

/// Returns the value of the attribute with this local name, whatever its prefix.
pub(super) fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let found = element.attributes().with_checks(false).flatten().find(|one| one.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

/// Resolves a character reference or one of the five entities that XML itself defines.
fn entity<'a>(name: &str, buffer: &'a mut [u8; 4]) -> &'a str {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        },
        None => match name {
            "amp" => Some('&' as u32),
            "lt" => Some('<' as u32),
            "gt" => Some('>' as u32),
            "quot" => Some('"' as u32),
            "apos" => Some('\'' as u32),
            _ => None,
        },
    };
    code.and_then(char::from_u32).map_or("", |character| character.encode_utf8(buffer))
}

fn damaged(position: u64, detail: &str) -> ReadError {
    ReadError::Corrupt { format: "xml".into(), detail: format!("xml at byte {position}: {detail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(xml: &str) -> Result<String, ReadError> {
        let mut text = String::new();
        walk(xml, 8, |token| {
            if let Token::Text(part) = token {
                text.push_str(part);
            }
            Ok(())
        })?;
        Ok(text)
    }

    #[test]
    fn entities_of_xml_itself_are_resolved_and_others_are_dropped() {
        assert_eq!(text_of("<a>R&amp;D &lt;&#x4E2D;&#25991;&gt;<![CDATA[&]]></a>").unwrap(), "R&D <中文>&");
        let declared = "<!DOCTYPE a [<!ENTITY bomb SYSTEM 'file:///etc/passwd'>]><a>x&bomb;y</a>";
        assert_eq!(text_of(declared).unwrap(), "xy");
    }

    #[test]
    fn deep_or_broken_markup_is_an_error() {
        let deep = format!("{}{}", "<a>".repeat(9), "</a>".repeat(9));
        assert!(matches!(text_of(&deep), Err(ReadError::LimitExceeded { limit: 8, .. })));
        for broken in ["<a><b></a>", "<a>", "<a", "<a></b>"] {
            assert!(matches!(text_of(broken), Err(ReadError::Corrupt { .. })), "{broken}");
        }
    }
}
