//! Paths, queries and problems of the API client. It calls no server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem, readProblem, segment, withQuery } from "../api.js";

test("an id is escaped as one part of a path", () => {
  assert.equal(segment("docs/a b?.pdf"), "docs%2Fa%20b%3F.pdf");
});

test("an id that would climb to its parent is refused", () => {
  for (const id of [".", "..", ""]) assert.throws(() => segment(id), (error) => error.code === "no_address");
  assert.equal(segment("..."), "...");
});

test("unset query values are left out", () => {
  assert.equal(withQuery("/v1/x", { filter: "", after: undefined }), "/v1/x");
  assert.equal(withQuery("/v1/x", { filter: "a = 'b&c'", limit: 51 }), "/v1/x?filter=a+%3D+%27b%26c%27&limit=51");
});

test("a problem keeps what the server said", () => {
  const said = { code: "unknown_field", detail: "no field is named yaer", hint: "try year", field: "yaer" };
  const { status, code, detail, hint, field } = readProblem(422, JSON.stringify(said));
  assert.deepEqual({ code, detail, hint, field }, said);
  assert.equal(status, 422);
});

test("an answer that is no problem document still has a code and its status", () => {
  for (const body of ["", "<html>", "null", "[]", "{}", '{"code":7}']) {
    const problem = readProblem(502, body);
    assert.ok(problem instanceof Problem);
    assert.deepEqual([problem.status, problem.code], [502, "unexpected_answer"]);
  }
});
