import assert from "node:assert/strict";
import test from "node:test";
import { refreshed } from "../../chatserver/static/js/lib/file-list.js";

const files = (...ids) => ids.map((id) => ({ id }));
const ids = (list) => list.map(({ id }) => id).join("");
const none = () => false;

test("older files stay when the newest page is loaded again", () => {
  const known = files("e", "d", "c", "b", "a");
  assert.equal(ids(refreshed(known, { files: files("f", "e", "d"), more: true }, none)), "fedcba");
  assert.equal(ids(refreshed(known, { files: files("e", "c", "b"), more: true }, none)), "ecba"); // d was deleted
  assert.equal(ids(refreshed(known, { files: files("e", "d"), more: true }, ({ id }) => id === "b")), "edca");
});

test("only the new page is shown if it is everything, or if files between it and the older ones may be missing", () => {
  const known = files("c", "b", "a");
  assert.equal(ids(refreshed(known, { files: files("c", "a"), more: false }, none)), "ca");
  assert.equal(ids(refreshed(known, { files: files("f", "e"), more: true }, none)), "fe");
  assert.equal(ids(refreshed([], { files: files("b", "a"), more: true }, none)), "ba");
});
