//! The tree keeps its own rules: imports resolve, nothing is made from HTML, the vendored file is the one named.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = dirname(dirname(fileURLToPath(import.meta.url)));
const LINES_MAX = 250;
const SERVED = ["app.js", "api.js", ...files("ui"), ...files("views"), ...files("style")];

/** @param {string} folder */
function files(folder) {
  return readdirSync(join(WEB, folder)).map((name) => join(folder, name));
}

/** @param {string} path */
const read = (path) => readFileSync(join(WEB, path), "utf8");

test("every import and every stylesheet leads to a file", () => {
  for (const path of SERVED.filter((path) => extname(path) === ".js")) {
    for (const [, target] of read(path).matchAll(/^import .* from "(.+)";$/gm)) {
      assert.ok(target.startsWith("."), `${path} imports ${target}`);
      assert.ok(existsSync(join(WEB, dirname(path), target)), `${path} imports ${target}`);
    }
  }
  for (const [, target] of read("index.html").matchAll(/(?:href|src)="\/ui\/([^"]+)"/g)) {
    assert.ok(existsSync(join(WEB, target)), `index.html names ${target}`);
  }
});

test("every stylesheet is loaded", () => {
  for (const path of files("style")) assert.ok(read("index.html").includes(`/ui/${path}`), path);
});

test("nothing is made from html and nothing is inline", () => {
  const html = /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(/;
  for (const path of SERVED) assert.doesNotMatch(read(path), html, path);
  assert.doesNotMatch(read("index.html"), /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  for (const path of [...files("ui"), ...files("views")]) assert.doesNotMatch(read(path), /\sstyle=/, path);
});

test("only the api module calls the server", () => {
  const callers = SERVED.filter((path) => /\bfetch\(|XMLHttpRequest|WebSocket|EventSource/.test(read(path)));
  assert.deepEqual(callers, ["api.js"]);
});

test("every file says what it is for and stays short", () => {
  for (const path of [...SERVED, ...files("test")]) {
    assert.match(read(path), extname(path) === ".js" ? /^\/\/! / : /^\/\*! /, path);
    assert.ok(read(path).split("\n").length <= LINES_MAX, path);
  }
});

test("the vendored file is the one that its readme names", () => {
  const sum = createHash("sha256").update(readFileSync(join(WEB, "vendor/preact.js"))).digest("hex");
  assert.ok(read("vendor/README.md").includes(sum));
});
