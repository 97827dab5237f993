//! Small cases by name: which rows a filter finds, what it prints as, and what is said about a wrong one.

use super::*;
use crate::error::Error;
use serde_json::json;

/// Returns four rows with a bit of everything; the last one is empty.
fn rows() -> Vec<Metadata> {
    let row = |json: serde_json::Value| -> Metadata {
        let schema = schema();
        let entries = json.as_object().unwrap().iter();
        entries
            .map(|(name, value)| {
                let field_type = schema.filter_type(name).unwrap();
                (name.clone(), Value::from_json(name, Some(field_type), value).unwrap().unwrap())
            })
            .collect()
    };
    vec![
        row(json!({"id": "r0", "lang": "en", "year": 2020, "rank": 1, "page": 2, "active": true,
                   "date": "2026-03-01T00:00:00Z", "tags": ["x", "y"], "部门": "财务"})),
        row(json!({"id": "r1", "lang": "zh", "year": 2021.5, "rank": -7, "page": 3, "active": false,
                   "date": "2026-03-01T08:30:00+08:00", "tags": [], "group by": "it's 100%"})),
        row(json!({"id": "r2", "lang": "EN", "year": -1, "rank": 9007199254740993_i64, "tags": ["y"], "not": true})),
        row(json!({"id": "r3"})),
    ]
}

/// Checks which rows a filter in SQL form finds.
fn check(sql: &str, expected: &[usize]) {
    let filter = Filter::parse_sql(sql, &schema()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(found(&filter), expected, "{sql} -> {filter}");
}

/// Checks that a filter in JSON form is the same as one in SQL form.
fn check_json(json: serde_json::Value, sql: &str) {
    let expected = Filter::parse_sql(sql, &schema()).unwrap();
    assert_eq!(Filter::from_request(&json, &schema()).unwrap(), expected, "{json}");
}

/// Checks the message about a filter that cannot be read.
fn check_error(filter: impl Into<serde_json::Value>, expected: &str) {
    let filter = filter.into();
    let error = Filter::from_request(&filter, &schema()).unwrap_err();
    assert_eq!(error.to_string(), expected, "{filter}");
}

fn found(filter: &Filter) -> Vec<usize> {
    let rows = rows();
    let expected: Vec<bool> = rows.iter().map(|row| passes(filter, row)).collect();
    assert_eq!(evaluate(filter, &batch(&rows)), [&expected; 2].map(Vec::clone));
    (0..rows.len()).filter(|&row| expected[row]).collect()
}

#[test]
fn numbers_compare_by_value() {
    check("year = 2020", &[0]);
    check("year == 2020.0", &[0]);
    check("year > 2020", &[1]);
    check("year >= 2.02e3", &[0, 1]);
    check("year < +.5", &[2]);
    check("year <= -1", &[2]);
    check("2020 <= year", &[0, 1]);
    check("2021 > year", &[0, 2]);
    check("year BETWEEN 2020 AND 2021.5", &[0, 1]);
    check("year NOT BETWEEN 2020 AND 2022", &[2, 3]);
    check("year IN (2020, -1.0, 7, 8, 9, 10, 11, 12, 13)", &[0, 2]);
}

#[test]
fn integers_compare_with_fractions_as_numbers_do() {
    check("page >= 2.5", &[1]);
    check("page < 2.5", &[0]);
    check("page = 2.0", &[0]);
    check("page = 2.5", &[]);
    check("page != 2.5", &[0, 1, 2, 3]);
    check("page IN (2, 2.5, 3.0)", &[0, 1]);
    check("page IN (2, 2.5, 3.0, 4, 5, 6, 7, 8, 9, 10)", &[0, 1]);
    check("page BETWEEN 1.5 AND 2.5", &[0]);
    check("page < 99999999999", &[0, 1]);
    check("rank > -1e300", &[0, 1, 2]);
    check("rank < 1e300", &[0, 1, 2]);
    check("rank > 1e300", &[]);
    check("rank <= -9223372036854775809", &[]);
    check("rank = 9007199254740993", &[2]);
    check("rank = 9007199254740992", &[]);
}

#[test]
fn strings_compare_by_their_bytes() {
    check("lang = 'en'", &[0]);
    check("lang <> 'en'", &[1, 2, 3]);
    check("lang > 'EN'", &[0, 1]);
    check("lang IN ('en', 'zh')", &[0, 1]);
    check("lang IN ('en', 'zh', 'a', 'b', 'c', 'd', 'e', 'f', 'g')", &[0, 1]);
    check("lang NOT IN ('en')", &[1, 2, 3]);
    check("lang IN ()", &[]);
    check("\"group by\" = 'it''s 100%'", &[1]);
    check("`group by` LIKE '%100\\%'", &[1]);
    check("部门 = '财务'", &[0]);
    check("lang LIKE 'e%'", &[0]);
    check("lang LIKE '_N'", &[2]);
    check("lang NOT LIKE '%n'", &[1, 2, 3]);
    check("lang LIKE '%h%'", &[1]);
    check("lang LIKE 'zh'", &[1]);
    check("lang LIKE ''", &[]);
    check("lang LIKE '%'", &[0, 1, 2]);
    check("\"group by\" LIKE '%!%' ESCAPE '!'", &[1]);
    check("id BETWEEN 'r1' AND 'r2'", &[1, 2]);
}

#[test]
fn times_compare_as_instants() {
    check("date = '2026-03-01T00:00:00Z'", &[0]);
    check("date = timestamp '2026-03-01 00:30:00'", &[1]);
    check("date > DATE '2026-03-01'", &[1]);
    check("date <= '2026-03-01T01:00:00+01:00'", &[0]);
    check("date IN ('2026-03-01', '2026-03-02')", &[0]);
    check("date NOT BETWEEN '2026-03-01' AND '2026-03-01T00:15:00Z'", &[1, 2, 3]);
}

#[test]
fn bools_stand_alone_or_compare() {
    check("active", &[0]);
    check("NOT active", &[1, 2, 3]);
    check("active = false", &[1]);
    check("TRUE = active", &[0]);
    check("active >= FALSE", &[0, 1]);
    check("active IN (TRUE, FALSE)", &[0, 1]);
    check("\"not\" AND year < 0", &[2]);
    check("TRUE", &[0, 1, 2, 3]);
    check("NOT true OR FALSE", &[]);
}

#[test]
fn lists_are_asked_for_their_items() {
    check("array_has(tags, 'y')", &[0, 2]);
    check("NOT array_has(tags, 'x')", &[1, 2, 3]);
    check("array_has_any(tags, ['x', 'z'])", &[0]);
    check("array_has_any(tags, ARRAY['x', 'y'])", &[0, 2]);
    check("ARRAY_HAS_ANY(tags, make_array('y'))", &[0, 2]);
    check("array_has_any(tags, [])", &[]);
    check("tags IS NULL", &[3]);
}

#[test]
fn a_missing_value_passes_only_what_does_not_ask_for_one() {
    check("year > 0", &[0, 1]);
    check("NOT (year > 0)", &[2, 3]);
    check("year != 2020", &[1, 2, 3]);
    check("year IS NULL", &[3]);
    check("year is not null", &[0, 1, 2]);
    check("NOT year IS NULL", &[0, 1, 2]);
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    check("lang = 'en' OR lang = 'zh' AND year = 0", &[0]);
    check("(lang = 'en' OR lang = 'zh') AND year > 2020", &[1]);
    check("NOT lang = 'en' AND NOT lang = 'zh'", &[2, 3]);
    check("year BETWEEN 0 AND 3000 AND active", &[0]);
}

#[test]
fn a_column_that_the_batch_lacks_is_missing_everywhere() {
    let narrow = batch(&rows()).project(&[0]).unwrap();
    for (sql, expected) in [("year = 1", 0), ("year != 1", 4), ("tags IS NULL", 4), ("lang = 'en'", 1)] {
        let bits = Filter::parse_sql(sql, &schema()).unwrap().evaluate(&narrow).unwrap();
        assert_eq!(bits.count_set_bits(), expected, "{sql}");
    }
}

#[test]
fn a_column_of_another_type_is_refused_by_name() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let batch = RecordBatch::try_from_iter([("year", texts.clone()), ("tags", texts)]).unwrap();
    for sql in ["year > 1", "year IN (1, 2, 3, 4, 5, 6, 7, 8, 9)", "array_has(tags, 'a')"] {
        let error = Filter::parse_sql(sql, &schema()).unwrap().evaluate(&batch).unwrap_err();
        assert!(matches!(error, Error::FieldTypeMismatch { expected: "string", .. }), "{sql}: {error}");
    }
}

#[test]
fn missing_items_in_a_list_are_no_items() {
    let mut builder = ListBuilder::new(StringBuilder::new());
    builder.append_value([None, Some("x")]);
    builder.append_value([None::<&str>]);
    let tags: ArrayRef = Arc::new(builder.finish());
    let batch = RecordBatch::try_from_iter([("tags", tags)]).unwrap();
    for sql in ["array_has(tags, 'x')", "array_has_any(tags, ['x', 'y', ''])"] {
        let bits = Filter::parse_sql(sql, &schema()).unwrap().evaluate(&batch).unwrap();
        assert_eq!(bits.set_indices().collect::<Vec<_>>(), [0], "{sql}");
    }
}

#[test]
fn a_filter_prints_as_canonical_sql() {
    for (sql, expected) in [
        ("(year>=2020)and((lang='en'or LANG2 = 1))", None),
        ("(year>=2020)and((lang='en'or not active))", Some("year >= 2020 AND (lang = 'en' OR active != TRUE)")),
        ("((year = 1) AND rank = 2) AND page = 3.0", Some("year = 1 AND rank = 2 AND page = 3")),
        ("NOT NOT year < 1e300", Some("year < 1e300")),
        ("NOT lang = 'a'", Some("lang != 'a'")),
        ("lang IN ('b', 'a', 'b')", Some("lang IN ('a', 'b')")),
        ("NOT lang LIKE '%%a\\%' ", Some("lang NOT LIKE '%a\\%'")),
        ("date > '2026-03-01'", Some("date > TIMESTAMP '2026-03-01T00:00:00Z'")),
        ("array_has_any(tags, ['it''s'])", Some("array_has(tags, 'it''s')")),
        ("`group by` is not null", Some("\"group by\" IS NOT NULL")),
        ("\"not\" and 部门 = ''", Some("\"not\" = TRUE AND 部门 = ''")),
        ("NOT (year > 1 OR rank > 1)", Some("NOT (year > 1 OR rank > 1)")),
        ("NOT TRUE", Some("FALSE")),
    ] {
        let printed = Filter::parse_sql(sql, &schema()).ok().map(|filter| filter.to_string());
        assert_eq!(printed.as_deref(), expected, "{sql}");
    }
}

#[test]
fn a_filter_names_its_fields() {
    let filter = Filter::parse_sql("year > 1 OR NOT (lang = 'a' AND year < 3) OR tags IS NULL", &schema()).unwrap();
    assert_eq!(filter.fields().into_iter().collect::<Vec<_>>(), ["lang", "tags", "year"]);
}

#[test]
fn the_json_form_says_the_same_as_the_sql_form() {
    check_json(json!("year >= 2020"), "year >= 2020");
    check_json(json!({"field": "year", "op": ">=", "value": 2020}), "year >= 2020");
    check_json(json!({"op": "==", "value": "en", "field": "lang"}), "lang = 'en'");
    check_json(json!({"field": "active", "op": "!=", "value": true}), "NOT active");
    check_json(json!({"field": "year", "op": "==", "value": null}), "year IS NULL");
    check_json(json!({"field": "year", "op": "!=", "value": null}), "year IS NOT NULL");
    check_json(json!({"field": "year", "op": "exists"}), "year IS NOT NULL");
    check_json(json!({"field": "year", "op": "exists", "value": false}), "year IS NULL");
    check_json(json!({"field": "page", "op": "in", "value": [3, 1.0]}), "page IN (1, 3)");
    check_json(json!({"field": "page", "op": "in", "value": []}), "page IN ()");
    check_json(json!({"field": "lang", "op": "not_in", "value": ["a"]}), "lang NOT IN ('a')");
    check_json(json!({"field": "lang", "op": "like", "value": "a%"}), "lang LIKE 'a%'");
    check_json(json!({"field": "date", "op": "<", "value": "2026-03-01"}), "date < DATE '2026-03-01'");
    check_json(json!({"field": "tags", "op": "array_has", "value": "x"}), "array_has(tags, 'x')");
    check_json(json!({"field": "tags", "op": "array_has_any", "value": ["x", "y"]}), "array_has_any(tags, ['x', 'y'])");
    let year = json!({"field": "year", "op": ">", "value": 1});
    let lang = json!({"field": "lang", "op": "<", "value": "b"});
    check_json(json!({"and": [year, {"or": [lang, {"not": year}]}]}), "year > 1 AND (lang < 'b' OR NOT year > 1)");
    check_json(json!({"not": {"and": [year, lang]}}), "NOT (year > 1 AND lang < 'b')");
}

#[test]
fn a_malformed_sql_form_is_answered_with_its_place() {
    let at = |position: usize, detail: &str| format!("filter is malformed at character {position}: {detail}");
    for (sql, position, detail) in [
        ("", 0, "expected a condition, found the end"),
        ("  ", 2, "expected a condition, found the end"),
        ("year >", 6, "expected a value, found the end"),
        ("year", 4, "expected a comparison, found the end"),
        ("year > 1 year", 9, "expected AND, OR or the end, found year"),
        ("部门 = \"财务\"", 5, "expected a value, found \"财务\""),
        ("year = NULL", 7, "expected a value, found NULL"),
        ("year = lang", 7, "expected a value, found lang"),
        ("1 = 1", 4, "expected a field, found 1"),
        ("'a'", 3, "expected a comparison, found the end"),
        ("lang = 'en", 7, "expected a closing ', found the end"),
        ("(year = 1", 9, "expected ), found the end"),
        ("year = 1)", 8, "expected AND, OR or the end, found )"),
        ("year = 12abc", 7, "expected a number, found 12abc"),
        ("year = 1e999", 7, "expected a number, found 1e999"),
        ("year = -", 7, "expected a number, found -"),
        ("year ! 1", 5, "expected !=, found !"),
        ("year; 1", 4, "expected a field, a value or an operator, found ';'"),
        ("year NOT > 1", 9, "expected IN, BETWEEN or LIKE, found >"),
        ("year IN 1", 8, "expected (, found 1"),
        ("year IN (1 2)", 11, "expected , or ), found 2"),
        ("year IN (1,)", 11, "expected a value, found )"),
        ("year BETWEEN 1 OR 2", 15, "expected AND, found OR"),
        ("year IS 1", 8, "expected NULL, found 1"),
        ("lang LIKE 'a\\'", 10, "expected a character after the escape, found the end"),
        ("lang LIKE 'a' ESCAPE 'ab'", 21, "expected at most one character, found more"),
        ("date > TIMESTAMP 'noon'", 17, "expected an RFC 3339 time, found 'noon'"),
        ("AND", 0, "expected a condition, found AND"),
        ("array_has(tags)", 14, "expected ,, found )"),
    ] {
        check_error(sql, &at(position, detail));
    }
}

#[test]
fn a_malformed_json_form_is_answered_with_what_was_expected() {
    let at_start = |detail: &str| format!("filter is malformed at character 0: {detail}");
    let one = json!({"field": "year", "op": "==", "value": 1});
    for (json, detail) in [
        (json!(1), "expected a string or an object, found a number"),
        (json!(null), "expected a string or an object, found null"),
        (json!({}), "expected \"field\", found none"),
        (json!({"and": []}), "expected at least one filter in \"and\", found []"),
        (json!({"or": one}), "expected a list of filters in \"or\", found an object"),
        (json!({"not": [one]}), "expected an object, found a list"),
        (json!({"and": [one], "or": [one]}), "expected field, op and value, or one of and, or, not, found \"and\""),
        (
            json!({"field": "year", "op": "==", "value": 1, "x": 1}),
            "expected field, op and value, or one of and, or, not, found \"x\"",
        ),
        (json!({"field": "year", "op": "=="}), "expected \"value\", found none"),
        (json!({"field": "year", "value": 1}), "expected \"op\", found none"),
        (json!({"field": 1, "op": "==", "value": 1}), "expected a string as \"field\", found a number"),
        (
            json!({"field": "year", "op": "=", "value": 1}),
            "expected one of == != < <= > >= in not_in like exists array_has array_has_any, found \"=\"",
        ),
        (json!({"field": "year", "op": "<", "value": null}), "expected a value, found null"),
        (json!({"field": "year", "op": "in", "value": 1}), "expected a list, found a number"),
        (json!({"field": "year", "op": "in", "value": [null]}), "expected a value, found null"),
        (json!({"field": "year", "op": "exists", "value": 1}), "expected true or false, found a number"),
        (json!({"field": "lang", "op": "like", "value": 1}), "expected a pattern, found a number"),
    ] {
        check_error(json, &at_start(detail));
    }
}

#[test]
fn a_value_of_another_type_names_the_field_and_both_types() {
    for (filter, expected) in [
        (json!("year = 'x'"), "field 'year' is number, got string"),
        (json!("lang = 5"), "field 'lang' is string, got number"),
        (json!("lang = TIMESTAMP '2026-03-01'"), "field 'lang' is string, got timestamp"),
        (json!("active = 1"), "field 'active' is bool, got number"),
        (json!("page = TRUE"), "field 'page' is integer, got bool"),
        (json!("date > 5"), "field 'date' is timestamp, got number"),
        (json!("date > 'noon'"), "field 'date' is timestamp, got string"),
        (json!("tags = 'x'"), "field 'tags' is string_list, got string"),
        (json!("tags IN ()"), "field 'tags' is string_list, got string"),
        (json!("year LIKE '2%'"), "field 'year' is number, got string"),
        (json!("array_has(lang, 'x')"), "field 'lang' is string, got string_list"),
        (json!("array_has(tags, 1)"), "field 'tags' is string_list, got number"),
        (json!("lang IN ('a', 2)"), "field 'lang' is string, got number"),
        (json!({"field": "year", "op": "==", "value": [1]}), "field 'year' is number, got list"),
        (json!({"field": "year", "op": "==", "value": {}}), "field 'year' is number, got object"),
    ] {
        check_error(filter, expected);
    }
}

#[test]
fn an_unknown_field_is_answered_with_the_nearest_name() {
    for filter in [json!("yaer = 1"), json!({"field": "yaer", "op": "==", "value": 1})] {
        match Filter::from_request(&filter, &schema()) {
            Err(Error::UnknownField { field, nearest }) => {
                assert_eq!((field.as_str(), nearest.as_deref()), ("yaer", Some("year")));
            }
            other => panic!("{other:?}"),
        }
    }
}
