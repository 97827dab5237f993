//! Writes a filter as canonical SQL: the form that the SQL reader reads back as the same tree.
//!
//! Only as many parentheses as the tree needs, so what was read within the depth bound is read again within it. A tree
//! that came from JSON with very long lists can be longer than the SQL reader takes.

use super::token::is_bare_name;
use super::tree::{Comparison, Filter};
use crate::schema::Value;
use crate::schema::field::format_timestamp;
use std::fmt::{self, Display, Formatter};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("TRUE"),
            Self::And(parts) if parts.is_empty() => f.write_str("TRUE"),
            Self::Or(parts) if parts.is_empty() => f.write_str("FALSE"),
            Self::And(parts) => join(f, parts, " AND ", |part| matches!(part, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => join(f, parts, " OR ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write_not(inner, f),
            leaf => write_leaf(leaf, "", f),
        }
    }
}

/// Writes parts with a word between them, some in parentheses.
fn join(f: &mut Formatter<'_>, parts: &[Filter], word: &str, grouped: impl Fn(&Filter) -> bool) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if grouped(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

/// Writes a negation, inside the condition where SQL has a form for it.
fn write_not(inner: &Filter, f: &mut Formatter<'_>) -> fmt::Result {
    match inner {
        Filter::All => f.write_str("FALSE"),
        Filter::And(_) | Filter::Or(_) => write!(f, "NOT ({inner})"),
        Filter::Between { .. } | Filter::In { .. } | Filter::Like { .. } | Filter::IsNull { .. } => {
            write_leaf(inner, "NOT ", f)
        }
        Filter::Not(_) | Filter::Compare { .. } | Filter::ArrayHasAny { .. } => write!(f, "NOT {inner}"),
    }
}

/// Writes one condition, with `not` before its keyword.
fn write_leaf(leaf: &Filter, not: &str, f: &mut Formatter<'_>) -> fmt::Result {
    match leaf {
        Filter::Compare { field, op, value } => write_compare(field, *op, value, f),
        Filter::Between { field, low, high } => {
            write!(f, "{} {not}BETWEEN {} AND {}", Name(field), Literal(low), Literal(high))
        }
        Filter::In { field, values } => {
            write!(f, "{} {not}IN ({})", Name(field), list(values.iter().map(Literal)))
        }
        Filter::Like { field, pattern } => {
            write!(f, "{} {not}LIKE {}", Name(field), Text(&pattern.to_string()))
        }
        Filter::IsNull { field } => write!(f, "{} IS {not}NULL", Name(field)),
        Filter::ArrayHasAny { field, items } => match items.as_slice() {
            [item] => write!(f, "array_has({}, {})", Name(field), Text(item)),
            items => write!(f, "array_has_any({}, [{}])", Name(field), list(items.iter().map(|item| Text(item)))),
        },
        Filter::All | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => write!(f, "{leaf}"),
    }
}

fn write_compare(field: &str, op: Comparison, value: &Value, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} {} {}", Name(field), op.symbol(), Literal(value))
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// A field name, in quotes where it needs them.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_bare_name(self.0) { f.write_str(self.0) } else { write!(f, "\"{}\"", self.0.replace('"', "\"\"")) }
    }
}

/// A string literal.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// A value as a literal of its type.
struct Literal<'a>(&'a Value);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => Text(text).fmt(f),
            Value::Integer(whole) => whole.fmt(f),
            // The debug form has an exponent where the plain one would have three hundred digits.
            Value::Number(number) if number.fract() != 0.0 || number.abs() >= 1e15 => write!(f, "{number:?}"),
            Value::Number(number) => number.fmt(f),
            Value::Bool(true) => f.write_str("TRUE"),
            Value::Bool(false) => f.write_str("FALSE"),
            Value::Timestamp(micros) => write!(f, "TIMESTAMP '{}'", format_timestamp(*micros)),
            Value::StringList(items) => write!(f, "[{}]", list(items.iter().map(|item| Text(item)))),
        }
    }
}
