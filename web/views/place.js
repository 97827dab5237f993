//! Shows where a chunk came from: source, page and heading path. It links only to what a browser may safely open.

import { formatPages } from "../ui/format.js";
import { html } from "../vendor/preact.js";

/** Draws what is known of the place, nothing where nothing is. @param {{source: import("../api.js").Source}} props */
export function Place({ source }) {
  const { uri, heading } = source;
  const pages = formatPages(source);
  if (!uri && !pages && !heading?.length) return null;
  return html`
    <ul class="place" aria-label="Source">
      ${uri ? html`<li class="uri"><${Uri} uri=${uri} /></li>` : null}
      ${pages ? html`<li>${pages}</li>` : null}
      ${heading?.length ? html`<li class="heading">${heading.join(" › ")}</li>` : null}
    </ul>`;
}

/** @param {{uri: string}} props */
function Uri({ uri }) {
  if (!isWebAddress(uri)) return uri;
  return html`<a href=${uri} rel="noopener noreferrer" target="_blank">${uri}</a>`;
}

/** Tells web addresses from paths and from `javascript:` and its like, which would run as this page.
 * @param {string} uri */
export function isWebAddress(uri) {
  return /^https?:\/\//i.test(uri);
}
