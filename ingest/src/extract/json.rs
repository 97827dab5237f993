//! Reads JSON, whole or one value a line, as a paragraph of `key: value` lines for each record.
//!
//! Elements of an outer array are records, and so are lines. Keys of inner objects are written as paths, `a.b`. Guesses
//! no meaning from names of keys.

use serde_json::{Deserializer, Value};

use super::text;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;

/// Nesting at which the parser gives up. Fixed by it.
const DEPTH_MAX: u64 = 128;

/// Reads JSON or lines of JSON.
///
/// # Errors
/// `Corrupt` where it is not JSON, `LimitExceeded` for nesting and characters, `NoText` when no value is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let source = text::decode(bytes, None)?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(&source);
    let mut document = Document {
        media_type: "application/json".into(),
        extractor: concat!("ragstone-json ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let mut writer = Writer { document: &mut document, left: limits.text_chars_max, limits };
    for value in Deserializer::from_str(source).into_iter::<Value>() {
        match value.map_err(|error| damaged(&error))? {
            Value::Array(records) => records.iter().try_for_each(|record| writer.write(record))?,
            record => writer.write(&record)?,
        }
    }
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

struct Writer<'a> {
    document: &'a mut Document,
    left: usize,
    limits: &'a Limits,
}

impl Writer<'_> {
    /// Writes one record as one paragraph.
    fn write(&mut self, record: &Value) -> Result<(), ReadError> {
        let mut lines = String::new();
        self.add(&mut lines, "", record)?;
        self.document.push(BlockKind::Paragraph, None, None, &lines);
        Ok(())
    }

    fn add(&mut self, lines: &mut String, path: &str, value: &Value) -> Result<(), ReadError> {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Null => Ok(()),
            Value::Object(fields) => fields.iter().try_for_each(|(key, value)| self.add(lines, &below(key), value)),
            Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
                values.iter().try_for_each(|value| self.add(lines, path, value))
            }
            Value::Array(values) => {
                let values: Vec<String> = values.iter().map(plain).collect();
                self.add_line(lines, path, &values.join(", "))
            }
            value => self.add_line(lines, path, &plain(value)),
        }
    }

    fn add_line(&mut self, lines: &mut String, path: &str, text: &str) -> Result<(), ReadError> {
        let line = if path.is_empty() { text.to_owned() } else { format!("{path}: {text}") };
        let over = || {
            let limit = self.limits.text_chars_max as u64;
            ReadError::LimitExceeded { what: "characters of text".into(), limit }
        };
        self.left = self.left.checked_sub(line.chars().count() + 1).ok_or_else(over)?;
        lines.push_str(&line);
        lines.push('\n');
        Ok(())
    }
}

/// Writes a value that holds no others; text without its quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn damaged(error: &serde_json::Error) -> ReadError {
    if error.to_string().starts_with("recursion limit") {
        return ReadError::LimitExceeded { what: "depth of json".into(), limit: DEPTH_MAX };
    }
    let detail = format!("line {}, column {}", error.line(), error.column());
    ReadError::Corrupt { format: "json".into(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let document = read(source.as_bytes(), "a.json", &Limits::default()).unwrap();
        assert_eq!(document.text, expected.join("\n\n"));
        assert_eq!(document.blocks.len(), expected.len());
    }

    #[test]
    fn records_are_paragraphs_of_keys_and_values_in_their_order() {
        check(r#"{"b": 1, "a": {"c": "年假", "d": [1, "x"]}, "n": null}"#, &["b: 1\na.c: 年假\na.d: 1, x"]);
        check("[{\"t\": \"one\"}, {\"t\": true}]", &["t: one", "t: true"]);
        check("{\"t\": 1}\n{\"t\": 2.5}\n", &["t: 1", "t: 2.5"]);
        check(r#"{"rows": [{"x": 1}, {"x": 2}]}"#, &["rows.x: 1\nrows.x: 2"]);
    }

    #[test]
    fn broken_deep_long_and_blank_json_end_in_their_own_errors() {
        let of = |source: &str, limits: &Limits| read(source.as_bytes(), "", limits).unwrap_err();
        let limits = Limits::default();
        assert!(matches!(of("{\"a\": ", &limits), ReadError::Corrupt { .. }));
        assert!(matches!(of(&"[".repeat(100_000), &limits), ReadError::LimitExceeded { limit: 128, .. }));
        assert!(matches!(
            of("[\"long text\"]", &Limits { text_chars_max: 5, ..limits }),
            ReadError::LimitExceeded { limit: 5, .. }
        ));
        assert_eq!(of("{}", &limits), ReadError::NoText { detail: "blank".into() });
    }
}
