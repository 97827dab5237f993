//! Parts of an Office Open XML package (.docx, .pptx, .xlsx), found by their relationships.
//!
//! Resolves internal targets only; an external target is never opened. Knows no kind of document.

use super::text;
use super::xml::{Token, attribute, walk};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::zip::Container;

/// A part that another part, or the package itself, refers to.
pub(super) struct Relation {
    /// Id by which the referring part names it.
    pub id: String,
    /// Last segment of the relationship type in lower case, the same in both dialects.
    pub kind: String,
    /// Part name from the root of the package.
    pub target: String,
}

/// Reads the relationships of `part`, or of the package itself when it is empty.
pub(super) fn relations(container: &mut Container, part: &str, limits: &Limits) -> Result<Vec<Relation>, ReadError> {
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
                let id = attribute(element, "Id").unwrap_or_default();
                found.push(Relation { id, kind, target: join(folder, &target) });
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns the first part of a kind.
pub(super) fn target(relations: &[Relation], kind: &str) -> Option<String> {
    relations.iter().find(|relation| relation.kind == kind).map(|relation| relation.target.clone())
}

/// Resolves a target against the folder of its source part; a leading `/` means the root of the package.
pub(super) fn join(folder: &str, target: &str) -> String {
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

/// Returns a part as text; `None` when there is no such part.
pub(super) fn xml_part(container: &mut Container, name: &str) -> Result<Option<String>, ReadError> {
    let Some(bytes) = container.part(name)? else { return Ok(None) };
    text::decode(&bytes, Some(encoding_rs::UTF_8))
        .map(Some)
        .map_err(|_| ReadError::Corrupt { format: "ooxml".into(), detail: "a part is not xml".into() })
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
