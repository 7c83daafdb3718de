import assert from "node:assert/strict";
import test from "node:test";
import { updatedInPlace, withAppended } from "../../chatserver/static/js/lib/order.js";

test("rows under the pointer keep their order and get their new values", () => {
  const shown = [{ key: "a", unread: 0 }, { key: "b", unread: 0 }];
  const wanted = [{ key: "c", unread: 1 }, { key: "b", unread: 2 }];
  assert.deepEqual(updatedInPlace(shown, wanted), [{ key: "a", unread: 0 }, { key: "b", unread: 2 }]);
});

test("candidates that arrive late are appended", () => {
  const [ada, bo, cy] = ["ada", "bo", "cy"].map((key) => ({ key }));
  assert.deepEqual(withAppended([cy], [ada, bo, cy], 8), [cy, ada, bo]);
  assert.deepEqual(withAppended([cy, bo], [ada, bo, cy], 2), [cy, bo]);
});
