import assert from "node:assert/strict";
import test from "node:test";
import { sortedByName } from "../../chatserver/static/js/lib/collation.js";

test("numbers in names are sorted by value, and case and accents do not separate names", () => {
  const names = ["Room 10", "Émil", "room 2", "Room 1", "Eva", "eli"];
  assert.deepEqual(sortedByName(names, (name) => name), ["eli", "Émil", "Eva", "Room 1", "room 2", "Room 10"]);
});
