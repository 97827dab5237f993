//! Texts that cells share, by number.

use crate::error::ReadError;
use crate::extract::xml::{Token, walk};
use crate::limits::Limits;

/// Parses the shared texts; how a text is to be pronounced is left out.
pub(super) fn parse(xml: &str, left: &mut usize, limits: &Limits) -> Result<Vec<String>, ReadError> {
    let mut texts: Vec<String> = Vec::new();
    let mut names: Vec<u8> = Vec::new();
    walk(xml, limits.depth_max, |token| {
        match token {
            Token::Open(element) => {
                let code = match element.local_name().as_ref() {
                    "si" => {
                        texts.push(String::new());
                        b's'
                    }
                    "t" => b't',
                    "rPh" => b'x',
                    _ => b'.',
                };
                names.push(code);
            }
            Token::Close => drop(names.pop()),
            Token::Text(text) => {
                if let (Some(b't'), false, Some(last)) = (names.last(), names.contains(&b'x'), texts.last_mut()) {
                    spend(left, text, limits)?;
                    last.push_str(text);
                }
            }
        }
        Ok(())
    })?;
    Ok(texts)
}

/// Counts characters off what is left.
pub(super) fn spend(left: &mut usize, text: &str, limits: &Limits) -> Result<(), ReadError> {
    let over = || {
        let limit = limits.text_chars_max as u64;
        ReadError::LimitExceeded { what: "characters of text".into(), limit }
    };
    *left = left.checked_sub(text.chars().count()).ok_or_else(over)?;
    Ok(())
}
