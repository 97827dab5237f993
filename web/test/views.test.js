//! The pure parts of the views: the search form and its request, the changes of a version, and safe links.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isWebAddress } from "../views/place.js";
import { readForm, request, writeForm } from "../views/search.js";
import { changes } from "../views/versions.js";

/** @param {string} query @param {object} expected */
function check(query, expected) {
  assert.deepEqual(request(readForm(new URLSearchParams(query))), expected);
}

test("a bare question asks for ten hybrid hits", () => {
  check("q=travel", { text: "travel", mode: "hybrid", k: 10 });
});

test("everything in the address reaches the server", () => {
  check("q=a&mode=dense&k=3&filter=year>2020&as_of=17&explain=1", {
    text: "a", mode: "dense", k: 3, filter: "year>2020", as_of: 17, explain: true,
  });
});

test("a version is a number, a tag and a time are strings", () => {
  const asOf = (/** @type {string} */ value) => request(readForm(new URLSearchParams({ q: "a", as_of: value }))).as_of;
  assert.deepEqual(["17", "release-1", "2026-03-01T00:00:00Z"].map(asOf), [17, "release-1", "2026-03-01T00:00:00Z"]);
});

test("a form and its address hold the same", () => {
  const form = { q: "a", mode: "lexical", k: "5", filter: "x = 1", as_of: "2", explain: "1" };
  const address = new URLSearchParams(writeForm((field) => form[/** @type {keyof typeof form} */ (field)]));
  assert.deepEqual(readForm(address), form);
});

test("only web addresses become links", () => {
  for (const uri of ["https://example.org", "HTTP://example.org"]) assert.ok(isWebAddress(uri));
  const others = ["javascript:alert(1)", " https://example.org", "docs/a.pdf", "data:text/html,x", "//example.org"];
  for (const uri of others) assert.ok(!isWebAddress(uri));
});

test("a version tells only the changes it made", () => {
  assert.equal(changes({ rows_added: 1200, rows_deleted: 3 }), "+1,200  −3 chunks");
  assert.equal(changes({}), "");
});
