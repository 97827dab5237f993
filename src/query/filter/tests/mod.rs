//! Tests of the filter language: one collection, rows as metadata, and the answer worked out row by row.
//!
//! The answer here is the definition; it is as plain as can be and shares no code with the one under test.

mod case;
mod hostile;
mod property;

use super::{Comparison, Filter};
use crate::index::column::Order;
use crate::schema::{CollectionSchema, EmbeddingSchema, Field, FieldType, Metadata, Metric, Value, VectorForms};
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// Returns a collection with a field of each type, and some whose names need care.
fn schema() -> CollectionSchema {
    let fields = [
        ("lang", FieldType::String),
        ("部门", FieldType::String),
        ("group by", FieldType::String),
        ("not", FieldType::Bool),
        ("year", FieldType::Number),
        ("rank", FieldType::Integer),
        ("active", FieldType::Bool),
        ("date", FieldType::Timestamp),
        ("tags", FieldType::StringList),
    ];
    CollectionSchema {
        description: String::new(),
        embedding: EmbeddingSchema { model: None, dimension: 2, metric: Metric::Cosine, forms: VectorForms::default() },
        chunking: Default::default(),
        fields: fields.map(|(name, field_type)| Field { name: name.into(), field_type }).to_vec(),
    }
}

/// Returns the rows as the columns that the table would hold.
fn batch(rows: &[Metadata]) -> RecordBatch {
    let schema = schema();
    let columns = schema.filterable().map(|(name, field_type)| (name, column(name, field_type, rows), true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn column(name: &str, field_type: FieldType, rows: &[Metadata]) -> ArrayRef {
    let values = rows.iter().map(|row| row.get(name));
    let wholes = values.clone().map(|value| match value {
        Some(Value::Integer(whole) | Value::Timestamp(whole)) => Some(*whole),
        _ => None,
    });
    match field_type {
        FieldType::String => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        }))),
        FieldType::Integer if name == "page" => {
            Arc::new(Int32Array::from_iter(wholes.map(|whole| whole.map(|whole| i32::try_from(whole).unwrap()))))
        }
        FieldType::Integer => Arc::new(Int64Array::from_iter(wholes)),
        FieldType::Number => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }))),
        FieldType::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }))),
        FieldType::Timestamp => Arc::new(TimestampMicrosecondArray::from_iter(wholes).with_timezone("UTC")),
        FieldType::StringList => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for value in values {
                builder.append_option(match value {
                    Some(Value::StringList(items)) => Some(items.iter().map(Some)),
                    _ => None,
                });
            }
            Arc::new(builder.finish())
        }
    }
}

/// Returns what a filter finds by testing the values, and by their order where columns have one.
fn evaluate(filter: &Filter, batch: &RecordBatch) -> [Vec<bool>; 2] {
    let ordered = |name| Some((name, Order::new(batch.column_by_name(name)?)?));
    let orders: HashMap<&str, Order> = filter.fields().into_iter().filter_map(ordered).collect();
    let bits = [filter.evaluate(batch), filter.evaluate_with(batch, &|field| orders.get(field))];
    bits.map(|bits| bits.unwrap().iter().collect())
}

/// Returns whether one row passes, by the definition.
fn passes(filter: &Filter, row: &Metadata) -> bool {
    let holds = |field: &str, test: &dyn Fn(&Value) -> bool| row.get(field).is_some_and(test);
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| passes(part, row)),
        Filter::Or(parts) => parts.iter().any(|part| passes(part, row)),
        Filter::Not(inner) => !passes(inner, row),
        Filter::Compare { field, op, value } => match op {
            Comparison::Equal => holds(field, &|found| order(found, value) == Ordering::Equal),
            Comparison::NotEqual => !holds(field, &|found| order(found, value) == Ordering::Equal),
            Comparison::Less => holds(field, &|found| order(found, value) == Ordering::Less),
            Comparison::LessOrEqual => holds(field, &|found| order(found, value) != Ordering::Greater),
            Comparison::Greater => holds(field, &|found| order(found, value) == Ordering::Greater),
            Comparison::GreaterOrEqual => holds(field, &|found| order(found, value) != Ordering::Less),
        },
        Filter::Between { field, low, high } => {
            holds(field, &|found| order(found, low) != Ordering::Less && order(found, high) != Ordering::Greater)
        }
        Filter::In { field, values } => {
            holds(field, &|found| values.iter().any(|value| order(found, value) == Ordering::Equal))
        }
        Filter::Like { field, pattern } => {
            holds(field, &|found| matches!(found, Value::String(text) if pattern.matches(text)))
        }
        Filter::IsNull { field } => !row.contains_key(field),
        Filter::ArrayHasAny { field, items } => holds(
            field,
            &|found| matches!(found, Value::StringList(list) if list.iter().any(|item| items.contains(item))),
        ),
    }
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Integer(_), Value::Number(b)) if *b >= -(i64::MIN as f64) => Ordering::Less,
        (Value::Integer(_), Value::Number(b)) if *b < i64::MIN as f64 => Ordering::Greater,
        (Value::Integer(a), Value::Number(b)) => {
            let fraction = if b.fract() == 0.0 { Ordering::Equal } else { Ordering::Less };
            a.cmp(&(b.floor() as i64)).then(fraction)
        }
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b).unwrap(),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        other => panic!("{other:?}"),
    }
}
