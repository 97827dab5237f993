//! Versions: which there are, what made them, and going back to one.
//!
//! A version is a manifest; its transaction says what it did and carries the properties that the writer gave it.

use super::{Table, storage};
use crate::error::{Error, Result};
use crate::schema::Version;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What one version did.
#[derive(Clone, Debug)]
pub struct VersionInfo {
    /// The version.
    pub version: Version,
    /// When it was committed.
    pub timestamp: DateTime<Utc>,
    /// What made it, in one word: `create`, `upsert`, `ingest`, `delete`, `compact`, `index`, `add_fields`,
    /// `alter`, `restore`.
    pub operation: String,
    /// Properties of the commit; empty where the transaction is gone.
    pub properties: BTreeMap<String, String>,
}

/// How a caller names a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRef {
    /// By number.
    Number(u64),
    /// By tag.
    Tag(String),
    /// The newest one at or before an instant.
    At(DateTime<Utc>),
}

impl VersionRef {
    /// Reads a number, an RFC 3339 time, or else a tag.
    pub fn parse(text: &str) -> Self {
        if let Ok(number) = text.parse() {
            return Self::Number(number);
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Self::At(instant.to_utc()),
            Err(_) => Self::Tag(text.to_owned()),
        }
    }
}

/// Property that names the operation in one word.
pub(crate) const OPERATION: &str = "operation";

impl Table {
    /// Returns the newest and oldest version numbers that can be read.
    pub async fn version_range(&self) -> Result<(Version, Version)> {
        let numbers = self.version_numbers().await?;
        let newest = self.version();
        Ok((Version(numbers.first().copied().unwrap_or(newest.0)), newest))
    }

    /// Lists versions, newest first, from `before` (exclusive) on, at most `limit`.
    pub async fn versions(&self, before: Option<Version>, limit: usize) -> Result<Vec<VersionInfo>> {
        let mut infos = Vec::new();
        for number in self.version_numbers().await?.into_iter().rev() {
            if before.is_some_and(|before| number >= before.0) {
                continue;
            }
            if infos.len() == limit {
                break;
            }
            infos.push(self.version_info(number).await?);
        }
        Ok(infos)
    }

    /// Opens another version of the same table.
    pub async fn at(&self, asked: &VersionRef) -> Result<Self> {
        let number = match asked {
            VersionRef::Number(number) => *number,
            VersionRef::At(instant) => self.version_at(*instant).await?,
            VersionRef::Tag(tag) => match self.dataset.tags().get_version(tag).await {
                Ok(number) => number,
                Err(_) => return Err(self.not_found(tag.clone()).await?),
            },
        };
        if number == self.version().0 {
            return Ok(self.clone());
        }
        match self.dataset.checkout_version(number).await {
            Ok(dataset) => Ok(self.with_dataset(dataset)),
            Err(_) => Err(self.not_found(number.to_string()).await?),
        }
    }

    /// Opens the newest version, whoever committed it.
    pub async fn refreshed(&self) -> Result<Self> {
        let mut dataset = self.dataset.as_ref().clone();
        dataset.checkout_latest().await.map_err(storage)?;
        Ok(self.with_dataset(dataset))
    }

    /// Makes the version of this handle the newest one; history stays.
    pub async fn restore(&self) -> Result<Self> {
        let mut dataset = self.dataset.as_ref().clone();
        dataset.restore().await.map_err(storage)?;
        self.sync_checksums();
        Ok(self.with_dataset(dataset))
    }

    async fn version_numbers(&self) -> Result<Vec<u64>> {
        let references = self.dataset.version_refs().await.map_err(storage)?;
        let mut numbers: Vec<u64> = references.iter().map(|reference| reference.version).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    async fn version_info(&self, number: u64) -> Result<VersionInfo> {
        let dataset = if number == self.version().0 {
            self.dataset.as_ref().clone()
        } else {
            self.dataset.checkout_version(number).await.map_err(storage)?
        };
        let transaction = dataset.read_transaction().await.ok().flatten();
        let mut properties: BTreeMap<String, String> = transaction
            .as_ref()
            .and_then(|transaction| transaction.transaction_properties.as_ref())
            .map(|properties| properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
            .unwrap_or_default();
        let operation = properties.remove(OPERATION).unwrap_or_else(|| match &transaction {
            Some(transaction) => operation_name(&transaction.operation.to_string()),
            None => "unknown".to_owned(),
        });
        Ok(VersionInfo { version: Version(number), timestamp: dataset.version().timestamp, operation, properties })
    }

    async fn version_at(&self, instant: DateTime<Utc>) -> Result<u64> {
        // Commit times ascend with the version, so the newest one that is not later is found by halving.
        let numbers = self.version_numbers().await?;
        let (mut low, mut high) = (0, numbers.len());
        while low < high {
            let middle = low.midpoint(high);
            let dataset = self.dataset.checkout_version(numbers[middle]).await.map_err(storage)?;
            if dataset.version().timestamp <= instant { low = middle + 1 } else { high = middle }
        }
        match low.checked_sub(1) {
            Some(at) => Ok(numbers[at]),
            None => Err(self.not_found(instant.to_rfc3339()).await?),
        }
    }

    async fn not_found(&self, asked: String) -> Result<Error> {
        let (oldest, newest) = self.version_range().await?;
        Ok(Error::VersionNotFound { asked, oldest: oldest.0, newest: newest.0 })
    }
}

/// Names what Lance itself committed without a word of ours.
fn operation_name(operation: &str) -> String {
    match operation {
        "Overwrite" => "create",
        "Append" | "Update" => "upsert",
        "Delete" => "delete",
        "Rewrite" => "compact",
        "UpdateConfig" => "index",
        "Merge" => "add_fields",
        "Restore" => "restore",
        other => other,
    }
    .to_owned()
}
