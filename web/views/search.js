//! Search in one collection: the form, the hits and the plan. What is asked stands in the address, never in the page.

import { searchCollection } from "../api.js";
import { readField, useValues } from "../ui/form.js";
import { formatCount, formatMs, formatPlural } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Crumbs, Empty, Waiting } from "../ui/parts.js";
import { collectionHref, href, open, searchHref } from "../ui/route.js";
import { html } from "../vendor/preact.js";
import { Failure } from "./failure.js";
import { HitItem } from "./hit.js";
import { PlanPanel } from "./plan.js";

/** @typedef {{q: string, mode: string, k: string, filter: string, as_of: string, explain: string}} Form */

const K_DEFAULT = "10";
const MODES = ["hybrid", "dense", "lexical"];

/** Draws the screen. @param {{route: import("../ui/route.js").Route}} props */
export function Search({ route }) {
  const name = route.collection;
  const form = readForm(route.query);
  const { data, busy, problem, reload } = useLoad(
    async (signal) => (form.q === "" ? undefined : searchCollection(name, request(form), signal)),
    [name, JSON.stringify(form)],
  );
  return html`
    <${Crumbs} steps=${[["Collections", href([])], [name, collectionHref(name)]]} />
    <h1>Search ${name}</h1>
    <${SearchForm} name=${name} form=${form} onAgain=${reload} />
    <${Failure} problem=${problem} onRetry=${reload} />
    ${!data && busy && form.q ? html`<${Waiting} label="Searching" />` : null}
    ${data && form.q ? html`<${Found} name=${name} answer=${data} form=${form} busy=${busy} />` : null}
    ${form.q ? null : html`
      <${Empty} title="Ask in words, or type what should stand in the text.">
        Press / to reach the search box from any screen.
      <//>`}`;
}

/** @param {{name: string, answer: import("../api.js").Answer, form: Form, busy: boolean}} props */
function Found({ name, answer: { hits, plan, version, took_ms }, form, busy }) {
  const advice = form.filter ? "Loosen the filter, or try other words." : "Try other words or another mode.";
  return html`
    <p class="muted" role="status">
      ${formatPlural(hits.length, "hit")} in ${formatMs(took_ms)}, version ${formatCount(version)}
    </p>
    ${plan ? html`<${PlanPanel} plan=${plan} />` : null}
    ${hits.length === 0 ? html`<${Empty} title="Nothing was found.">${advice}<//>` : null}
    <ol class="hits" aria-busy=${busy}>
      ${hits.map((hit, at) => html`
        <${HitItem} key=${hit.id} name=${name} hit=${hit} rank=${at + 1} query=${form.q} />`)}
    </ol>`;
}

/** @param {{name: string, form: Form, onAgain: () => void}} props */
function SearchForm({ name, form, onAgain }) {
  const element = useValues(form);
  /** @param {SubmitEvent} event */
  const search = (event) => {
    event.preventDefault();
    open(searchHref(name, writeForm((field) => readField(event, field))), onAgain);
  };
  /** @param {Event} event */
  const submit = (event) => /** @type {HTMLInputElement} */ (event.target).form?.requestSubmit();
  return html`
    <form ref=${element} class="search" role="search" onSubmit=${search}>
      <div class="row">
        <label class="field grow">
          <span class="hidden">Search text</span>
          <input name="q" type="search" class="big" data-search autocomplete="off" placeholder="Who pays for travel?" />
        </label>
        <button type="submit" class="big">Search</button>
      </div>
      <div class="row">
        <${ModeChoice} onChange=${submit} />
        <label class="field k"><span>k</span><input name="k" type="number" min="1" max="1000" required /></label>
        <label class="field grow">
          <span>Filter</span>
          <input name="filter" class="code" type="text" spellcheck=${false} autocomplete="off"
            placeholder="year >= 2020" />
        </label>
        <label class="field as-of">
          <span>As of</span><input name="as_of" type="text" autocomplete="off" placeholder="version, tag or time" />
        </label>
        <label class="check"><input name="explain" type="checkbox" value="1" onChange=${submit} />Explain</label>
      </div>
    </form>`;
}

/** @param {{onChange: (event: Event) => void}} props */
function ModeChoice({ onChange }) {
  return html`
    <fieldset class="modes">
      <legend>Mode</legend>
      <div>
        ${MODES.map((name) => html`
          <label key=${name}>
            <input type="radio" name="mode" value=${name} onChange=${onChange} /><span>${name}</span>
          </label>`)}
      </div>
    </fieldset>`;
}

/** Returns the address of a form; what is usual is left out. @param {(field: string) => string} read
 * @returns {Partial<Form>} */
export function writeForm(read) {
  const unless = (/** @type {string} */ usual, /** @type {string} */ value) => (value === usual ? "" : value);
  return {
    q: read("q"),
    mode: unless(MODES[0], read("mode")),
    k: unless(K_DEFAULT, read("k")),
    filter: read("filter"),
    as_of: read("as_of"),
    explain: read("explain"),
  };
}

/** Reads the form from an address. @param {URLSearchParams} query @returns {Form} */
export function readForm(query) {
  const read = (/** @type {string} */ key) => query.get(key) ?? "";
  return {
    q: read("q").trim(),
    mode: read("mode") || MODES[0],
    k: read("k") || K_DEFAULT,
    filter: read("filter"),
    as_of: read("as_of"),
    explain: read("explain") === "1" ? "1" : "",
  };
}

/** Returns what the server is asked; it, not the page, judges the values. @param {Form} form
 * @returns {import("../api.js").Search} */
export function request({ q, mode, k, filter, as_of, explain }) {
  return {
    text: q,
    mode,
    k: Number(k),
    ...(filter ? { filter } : {}),
    ...(as_of ? { as_of: /^\d+$/.test(as_of) ? Number(as_of) : as_of } : {}),
    ...(explain ? { explain: true } : {}),
  };
}
