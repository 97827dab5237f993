//! Changing a collection's description and fields: what is asked for is checked against what is there.
//!
//! The change itself is one commit of the table, made by the writer.

use crate::error::{Error, Result};
use crate::schema::collection::{DESCRIPTION_BYTES_MAX, FIELDS_MAX};
use crate::schema::{CollectionSchema, Field, field, row};
use crate::table::SchemaChange;
use std::collections::{BTreeMap, HashSet};

/// What is to become of a collection.
#[derive(Clone, Debug, Default)]
pub struct CollectionChange {
    /// New description; `None` leaves it.
    pub description: Option<String>,
    /// Fields that come.
    pub add: Vec<Field>,
    /// New names of fields, by their present ones.
    pub rename: BTreeMap<String, String>,
    /// Fields that go.
    pub drop: Vec<String>,
}

impl CollectionChange {
    /// Checks the change against the present schema; `None` where it changes nothing.
    pub fn check(self, schema: &CollectionSchema) -> Result<Option<SchemaChange>> {
        for name in self.rename.keys().chain(&self.drop) {
            check_present(schema, name)?;
        }
        if let Some(name) = self.drop.iter().find(|name| self.rename.contains_key(*name)) {
            return Err(invalid(format!("'{name}' is both renamed and dropped")));
        }
        let staying = schema.fields.iter().map(|field| &field.name).filter(|name| !self.drop.contains(name));
        let staying = staying.map(|name| self.rename.get(name).unwrap_or(name));
        let mut names = HashSet::new();
        for name in staying.chain(self.add.iter().map(|field| &field.name)) {
            if !names.insert(name) {
                return Err(invalid(format!("two fields would have the name '{name}'")));
            }
        }
        for name in self.rename.values().chain(self.add.iter().map(|field| &field.name)) {
            check_new_name(name)?;
        }
        if names.len() > FIELDS_MAX {
            return Err(Error::LimitExceeded { what: "fields", limit: FIELDS_MAX as u64 });
        }
        let described = self.description.filter(|description| *description != schema.description);
        let settings = described.map(|description| {
            check_description(&description).map(|()| CollectionSchema { description, ..schema.clone() }.settings())
        });
        let settings = settings.transpose()?;
        let is_empty = settings.is_none() && self.rename.is_empty() && self.drop.is_empty() && self.add.is_empty();
        Ok((!is_empty).then_some(SchemaChange { settings, rename: self.rename, drop: self.drop, add: self.add }))
    }
}

/// Checks the name of a field that is to come.
pub fn check_new_name(name: &str) -> Result<()> {
    field::check_field_name(name)?;
    if row::is_system_column(name) {
        return Err(Error::ReservedField { field: name.to_owned() });
    }
    Ok(())
}

/// Checks the length of a description.
pub fn check_description(description: &str) -> Result<()> {
    if description.len() > DESCRIPTION_BYTES_MAX {
        let limit = DESCRIPTION_BYTES_MAX as u64;
        return Err(Error::LimitExceeded { what: "bytes of the description", limit });
    }
    Ok(())
}

fn check_present(schema: &CollectionSchema, name: &str) -> Result<()> {
    if row::is_system_column(name) {
        return Err(Error::ReservedField { field: name.to_owned() });
    }
    schema.filter_type(name).map(drop)
}

fn invalid(detail: String) -> Error {
    Error::InvalidArgument { field: "fields", detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Chunking;
    use crate::schema::{EmbeddingSchema, FieldType, Metric, VectorForms};

    fn field(name: &str) -> Field {
        Field { name: name.into(), field_type: FieldType::Number }
    }

    fn code(change: CollectionChange) -> &'static str {
        let schema = CollectionSchema {
            description: "old".into(),
            embedding: EmbeddingSchema {
                model: None,
                dimension: 2,
                metric: Metric::Cosine,
                forms: VectorForms::default(),
            },
            chunking: Chunking::default(),
            fields: vec![field("year"), field("price")],
        };
        match change.check(&schema) {
            Ok(Some(_)) => "changed",
            Ok(None) => "same",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn a_change_must_fit_the_fields_that_are_there() {
        let rename = |from: &str, to: &str| BTreeMap::from([(from.to_owned(), to.to_owned())]);
        let empty = CollectionChange::default;
        assert_eq!(code(empty()), "same");
        assert_eq!(code(CollectionChange { description: Some("old".into()), ..empty() }), "same");
        assert_eq!(code(CollectionChange { description: Some("new".into()), ..empty() }), "changed");
        assert_eq!(code(CollectionChange { add: vec![field("lang")], ..empty() }), "changed");
        assert_eq!(code(CollectionChange { add: vec![field("year")], ..empty() }), "invalid_argument");
        assert_eq!(code(CollectionChange { add: vec![field("id")], ..empty() }), "reserved_field");
        assert_eq!(code(CollectionChange { add: vec![field("_x")], ..empty() }), "invalid_field_name");
        assert_eq!(code(CollectionChange { rename: rename("year", "since"), ..empty() }), "changed");
        assert_eq!(code(CollectionChange { rename: rename("year", "price"), ..empty() }), "invalid_argument");
        assert_eq!(code(CollectionChange { rename: rename("yaer", "since"), ..empty() }), "unknown_field");
        assert_eq!(code(CollectionChange { rename: rename("uri", "since"), ..empty() }), "reserved_field");
        assert_eq!(code(CollectionChange { drop: vec!["year".into()], ..empty() }), "changed");
        let swapped = CollectionChange { drop: vec!["year".into()], rename: rename("price", "year"), ..empty() };
        assert_eq!(code(swapped), "changed");
        let both = CollectionChange { drop: vec!["year".into()], rename: rename("year", "since"), ..empty() };
        assert_eq!(code(both), "invalid_argument");
    }
}
