import assert from "node:assert/strict";
import test from "node:test";
import { byDisplay, filtered } from "../../chatserver/static/js/lib/user-filter.js";

const users = [
  { name: "zed", display: "Cy" },
  { name: "bo", display: "陈波" },
  { name: "ann", display: "Zoë Ann" },
  { name: "al", display: "Al" },
];
const names = (found) => found.map(({ name }) => name);

test("users are sorted by display name", () => {
  assert.deepEqual(names(filtered(users, "")), names(byDisplay(users)));
  assert.deepEqual(names(byDisplay(users)).filter((name) => name !== "bo"), ["al", "zed", "ann"]);
});

test("users are filtered by user name and display name", () => {
  const expected = { "@ann": ["ann"], "＠ANN": ["ann"], " zoë ": ["ann"], 波: ["bo"], z: ["zed", "ann"], x: [], "zoë a": ["ann"] };
  for (const [typed, found] of Object.entries(expected)) assert.deepEqual(names(filtered(users, typed)), found, typed);
});
