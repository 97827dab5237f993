//! Changing what a collection is made of: fields come, go and change their names, the description changes.
//!
//! One commit of the manifest alone: no row is rewritten, and earlier versions keep their fields. Whether a change fits
//! the collection is for the caller to know.

use super::folder::SETTINGS_KEY;
use super::version::OPERATION;
use super::{Table, storage};
use crate::error::{Error, Result};
use crate::schema::Field;
use crate::schema::collection::StoredSettings;
use arrow::datatypes::{Field as ArrowField, Schema as ArrowSchema};
use lance::dataset::transaction::Operation;
use lance::datatypes::Schema;
use std::collections::{BTreeMap, HashMap};

/// What becomes of the fields and settings of a table.
#[derive(Default)]
pub struct SchemaChange {
    /// New settings; `None` leaves them.
    pub settings: Option<StoredSettings>,
    /// Fields that get another name, by their present one.
    pub rename: BTreeMap<String, String>,
    /// Fields that go.
    pub drop: Vec<String>,
    /// Fields that come, without a value in any row.
    pub add: Vec<Field>,
}

impl Table {
    /// Commits a change of fields and settings as the next version.
    pub async fn alter(&self, change: &SchemaChange, operation: &str) -> Result<Self> {
        let project = Operation::Project { schema: self.altered(change)?, preserves_nullability: true };
        self.apply(project, HashMap::from([(OPERATION.to_owned(), operation.to_owned())])).await
    }

    fn altered(&self, change: &SchemaChange) -> Result<Schema> {
        let mut schema = self.dataset.schema().clone();
        schema.fields.retain(|field| !change.drop.contains(&field.name));
        for field in &mut schema.fields {
            if let Some(name) = change.rename.get(&field.name) {
                field.name.clone_from(name);
            }
        }
        let added = change.add.iter().map(|field| ArrowField::new(&field.name, field.field_type.arrow(), true));
        let mut schema = schema.merge(&ArrowSchema::new(added.collect::<Vec<_>>())).map_err(storage)?;
        schema.set_field_id(Some(self.dataset.manifest().max_field_id()));
        if let Some(settings) = &change.settings {
            let settings = serde_json::to_string(settings).map_err(|error| Error::Internal(error.to_string()))?;
            schema.metadata.insert(SETTINGS_KEY.to_owned(), settings);
        }
        Ok(schema)
    }
}
