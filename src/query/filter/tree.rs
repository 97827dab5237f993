//! The typed tree of a filter, and the constructors that keep it canonical.
//!
//! Reads no text and touches no rows.

use super::like::LikePattern;
use crate::schema::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Which rows are meant.
///
/// Values fit the type of their field; a value of an integer field is a [`Value::Number`] only where no `i64` equals
/// it. The readers and the constructors below keep a tree canonical: no `And` directly in an `And`, no `Or` in an
/// `Or`, none of either with a single part, no double negation, lists sorted without repeats. Then it prints, and
/// reads back, as itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every row.
    All,
    /// Rows that pass every part.
    And(Vec<Filter>),
    /// Rows that pass at least one part.
    Or(Vec<Filter>),
    /// Rows that do not pass, those with missing values among them.
    Not(Box<Filter>),
    /// Rows whose value compares so.
    Compare {
        /// Field on the left.
        field: String,
        /// How it compares.
        op: Comparison,
        /// Value on the right.
        value: Value,
    },
    /// Rows whose value is from `low` to `high`, both included.
    Between {
        /// Field that is compared.
        field: String,
        /// Least value.
        low: Value,
        /// Greatest value.
        high: Value,
    },
    /// Rows whose value is in the list.
    In {
        /// Field that is compared.
        field: String,
        /// Values, sorted.
        values: Vec<Value>,
    },
    /// Rows whose text has the pattern's shape.
    Like {
        /// Field that is compared.
        field: String,
        /// Pattern.
        pattern: LikePattern,
    },
    /// Rows without a value.
    IsNull {
        /// Field that is looked at.
        field: String,
    },
    /// Rows whose list has at least one of the items.
    ArrayHasAny {
        /// Field that is looked at.
        field: String,
        /// Items, sorted.
        items: Vec<String>,
    },
}

/// How a field compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`, which a missing value passes.
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Filter {
    /// Returns the filter that passes what every part passes.
    pub fn and(parts: Vec<Filter>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::And(flat) }
    }

    /// Returns the filter that passes what at least one part passes.
    pub fn or(parts: Vec<Filter>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Or(flat) }
    }

    /// Returns the filter that passes exactly the other rows.
    pub fn negate(filter: Filter) -> Self {
        match filter {
            Self::Not(inner) => *inner,
            Self::Compare { field, op: Comparison::Equal, value } => {
                Self::Compare { field, op: Comparison::NotEqual, value }
            }
            Self::Compare { field, op: Comparison::NotEqual, value } => {
                Self::Compare { field, op: Comparison::Equal, value }
            }
            other => Self::Not(Box::new(other)),
        }
    }

    /// Returns the filter for values in a list; an empty list passes nothing.
    pub fn in_list(field: &str, mut values: Vec<Value>) -> Self {
        values.sort_by(order);
        values.dedup();
        Self::In { field: field.to_owned(), values }
    }

    /// Returns the filter for lists with at least one of the items; no items pass nothing.
    pub fn array_has_any(field: &str, mut items: Vec<String>) -> Self {
        items.sort();
        items.dedup();
        Self::ArrayHasAny { field: field.to_owned(), items }
    }

    /// Returns the fields that the filter reads, sorted.
    pub fn fields(&self) -> BTreeSet<&str> {
        match self {
            Self::All => BTreeSet::new(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Not(inner) => inner.fields(),
            Self::Compare { field, .. }
            | Self::Between { field, .. }
            | Self::In { field, .. }
            | Self::Like { field, .. }
            | Self::IsNull { field }
            | Self::ArrayHasAny { field, .. } => BTreeSet::from([field.as_str()]),
        }
    }
}

impl Comparison {
    /// Returns how it is written in SQL.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Returns the comparison that says the same with both sides exchanged.
    pub(super) fn flip(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

/// Orders the values of one list: all of one type, except that an integer field's numbers follow its integers.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(_), _) => Ordering::Greater,
        (_, Value::Number(_)) => Ordering::Less,
        _ => Ordering::Equal,
    }
}
