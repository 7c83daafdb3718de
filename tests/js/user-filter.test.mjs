import assert from "node:assert/strict";
import test from "node:test";
import { byDisplay, filtered } from "../../chatserver/static/js/lib/user-filter.js";

const people = [
  { name: "zed", display: "Cy" },
  { name: "bo", display: "陈波" },
  { name: "ann", display: "Zoë Ann" },
  { name: "al", display: "Al" },
];
const names = (found) => found.map(({ name }) => name);

test("people are offered by display name", () => {
  assert.deepEqual(names(filtered(people, "")), names(byDisplay(people)));
  assert.deepEqual(names(byDisplay(people)).filter((name) => name !== "bo"), ["al", "zed", "ann"]);
});

test("people are filtered by user name and display name", () => {
  const expected = { "@ann": ["ann"], "＠ANN": ["ann"], " zoë ": ["ann"], 波: ["bo"], z: ["zed", "ann"], x: [], "zoë a": ["ann"] };
  for (const [typed, found] of Object.entries(expected)) assert.deepEqual(names(filtered(people, typed)), found, typed);
});
