import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { newId } from "../../chatserver/static/js/lib/ids.js";

test("ids are 22 characters that the protocol allows, and are unique", () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newId()));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22}$/);
});
