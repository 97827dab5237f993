//! Replacing the vectors of a table: new columns are staged beside the ones in use, and one commit switches to them.
//!
//! Both have the same names before and after the switch, and ids of their own: an earlier version knows the earlier
//! column, and reads it with the settings of its time. The bytes of the earlier column go with the fragments that hold
//! them, when these are rewritten and the versions that read them have expired. What a vector is belongs to the caller.

use super::{SchemaChange, Table, storage};
use crate::error::{Error, Result};
use crate::schema::EmbeddingSchema;
use crate::schema::collection::StoredSettings;
use crate::schema::row::{EMBEDDED_COLUMNS, ID, staged_name, staged_schema};
use arrow::array::{AsArray, RecordBatch};
use lance::dataset::{BatchUDF, NewColumnTransform};

/// Rows that are given vectors at a time.
const STAGED_ROWS: u32 = 4_096;

impl Table {
    /// Writes columns of vectors that nothing uses yet, as the next version. `make` gives them for chunks by id.
    ///
    /// Rows that are added before the switch have none.
    pub async fn stage_vectors(
        &self,
        embedding: &EmbeddingSchema,
        make: impl Fn(&[&str]) -> Result<RecordBatch> + Send + Sync + 'static,
    ) -> Result<Self> {
        let cleared = self.drop_staged().await?;
        let mapper = move |batch: &RecordBatch| {
            let ids = batch.column_by_name(ID).and_then(|column| column.as_string_opt::<i32>());
            let ids: Vec<&str> = ids.into_iter().flatten().map(Option::unwrap_or_default).collect();
            make(&ids).map_err(|error| lance::Error::invalid_input(error.to_string()))
        };
        let transform = NewColumnTransform::BatchUDF(BatchUDF {
            mapper: Box::new(mapper),
            output_schema: staged_schema(embedding),
            result_checkpoint: None,
        });
        let mut dataset = cleared.dataset.as_ref().clone();
        dataset.add_columns(transform, Some(vec![ID.to_owned()]), Some(STAGED_ROWS)).await.map_err(storage)?;
        self.sync_checksums();
        Ok(self.with_dataset(dataset))
    }

    /// Puts the staged columns in the place of those in use, with the settings that belong to them, in one commit.
    pub async fn switch_vectors(&self, settings: StoredSettings) -> Result<Self> {
        let change = SchemaChange {
            settings: Some(settings),
            drop: EMBEDDED_COLUMNS.map(str::to_owned).to_vec(),
            rename: EMBEDDED_COLUMNS.iter().map(|name| (staged_name(name), (*name).to_owned())).collect(),
            add: Vec::new(),
        };
        self.alter(&change, "reembed").await
    }

    /// Removes columns that were staged and never used.
    async fn drop_staged(&self) -> Result<Self> {
        let known = self.column_ids();
        let left: Vec<String> =
            EMBEDDED_COLUMNS.map(staged_name).into_iter().filter(|name| known.contains_key(name)).collect();
        if left.is_empty() {
            return Ok(self.clone());
        }
        self.alter(&SchemaChange { drop: left, ..SchemaChange::default() }, "reembed").await
    }

    /// Returns the id of the column of vectors, which is another one after each switch.
    pub fn vectors_id(&self) -> Result<i32> {
        let id = self.column_ids().get(crate::schema::row::EMBEDDING).copied();
        id.ok_or_else(|| Error::Damaged {
            what: format!("table of collection '{}'", self.name()),
            detail: "it has no column of vectors".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::Chunking;
    use crate::schema::row::{EMBEDDING, ID, staged_batch, to_batch, vector};
    use crate::schema::{ChunkRow, CollectionName, CollectionSchema, EmbeddingSchema, Metric, VectorForms};
    use crate::table::{Changes, DataFolder, Table, VersionRef};

    fn schema(dimension: usize) -> CollectionSchema {
        CollectionSchema {
            description: String::new(),
            embedding: EmbeddingSchema {
                model: None,
                dimension,
                metric: Metric::Cosine,
                forms: VectorForms::default(),
            },
            chunking: Chunking::default(),
            fields: Vec::new(),
        }
    }

    fn row(id: &str, dimension: usize, value: f32) -> ChunkRow {
        ChunkRow { id: id.to_owned(), embedding: Some(vec![value; dimension]), ..ChunkRow::default() }
    }

    async fn add(table: &Table, schema: &CollectionSchema, rows: &[ChunkRow]) -> (Table, Vec<u64>) {
        let changes = Changes { rows: vec![to_batch(schema, rows).unwrap()], ..Changes::default() };
        let committed = table.commit(changes).await.unwrap();
        (committed.table, committed.row_ids)
    }

    async fn vectors(table: &Table, row_ids: &[u64]) -> Vec<Option<Vec<f32>>> {
        let batch = table.take(row_ids, &[EMBEDDING]).await.unwrap();
        (0..batch.num_rows()).map(|at| vector(&batch, at)).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn vectors_are_switched_in_one_version_and_earlier_ones_keep_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (schema(2), schema(3));
        let name = CollectionName::parse("switched").unwrap();
        let table = DataFolder::open(folder.path()).unwrap().create(&name, &old).await.unwrap();
        let (table, mut ids) = add(&table, &old, &[row("a", 2, 1.0), row("b", 2, 2.0)]).await;
        let (table, more) = add(&table, &old, &[row("c", 2, 3.0)]).await;
        ids.extend(more);
        let table = table.commit(Changes { removed: vec![ids[0]], ..Changes::default() }).await.unwrap().table;
        let (before, ids) = (table.version(), &ids[1..]);
        let make = |found: &[&str]| {
            let rows: Vec<ChunkRow> = found.iter().map(|id| row("", 3, f32::from(id.as_bytes()[0]))).collect();
            staged_batch(&schema(3).embedding, &rows)
        };
        let forgotten = table.stage_vectors(&new.embedding, make).await.unwrap();
        assert_eq!(forgotten.schema().unwrap(), old);
        let staged = forgotten.stage_vectors(&new.embedding, make).await.unwrap();
        assert_eq!(vectors(&staged, ids).await, [Some(vec![2.0; 2]), Some(vec![3.0; 2])]);
        let switched = staged.switch_vectors(new.settings()).await.unwrap();
        assert_eq!(switched.schema().unwrap(), new);
        assert_eq!(vectors(&switched, ids).await, [Some(vec![98.0; 3]), Some(vec![99.0; 3])]);
        assert_ne!(switched.vectors_id().unwrap(), table.vectors_id().unwrap());
        let (grown, added) = add(&switched, &new, &[row("d", 3, 4.0)]).await;
        assert_eq!(vectors(&grown, &[added[0], ids[0]]).await, [Some(vec![4.0; 3]), Some(vec![98.0; 3])]);
        let compact = grown.compact(100).await.unwrap();
        assert_eq!(vectors(&compact, &[ids[1], added[0]]).await, [Some(vec![99.0; 3]), Some(vec![4.0; 3])]);
        let past = compact.at(&VersionRef::Number(before.0)).await.unwrap();
        assert_eq!(past.schema().unwrap(), old);
        assert_eq!(vectors(&past, ids).await, [Some(vec![2.0; 2]), Some(vec![3.0; 2])]);
        let restored = past.restore().await.unwrap();
        assert_eq!(vectors(&restored, ids).await, [Some(vec![2.0; 2]), Some(vec![3.0; 2])]);
        assert_eq!(restored.take(ids, &[ID]).await.unwrap().num_rows(), 2);
    }
}
