import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { nextToSend } from "../../chatserver/static/js/lib/outbox-files.js";

const NOW = 1_000_000;
const entry = (id, facts = {}) => ({ id, key: "#1", at: NOW, ...facts });
const uploading = (id, facts = {}) => entry(id, { files: [{ uploaded: undefined }], ...facts });

function next(entries, now = NOW) {
  const { entry: found, wait } = nextToSend(entries, now);
  return found ? found.id : wait;
}

test("entries are sent in order", () => {
  assert.equal(next([entry("a"), entry("b")]), "a");
  assert.equal(next([]), 0);
  assert.equal(next([uploading("a")]), 0);
});

test("a message waits a moment for the files of an earlier one, and not longer", () => {
  const entries = [uploading("picture"), entry("comment", { at: NOW + 100 })];
  assert.equal(next(entries, NOW + 100), 4_900);
  assert.equal(next(entries, NOW + 5_000), "comment");
  entries[0].files[0].uploaded = {};
  assert.equal(next(entries, NOW + 100), "picture");
});

test("the longest wait of several earlier ones counts", () => {
  assert.equal(next([uploading("a", { at: NOW - 4_000 }), uploading("b"), entry("c")]), 5_000);
});

test("other conversations, changes of messages, and entries after a jump of the clock do not wait", () => {
  assert.equal(next([uploading("a"), entry("b", { key: "#2" })]), "b");
  assert.equal(next([uploading("a"), entry("b", { target: 4 })]), "b");
  assert.equal(next([uploading("a", { at: NOW + 60_000 }), entry("b")]), "b");
});
