import assert from "node:assert/strict";
import test from "node:test";
import { changedFields } from "../../chatserver/static/js/lib/changed-fields.js";

test("a form sends only the fields that were changed since it was opened", () => {
  const shown = { title: "A", topic: "", receipts: false, room: 9 };
  assert.equal(changedFields(shown, { title: "A", topic: "", receipts: false }), null);
  assert.deepEqual(changedFields(shown, { title: "B", topic: "", receipts: false }), { title: "B" });
  assert.deepEqual(changedFields(shown, { title: "A", topic: "x", receipts: true }), { topic: "x", receipts: true });
});
