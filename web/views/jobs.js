//! Jobs, with what became of each file. It looks again while a job runs, and starts or stops none.

import { listJobs } from "../api.js";
import { formatCount } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Badge, Empty, Time, Waiting } from "../ui/parts.js";
import { collectionHref } from "../ui/route.js";
import { html, useEffect } from "../vendor/preact.js";
import { Failure } from "./failure.js";

/** @typedef {import("../api.js").Job} Job */

/** Often enough to see progress, seldom enough to cost nothing. */
const LOOK_AGAIN_MS = 2000;

/** States in which a job has come to its end. */
const ENDED = new Set(["done", "failed", "cancelled"]);

/** Draws the screen. */
export function Jobs() {
  const { data, problem, reload } = useLoad(listJobs, []);
  const running = data?.some(({ state }) => !ENDED.has(state)) ?? false;
  useEffect(() => {
    if (!running) return undefined;
    const timer = setTimeout(reload, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [data]);
  return html`
    <h1>Jobs</h1>
    <${Failure} problem=${problem} onRetry=${reload} />
    ${!data && !problem ? html`<${Waiting} label="Loading jobs" />` : null}
    ${data?.length === 0 ? html`
      <${Empty} title="No job has run yet." command="ragstone ingest docs --collection handbook">
        Ingesting a folder or optimizing a collection shows up here:
      <//>` : null}
    <ol class="jobs">${data?.map((job) => html`<${Item} key=${job.id} job=${job} />`)}</ol>`;
}

/** @param {{job: Job}} props */
function Item({ job: { id, kind, collection, state, created_at, progress, files = [], error } }) {
  return html`
    <li class="job">
      <div class="job-head">
        <span class="name">${kind || "job"}</span>
        ${collection ? html`<a href=${collectionHref(collection)}>${collection}</a>` : null}
        <${Badge} tone=${tone(state)}>${state}<//>
        <span class="muted"><${Time} at=${created_at} /></span>
        <code class="muted">${id}</code>
      </div>
      ${progress ? html`
        <label class="progress">
          <progress max=${Math.max(progress.total, 1)} value=${progress.done}></progress>
          <span>${formatCount(progress.done)} of ${formatCount(progress.total)}</span>
        </label>` : null}
      ${error ? html`<p class="outcome-error"><code>${error.code}</code> ${error.detail}</p>` : null}
      <${Outcomes} files=${files} />
    </li>`;
}

/** Shows what failed at once, and the rest on demand. @param {{files: import("../api.js").FileOutcome[]}} props */
function Outcomes({ files }) {
  if (files.length === 0) return null;
  const failed = files.filter(({ error }) => error);
  const rest = files.filter(({ error }) => !error);
  return html`
    <ul class="outcomes">${failed.map(outcome)}</ul>
    ${rest.length > 0 ? html`
      <details>
        <summary>${formatCount(rest.length)} without errors</summary>
        <ul class="outcomes">${rest.map(outcome)}</ul>
      </details>` : null}`;
}

/** @param {import("../api.js").FileOutcome} file */
function outcome({ uri, outcome, error, near_duplicate_of }) {
  return html`
    <li>
      <span class="parcel-name">${uri}</span> <${Badge} tone=${error ? "bad" : "calm"}>${outcome}<//>
      ${error ? html`<span class="outcome-error"><code>${error.code}</code> ${error.detail}</span>` : null}
      ${near_duplicate_of ? html`<span class="outcome-error">nearly the same as ${near_duplicate_of.uri}</span>` : null}
    </li>`;
}

/** @param {string} state */
function tone(state) {
  if (state === "failed") return "bad";
  return state === "done" ? "good" : "calm";
}
