//! Numbers, sizes and places read as people write them. Times are left out where they depend on the time zone.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes, formatCount, formatMs, formatPages, formatPlural, formatRange, formatScore, formatTime, formatValue,
  NOTHING,
} from "../ui/format.js";

test("a size is given in the largest unit that keeps it above one", () => {
  const cases = [
    [0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [102_348, "99.9 KiB"], [102_400, "100 KiB"],
    [1_048_575, "1.0 MiB"], [12_884_901_888, "12.0 GiB"],
  ];
  for (const [bytes, expected] of cases) assert.equal(formatBytes(/** @type {number} */ (bytes)), expected);
});

test("a missing value is a dash and never the word null", () => {
  for (const format of [formatBytes, formatCount, formatScore, formatMs, formatTime, formatValue]) {
    assert.deepEqual([format(null), format(undefined)], [NOTHING, NOTHING]);
  }
});

test("zero is a value", () => {
  assert.deepEqual([formatCount(0), formatValue(0), formatValue(false), formatBytes(0)], ["0", "0", "false", "0 B"]);
});

test("counts have their noun in the right number", () => {
  const said = [0, 1, 1204].map((count) => formatPlural(count, "chunk"));
  assert.deepEqual(said, ["0 chunks", "1 chunk", "1,204 chunks"]);
});

test("scores keep three digits that count", () => {
  assert.deepEqual([0.0328, 0.71, 9.2, 11.24, 1204.6].map(formatScore), ["0.0328", "0.710", "9.20", "11.2", "1205"]);
});

test("times of a stage stay readable from microseconds to seconds", () => {
  const said = [0, 0.004, 0.12, 3.14, 250, 1500].map(formatMs);
  assert.deepEqual(said, ["0.00 ms", "< 0.01 ms", "0.12 ms", "3.1 ms", "250 ms", "1.5 s"]);
});

test("a passage names its pages and characters where it has them", () => {
  assert.equal(formatPages({ page: 3, page_end: 3 }), "page 3");
  assert.equal(formatPages({ page: 3, page_end: 4 }), "pages 3–4");
  assert.equal(formatPages({ page: null }), "");
  assert.equal(formatRange({ char_start: 0, char_end: 1790 }), "characters 0–1,790");
  assert.equal(formatRange({}), "");
});

test("a time that is none comes back as it is", () => {
  assert.equal(formatTime("yesterday"), "yesterday");
  assert.match(formatTime("2026-03-01T12:00:00Z"), /^2026-0[23]-\d\d \d\d:00$/);
});

test("a list of strings reads as a list", () => {
  assert.equal(formatValue(["travel", "finance"]), "travel, finance");
});
