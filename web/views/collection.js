//! One collection: its summary, its documents and its versions. The parts load by themselves, each with its own errors.

import { findCollection } from "../api.js";
import { readField } from "../ui/form.js";
import { formatBytes, formatCount } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Crumbs, Facts, Waiting } from "../ui/parts.js";
import { href, open, searchHref } from "../ui/route.js";
import { html, useState } from "../vendor/preact.js";
import { Freshness, ModelName } from "./collections.js";
import { Documents } from "./documents.js";
import { Failure } from "./failure.js";
import { Upload } from "./upload.js";
import { Versions } from "./versions.js";

/** Draws the screen. @param {{route: import("../ui/route.js").Route}} props */
export function Collection({ route }) {
  const name = route.collection;
  const [writes, setWrites] = useState(0);
  const { data, problem, reload } = useLoad((signal) => findCollection(name, signal), [name, writes]);
  const changed = () => setWrites((before) => before + 1);
  return html`
    <${Crumbs} steps=${[["Collections", href([])]]} />
    <div class="head">
      <div>
        <h1>${name}</h1>
        ${data?.description ? html`<p class="muted">${data.description}</p>` : null}
      </div>
      <${QuickSearch} name=${name} />
    </div>
    <${Failure} problem=${problem} onRetry=${reload} />
    ${data ? html`<${Summary} collection=${data} />` : null}
    ${!data && !problem ? html`<${Waiting} label="Loading the collection" />` : null}
    ${data ? html`
      <div class="columns">
        <${Documents} name=${name} query=${route.query} writes=${writes} onChange=${changed} />
        <div class="beside">
          <${Upload} name=${name} onChange=${changed} />
          <${Versions} name=${name} query=${route.query} writes=${writes} />
        </div>
      </div>` : null}`;
}

/** @param {{collection: import("../api.js").Collection}} props */
function Summary({ collection }) {
  const { documents, chunks, version, bytes, embedding, index } = collection;
  const rows = index?.rows == null ? null : html`<span class="under">${formatCount(index.rows)} rows</span>`;
  return html`
    <${Facts} wide facts=${[
      ["Documents", formatCount(documents)],
      ["Chunks", formatCount(chunks)],
      ["Version", formatCount(version)],
      ["Size", formatBytes(bytes)],
      ["Model", html`<${ModelName} embedding=${embedding} />`],
      ["Index", html`<${Freshness} collection=${collection} />${rows}`],
    ]} />`;
}

/** Draws a search box that leads to the search screen. @param {{name: string}} props */
export function QuickSearch({ name }) {
  /** @param {SubmitEvent} event */
  const search = (event) => {
    event.preventDefault();
    open(searchHref(name, { q: readField(event, "q") }));
  };
  return html`
    <form class="quick" role="search" onSubmit=${search}>
      <label class="field">
        <span class="hidden">Search ${name}</span>
        <input name="q" type="search" data-search placeholder="Search this collection" />
      </label>
      <button type="submit">Search</button>
    </form>`;
}
