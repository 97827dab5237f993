//! The only place that calls the server: one function for each endpoint that the page uses.
//! It keeps nothing but the key of this tab, retries nothing, and reads no address bar.

/**
 * @typedef {string | number | boolean | string[] | null} Value
 * @typedef {{generation?: string | number | null, covered_version?: number | null, rows?: number}} Index
 * @typedef {{model?: string, dimension?: number, metric?: string}} Embedding
 * @typedef {{name: string, description?: string, embedding?: Embedding, documents: number, chunks: number,
 *   version: number, bytes: number, index?: Index | null}} Collection
 * @typedef {{id: string, uri?: string, title?: string, media_type?: string, bytes?: number, sha256?: string,
 *   pages?: number | null, chunks?: number, metadata?: Record<string, Value>, ingested_at?: string,
 *   version?: number}} Document
 * @typedef {{uri?: string, page?: number | null, page_end?: number | null, char_start?: number | null,
 *   char_end?: number | null, heading?: string[] | null}} Source
 * @typedef {{id: string, document_id?: string, text?: string | null, metadata?: Record<string, Value>,
 *   source?: Source}} Chunk
 * @typedef {Chunk & {score: number, scores?: {dense?: number | null, lexical?: number | null}}} Hit
 * @typedef {{strategy: string, allowed?: number, distances?: number, stages_ms?: Record<string, number>}} Plan
 * @typedef {{version: number, took_ms: number, hits: Hit[], plan?: Plan}} Answer
 * @typedef {{version: number, timestamp: string, operation?: string, rows_added?: number, rows_updated?: number,
 *   rows_deleted?: number, tags?: string[]}} Version
 * @typedef {{uri: string, outcome: string, error?: {code: string, detail?: string},
 *   near_duplicate_of?: {document_id: string, uri: string, similarity: number}}} FileOutcome
 * @typedef {{id: string, kind?: string, collection?: string, state: string, created_at?: string,
 *   progress?: {done: number, total: number}, files?: FileOutcome[], error?: {code: string, detail?: string}}} Job
 * @typedef {{filter?: string, after?: string, limit: number}} Page
 * @typedef {{text: string, mode?: string, k: number, filter?: string, as_of?: string | number,
 *   explain?: boolean}} Search
 */

const KEY_NAME = "ragstone.key";

/** A failed call, with what the server said about it (RFC 9457). */
export class Problem extends Error {
  /** @param {{status?: number, code: string, title?: string, detail?: string, hint?: string, field?: string}} said */
  constructor({ status = 0, code, title = "", detail = "", hint = "", field = "" }) {
    super(detail || title || code);
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.hint = hint;
    this.field = field;
  }
}

/** Keeps the API key until the tab is closed. @param {string} key Empty forgets it. */
export function rememberKey(key) {
  if (key === "") sessionStorage.removeItem(KEY_NAME);
  else sessionStorage.setItem(KEY_NAME, key);
}

/** @param {AbortSignal} signal @returns {Promise<Collection[]>} */
export async function listCollections(signal) {
  return (await callJson("GET", "/v1/collections", { signal })).collections;
}

/** @param {string} name @param {AbortSignal} signal @returns {Promise<Collection>} */
export function findCollection(name, signal) {
  return callJson("GET", collectionPath(name), { signal });
}

/** @param {string} name @param {Page} page @param {AbortSignal} signal @returns {Promise<Document[]>} */
export async function listDocuments(name, page, signal) {
  return (await callJson("GET", withQuery(`${collectionPath(name)}/documents`, page), { signal })).documents;
}

/** @param {string} name @param {string} id @param {AbortSignal} signal @returns {Promise<Document>} */
export function findDocument(name, id, signal) {
  return callJson("GET", documentPath(name, id), { signal });
}

/** Returns the chunks of a document in their order. @param {string} name @param {string} id @param {AbortSignal} signal
 * @returns {Promise<Chunk[]>} */
export async function listDocumentChunks(name, id, signal) {
  return (await callJson("GET", `${documentPath(name, id)}/chunks`, { signal })).chunks;
}

/** Returns the original bytes of a document. @param {string} name @param {string} id @returns {Promise<Blob>} */
export async function readContent(name, id) {
  return (await call("GET", `${documentPath(name, id)}/content`)).blob();
}

/** @param {string} name @param {string} id */
export async function deleteDocument(name, id) {
  await call("DELETE", documentPath(name, id));
}

/** Sends one file and answers when it can be found. @param {string} name @param {File} file */
export async function uploadDocument(name, file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return callJson("POST", `${collectionPath(name)}/documents?wait=true`, { body: form });
}

/** @param {string} name @param {Search} search @param {AbortSignal} signal @returns {Promise<Answer>} */
export function searchCollection(name, search, signal) {
  return callJson("POST", `${collectionPath(name)}/search`, { body: search, signal });
}

/** Returns versions, newest first. @param {string} name @param {Page} page @param {AbortSignal} signal
 * @returns {Promise<Version[]>} */
export async function listVersions(name, page, signal) {
  return (await callJson("GET", withQuery(`${collectionPath(name)}/versions`, page), { signal })).versions;
}

/** @param {AbortSignal} signal @returns {Promise<Job[]>} */
export async function listJobs(signal) {
  return (await callJson("GET", "/v1/jobs", { signal })).jobs;
}

/**
 * Escapes one part of a path. Browsers resolve `.` and `..` even when they are escaped, so that a call about the
 * document `..` would reach its collection; such an id has no address and is refused.
 * @param {string} id
 */
export function segment(id) {
  if (id === "." || id === ".." || id === "") {
    throw new Problem({ code: "no_address", detail: `the id "${id}" cannot be part of an address` });
  }
  return encodeURIComponent(id);
}

/** Returns a path with those query values that are set. @param {string} path @param {Record<string, any>} query */
export function withQuery(path, query) {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const tail = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString();
  return tail === "" ? path : `${path}?${tail}`;
}

/** Returns what a failed answer says, whoever wrote it. @param {number} status @param {string} body */
export function readProblem(status, body) {
  try {
    const said = JSON.parse(body);
    if (typeof said.code === "string") return new Problem({ ...said, status });
  } catch {
    // Proxies answer with pages of their own; the status is all that they tell.
  }
  return new Problem({ status, code: "unexpected_answer", detail: `the server answered with status ${status}` });
}

/** @param {string} name */
const collectionPath = (name) => `/v1/collections/${segment(name)}`;

/** @param {string} name @param {string} id */
const documentPath = (name, id) => `${collectionPath(name)}/documents/${segment(id)}`;

/** @param {string} method @param {string} path @param {{body?: object, signal?: AbortSignal}} [options] */
async function callJson(method, path, options) {
  const answer = await call(method, path, options);
  try {
    return await answer.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Problem({ status: answer.status, code: "unexpected_answer", detail: "the answer is not JSON" });
  }
}

/** @param {string} method @param {string} path @param {{body?: object, signal?: AbortSignal}} [options] */
async function call(method, path, { body, signal } = {}) {
  const answer = await send(path, { method, signal, headers: headers(body), body: encode(body) });
  if (!answer.ok) throw readProblem(answer.status, await answer.text());
  return answer;
}

/** @param {string} path @param {RequestInit} request */
async function send(path, request) {
  try {
    return await fetch(path, { ...request, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    const hint = "check that `ragstone serve` is running, then try again";
    throw new Problem({ code: "unreachable", detail: "the server did not answer", hint });
  }
}

/** @param {object} [body] @returns {Record<string, string>} */
function headers(body) {
  const key = sessionStorage.getItem(KEY_NAME);
  return {
    accept: "application/json",
    ...(key ? { authorization: `Bearer ${key}` } : {}),
    ...(body && !(body instanceof FormData) ? { "content-type": "application/json" } : {}),
  };
}

/** @param {object} [body] */
function encode(body) {
  return body === undefined || body instanceof FormData ? body : JSON.stringify(body);
}
