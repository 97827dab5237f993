//! One document: its fields, and its chunks in order with where each came from. It edits nothing but can delete.

import { findDocument, listDocumentChunks, readContent } from "../api.js";
import { formatBytes, formatCount, formatPages, formatRange } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Crumbs, Empty, Facts, Metadata, Time, Waiting } from "../ui/parts.js";
import { collectionHref, documentHref, href, open } from "../ui/route.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { QuickSearch } from "./collection.js";
import { Deletion, label } from "./documents.js";
import { Failure } from "./failure.js";
import { Place } from "./place.js";

/** @typedef {import("../api.js").Chunk} Chunk */

/** Draws the screen. @param {{route: import("../ui/route.js").Route}} props */
export function Document({ route }) {
  const { collection, document: id } = route;
  const found = useLoad((signal) => findDocument(collection, id, signal), [collection, id]);
  const chunks = useLoad((signal) => listDocumentChunks(collection, id, signal), [collection, id]);
  return html`
    <${Crumbs} steps=${[["Collections", href([])], [collection, collectionHref(collection)]]} />
    <div class="head">
      <h1>${label(found.data ?? { id })}</h1>
      <${QuickSearch} name=${collection} />
    </div>
    <${Failure} problem=${found.problem} onRetry=${found.reload} />
    ${found.data ? html`<${Fields} name=${collection} document=${found.data} />` : null}
    ${found.problem ? null : html`<${Chunks} route=${route} loaded=${chunks} />`}`;
}

/** @param {{name: string, document: import("../api.js").Document}} props */
function Fields({ name, document }) {
  const { id, uri, media_type, bytes, sha256, pages, chunks, ingested_at, version, metadata } = document;
  return html`
    <${Facts} facts=${[
      ["Id", html`<code>${id}</code>`],
      ["Source", html`<${Place} source=${{ uri }} />`],
      ["Type", media_type],
      ["Size", formatBytes(bytes)],
      ["Pages", formatCount(pages)],
      ["Chunks", formatCount(chunks)],
      ["Version", formatCount(version)],
      ["Ingested", html`<${Time} at=${ingested_at} />`],
      ["SHA-256", html`<code class="hash">${sha256}</code>`],
    ]} />
    <${Metadata} metadata=${metadata} />
    <${Actions} name=${name} document=${document} />`;
}

/** @param {{name: string, document: import("../api.js").Document}} props */
function Actions({ name, document }) {
  const [doomed, setDoomed] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (undefined));
  const leave = () => open(collectionHref(name));
  const spare = () => setDoomed(false);
  const save = () => saveContent(name, document).then(() => setProblem(undefined), setProblem);
  return html`
    <div class="row">
      <button type="button" class="quiet" onClick=${save}>Save the original</button>
      <button type="button" class="quiet" onClick=${() => setDoomed(true)}>Delete</button>
    </div>
    <${Failure} problem=${problem} />
    ${doomed ? html`<${Deletion} name=${name} document=${document} onDone=${leave} onNo=${spare} />` : null}`;
}

/** Saves the original to disk; it is never opened here, where its scripts would run with the rights of this page.
 * @param {string} name @param {import("../api.js").Document} document */
async function saveContent(name, { id, uri }) {
  const address = URL.createObjectURL(await readContent(name, id));
  const link = globalThis.document.createElement("a");
  link.href = address;
  link.download = uri?.split(/[/\\]/).at(-1) || "document";
  link.click();
  URL.revokeObjectURL(address);
}

/** @param {{route: import("../ui/route.js").Route, loaded: import("../ui/load.js").Loaded<Chunk[]>}} props */
function Chunks({ route, loaded: { data, problem, reload } }) {
  const wanted = route.query.get("chunk");
  const address = (/** @type {string} */ chunk) => documentHref(route.collection, route.document, { chunk });
  return html`
    <section aria-labelledby="chunks-title">
      <h2 id="chunks-title">Chunks</h2>
      <${Failure} problem=${problem} onRetry=${reload} />
      ${!data && !problem ? html`<${Waiting} label="Loading chunks" />` : null}
      ${data?.length === 0 ? html`
        <${Empty} title="No text was found in this document." command="ragstone extract FILE --json">
          See what the reader makes of it:
        <//>` : null}
      <ol class="chunks">
        ${data?.map((chunk, at) => html`
          <${Item} key=${chunk.id} chunk=${chunk} at=${at} wanted=${chunk.id === wanted}
            address=${address(chunk.id)} />`)}
      </ol>
    </section>`;
}

/** @param {{chunk: Chunk, at: number, wanted: boolean, address: string}} props */
function Item({ chunk: { id, text, metadata, source = {} }, at, wanted, address }) {
  const item = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (wanted) item.current?.scrollIntoView({ block: "center" });
  }, [wanted]);
  return html`
    <li ref=${item} class=${wanted ? "chunk wanted" : "chunk"}>
      <div class="chunk-side">
        <a class="chunk-number" href=${address} title=${id} aria-label=${`Link to chunk ${at + 1}`}>${at + 1}</a>
        <span>${formatPages(source)}</span>
        <span>${formatRange(source)}</span>
      </div>
      <div class="chunk-body">
        <${Place} source=${{ heading: source.heading }} />
        <p class="text" dir="auto">${text ?? ""}</p>
        <${Metadata} metadata=${metadata} />
      </div>
    </li>`;
}
