//! Reads EPUB books: the chapters that the spine lists, in its order, each as HTML.
//!
//! The navigation document, pictures and fonts are left out; a book has no pages. Chapters under a lock are not opened.

use super::ooxml::join;
use super::xml::{Token, attribute, walk};
use super::{html, properties, text};
use crate::document::Document;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::zip::Container;

/// Elements that HTML knows without an end, so that `<br/>` needs none.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Reads a book.
///
/// # Errors
/// `Corrupt` when it has no package, `Encrypted` when its chapters are locked, `LimitExceeded`, and `NoText`.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let root = container.part("META-INF/container.xml")?.ok_or_else(|| corrupt("it has no container part"))?;
    let path = package_path(&decoded(&root)?, limits)?.ok_or_else(|| corrupt("it names no package"))?;
    let package = container.part(&path)?.ok_or_else(|| corrupt("its package is missing"))?;
    let package = decoded(&package)?;
    let locked = match container.part("META-INF/encryption.xml")? {
        Some(part) => references(&decoded(&part)?, limits)?,
        None => Vec::new(),
    };
    let stated = properties::parse(&package, limits.depth_max)?;
    let mut document = Document {
        media_type: "application/epub+zip".into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        extractor: concat!("ragstone-epub ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut chars = 0;
    for target in spine(&package, limits)? {
        let name = join(folder, &unescaped(&target));
        if locked.contains(&name) {
            return Err(ReadError::Encrypted);
        }
        let Some(chapter) = container.part(&name)? else {
            document.warnings.push("a chapter of the spine is missing".into());
            continue;
        };
        let chapter = html::parse(&closed(&decoded(&chapter)?))?;
        chars += chapter.text.chars().count();
        if chars > limits.text_chars_max {
            let limit = limits.text_chars_max as u64;
            return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
        }
        document.append(chapter);
    }
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

fn decoded(part: &[u8]) -> Result<String, ReadError> {
    text::decode(part, Some(encoding_rs::UTF_8)).map_err(|_| corrupt("a part is no text"))
}

fn package_path(xml: &str, limits: &Limits) -> Result<Option<String>, ReadError> {
    let mut path = None;
    walk(xml, limits.depth_max, |token| {
        if let Token::Open(element) = token
            && element.local_name().as_ref() == "rootfile"
        {
            path = path.take().or(attribute(element, "full-path"));
        }
        Ok(())
    })?;
    Ok(path)
}

/// Returns the parts that an encryption part says are locked; locked fonts are among them and matter to nobody.
fn references(xml: &str, limits: &Limits) -> Result<Vec<String>, ReadError> {
    let mut found = Vec::new();
    walk(xml, limits.depth_max, |token| {
        if let Token::Open(element) = token
            && element.local_name().as_ref() == "CipherReference"
        {
            found.extend(attribute(element, "URI").map(|uri| join("", &unescaped(&uri))));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns the targets of the spine, in reading order, without the navigation document.
fn spine(xml: &str, limits: &Limits) -> Result<Vec<String>, ReadError> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut order: Vec<String> = Vec::new();
    walk(xml, limits.depth_max, |token| {
        let Token::Open(element) = token else { return Ok(()) };
        match element.local_name().as_ref() {
            "item" => {
                let is_navigation =
                    attribute(element, "properties").is_some_and(|it| it.split(' ').any(|it| it == "nav"));
                let named = attribute(element, "id").zip(attribute(element, "href"));
                parts.extend(named.filter(|_| !is_navigation));
            }
            "itemref" => order.extend(attribute(element, "idref")),
            _ => {}
        }
        Ok(())
    })?;
    if parts.len() > limits.zip_entries_max || order.len() > limits.zip_entries_max {
        let limit = limits.zip_entries_max as u64;
        return Err(ReadError::LimitExceeded { what: "parts of a book".into(), limit });
    }
    let parts: std::collections::HashMap<String, String> = parts.into_iter().collect();
    let mut seen = std::collections::HashSet::new();
    Ok(order.into_iter().filter(|id| seen.insert(id.clone())).filter_map(|id| parts.get(&id).cloned()).collect())
}

/// Writes `<a id="x"/>` as `<a id="x"></a>`, since a reader of HTML takes the former for an element without an end.
fn closed(source: &str) -> String {
    let mut written = String::with_capacity(source.len() + source.len() / 16);
    let mut rest = source;
    while let Some(end) = rest.find("/>") {
        let (before, after) = rest.split_at(end);
        written.push_str(before);
        let start = before.rfind('<').map_or("", |at| &before[at + 1..]);
        let name = start.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let is_element =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-".contains(&byte));
        if is_element && !VOID.contains(&name.to_ascii_lowercase().as_str()) {
            written.push_str("></");
            written.push_str(name);
            written.push('>');
        } else {
            written.push_str("/>");
        }
        rest = &after[2..];
    }
    written.push_str(rest);
    written
}

/// Resolves `%20` and its like in a reference, and cuts its fragment off.
fn unescaped(reference: &str) -> String {
    let bytes = reference.split('#').next().unwrap_or_default().as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "epub".into(), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_elements_of_xhtml_are_closed_but_not_those_without_an_end() {
        assert_eq!(closed("<title/><p>a<br/>b<a id='x'/>c</p>"), "<title></title><p>a<br/>b<a id='x'></a>c</p>");
        assert_eq!(closed("a /> b"), "a /> b");
    }

    #[test]
    fn references_are_unescaped_and_lose_their_fragment() {
        assert_eq!(unescaped("ch%201.xhtml#top"), "ch 1.xhtml");
        assert_eq!(unescaped("100%"), "100%");
    }
}
