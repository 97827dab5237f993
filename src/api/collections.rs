//! Routes on collections: create, list, find, change, delete, optimize.
//!
//! What a collection may be made of is checked by the store.

use super::answer::{Answer, json, versioned, with_version};
use super::app::App;
use super::extract::{Json, Name};
use super::jobs::{self, Started};
use crate::error::{Error, Result};
use crate::schema::{
    Chunking, ChunkingChoice, CollectionName, Field, FieldType, Metric, ShortForm, Storage, VectorForms, Version,
};
use crate::store::view::EmbeddingChoice;
use crate::store::{CollectionChange, CollectionInfo, NewCollection, NewModel};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use ragstone_models::Precision;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Body of `create_collection`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCollection {
    name: String,
    description: Option<String>,
    embedding: Option<EmbeddingForm>,
    fields: Option<Vec<FieldForm>>,
    chunking: Option<ChunkingChoice>,
}

/// Body of `change_collection`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeCollection {
    description: Option<String>,
    #[serde(default)]
    add_fields: Vec<FieldForm>,
    #[serde(default)]
    rename_fields: BTreeMap<String, String>,
    #[serde(default)]
    drop_fields: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingForm {
    model: Option<String>,
    precision: Option<Precision>,
    dimension: Option<usize>,
    metric: Option<Metric>,
    #[serde(default)]
    storage: Storage,
    #[serde(default)]
    walk: ShortForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldForm {
    name: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    /// Every field is held as a column in memory, so this changes nothing.
    #[serde(rename = "indexed")]
    _indexed: Option<bool>,
    sensitive: Option<bool>,
}

/// A collection as answers show it.
#[derive(Serialize)]
struct CollectionForm {
    name: CollectionName,
    description: String,
    embedding: EmbeddingAnswer,
    fields: Vec<Field>,
    chunking: Chunking,
    documents: usize,
    chunks: usize,
    version: Version,
    bytes: u64,
    index: IndexForm,
}

#[derive(Serialize)]
struct EmbeddingAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<Precision>,
    dimension: usize,
    metric: Metric,
    #[serde(flatten)]
    forms: VectorForms,
}

#[derive(Serialize)]
struct IndexForm {
    generation: Option<String>,
    covered_version: Version,
    rows: usize,
}

impl From<CollectionInfo> for CollectionForm {
    fn from(info: CollectionInfo) -> Self {
        let precision = info.embedding.model.as_ref().map(|model| model.precision);
        let (model, revision) = info.embedding.model.map(|model| (model.name, model.revision)).unzip();
        let CollectionInfo { covered_version, generation, covered_rows: rows, .. } = info;
        Self {
            name: info.name,
            description: info.description,
            embedding: EmbeddingAnswer {
                model,
                revision,
                precision,
                dimension: info.embedding.dimension,
                metric: info.embedding.metric,
                forms: info.embedding.forms,
            },
            fields: info.fields,
            chunking: info.chunking,
            documents: info.documents,
            chunks: info.chunks,
            version: info.version,
            bytes: info.bytes,
            index: IndexForm { generation, covered_version, rows },
        }
    }
}

/// Creates a collection.
pub async fn create_collection(State(app): State<App>, body: Json<CreateCollection>) -> Answer {
    let new = body.value.check()?;
    let info = app.store().create_collection(new).await?;
    let location = HeaderValue::from_str(&format!("/v1/collections/{}", info.name));
    let mut response = versioned(StatusCode::CREATED, info.version, &CollectionForm::from(info))?;
    let location = location.map_err(|error| Error::Internal(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Lists the collections by name.
pub async fn list_collections(State(app): State<App>) -> Answer {
    let collections = app.store().collections().await?;
    let collections: Vec<CollectionForm> = collections.into_iter().map(CollectionForm::from).collect();
    json(StatusCode::OK, &json!({"collections": collections}))
}

/// Finds a collection.
pub async fn find_collection(State(app): State<App>, Name(name): Name) -> Answer {
    let info = app.collection(&name).await?.info();
    versioned(StatusCode::OK, info.version, &CollectionForm::from(info))
}

/// Changes description and fields, in one version.
pub async fn change_collection(State(app): State<App>, Name(name): Name, body: Json<ChangeCollection>) -> Answer {
    let collection = app.collection(&name).await?;
    collection.alter(body.value.check()?).await?;
    let info = collection.info();
    versioned(StatusCode::OK, info.version, &CollectionForm::from(info))
}

/// Removes a collection with all its versions.
pub async fn delete_collection(State(app): State<App>, Name(name): Name) -> Answer {
    let version = app.collection(&name).await?.info().version;
    app.store().drop_collection(&name).await?;
    let body = json!({"name": name, "deleted": true, "version": version});
    Ok(with_version(json(StatusCode::OK, &body)?, version))
}

/// Starts compaction, expiry of old versions and sealing of the index.
pub async fn optimize_collection(State(app): State<App>, Name(name): Name) -> Answer {
    let collection = app.collection(&name).await?;
    let version = collection.info().version;
    let job = app.store().jobs().begin("optimize", name.as_str(), 1)?;
    let started = Started { jobs: app.store().jobs().clone(), id: job.id().to_owned(), version };
    jobs::run(job, |job| async move {
        collection.optimize().await?;
        job.step(None);
        Ok(())
    });
    started.answer()
}

impl CreateCollection {
    fn check(self) -> Result<NewCollection> {
        Ok(NewCollection {
            name: CollectionName::parse(&self.name)?,
            description: self.description.unwrap_or_default(),
            forms: self.embedding.as_ref().map_or(VectorForms::default(), EmbeddingForm::forms),
            embedding: self.embedding.map_or(Ok(EmbeddingChoice::Default), EmbeddingForm::check)?,
            fields: self.fields.unwrap_or_default().into_iter().map(FieldForm::check).collect::<Result<_>>()?,
            chunking: self.chunking.unwrap_or_default(),
        })
    }
}

impl ChangeCollection {
    fn check(self) -> Result<CollectionChange> {
        let add = self.add_fields.into_iter().map(FieldForm::check).collect::<Result<_>>()?;
        Ok(CollectionChange { description: self.description, add, rename: self.rename_fields, drop: self.drop_fields })
    }
}

impl EmbeddingForm {
    fn forms(&self) -> VectorForms {
        VectorForms { storage: self.storage, walk: self.walk }
    }

    fn check(self) -> Result<EmbeddingChoice> {
        let invalid = |detail: &str| Err(Error::InvalidArgument { field: "embedding", detail: detail.to_owned() });
        match self {
            Self { model: Some(_), metric: Some(Metric::Dot | Metric::L2), .. } => {
                invalid("metric of a model's vectors is cosine")
            }
            Self { model: Some(name), precision, dimension, .. } => {
                Ok(EmbeddingChoice::Model(NewModel { name, precision, dimension }))
            }
            Self { precision: Some(_), .. } => invalid("precision is a model's"),
            Self { dimension: Some(dimension), metric, .. } => {
                Ok(EmbeddingChoice::Dimension { dimension, metric: metric.unwrap_or_default() })
            }
            form if form.forms() != VectorForms::default() => Ok(EmbeddingChoice::Default),
            Self { model: None, dimension: None, .. } => invalid("neither model nor dimension is given"),
        }
    }
}

impl FieldForm {
    fn check(self) -> Result<Field> {
        if self.sensitive == Some(true) {
            // Accepting it would promise a protection that nothing gives.
            let detail = format!("field '{}' is sensitive, which is not supported", self.name);
            return Err(Error::InvalidArgument { field: "fields", detail });
        }
        Ok(Field { name: self.name, field_type: self.field_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(embedding: serde_json::Value) -> Result<EmbeddingChoice> {
        let body = json!({"name": "a", "embedding": embedding});
        serde_json::from_value::<CreateCollection>(body).unwrap().check().map(|new| new.embedding)
    }

    #[test]
    fn an_embedding_is_a_model_or_a_dimension_or_a_model_cut_to_one() {
        assert!(matches!(check(json!(null)).unwrap(), EmbeddingChoice::Default));
        assert!(matches!(check(json!({"model": "m"})).unwrap(), EmbeddingChoice::Model(model) if model.name == "m"));
        let choice = check(json!({"model": "m", "precision": "bf16"})).unwrap();
        assert!(matches!(choice, EmbeddingChoice::Model(NewModel { precision: Some(Precision::Bf16), .. })));
        assert!(check(json!({"dimension": 3, "precision": "bf16"})).is_err());
        let choice = check(json!({"dimension": 3, "metric": "l2"})).unwrap();
        assert!(matches!(choice, EmbeddingChoice::Dimension { dimension: 3, metric: Metric::L2 }));
        let choice = check(json!({"model": "m", "dimension": 3})).unwrap();
        assert!(matches!(choice, EmbeddingChoice::Model(NewModel { dimension: Some(3), .. })));
        for wrong in [json!({}), json!({"model": "m", "metric": "dot"})] {
            assert_eq!(check(wrong).unwrap_err().code(), "invalid_argument");
        }
    }
}
