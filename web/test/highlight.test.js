//! The words of a query are found in a text by their offsets. It draws nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findSpans } from "../ui/highlight.js";

/** @param {string} text @param {string} query @param {string[]} expected */
function check(text, query, expected) {
  assert.deepEqual(findSpans(text, query).map(({ start, end }) => text.slice(start, end)), expected);
}

test("words are marked whatever their case", () => {
  check("Travel costs. TRAVEL!", "travel", ["Travel", "TRAVEL"]);
});

test("words are marked whatever their accents", () => {
  check("Das Büro in Zürich", "zurich buro", ["Büro", "Zürich"]);
});

test("common words are marked only when the query holds no other", () => {
  check("who pays for the travel", "who pays for travel", ["pays", "travel"]);
  check("to be or not", "to be", ["to", "be"]);
});

test("a longer word is marked by its beginning and a short one is not", () => {
  check("traveller travels", "travel", ["traveller", "travels"]);
  check("car care cargo", "car", ["car"]);
  check("one policy", "policys", ["policy"]);
});

test("chinese words are marked inside a sentence without spaces", () => {
  check("员工出差前必须获得主管批准", "出差 批准", ["出差", "批准"]);
});

test("markup in a text is text like any other", () => {
  const text = "<img src=x onerror=alert(1)> alert";
  check(text, "alert", ["alert", "alert"]);
});

test("offsets are exact behind characters outside the basic plane", () => {
  check("😀😀 travel 𝒳 travel", "travel", ["travel", "travel"]);
});

test("spans stand in order and do not overlap", () => {
  const spans = findSpans("travel travel policy travel", "policy travel travels");
  spans.reduce((before, { start, end }) => (assert.ok(before <= start && start < end), end), 0);
  assert.equal(spans.length, 4);
});

test("an empty query marks nothing", () => {
  check("travel", "", []);
  check("travel", " ?! ", []);
});
