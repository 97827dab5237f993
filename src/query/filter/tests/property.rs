//! Random filters over random rows, and random text.
//!
//! Values come from small sets, so that they meet; a failure prints the filter and the rows.

use super::*;
use crate::query::filter::LikePattern;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;

const MARCH: i64 = 1_772_323_200_000_000;
const TEXTS: [&str; 11] =
    ["", "a", "ab", "b", "it's", "100%", "部门", "\\", "eight by", "eight bytes and more", "eight bytes and less"];
const ITEMS: [&str; 10] = ["x", "y", "z", "it's", "", "a", "b", "c", "eight bytes", "eight bits"];

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() }
}

/// Returns what a field may hold.
fn held(name: &str, field_type: FieldType) -> BoxedStrategy<Value> {
    match field_type {
        FieldType::String => select(&TEXTS[..]).prop_map(|text| Value::String(text.to_owned())).boxed(),
        FieldType::Integer if name == "page" => {
            select(vec![i64::from(i32::MIN), -1, 0, 1, 2, 3, i64::from(i32::MAX)]).prop_map(Value::Integer).boxed()
        }
        FieldType::Integer => select(vec![i64::MIN, -1, 0, 1, 2, 3, i64::MAX]).prop_map(Value::Integer).boxed(),
        FieldType::Number => {
            select(vec![-1e300, -2.5, -0.0, 0.0, 1e-7, 1.0, 2.0, 2020.0, 1e15, 1e300]).prop_map(Value::Number).boxed()
        }
        FieldType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        FieldType::Timestamp => select(vec![-1, 0, MARCH, MARCH + 1, MARCH + 1000]).prop_map(Value::Timestamp).boxed(),
        FieldType::StringList => items().prop_map(Value::StringList).boxed(),
    }
}

fn items() -> impl Strategy<Value = Vec<String>> {
    subsequence(&ITEMS[..], 0..=ITEMS.len()).prop_map(|items| items.into_iter().map(str::to_owned).collect())
}

/// Returns what a field is compared with: also numbers between and beyond the integers, and no second zero.
fn asked(name: &str, field_type: FieldType) -> BoxedStrategy<Value> {
    let held = held(name, field_type);
    match field_type {
        FieldType::Integer => {
            let numbers = select(vec![-1e300, -0.5, 2.5, 9_223_372_036_854_775_808.0, 1e300]).prop_map(Value::Number);
            prop_oneof![3 => held, 1 => numbers].boxed()
        }
        FieldType::Number => held
            .prop_map(|value| match value {
                Value::Number(number) => Value::Number(number + 0.0),
                other => other,
            })
            .boxed(),
        _ => held,
    }
}

/// Returns a value that no row holds (but for bools), to make lists as long as those that are looked up.
fn absent_value(field_type: FieldType, index: i64) -> Value {
    match field_type {
        FieldType::Integer => Value::Integer(1000 + index),
        FieldType::Number => Value::Number((1000 + index) as f64),
        FieldType::Timestamp => Value::Timestamp(MARCH + 2000 + index),
        FieldType::Bool => Value::Bool(index % 2 == 0),
        FieldType::String | FieldType::StringList => Value::String(format!("absent {index}")),
    }
}

fn row() -> impl Strategy<Value = Metadata> {
    let schema = schema();
    let entries: Vec<_> = schema
        .filterable()
        .map(|(name, field_type)| {
            let name = name.to_owned();
            proptest::option::weighted(0.7, held(&name, field_type).prop_map(move |value| (name.clone(), value)))
        })
        .collect();
    entries.prop_map(|entries| entries.into_iter().flatten().collect())
}

fn leaf(name: &str, field_type: FieldType) -> BoxedStrategy<Filter> {
    let field = name.to_owned();
    let is_null = Just(Filter::IsNull { field: field.clone() });
    if field_type == FieldType::StringList {
        return prop_oneof![is_null, items().prop_map(move |items| Filter::array_has_any(&field, items))].boxed();
    }
    let value = || asked(name, field_type);
    let ops = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];
    let [compared, ranged, listed, liked] = std::array::from_fn(|_| field.clone());
    let compare = (select(ops.to_vec()), value()).prop_map(move |(op, value)| Filter::Compare {
        field: compared.clone(),
        op,
        value,
    });
    let between = (value(), value()).prop_map(move |(low, high)| Filter::Between { field: ranged.clone(), low, high });
    let in_list = (proptest::collection::vec(value(), 0..6), 0_i64..12).prop_map(move |(mut values, absent)| {
        values.extend((0..absent).map(|index| absent_value(field_type, index)));
        Filter::in_list(&listed, values)
    });
    let like = r"[ab%_部\\]{0,5}a".prop_map(move |pattern| {
        let pattern = LikePattern::parse(&pattern, Some('\\')).expect("it ends in a letter");
        Filter::Like { field: liked.clone(), pattern }
    });
    match field_type {
        FieldType::String => prop_oneof![is_null, compare, between, in_list, like].boxed(),
        _ => prop_oneof![is_null, compare, between, in_list].boxed(),
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let schema = schema();
    let mut leaves: Vec<_> = schema.filterable().map(|(name, field_type)| leaf(name, field_type)).collect();
    leaves.push(Just(Filter::All).boxed());
    Union::new(leaves).prop_recursive(4, 24, 4, |inner| {
        let parts = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            parts().prop_map(Filter::and),
            parts().prop_map(Filter::or),
            inner.clone().prop_map(Filter::negate),
        ]
    })
}

/// Returns text made of the language's own pieces, most of it wrong.
fn babble() -> impl Strategy<Value = String> {
    let pieces = vec![
        "(",
        ")",
        "[",
        "]",
        ",",
        "=",
        "!=",
        "<",
        ">=",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BETWEEN",
        "LIKE",
        "ESCAPE",
        "IS",
        "NULL",
        "TRUE",
        "FALSE",
        "TIMESTAMP",
        "array_has(tags,",
        "array_has_any",
        "year",
        "lang",
        "tags",
        "active",
        "date",
        "部门",
        "\"group by\"",
        "'a'",
        "'%'",
        "'\\'",
        "'2026-03-01'",
        "1",
        "-2.5",
        "1e9",
        "'",
        "\"",
        "active OR",
        "year > 1 AND",
        "NOT (",
        "lang LIKE 'a_%'",
        "page IN (1, 2)",
        "active",
        ")",
    ];
    proptest::collection::vec(select(pieces), 0..12).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn columns_and_rows_give_the_same_answer(
        filter in filter(),
        rows in proptest::collection::vec(row(), 0..80),
        skipped in 0_usize..70,
    ) {
        let skipped = skipped.min(rows.len());
        let batch = batch(&rows).slice(skipped, rows.len() - skipped);
        let expected: Vec<bool> = rows[skipped..].iter().map(|row| passes(&filter, row)).collect();
        for found in evaluate(&filter, &batch) {
            prop_assert_eq!(&found, &expected, "{}", filter);
        }
    }

    #[test]
    fn a_printed_filter_reads_back_as_itself(filter in filter()) {
        let printed = filter.to_string();
        let read = Filter::parse_sql(&printed, &schema());
        prop_assert_eq!(read.map_err(|error| error.to_string()), Ok(filter), "{}", printed);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), babble in babble()) {
        let _ = Filter::parse_sql(&text, &schema());
        if let Ok(filter) = Filter::parse_sql(&babble, &schema()) {
            let printed = filter.to_string();
            let read = Filter::parse_sql(&printed, &schema());
            prop_assert_eq!(read.map_err(|error| error.to_string()), Ok(filter), "{} -> {}", babble, printed);
        }
    }
}
