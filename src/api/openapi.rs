//! The description of the API (OpenAPI 3.1), made from the table of routes, and a small page that lists them.
//!
//! The forms stand in [`super::openapi_schema`]. The page has no scripts.

use super::answer::{Answer, json};
use super::arrow_stream;
use super::openapi_schema::SCHEMAS;
use super::router::{Input, Output, ROUTES, Route};
use super::web;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::sync::LazyLock;

const JSON: &str = "application/json";

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
static PAGE: LazyLock<String> = LazyLock::new(page);

/// Returns the description of the API.
pub async fn read_openapi() -> Answer {
    json(StatusCode::OK, &*DOCUMENT)
}

/// Returns a page that lists the routes.
pub async fn read_docs() -> Response {
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    web::with_policy(([(header::CONTENT_TYPE, content_type)], PAGE.as_str()).into_response())
}

/// Makes the description of every route.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.name()] = operation(route);
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).expect("the schemas are a constant that a test parses");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ragstone",
            "description": "Documents in, the right passages out, at any version of the knowledge base.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "What went wrong, and what to do about it",
                "content": {"application/problem+json": {"schema": reference("Problem")}}
            }}
        }
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [tag(route.path)],
        "parameters": parameters(route),
        "responses": responses(route.output)
    });
    if let Some(body) = request_body(route.input) {
        operation["requestBody"] = body;
    }
    operation
}

fn tag(path: &str) -> &'static str {
    ["/documents", "/failures", "/chunks", "/search", "/versions", "/collections", "/jobs", "/models"]
        .into_iter()
        .find(|part| path.contains(part))
        .map_or("server", |part| &part[1..])
}

fn parameters(route: &Route) -> Vec<Value> {
    let names = route.path.split(['{', '}']).skip(1).step_by(2);
    let mut parameters: Vec<Value> = names.map(|name| parameter(name, "path", json!({"type": "string"}))).collect();
    let asked: &[&str] = match route.input {
        Input::Query(names) => names,
        Input::Files => &["wait", "near_duplicates"],
        Input::Chunks => &["on_conflict"],
        Input::Nothing | Input::Json(_) => &[],
    };
    parameters.extend(asked.iter().map(|name| parameter(name, "query", query_schema(route, name))));
    parameters
}

fn parameter(name: &str, place: &str, schema: Value) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "schema": schema})
}

fn query_schema(route: &Route, name: &str) -> Value {
    match name {
        "limit" => json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
        "wait" => json!({"type": "boolean", "default": false}),
        "on_conflict" => reference("OnConflict"),
        "near_duplicates" => json!({"type": "string", "enum": ["tell", "skip"], "default": "tell"}),
        "after" if route.operation == "list_versions" => json!({"type": "integer", "minimum": 0}),
        _ => json!({"type": "string"}),
    }
}

fn request_body(input: Input) -> Option<Value> {
    let content = match input {
        Input::Nothing | Input::Query(_) => return None,
        Input::Json(form) => json!({"application/json": {"schema": reference(form)}}),
        Input::Chunks => json!({
            "application/json": {"schema": reference("Upsert")},
            arrow_stream::MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}
        }),
        Input::Files => json!({"multipart/form-data": {"schema": reference("UploadForm")}}),
    };
    Some(json!({"required": true, "content": content}))
}

fn responses(output: Output) -> Value {
    let mut responses = match output {
        Output::Json(name) => json!({"200": answer("Done", JSON, reference(name))}),
        Output::Created(name) => json!({"201": answer("Created", JSON, reference(name))}),
        Output::Job => json!({"202": answer("The work goes on", JSON, reference("JobStarted"))}),
        Output::Uploaded => json!({
            "200": answer("Searchable; nothing was new", JSON, reference("Uploaded")),
            "201": answer("Searchable", JSON, reference("Uploaded")),
            "202": answer("The work goes on", JSON, reference("JobStarted"))
        }),
        Output::Bytes => json!({"200": answer("Done", "*/*", json!({"type": "string", "format": "binary"}))}),
        Output::Text => json!({"200": answer("Done", "text/plain", json!({"type": "string"}))}),
    };
    responses["default"] = json!({"$ref": "#/components/responses/Problem"});
    responses
}

fn answer(description: &str, media_type: &str, schema: Value) -> Value {
    json!({"description": description, "content": {media_type: {"schema": schema}}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Names and summaries come from the table of routes, so nothing of them needs escaping.
fn page() -> String {
    let mut rows = String::new();
    for Route { method, path, operation, summary, .. } in ROUTES {
        let method = method.name().to_uppercase();
        let cells = format!("<td>{method}</td><td><code>{path}</code></td><td><code>{operation}</code></td>");
        // Writing into a string cannot fail.
        let _ = writeln!(rows, "<tr>{cells}<td>{summary}</td></tr>");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Ragstone API</title>\n\
         <link rel=\"stylesheet\" href=\"/ui/style/tokens.css\">\n\
         <link rel=\"stylesheet\" href=\"/ui/style/base.css\">\n\
         <link rel=\"stylesheet\" href=\"/ui/style/table.css\">\n</head>\n<body>\n<main>\n<h1>Ragstone API</h1>\n\
         <p>The whole description, with every form: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>\n\
         <table>\n<thead><tr><th>Method</th><th>Path</th><th>Operation</th><th>Summary</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn references(value: &Value, found: &mut HashSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_form_that_is_named_is_described_and_used() {
        let document = document();
        let mut found = HashSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
        }
    }

    #[test]
    fn operations_have_a_name_of_their_own() {
        let names: HashSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len());
    }
}
