import assert from "node:assert/strict";
import test from "node:test";
import { changes } from "../../chatserver/static/js/lib/changes.js";

test("a form sends only the fields that were changed since it was opened", () => {
  const shown = { title: "A", topic: "", receipts: false, room: 9 };
  assert.equal(changes(shown, { title: "A", topic: "", receipts: false }), null);
  assert.deepEqual(changes(shown, { title: "B", topic: "", receipts: false }), { title: "B" });
  assert.deepEqual(changes(shown, { title: "A", topic: "x", receipts: true }), { topic: "x", receipts: true });
});
