//! Parses the list definitions of a Word package.
//!
//! Counting and writing markers is the business of [`crate::extract::list`].

use quick_xml::events::BytesStart;

use crate::error::ReadError;
use crate::extract::list::{Instance, LEVELS, Level, Numbering};
use crate::extract::xml::{Token, attribute, walk};

/// Parses the numbering part.
pub(super) fn parse(xml: &str, depth_max: usize) -> Result<Numbering, ReadError> {
    let mut reader = NumberingReader::default();
    walk(xml, depth_max, |token| {
        if let Token::Open(element) = token {
            reader.take(element);
        }
        Ok(())
    })?;
    Ok(reader.numbering)
}

/// What has been parsed, and where the parser stands: inside an abstract list or an instance, at which level.
#[derive(Default)]
struct NumberingReader {
    numbering: Numbering,
    list: Option<String>,
    instance: Option<String>,
    level: Option<usize>,
}

impl NumberingReader {
    fn take(&mut self, element: &BytesStart) {
        let value = || attribute(element, "val").unwrap_or_default();
        let level = || attribute(element, "ilvl").and_then(|level| level.parse().ok()).filter(|&level| level < LEVELS);
        match element.local_name().as_ref() {
            "abstractNum" => {
                let id = attribute(element, "abstractNumId").unwrap_or_default();
                self.numbering.lists.insert(id.clone(), Default::default());
                (self.list, self.instance, self.level) = (Some(id), None, None);
            }
            "num" => {
                let id = attribute(element, "numId").unwrap_or_default();
                self.numbering.instances.insert(id.clone(), Instance::default());
                (self.list, self.instance, self.level) = (None, Some(id), None);
            }
            "styleLink" => drop(self.list.clone().map(|list| self.numbering.style_links.insert(value(), list))),
            "numStyleLink" => {
                drop(self.list.clone().map(|list| self.numbering.num_style_links.insert(list, value())));
            }
            "lvlOverride" | "lvl" => self.level = level(),
            "abstractNumId" => drop(self.instance().map(|instance| instance.list = value())),
            "startOverride" => {
                if let (Some(level), Ok(start), Some(instance)) = (self.level, value().parse(), self.instance()) {
                    instance.starts.insert(level, start);
                }
            }
            "start" => drop(self.level().map(|level| level.start = value().parse().ok())),
            "numFmt" => drop(self.level().map(|level| level.format = value())),
            "lvlText" => drop(self.level().map(|level| level.text = Some(value()))),
            _ => {}
        }
    }

    fn instance(&mut self) -> Option<&mut Instance> {
        self.numbering.instances.get_mut(self.instance.as_ref()?)
    }

    fn level(&mut self) -> Option<&mut Level> {
        let level = self.level?;
        match &self.list {
            Some(list) => self.numbering.lists.get_mut(list)?.get_mut(level),
            None => Some(self.instance()?.levels.entry(level).or_default()),
        }
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
        let mut numbering = parse(XML, 64).unwrap();
        let markers: Vec<_> = [0, 1, 1, 0, 1].map(|level| numbering.marker("1", level).unwrap()).into();
        assert_eq!(markers, ["1.", "1.a)", "1.b)", "2.", "2.a)"]);
        assert_eq!(numbering.marker("2", 0).as_deref(), Some("5."));
        assert_eq!(numbering.marker("3", 0).as_deref(), Some("•"));
        assert_eq!(numbering.marker("9", 0), None);
    }
}
