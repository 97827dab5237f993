//! Filters that are meant to hurt: each ends in an error that names a limit, and none in a full stack.

use super::*;
use crate::error::Error;
use crate::query::filter::{CONDITIONS_MAX, DEPTH_MAX, FILTER_BYTES_MAX, LIKE_BYTES_MAX, LIST_ITEMS_MAX};
use serde_json::json;

/// Checks that a filter is over a limit.
fn check_over(filter: serde_json::Value, limit: usize) {
    match Filter::from_request(&filter, &schema()) {
        Err(Error::LimitExceeded { limit: found, .. }) => assert_eq!(found, limit as u64),
        other => panic!("{other:?}"),
    }
}

fn check_accepted(sql: &str) {
    let filter = Filter::parse_sql(sql, &schema()).unwrap();
    assert_eq!(Filter::parse_sql(&filter.to_string(), &schema()).unwrap(), filter);
}

#[test]
fn a_text_over_its_limit_is_not_looked_at() {
    check_over(json!("(".repeat(100_000)), FILTER_BYTES_MAX);
    check_over(json!("year = 1 OR ".repeat(100_000)), FILTER_BYTES_MAX);
    check_over(json!({"field": "lang", "op": "==", "value": "x".repeat(1 << 20)}), FILTER_BYTES_MAX);
    check_over(json!(format!("lang LIKE '{}'", "%a".repeat(1000))), LIKE_BYTES_MAX);
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{}year = 1{}", "(".repeat(levels), ")".repeat(levels));
    check_accepted(&nested(DEPTH_MAX));
    check_over(json!(nested(DEPTH_MAX + 1)), DEPTH_MAX);
    check_over(json!("(".repeat(60_000)), DEPTH_MAX);
    check_over(json!("NOT ".repeat(16_000)), DEPTH_MAX);
    check_accepted(&format!("{}active", "NOT ".repeat(DEPTH_MAX)));
    let mut json = json!({"field": "year", "op": "==", "value": 1});
    for _ in 0..1000 {
        json = json!({"not": {"and": [json]}});
    }
    check_over(json, DEPTH_MAX);
}

#[test]
fn the_deepest_tree_prints_within_the_bound() {
    let mut sql = "year = 1".to_owned();
    for level in 0..DEPTH_MAX {
        let word = if level % 2 == 0 { "AND" } else { "OR" };
        sql = format!("(rank = {level} {word} {sql})");
    }
    check_accepted(&sql);
    let mut json = json!({"field": "year", "op": "==", "value": 1});
    for level in 0..DEPTH_MAX / 2 {
        let key = if level % 2 == 0 { "and" } else { "or" };
        json = json!({"not": {key: [json, {"field": "year", "op": "==", "value": level}]}});
    }
    let filter = Filter::from_request(&json, &schema()).unwrap();
    check_accepted(&filter.to_string());
}

#[test]
fn conditions_are_counted_over_the_whole_filter() {
    let conditions = |count: usize| vec!["active"; count].join(" OR ");
    check_accepted(&conditions(CONDITIONS_MAX));
    check_over(json!(conditions(CONDITIONS_MAX + 1)), CONDITIONS_MAX);
    let part = json!({"field": "active", "op": "==", "value": true});
    check_over(json!({"or": vec![json!({"and": vec![part; 33]}); 2]}), CONDITIONS_MAX);
}

#[test]
fn lists_are_bounded_in_both_forms() {
    let list = |count: usize| format!("year IN ({})", vec!["1"; count].join(","));
    check_accepted(&list(LIST_ITEMS_MAX));
    check_over(json!(list(LIST_ITEMS_MAX + 1)), LIST_ITEMS_MAX);
    check_over(json!({"field": "id", "op": "in", "value": vec!["x"; LIST_ITEMS_MAX + 1]}), LIST_ITEMS_MAX);
}
