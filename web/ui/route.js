//! Turns the address after `#` into a route and back, so that every view can be linked.
//! It does not know what a view draws, and it keeps no state.

/**
 * @typedef {"collections" | "collection" | "document" | "search" | "jobs" | "missing"} ViewName
 * @typedef {{view: ViewName, collection: string, document: string, query: URLSearchParams}} Route
 */

/**
 * Returns the route that an address names; an address nobody owns is the view `missing`.
 * @param {string} hash
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [path, query = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  return { ...place(parts), query: new URLSearchParams(query) };
}

/**
 * Returns the address of a view. Parts are escaped; empty query values are left out.
 * @param {string[]} parts
 * @param {Record<string, string | number | undefined>} [query]
 */
export function href(parts, query = {}) {
  const kept = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") kept.set(key, String(value));
  }
  const tail = kept.toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${tail === "" ? "" : `?${tail}`}`;
}

/** @param {string} name @param {Record<string, string | number | undefined>} [query] */
export const collectionHref = (name, query) => href(["c", name], query);

/** @param {string} name @param {string} id @param {Record<string, string | number | undefined>} [query] */
export const documentHref = (name, id, query) => href(["c", name, "d", id], query);

/** @param {string} name @param {Record<string, string | number | undefined>} [query] */
export const searchHref = (name, query) => href(["c", name, "search"], query);

/**
 * Opens an address: moves to it, or tells `again` when it is the one already open.
 * @param {string} address
 * @param {() => void} [again]
 */
export function open(address, again) {
  if (location.hash === address) again?.();
  else location.hash = address;
}

/** @param {(string | null)[]} parts @returns {Omit<Route, "query">} */
function place(parts) {
  const [root, collection, leaf, document] = parts;
  const missing = { view: /** @type {ViewName} */ ("missing"), collection: "", document: "" };
  if (parts.includes(null)) return missing;
  if (parts.length === 0) return { ...missing, view: "collections" };
  if (parts.length === 1 && root === "jobs") return { ...missing, view: "jobs" };
  if (root !== "c" || !collection) return missing;
  if (parts.length === 2) return { ...missing, view: "collection", collection };
  if (parts.length === 3 && leaf === "search") return { ...missing, view: "search", collection };
  if (parts.length === 4 && leaf === "d" && document) return { view: "document", collection, document };
  return missing;
}

/** @param {string} part @returns {string | null} Null for an escape that is not UTF-8. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** @param {string} text @param {string} mark @returns {string[]} */
function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}
