//! Routes on versions: list them, and make a past one the newest.
//!
//! What a version holds is read by naming it in a search.

use super::answer::{Answer, versioned};
use super::app::App;
use super::extract::{Json, Name, Query};
use super::wire::version_ref;
use crate::config::limits::PAGE_DEFAULT;
use crate::schema::Version;
use crate::schema::field::format_timestamp;
use crate::table::VersionInfo;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Query of `list_versions`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListVersions {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Body of `restore_collection`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    to: Value,
}

#[derive(Serialize)]
struct VersionForm {
    version: Version,
    timestamp: String,
    operation: String,
    rows_added: u64,
    rows_updated: u64,
    rows_deleted: u64,
    properties: BTreeMap<String, String>,
    tags: Vec<String>,
}

#[derive(Serialize)]
struct VersionList {
    versions: Vec<VersionForm>,
    version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Version>,
}

impl From<VersionInfo> for VersionForm {
    fn from(info: VersionInfo) -> Self {
        let count = |name: &str| info.properties.get(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let (added, removed): (u64, u64) = (count("added"), count("removed"));
        // An upsert removes only what it overwrites.
        let updated = if info.operation == "upsert" { added.min(removed) } else { 0 };
        Self {
            version: info.version,
            timestamp: format_timestamp(info.timestamp.timestamp_micros()),
            operation: info.operation,
            rows_added: added - updated,
            rows_updated: updated,
            rows_deleted: removed - updated,
            properties: info.properties,
            tags: Vec::new(),
        }
    }
}

/// Lists versions, newest first; `after` is the last one shown.
pub async fn list_versions(State(app): State<App>, Name(name): Name, Query(query): Query<ListVersions>) -> Answer {
    let collection = app.collection(&name).await?;
    let version = collection.info().version;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    let infos = collection.versions(query.after.map(Version), limit).await?;
    let next = infos.last().filter(|last| infos.len() == limit && last.version.0 > 1).map(|last| last.version);
    let versions = infos.into_iter().map(VersionForm::from).collect();
    versioned(StatusCode::OK, version, &VersionList { versions, version, next })
}

/// Makes a past version the newest one; history stays.
pub async fn restore_collection(State(app): State<App>, Name(name): Name, body: Json<Restore>) -> Answer {
    let to = version_ref("to", &body.value.to)?;
    let written = app.collection(&name).await?.restore(to).await?;
    versioned(StatusCode::OK, written.version, &json!({"version": written.version}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(operation: &str, added: &str, removed: &str) -> (u64, u64, u64) {
        let properties = [("added", added), ("removed", removed)].map(|(name, count)| (name.into(), count.into()));
        let form = VersionForm::from(VersionInfo {
            version: Version(2),
            timestamp: chrono::DateTime::UNIX_EPOCH,
            operation: operation.into(),
            properties: properties.into(),
        });
        (form.rows_added, form.rows_updated, form.rows_deleted)
    }

    #[test]
    fn what_an_upsert_overwrites_is_counted_as_updated() {
        assert_eq!(rows("upsert", "5", "2"), (3, 2, 0));
        assert_eq!(rows("ingest", "5", "2"), (5, 0, 2));
        assert_eq!(rows("delete", "0", "2"), (0, 0, 2));
        assert_eq!(rows("compact", "", ""), (0, 0, 0));
    }
}
