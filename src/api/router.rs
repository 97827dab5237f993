//! Every route, once: its method, path, name, forms and handler.
//!
//! [`super::openapi`] describes the server from this table. Pages and their files are not in it; they are no API.

use super::app::App;
use super::body::drop_body;
use super::error::Problem;
use super::{
    chunks, collections, documents, guard, health, jobs, models, observe, openapi, reembed, rerank, search, upload,
    versions, web,
};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, get, on};

/// One route.
pub struct Route {
    /// Its method.
    pub method: Verb,
    /// Its path, with names in braces.
    pub path: &'static str,
    /// Its name, which is also its handler's.
    pub operation: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What it reads.
    pub input: Input,
    /// What it answers.
    pub output: Output,
    handler: fn(MethodFilter) -> MethodRouter<App>,
}

/// Method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Does what its path says.
    Post,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

/// What a route reads besides its path.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// Nothing.
    Nothing,
    /// Values of the query, by name.
    Query(&'static [&'static str]),
    /// A JSON body of this form.
    Json(&'static str),
    /// Chunks as JSON or as an Arrow stream.
    Chunks,
    /// Files.
    Files,
}

/// What a route answers when all is well.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// JSON of this form, with status 200.
    Json(&'static str),
    /// JSON of this form, with status 201.
    Created(&'static str),
    /// A job, with status 202.
    Job,
    /// Documents at once, or a job.
    Uploaded,
    /// Bytes of any type.
    Bytes,
    /// Plain text.
    Text,
}

use Input::{Chunks, Files, Nothing, Query};
use Output::{Bytes, Created, Job, Text, Uploaded};
use Verb::{Delete, Get, Patch, Post};

const fn route(
    (method, path): (Verb, &'static str),
    (operation, summary): (&'static str, &'static str),
    (input, output): (Input, Output),
    handler: fn(MethodFilter) -> MethodRouter<App>,
) -> Route {
    Route { method, path, operation, summary, input, output, handler }
}

/// Every route of the API.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route((Post, "/v1/collections"), ("create_collection", "Create a collection"),
        (Input::Json("CreateCollection"), Created("Collection")), |m| on(m, collections::create_collection)),
    route((Get, "/v1/collections"), ("list_collections", "List the collections by name"),
        (Nothing, Output::Json("CollectionList")), |m| on(m, collections::list_collections)),
    route((Get, "/v1/collections/{collection}"), ("find_collection", "Find a collection"),
        (Nothing, Output::Json("Collection")), |m| on(m, collections::find_collection)),
    route((Patch, "/v1/collections/{collection}"), ("change_collection", "Change description and fields"),
        (Input::Json("ChangeCollection"), Output::Json("Collection")), |m| on(m, collections::change_collection)),
    route((Delete, "/v1/collections/{collection}"), ("delete_collection", "Remove a collection with all its versions"),
        (Nothing, Output::Json("CollectionDeleted")), |m| on(m, collections::delete_collection)),
    route((Post, "/v1/collections/{collection}/documents"), ("upload_documents", "Take files in"),
        (Files, Uploaded), |m| on(m, upload::upload_documents)),
    route((Get, "/v1/collections/{collection}/documents"), ("list_documents", "List documents by id"),
        (Query(&["filter", "after", "limit"]), Output::Json("DocumentList")), |m| on(m, documents::list_documents)),
    route((Get, "/v1/collections/{collection}/failures"), ("list_failed_files", "List files that gave no document"),
        (Query(&["after", "limit"]), Output::Json("FailedFileList")), |m| on(m, documents::list_failed_files)),
    route((Get, "/v1/collections/{collection}/documents/{id}"), ("find_document", "Find a document"),
        (Nothing, Output::Json("Document")), |m| on(m, documents::find_document)),
    route((Delete, "/v1/collections/{collection}/documents/{id}"),
        ("delete_document", "Remove a document and its chunks"),
        (Nothing, Output::Json("DocumentDeleted")), |m| on(m, documents::delete_document)),
    route((Get, "/v1/collections/{collection}/documents/{id}/content"), ("read_document", "Return the original bytes"),
        (Nothing, Bytes), |m| on(m, documents::read_document)),
    route((Get, "/v1/collections/{collection}/documents/{id}/chunks"),
        ("list_document_chunks", "List the chunks of a document in their order"),
        (Nothing, Output::Json("ChunkList")), |m| on(m, documents::list_document_chunks)),
    route((Post, "/v1/collections/{collection}/chunks"), ("upsert_chunks", "Write chunks"),
        (Chunks, Output::Json("Upserted")), |m| on(m, chunks::upsert_chunks)),
    route((Post, "/v1/collections/{collection}/chunks/get"), ("get_chunks", "Return chunks by id"),
        (Input::Json("GetChunks"), Output::Json("ChunkList")), |m| on(m, chunks::get_chunks)),
    route((Post, "/v1/collections/{collection}/chunks/list"), ("list_chunks", "List chunks that pass a filter"),
        (Input::Json("ListChunks"), Output::Json("ChunkList")), |m| on(m, chunks::list_chunks)),
    route((Post, "/v1/collections/{collection}/chunks/count"), ("count_chunks", "Count chunks that pass a filter"),
        (Input::Json("CountChunks"), Output::Json("Count")), |m| on(m, chunks::count_chunks)),
    route((Post, "/v1/collections/{collection}/chunks/delete"), ("delete_chunks", "Remove chunks by id or filter"),
        (Input::Json("DeleteChunks"), Output::Json("ChunksDeleted")), |m| on(m, chunks::delete_chunks)),
    route((Post, "/v1/collections/{collection}/search"), ("search_collection", "Search a collection"),
        (Input::Json("Search"), Output::Json("SearchAnswer")), |m| on(m, search::search_collection)),
    route((Post, "/v1/collections/{collection}/search/batch"),
        ("search_batch", "Run several searches at one version"),
        (Input::Json("SearchBatch"), Output::Json("SearchBatchAnswer")), |m| on(m, search::search_batch)),
    route((Get, "/v1/collections/{collection}/versions"), ("list_versions", "List versions, newest first"),
        (Query(&["after", "limit"]), Output::Json("VersionList")), |m| on(m, versions::list_versions)),
    route((Post, "/v1/collections/{collection}/restore"), ("restore_collection", "Make a past version the newest"),
        (Input::Json("Restore"), Output::Json("Restored")), |m| on(m, versions::restore_collection)),
    route((Post, "/v1/collections/{collection}/optimize"), ("optimize_collection", "Compact, expire and seal"),
        (Nothing, Job), |m| on(m, collections::optimize_collection)),
    route((Post, "/v1/collections/{collection}/reembed"), ("reembed_collection", "Change to another model"),
        (Input::Json("Reembed"), Job), |m| on(m, reembed::reembed_collection)),
    route((Get, "/v1/jobs"), ("list_jobs", "List jobs, newest first"),
        (Query(&["collection", "limit"]), Output::Json("JobList")), |m| on(m, jobs::list_jobs)),
    route((Get, "/v1/jobs/{id}"), ("find_job", "Find a job"),
        (Nothing, Output::Json("Job")), |m| on(m, jobs::find_job)),
    route((Get, "/v1/models"), ("list_models", "List the installed models"),
        (Nothing, Output::Json("ModelList")), |m| on(m, models::list_models)),
    route((Post, "/v1/rerank"), ("rerank", "Put texts in order by how well they answer a query"),
        (Input::Json("Rerank"), Output::Json("Reranked")), |m| on(m, rerank::rerank)),
    route((Get, "/livez"), ("check_live", "Say that the process answers"),
        (Nothing, Output::Json("Health")), |m| on(m, health::check_live)),
    route((Get, "/readyz"), ("check_ready", "Say whether requests should be sent here"),
        (Nothing, Output::Json("Health")), |m| on(m, health::check_ready)),
    route((Get, "/metrics"), ("read_metrics", "Return the metrics"),
        (Nothing, Text), |m| on(m, health::read_metrics)),
    route((Get, "/openapi.json"), ("read_openapi", "Return this description"),
        (Nothing, Output::Json("OpenApi")), |m| on(m, openapi::read_openapi)),
];

impl Verb {
    /// Returns the name in lower case, as OpenAPI writes it.
    pub fn name(self) -> &'static str {
        match self {
            Get => "get",
            Post => "post",
            Patch => "patch",
            Delete => "delete",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Get => MethodFilter::GET,
            Post => MethodFilter::POST,
            Patch => MethodFilter::PATCH,
            Delete => MethodFilter::DELETE,
        }
    }
}

/// Puts the routes together, with what is done around each.
pub fn build(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = (route.handler)(route.method.filter());
        let handler = match route.input {
            Nothing | Query(_) => handler.layer(from_fn(drop_body)),
            Input::Json(_) | Chunks | Files => handler,
        };
        router = router.route(route.path, handler);
    }
    router
        .route("/", get(web::read_page))
        .route("/ui/{*path}", get(web::read_page_file))
        .route("/docs", get(openapi::read_docs))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(from_fn(observe::observe))
        .with_state(app)
}

async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "no route has this path")
        .with("hint", "the routes are listed at /docs")
}

async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the route has other methods, see Allow")
}
