import assert from "node:assert/strict";
import test from "node:test";
import { badge, title } from "../../chatserver/static/js/lib/unread.js";

test("unread counts above 99 are shown as 99+", () => {
  assert.deepEqual([0, 1, 99, 100].map(badge), ["", "1", "99", "99+"]);
  assert.equal(title("Lobby", 3), "(3) Lobby");
  assert.equal(title("Lobby", 0), "Lobby");
});
