//! Finds the parts of a Word package by their relationships, with the usual names as a fallback.
//!
//! Resolves internal targets only; an external target is never opened.

use super::xml::{Token, attribute, walk};
use crate::error::ReadError;
use crate::extract::text;
use crate::limits::Limits;
use crate::zip::Container;

/// The XML parts of one Word document, decoded.
pub(super) struct Package {
    /// The body.
    pub document: String,
    /// Styles, when there are any.
    pub styles: Option<String>,
    /// List definitions.
    pub numbering: Option<String>,
    /// Footnotes.
    pub footnotes: Option<String>,
    /// Endnotes.
    pub endnotes: Option<String>,
    /// Reviewers' comments.
    pub comments: Option<String>,
    /// Title, author and dates.
    pub core: Option<String>,
    /// Whether foreign content (`altChunk`) or other parts with text were left out.
    pub has_foreign_parts: bool,
}

/// Opens the package and decodes the parts that carry text.
///
/// # Errors
/// `Corrupt` when it is no zip or has no Word body, `Encrypted`, `LimitExceeded`.
pub(super) fn open(bytes: &[u8], limits: &Limits) -> Result<Package, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let roots = relations(&mut container, "", limits)?;
    let main = target(&roots, "officedocument").unwrap_or_else(|| "word/document.xml".into());
    let Some(document) = xml_part(&mut container, &main)? else {
        return Err(ReadError::Corrupt { format: "docx".into(), detail: "package has no document part".into() });
    };
    let related = relations(&mut container, &main, limits)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut part = |kind: &str| -> Result<Option<String>, ReadError> {
        let name = target(&related, kind).unwrap_or_else(|| join(&folder, &format!("{kind}.xml")));
        xml_part(&mut container, &name)
    };
    let (styles, numbering) = (part("styles")?, part("numbering")?);
    let (footnotes, endnotes, comments) = (part("footnotes")?, part("endnotes")?, part("comments")?);
    let core =
        xml_part(&mut container, &target(&roots, "core-properties").unwrap_or_else(|| "docProps/core.xml".into()))?;
    let has_foreign_parts = related.iter().any(|relation| relation.kind == "afchunk");
    Ok(Package { document, styles, numbering, footnotes, endnotes, comments, core, has_foreign_parts })
}

struct Relation {
    /// Last segment of the relationship type in lower case, the same in both dialects.
    kind: String,
    /// Part name from the root of the package.
    target: String,
}

/// Reads the relationships of `part`, or of the package itself when it is empty.
fn relations(container: &mut Container, part: &str, limits: &Limits) -> Result<Vec<Relation>, ReadError> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let Some(xml) = xml_part(container, &join(folder, &format!("_rels/{file}.rels")))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    walk(&xml, limits.depth_max, |token| {
        if let Token::Open(element) = token {
            let external = attribute(element, "TargetMode").is_some_and(|mode| mode == "External");
            if let (false, Some(kind), Some(target)) =
                (external, attribute(element, "Type"), attribute(element, "Target"))
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_lowercase();
                found.push(Relation { kind, target: join(folder, &target) });
            }
        }
        Ok(())
    })?;
    Ok(found)
}

fn target(relations: &[Relation], kind: &str) -> Option<String> {
    relations.iter().find(|relation| relation.kind == kind).map(|relation| relation.target.clone())
}

/// Resolves a target against the folder of its source part; a leading `/` means the root of the package.
fn join(folder: &str, target: &str) -> String {
    let mut segments: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|segment| !segment.is_empty()).collect(),
    };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    segments.join("/")
}

fn xml_part(container: &mut Container, name: &str) -> Result<Option<String>, ReadError> {
    let Some(bytes) = container.part(name)? else { return Ok(None) };
    text::decode(&bytes, Some(encoding_rs::UTF_8))
        .map(Some)
        .map_err(|_| ReadError::Corrupt { format: "docx".into(), detail: "a part is not xml".into() })
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn targets_resolve_against_their_folder_or_the_root() {
        assert_eq!(join("word", "styles.xml"), "word/styles.xml");
        assert_eq!(join("word", "/word/styles.xml"), "word/styles.xml");
        assert_eq!(join("word", "../docProps/./core.xml"), "docProps/core.xml");
        assert_eq!(join("", "../../x.xml"), "x.xml");
    }
}
