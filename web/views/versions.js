//! The versions of a collection, newest first, each a door to a search as of that version. It restores nothing.

import { listVersions } from "../api.js";
import { formatCount } from "../ui/format.js";
import { useLoad } from "../ui/load.js";
import { Badge, Time, Waiting } from "../ui/parts.js";
import { collectionHref, searchHref } from "../ui/route.js";
import { html } from "../vendor/preact.js";
import { Failure } from "./failure.js";

/** @typedef {import("../api.js").Version} Version */

/** Versions on a page; one more is asked for, to know whether older ones exist. */
const PAGE_ROWS = 12;

/** Draws the section. @param {{name: string, query: URLSearchParams, writes: number}} props */
export function Versions({ name, query, writes }) {
  const after = query.get("versions_after") ?? "";
  const filter = query.get("filter") ?? "";
  const page = { after, limit: PAGE_ROWS + 1 };
  const { data, problem, reload } = useLoad((signal) => listVersions(name, page, signal), [name, after, writes]);
  const shown = data?.slice(0, PAGE_ROWS) ?? [];
  const last = shown.at(-1)?.version;
  const older = data && data.length > PAGE_ROWS ? collectionHref(name, { filter, versions_after: last }) : "";
  return html`
    <section class="versions" aria-labelledby="versions-title">
      <h2 id="versions-title">Versions</h2>
      <${Failure} problem=${problem} onRetry=${reload} />
      ${!data && !problem ? html`<${Waiting} label="Loading versions" />` : null}
      <ol class="timeline">
        ${shown.map((version) => html`<${Item} key=${version.version} name=${name} version=${version} />`)}
      </ol>
      <nav class="pager" aria-label="Pages of versions">
        ${after ? html`<a class="button quiet" href=${collectionHref(name, { filter })}>Newest</a>` : null}
        ${older ? html`<a class="button quiet" href=${older}>Older</a>` : null}
      </nav>
    </section>`;
}

/** @param {{name: string, version: Version}} props */
function Item({ name, version: { version, timestamp, operation, tags = [], ...rows } }) {
  return html`
    <li>
      <p class="timeline-head">
        <a href=${searchHref(name, { as_of: version })} title="Search as of this version">Version ${version}</a>
        ${tags.map((tag) => html`<${Badge} key=${tag} tone="good">${tag}<//>`)}
      </p>
      <p class="muted"><${Time} at=${timestamp} />${operation ? `, ${operation}` : ""}</p>
      <p class="muted">${changes(rows)}</p>
    </li>`;
}

/** Says what a version did to rows; empty where it did nothing to them.
 * @param {Pick<Version, "rows_added" | "rows_updated" | "rows_deleted">} rows */
export function changes({ rows_added = 0, rows_updated = 0, rows_deleted = 0 }) {
  const parts = [];
  if (rows_added) parts.push(`+${formatCount(rows_added)}`);
  if (rows_updated) parts.push(`~${formatCount(rows_updated)}`);
  if (rows_deleted) parts.push(`−${formatCount(rows_deleted)}`);
  return parts.length === 0 ? "" : `${parts.join("  ")} chunks`;
}
