//! The JSON forms of the API, as the description of the API names them.
//!
//! Written by hand beside the structs that they describe; the tests of the routes compare both.

/// Every form by name, as JSON Schema 2020-12.
pub const SCHEMAS: &str = r##"{
"Problem": {"type": "object", "required": ["type", "title", "status", "detail", "code"], "properties": {
  "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
  "code": {"type": "string", "description": "Stable name of the kind of failure"},
  "field": {"type": "string"}, "limit": {"type": "integer"}, "hint": {"type": "string"},
  "files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}}}},
"Metric": {"type": "string", "enum": ["cosine", "dot", "l2"]},
"Chunking": {"type": "object", "additionalProperties": false, "properties": {
  "strategy": {"type": "string", "enum": ["structure", "recursive", "fixed", "page"], "default": "structure"},
  "tokens": {"type": "integer", "minimum": 16, "maximum": 8192, "default": 256,
    "description": "Tokens that a chunk aims at; fewer where the model reads fewer"},
  "max_tokens": {"type": "integer", "maximum": 8192, "default": 512, "description": "Tokens that no chunk exceeds"},
  "overlap": {"type": "integer", "minimum": 0, "description": "Tokens repeated from the chunk before, up to half of one"},
  "overlap_sentences": {"type": "integer", "minimum": 0, "maximum": 16, "default": 1,
    "description": "Sentences repeated from the chunk before, in place of overlap"}}},
"FieldType": {"type": "string", "enum": ["string", "integer", "number", "bool", "timestamp", "string_list"]},
"Field": {"type": "object", "required": ["name", "type"], "properties": {
  "name": {"type": "string"}, "type": {"$ref": "#/components/schemas/FieldType"}}},
"Precision": {"type": "string", "enum": ["f32", "bf16", "int8"], "default": "f32"},
"Storage": {"type": "string", "enum": ["f32", "f16"], "default": "f32"},
"Walk": {"type": "string", "enum": ["bytes", "bits"], "default": "bytes"},
"CreateCollection": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
  "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
  "description": {"type": "string"},
  "embedding": {"oneOf": [
    {"type": "object", "required": ["model"], "additionalProperties": false, "properties": {
      "model": {"type": "string"}, "precision": {"$ref": "#/components/schemas/Precision"},
      "dimension": {"type": "integer", "minimum": 2, "maximum": 8192}, "metric": {"const": "cosine"},
      "storage": {"$ref": "#/components/schemas/Storage"}, "walk": {"$ref": "#/components/schemas/Walk"}}},
    {"type": "object", "not": {"required": ["model"]}, "required": ["dimension"], "additionalProperties": false, "properties": {
      "dimension": {"type": "integer", "minimum": 2, "maximum": 8192},
      "metric": {"$ref": "#/components/schemas/Metric"}, "storage": {"$ref": "#/components/schemas/Storage"},
      "walk": {"$ref": "#/components/schemas/Walk"}}}]},
  "fields": {"type": "array", "maxItems": 256, "items": {
    "type": "object", "required": ["name", "type"], "additionalProperties": false, "properties": {
      "name": {"type": "string"}, "type": {"$ref": "#/components/schemas/FieldType"},
      "indexed": {"type": "boolean"}, "sensitive": {"const": false}}}},
  "chunking": {"$ref": "#/components/schemas/Chunking"}}},
"ChangeCollection": {"type": "object", "additionalProperties": false, "properties": {
  "description": {"type": "string"},
  "add_fields": {"type": "array", "maxItems": 256, "items": {
    "type": "object", "required": ["name", "type"], "additionalProperties": false, "properties": {
      "name": {"type": "string"}, "type": {"$ref": "#/components/schemas/FieldType"},
      "indexed": {"type": "boolean"}, "sensitive": {"const": false}}}},
  "rename_fields": {"type": "object", "additionalProperties": {"type": "string"}},
  "drop_fields": {"type": "array", "items": {"type": "string"}}}},
"Collection": {"type": "object", "required": ["name", "embedding", "fields", "documents", "chunks", "version", "bytes",
  "index"], "properties": {
  "name": {"type": "string"}, "description": {"type": "string"},
  "embedding": {"type": "object", "required": ["dimension", "metric"], "properties": {
    "model": {"type": "string"}, "revision": {"type": "string"},
    "precision": {"$ref": "#/components/schemas/Precision"}, "dimension": {"type": "integer"},
    "metric": {"$ref": "#/components/schemas/Metric"}, "storage": {"$ref": "#/components/schemas/Storage"},
    "walk": {"$ref": "#/components/schemas/Walk"}}},
  "fields": {"type": "array", "items": {"$ref": "#/components/schemas/Field"}},
  "chunking": {"$ref": "#/components/schemas/Chunking"},
  "documents": {"type": "integer"}, "chunks": {"type": "integer"}, "version": {"type": "integer"},
  "bytes": {"type": "integer"},
  "index": {"type": "object", "required": ["generation", "covered_version", "rows"], "properties": {
    "generation": {"type": ["string", "null"]}, "covered_version": {"type": "integer"}, "rows": {"type": "integer"}}}}},
"CollectionList": {"type": "object", "required": ["collections"], "properties": {
  "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}}}},
"CollectionDeleted": {"type": "object", "required": ["name", "deleted"], "properties": {
  "name": {"type": "string"}, "deleted": {"const": true}, "version": {"type": "integer"}}},
"MetadataValue": {"type": ["string", "number", "boolean", "array", "null"], "items": {"type": "string"}},
"Metadata": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/MetadataValue"}},
"UploadForm": {"type": "object", "required": ["file"], "properties": {
  "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
  "metadata": {"type": "string", "contentMediaType": "application/json", "description": "One object for all files"}}},
"Uploaded": {"type": "object", "required": ["documents", "files", "version"], "properties": {
  "documents": {"type": "array", "items": {"$ref": "#/components/schemas/Document"}},
  "files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}},
  "files_left_out": {"type": "integer", "description": "Files of archives beyond the first 10,000"},
  "version": {"type": "integer"}}},
"File": {"type": "object", "required": ["uri", "document_id", "outcome", "chunks"], "properties": {
  "uri": {"type": "string", "description": "Of a file inside an archive: archive.zip!/path"}, "document_id": {"type": "string"},
  "outcome": {"type": "string", "enum": ["added", "replaced", "unchanged", "removed", "skipped", "failed"]},
  "pages": {"type": "integer"}, "chunks": {"type": "integer"}, "error": {"$ref": "#/components/schemas/Reason"},
  "warnings": {"type": "array", "items": {"type": "string"}},
  "near_duplicate_of": {"type": "object", "required": ["document_id", "uri", "similarity"],
    "description": "A document of the collection that says nearly the same", "properties": {
    "document_id": {"type": "string"}, "uri": {"type": "string"}, "similarity": {"type": "number"}}}}},
"Reason": {"type": "object", "required": ["code", "detail"], "properties": {
  "code": {"type": "string"}, "detail": {"type": "string"}}},
"Document": {"type": "object", "required": ["id", "uri", "title", "media_type", "bytes", "sha256", "pages", "chunks",
  "metadata", "ingested_at", "version"], "properties": {
  "id": {"type": "string"}, "uri": {"type": ["string", "null"]}, "title": {"type": ["string", "null"]},
  "media_type": {"type": ["string", "null"]}, "bytes": {"type": ["integer", "null"]},
  "sha256": {"type": ["string", "null"]}, "pages": {"type": ["integer", "null"]}, "chunks": {"type": "integer"},
  "metadata": {"$ref": "#/components/schemas/Metadata"}, "ingested_at": {"type": "string", "format": "date-time"},
  "version": {"type": "integer", "description": "Version that wrote it"}}},
"DocumentList": {"type": "object", "required": ["documents", "version"], "properties": {
  "documents": {"type": "array", "items": {"$ref": "#/components/schemas/Document"}},
  "version": {"type": "integer"}, "next": {"type": "string"}}},
"FailedFileList": {"type": "object", "required": ["files", "version"], "properties": {
  "files": {"type": "array", "items": {"type": "object", "required": ["uri", "error", "failed_at"], "properties": {
    "uri": {"type": "string"}, "error": {"$ref": "#/components/schemas/Reason"},
    "failed_at": {"type": "string", "format": "date-time"}}}},
  "version": {"type": "integer"}, "next": {"type": "string"}}},
"DocumentDeleted": {"type": "object", "required": ["id", "deleted", "version"], "properties": {
  "id": {"type": "string"}, "deleted": {"const": true}, "chunks_deleted": {"type": "integer"},
  "version": {"type": "integer"}}},
"Vector": {"type": "array", "items": {"type": "number"}},
"OnConflict": {"type": "string", "enum": ["overwrite", "skip", "fail"], "default": "overwrite"},
"Upsert": {"type": "object", "required": ["chunks"], "additionalProperties": false, "properties": {
  "chunks": {"type": "array", "maxItems": 10000, "items": {
    "type": "object", "required": ["id"], "additionalProperties": false, "properties": {
      "id": {"type": "string", "minLength": 1, "maxLength": 512}, "document_id": {"type": ["string", "null"]},
      "text": {"type": ["string", "null"]},
      "embedding": {"oneOf": [{"$ref": "#/components/schemas/Vector"}, {"type": "null"}]},
      "metadata": {"oneOf": [{"$ref": "#/components/schemas/Metadata"}, {"type": "null"}]}}}},
  "on_conflict": {"$ref": "#/components/schemas/OnConflict"}}},
"Upserted": {"type": "object", "required": ["version", "written", "skipped"], "properties": {
  "version": {"type": "integer"}, "written": {"type": "integer"}, "skipped": {"type": "integer"}}},
"Ids": {"type": "array", "maxItems": 10000, "items": {"type": "string"}},
"Include": {"type": "array", "items": {"type": "string", "enum": ["text", "metadata", "source", "embedding"]}},
"Filter": {"type": ["string", "object"], "description": "SQL form as a string, JSON form as an object"},
"GetChunks": {"type": "object", "required": ["ids"], "additionalProperties": false, "properties": {
  "ids": {"$ref": "#/components/schemas/Ids"}, "include": {"$ref": "#/components/schemas/Include"}}},
"ListChunks": {"type": "object", "additionalProperties": false, "properties": {
  "filter": {"$ref": "#/components/schemas/Filter"}, "after": {"type": "string"},
  "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
  "include": {"$ref": "#/components/schemas/Include"}}},
"CountChunks": {"type": "object", "additionalProperties": false, "properties": {
  "filter": {"$ref": "#/components/schemas/Filter"}}},
"Count": {"type": "object", "required": ["count", "version"], "properties": {
  "count": {"type": "integer"}, "version": {"type": "integer"}}},
"DeleteChunks": {"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
  "properties": {
  "ids": {"$ref": "#/components/schemas/Ids"}, "filter": {"$ref": "#/components/schemas/Filter"}}},
"ChunksDeleted": {"type": "object", "required": ["version", "deleted"], "properties": {
  "version": {"type": "integer"}, "deleted": {"type": "integer"}}},
"Source": {"type": "object", "properties": {
  "uri": {"type": ["string", "null"]}, "title": {"type": "string"}, "media_type": {"type": "string"},
  "page": {"type": ["integer", "null"]}, "page_end": {"type": ["integer", "null"]},
  "char_start": {"type": ["integer", "null"]}, "char_end": {"type": ["integer", "null"]},
  "heading": {"type": "array", "items": {"type": "string"}},
  "boxes": {"type": "array", "description": "Page and corners in points from the lower left",
    "items": {"type": "array", "minItems": 5, "maxItems": 5, "items": {"type": "number"}}}}},
"Chunk": {"type": "object", "required": ["id", "document_id"], "properties": {
  "id": {"type": "string"}, "document_id": {"type": "string"}, "text": {"type": ["string", "null"]},
  "metadata": {"$ref": "#/components/schemas/Metadata"}, "source": {"$ref": "#/components/schemas/Source"},
  "embedding": {"oneOf": [{"$ref": "#/components/schemas/Vector"}, {"type": "null"}]}}},
"ChunkList": {"type": "object", "required": ["chunks", "version"], "properties": {
  "chunks": {"type": "array", "items": {"$ref": "#/components/schemas/Chunk"}},
  "version": {"type": "integer"}, "next": {"type": "string"}}},
"VersionName": {"type": ["integer", "string"], "description": "Number, tag or RFC 3339 time"},
"Search": {"type": "object", "additionalProperties": false, "properties": {
  "text": {"type": "string"}, "embedding": {"$ref": "#/components/schemas/Vector"},
  "like": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
  "unlike": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
  "mode": {"type": "string", "enum": ["hybrid", "dense", "lexical"]},
  "k": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10},
  "offset": {"type": "integer", "minimum": 0, "default": 0}, "min_score": {"type": "number"},
  "filter": {"$ref": "#/components/schemas/Filter"}, "as_of": {"$ref": "#/components/schemas/VersionName"},
  "group_by": {"const": "document_id"}, "group_size": {"type": "integer", "minimum": 1, "default": 1},
  "fusion": {"type": "object", "additionalProperties": false, "properties": {
    "method": {"type": "string", "enum": ["rrf", "normalized"], "default": "rrf"},
    "k": {"type": "number", "minimum": 0, "default": 60},
    "weights": {"type": "object", "additionalProperties": false, "properties": {
      "dense": {"type": "number", "minimum": 0}, "lexical": {"type": "number", "minimum": 0}}}}},
  "diversity": {"type": "number", "minimum": 0, "maximum": 1, "default": 0},
  "rerank": {"type": "object", "additionalProperties": false, "required": ["model"], "properties": {
    "model": {"type": "string"}, "top": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}}},
  "exact": {"type": "boolean", "default": false}, "explain": {"type": "boolean", "default": false},
  "include": {"$ref": "#/components/schemas/Include"}}},
"SearchBatch": {"type": "object", "additionalProperties": false, "required": ["searches"], "properties": {
  "searches": {"type": "array", "items": {"$ref": "#/components/schemas/Search"}, "maxItems": 100}}},
"Hit": {"allOf": [{"$ref": "#/components/schemas/Chunk"}, {"type": "object", "required": ["score", "scores"],
  "properties": {"score": {"type": "number"}, "scores": {"type": "object", "properties": {
    "dense": {"type": "number"}, "lexical": {"type": "number"}, "rerank": {"type": "number"}}}}}]},
"Rerank": {"type": "object", "additionalProperties": false, "required": ["model", "query", "documents"], "properties": {
  "model": {"type": "string"}, "query": {"type": "string"},
  "documents": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"oneOf": [{"type": "string"},
    {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}]}},
  "top_n": {"type": "integer", "minimum": 0}, "return_documents": {"type": "boolean", "default": false}}},
"Reranked": {"type": "object", "required": ["model", "results"], "properties": {
  "model": {"type": "string"},
  "results": {"type": "array", "items": {"type": "object", "required": ["index", "relevance_score"], "properties": {
    "index": {"type": "integer"}, "relevance_score": {"type": "number"},
    "document": {"type": "object", "properties": {"text": {"type": "string"}}}}}}}},
"Plan": {"type": "object", "required": ["strategy", "allowed", "distances", "stages_ms"], "properties": {
  "strategy": {"type": "string", "enum": ["scan", "graph", "graph_filtered", "exact", "none"]},
  "allowed": {"type": "integer"}, "rows": {"type": "integer"}, "covered": {"type": "integer"},
  "effort": {"type": "integer"}, "estimated_us": {"type": "object", "properties": {"scan": {"type": "integer"}, "walk": {"type": "integer"}}}, "distances": {"type": "integer"},
  "leg_weights": {"type": "array", "items": {"type": "number"}}, "filter": {"type": "string"},
  "stages_ms": {"type": "object", "additionalProperties": {"type": "number"}}}},
"SearchAnswer": {"type": "object", "required": ["version", "took_ms", "hits"], "properties": {
  "version": {"type": "integer"}, "took_ms": {"type": "number"},
  "hits": {"type": "array", "items": {"$ref": "#/components/schemas/Hit"}},
  "plan": {"$ref": "#/components/schemas/Plan"}}},
"SearchBatchAnswer": {"type": "object", "required": ["version", "took_ms", "answers"], "properties": {
  "version": {"type": "integer"}, "took_ms": {"type": "number"},
  "answers": {"type": "array", "items": {"$ref": "#/components/schemas/SearchAnswer"}}}},
"Version": {"type": "object", "required": ["version", "timestamp", "operation"], "properties": {
  "version": {"type": "integer"}, "timestamp": {"type": "string", "format": "date-time"},
  "operation": {"type": "string"}, "rows_added": {"type": "integer"}, "rows_updated": {"type": "integer"},
  "rows_deleted": {"type": "integer"},
  "properties": {"type": "object", "additionalProperties": {"type": "string"}},
  "tags": {"type": "array", "items": {"type": "string"}}}},
"VersionList": {"type": "object", "required": ["versions", "version"], "properties": {
  "versions": {"type": "array", "items": {"$ref": "#/components/schemas/Version"}},
  "version": {"type": "integer"}, "next": {"type": "integer"}}},
"Restore": {"type": "object", "required": ["to"], "additionalProperties": false, "properties": {
  "to": {"$ref": "#/components/schemas/VersionName"}}},
"Reembed": {"type": "object", "required": ["model"], "additionalProperties": false, "properties": {
  "model": {"type": "string"}, "precision": {"$ref": "#/components/schemas/Precision"},
  "dimension": {"type": "integer", "minimum": 2, "maximum": 8192},
  "queries": {"type": "array", "maxItems": 100, "items": {"type": "string"}},
  "k": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10},
  "switch": {"type": "boolean", "default": true}}},
"Restored": {"type": "object", "required": ["version"], "properties": {"version": {"type": "integer"}}},
"Job": {"type": "object", "required": ["id", "kind", "collection", "state", "created_at", "progress", "files"],
  "properties": {
  "id": {"type": "string"}, "kind": {"type": "string", "enum": ["ingest", "optimize", "reembed"]},
  "collection": {"type": "string"}, "state": {"type": "string", "enum": ["running", "done", "failed"]},
  "created_at": {"type": "string", "format": "date-time"}, "finished_at": {"type": "string", "format": "date-time"},
  "progress": {"type": "object", "required": ["done", "total"], "properties": {
    "done": {"type": "integer"}, "total": {"type": "integer"}}},
  "files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}},
  "result": {"type": "object", "properties": {
    "version": {"type": "integer"}, "chunks": {"type": "integer"}, "resumed": {"type": "integer"},
    "switched": {"type": "boolean"},
    "comparison": {"type": ["object", "null"], "properties": {
      "k": {"type": "integer"}, "overlap": {"type": "number"},
      "queries": {"type": "array", "items": {"type": "object", "properties": {
        "text": {"type": "string"}, "shared": {"type": "integer"}, "hits": {"type": "integer"}}}}}}}},
  "files_left_out": {"type": "integer"}, "error": {"$ref": "#/components/schemas/Reason"}}},
"JobStarted": {"type": "object", "required": ["job", "version"], "properties": {
  "job": {"$ref": "#/components/schemas/Job"}, "version": {"type": "integer"}}},
"JobList": {"type": "object", "required": ["jobs"], "properties": {
  "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}}},
"ModelList": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"const": "list"}, "data": {"type": "array", "items": {
    "type": "object", "required": ["id", "object", "created", "owned_by"], "properties": {
      "id": {"type": "string"}, "object": {"const": "model"}, "created": {"type": "integer"},
      "owned_by": {"type": "string"}, "dimension": {"type": ["integer", "null"]},
      "max_tokens": {"type": ["integer", "null"]}, "problem": {"type": "string"}}}}}},
"Health": {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}},
"OpenApi": {"type": "object"}
}"##;
