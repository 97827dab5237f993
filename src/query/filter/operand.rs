//! The field of a condition, and the conditions that its type allows; both forms of a filter end here.
//!
//! Knows neither SQL nor JSON.

use super::like::LikePattern;
use super::limit::{self, LIKE_BYTES_MAX};
use super::literal::{convert, mismatch, type_name};
use super::tree::{Comparison, Filter};
use crate::error::Result;
use crate::schema::{CollectionSchema, FieldType, Value};

/// A field that exists, with its type.
pub(super) struct Operand {
    pub(super) field: String,
    pub(super) field_type: FieldType,
}

impl Operand {
    /// Looks a field up; an unknown one is an error that names the nearest.
    pub(super) fn resolve(field: &str, schema: &CollectionSchema) -> Result<Self> {
        Ok(Self { field: field.to_owned(), field_type: schema.filter_type(field)? })
    }

    /// Turns a written value into one of the field's type.
    pub(super) fn convert(&self, written: Value) -> Result<Value> {
        convert(&self.field, self.field_type, written)
    }

    /// Turns a written value into an item of the field's list.
    pub(super) fn convert_item(&self, written: Value) -> Result<String> {
        self.require(FieldType::StringList)?;
        match written {
            Value::String(item) => Ok(item),
            other => Err(mismatch(&self.field, self.field_type, type_name(&other))),
        }
    }

    pub(super) fn compare(self, op: Comparison, written: Value) -> Result<Filter> {
        let value = self.convert(written)?;
        Ok(Filter::Compare { field: self.field, op, value })
    }

    pub(super) fn between(self, low: Value, high: Value) -> Result<Filter> {
        let (low, high) = (self.convert(low)?, self.convert(high)?);
        Ok(Filter::Between { field: self.field, low, high })
    }

    /// Takes values that are converted already.
    pub(super) fn in_list(self, values: Vec<Value>) -> Result<Filter> {
        match self.field_type {
            FieldType::StringList => Err(mismatch(&self.field, self.field_type, "string")),
            _ => Ok(Filter::in_list(&self.field, values)),
        }
    }

    /// Returns `None` where the pattern ends in its escape character.
    pub(super) fn like(self, pattern: &str, escape: Option<char>) -> Result<Option<Filter>> {
        self.require(FieldType::String)?;
        limit::check("bytes of a LIKE pattern", pattern.len(), LIKE_BYTES_MAX)?;
        let pattern = LikePattern::parse(pattern, escape);
        Ok(pattern.map(|pattern| Filter::Like { field: self.field, pattern }))
    }

    pub(super) fn without_value(self) -> Filter {
        Filter::IsNull { field: self.field }
    }

    pub(super) fn array_has_any(self, items: Vec<String>) -> Result<Filter> {
        self.require(FieldType::StringList)?;
        Ok(Filter::array_has_any(&self.field, items))
    }

    fn require(&self, needed: FieldType) -> Result<()> {
        if self.field_type == needed { Ok(()) } else { Err(mismatch(&self.field, self.field_type, needed.name())) }
    }
}
