//! The first screen: every collection with its size and the freshness of its index. It changes nothing.

import { listCollections } from "../api.js";
import { formatBytes, formatCount, formatPlural, NOTHING } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Badge, Empty, Waiting } from "../ui/parts.js";
import { collectionHref, href } from "../ui/route.js";
import { Table } from "../ui/table.js";
import { html } from "../vendor/preact.js";
import { Failure } from "./failure.js";

/** @typedef {import("../api.js").Collection} Collection */

/** @type {import("../ui/table.js").Column<Collection>[]} */
const COLUMNS = [
  { title: "Name", cell: (row) => html`<${Name} collection=${row} />` },
  { title: "Documents", kind: "number", cell: (row) => formatCount(row.documents) },
  { title: "Chunks", kind: "number", cell: (row) => formatCount(row.chunks) },
  { title: "Version", kind: "number", cell: (row) => formatCount(row.version) },
  { title: "Size", kind: "number", cell: (row) => formatBytes(row.bytes) },
  { title: "Model", cell: (row) => html`<${ModelName} embedding=${row.embedding} />` },
  { title: "Index version", kind: "number", cell: (row) => (row.index?.generation == null ? "" : formatCount(row.index.covered_version)) },
  { title: "Freshness", cell: (row) => html`<${Freshness} collection=${row} />` },
];

/** Draws the screen. @param {{route: import("../ui/route.js").Route}} props */
export function Collections({ route }) {
  const { data, busy, problem, reload } = useLoad(listCollections, []);
  const part = route.query.get("name") ?? "";
  const rows = data?.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
  return html`
    <div class="head">
      <div>
        <h1>Collections</h1>
        ${data && data.length > 0 ? html`<p class="muted">${summary(data)}</p>` : null}
      </div>
      ${data && data.length > 0 ? html`<${NameFilter} part=${part} />` : null}
    </div>
    <${Failure} problem=${problem} onRetry=${reload} />
    ${!data && busy ? html`<${Waiting} label="Loading collections" />` : null}
    ${rows ? html`<${List} rows=${rows} total=${data?.length ?? 0} />` : null}`;
}

/** @param {{rows: Collection[], total: number}} props */
function List({ rows, total }) {
  if (total === 0) {
    return html`
      <${Empty} title="There is no collection yet." command="ragstone ingest docs --collection handbook">
        A collection is made by the first folder of documents that goes into it:
      <//>`;
  }
  if (rows.length === 0) return html`<${Empty} title="No collection has this in its name." />`;
  const rowKey = (/** @type {Collection} */ row) => row.name;
  return html`<${Table} caption="Collections" columns=${COLUMNS} rows=${rows} rowKey=${rowKey} />`;
}

/** @param {{part: string}} props */
function NameFilter({ part }) {
  /** @param {InputEvent} event */
  const narrow = (event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    location.replace(href([], { name: value }));
  };
  return html`
    <label class="field">
      <span class="hidden">Find a collection by name</span>
      <input type="search" value=${part} onInput=${narrow} data-search placeholder="Find by name" />
    </label>`;
}

/** @param {{collection: Collection}} props */
function Name({ collection: { name, description } }) {
  return html`
    <a class="name" href=${collectionHref(name)}>${name}</a>
    ${description ? html`<span class="under">${description}</span>` : null}`;
}

/** Names the model, or else the shape of vectors that come ready made.
 * @param {{embedding?: import("../api.js").Embedding}} props */
export function ModelName({ embedding = {} }) {
  const { model, dimension, metric } = embedding;
  const shape = [dimension ? `${dimension}-d` : "", metric ?? ""].filter(Boolean).join(" ");
  if (!model) return html`<span>${shape ? `own vectors, ${shape}` : NOTHING}</span>`;
  return html`<span>${model}</span>${shape ? html`<span class="under">${shape}</span>` : null}`;
}

/** Says how far the index is behind; rows beyond it are scanned, so answers are whole either way.
 * @param {{collection: Collection}} props */
export function Freshness({ collection: { index, version } }) {
  const covered = index?.covered_version;
  if (covered == null || index?.generation == null) return html`<${Badge}>scanned exactly<//>`;
  if (covered >= version) return html`<${Badge} tone="good">current<//>`;
  return html`<${Badge} tone="warn">${formatPlural(version - covered, "version")} behind<//>`;
}

/** @param {Collection[]} collections */
function summary(collections) {
  const documents = collections.reduce((sum, { documents }) => sum + documents, 0);
  const chunks = collections.reduce((sum, { chunks }) => sum + chunks, 0);
  const bytes = collections.reduce((sum, { bytes }) => sum + bytes, 0);
  return `${formatPlural(documents, "document")}, ${formatPlural(chunks, "chunk")}, ${formatBytes(bytes)}`;
}
