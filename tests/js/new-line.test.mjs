import assert from "node:assert/strict";
import test from "node:test";
import { NewLine } from "../../chatserver/static/js/lib/new-line.js";

test("the New line moves only after everything was read and the user was away", () => {
  const line = new NewLine();
  line.place({ unread: 0, read: 5 });
  assert.equal(line.after, null);
  line.place({ unread: 2, read: 5 });
  line.place({ unread: 1, read: 6 });
  assert.equal(line.after, 5);
  line.leave(1);
  line.place({ unread: 1, read: 6 });
  assert.equal(line.after, 5);
  line.leave(0);
  line.place({ unread: 1, read: 7 });
  assert.equal(line.after, 7);
});

test("a room of which nothing was read has no New line, also while it is being read", () => {
  const line = new NewLine();
  line.place({ unread: 57, read: 0 });
  line.place({ unread: 49, read: 8 });
  assert.equal(line.after, null);
  line.clear();
  line.place({ unread: 49, read: 8 });
  assert.equal(line.after, 8);
});
