//! The documents of a collection: filtered, a page at a time, each with a way to delete it. It reads no chunks.

import { deleteDocument, listDocuments } from "../api.js";
import { Confirm } from "../ui/confirm.js";
import { readField, useValues } from "../ui/form.js";
import { formatBytes, formatCount, formatPlural } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Empty, Time, Waiting } from "../ui/parts.js";
import { collectionHref, documentHref, open } from "../ui/route.js";
import { Table } from "../ui/table.js";
import { html, useState } from "../vendor/preact.js";
import { Failure } from "./failure.js";

/** @typedef {import("../api.js").Document} Document */

/** Documents on a page; one more is asked for, to know whether there is a next page. */
const PAGE_ROWS = 50;

/** Draws the section. @param {{name: string, query: URLSearchParams, writes: number, onChange: () => void}} props */
export function Documents({ name, query, writes, onChange }) {
  const filter = query.get("filter") ?? "";
  const after = query.get("after") ?? "";
  const [doomed, setDoomed] = useState(/** @type {Document | undefined} */ (undefined));
  const page = { filter, after, limit: PAGE_ROWS + 1 };
  const keys = [name, filter, after, writes];
  const { data, busy, problem, reload } = useLoad((signal) => listDocuments(name, page, signal), keys);
  const spare = () => setDoomed(undefined);
  const deleted = () => (spare(), onChange());
  const shown = { name, filter, after };
  return html`
    <section aria-labelledby="documents-title">
      <h2 id="documents-title">Documents</h2>
      <${FilterForm} name=${name} filter=${filter} />
      <${Failure} problem=${problem} onRetry=${reload} />
      ${!data && busy ? html`<${Waiting} label="Loading documents" />` : null}
      ${data ? html`<${List} ...${shown} rows=${data.slice(0, PAGE_ROWS)} busy=${busy} onDelete=${setDoomed} />` : null}
      ${data ? html`<${Pager} ...${shown} rows=${data} />` : null}
      ${doomed ? html`<${Deletion} name=${name} document=${doomed} onDone=${deleted} onNo=${spare} />` : null}
    </section>`;
}

/** @param {{name: string, rows: Document[], filter: string, after: string, busy: boolean,
 *   onDelete: (document: Document) => void}} props */
function List({ name, rows, filter, after, busy, onDelete }) {
  if (rows.length > 0) {
    const rowKey = (/** @type {Document} */ row) => row.id;
    const table = { caption: "Documents", columns: columns(name, onDelete), rows, rowKey, busy };
    return html`<${Table} ...${table} />`;
  }
  if (filter) return html`<${Empty} title="No document passes this filter.">Loosen it, or clear it to see all.<//>`;
  if (after) return html`<${Empty} title="There are no further documents." />`;
  return html`
    <${Empty} title="This collection has no documents yet." command=${`ragstone ingest docs --collection ${name}`}>
      Drop files on this page, or read a whole folder:
    <//>`;
}

/** @param {string} name @param {(document: Document) => void} onDelete
 * @returns {import("../ui/table.js").Column<Document>[]} */
function columns(name, onDelete) {
  return [
    { title: "Title", cell: (row) => html`<${Title} name=${name} document=${row} />` },
    { title: "Pages", kind: "number", cell: (row) => formatCount(row.pages) },
    { title: "Chunks", kind: "number", cell: (row) => formatCount(row.chunks) },
    { title: "Size", kind: "number", cell: (row) => formatBytes(row.bytes) },
    { title: "Ingested", cell: (row) => html`<${Time} at=${row.ingested_at} />` },
    {
      title: "Delete",
      kind: "action",
      cell: (row) => html`
        <button type="button" class="quiet small" aria-label=${`Delete ${label(row)}`} onClick=${() => onDelete(row)}>
          Delete
        </button>`,
    },
  ];
}

/** @param {{name: string, document: Document}} props */
function Title({ name, document }) {
  const { id, title, uri } = document;
  return html`
    <a class="name" href=${documentHref(name, id)}>${label(document)}</a>
    ${uri && title ? html`<span class="under">${uri}</span>` : null}`;
}

/** Returns what people call a document. @param {Document} document */
export function label({ id, title, uri }) {
  return title || uri || id;
}

/** @param {{name: string, filter: string}} props */
function FilterForm({ name, filter }) {
  const form = useValues({ filter });
  /** @param {SubmitEvent} event */
  const narrow = (event) => {
    event.preventDefault();
    open(collectionHref(name, { filter: readField(event, "filter") }));
  };
  return html`
    <form ref=${form} class="row" onSubmit=${narrow}>
      <label class="field grow">
        <span class="hidden">Filter documents</span>
        <input name="filter" class="code" type="text" spellcheck=${false} autocomplete="off"
          placeholder="Filter, such as year >= 2020 AND lang IN ('en','zh')" />
      </label>
      <button type="submit" class="quiet">Filter</button>
      ${filter ? html`<a class="button quiet" href=${collectionHref(name)}>Clear</a>` : null}
    </form>`;
}

/** @param {{name: string, filter: string, after: string, rows: Document[]}} props */
function Pager({ name, filter, after, rows }) {
  const shown = rows.slice(0, PAGE_ROWS);
  const last = shown.at(-1);
  const more = rows.length > PAGE_ROWS && last;
  const next = more ? collectionHref(name, { filter, after: last.id }) : "";
  if (!after && !more) return null;
  return html`
    <nav class="pager" aria-label="Pages of documents">
      ${after ? html`<a class="button quiet" href=${collectionHref(name, { filter })}>First page</a>` : null}
      <span class="muted">${formatPlural(shown.length, "document")} on this page</span>
      ${next ? html`<a class="button quiet" href=${next}>Next page</a>` : null}
    </nav>`;
}

/** @param {{name: string, document: Document, onDone: () => void, onNo: () => void}} props */
export function Deletion({ name, document, onDone, onNo }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (undefined));
  const remove = async () => {
    setBusy(true);
    try {
      await deleteDocument(name, document.id);
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const detail = `${formatPlural(document.chunks ?? 0, "chunk")} will no longer be found. Earlier versions keep them.`;
  const question = { title: `Delete ${label(document)}?`, detail, action: "Delete document" };
  return html`
    <${Confirm} ...${question} busy=${busy} onYes=${remove} onNo=${onNo}><${Failure} problem=${problem} /><//>`;
}
