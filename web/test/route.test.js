//! Addresses and routes turn into each other without loss. It opens no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collectionHref, documentHref, href, parseRoute, searchHref } from "../ui/route.js";

/** @param {string} address @param {object} expected */
function check(address, expected) {
  const { query, ...route } = parseRoute(address);
  const found = { ...route, query: Object.fromEntries(query) };
  assert.deepEqual(found, { collection: "", document: "", query: {}, ...expected });
}

test("an empty address shows the collections", () => {
  check("", { view: "collections" });
  check("#", { view: "collections" });
  check("#/", { view: "collections" });
  check("#/?name=hand", { view: "collections", query: { name: "hand" } });
});

test("every view has an address of its own", () => {
  check("#/jobs", { view: "jobs" });
  check(collectionHref("handbook"), { view: "collection", collection: "handbook" });
  check(searchHref("handbook"), { view: "search", collection: "handbook" });
  check(documentHref("handbook", "7"), { view: "document", collection: "handbook", document: "7" });
});

test("a document id with slashes, marks and spaces survives its address", () => {
  const id = "docs/a b?c#d%2F&ü=文.pdf";
  check(documentHref("handbook", id), { view: "document", collection: "handbook", document: id });
});

test("a filter and a question survive their address", () => {
  const query = { q: "100% of what? a&b=c", filter: "lang IN ('en','zh') AND year >= 2020", as_of: "17" };
  check(searchHref("handbook", query), { view: "search", collection: "handbook", query });
});

test("empty values leave no trace in an address", () => {
  assert.equal(href(["jobs"], { filter: "", after: undefined }), "#/jobs");
});

test("an address nobody owns is missing", () => {
  for (const address of ["#/x", "#/c", "#/c/a/b", "#/c/a/d", "#/c/a/d/b/c", "#/jobs/7"]) {
    check(address, { view: "missing" });
  }
});

test("a broken escape is missing and throws nothing", () => {
  check("#/c/%E0%A4%A", { view: "missing" });
});
