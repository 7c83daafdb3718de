import assert from "node:assert/strict";
import test from "node:test";
import { firstNew, GROUP_INTERVAL, rows, readThrough } from "../../chatserver/static/js/lib/layout.js";

const NOON = new Date(2031, 4, 3, 12).getTime();
const message = (seq, user, at, more = {}) => ({ key: `seq:${seq}`, seq, user, at, ...more });
const kinds = (made) => made.map(({ kind, continued }) => (continued ? "continued" : kind));

test("messages of one author within five minutes form a group", () => {
  const made = rows([message(1, "bo", NOON), message(2, "bo", NOON + GROUP_INTERVAL - 1), message(3, "bo", NOON + 3 * GROUP_INTERVAL)]);
  assert.deepEqual(kinds(made), ["day", "message", "continued", "message"]);
});

test("a message of another author starts a new group", () => {
  const made = rows([message(1, "bo", NOON), message(2, "cy", NOON + 1)]);
  assert.deepEqual(kinds(made), ["day", "message", "message"]);
});

test("each day starts with a day line, which also ends a group", () => {
  const midnight = new Date(2031, 4, 4).getTime();
  const made = rows([message(1, "bo", midnight - 1000), message(2, "bo", midnight + 1000)]);
  assert.deepEqual(kinds(made), ["day", "message", "day", "message"]);
});

test("the New line is placed before the first unread message of another user", () => {
  const messages = [message(1, "bo", NOON), message(2, "ann", NOON, { own: true }), message(3, "bo", NOON), message(4, "bo", NOON)];
  assert.deepEqual(kinds(rows(messages, { newAfter: 1 })), ["day", "message", "message", "new", "message", "continued"]);
  assert.deepEqual(kinds(rows(messages, { newAfter: 4 })).includes("new"), false);
  assert.deepEqual(kinds(rows(messages)).includes("new"), false);
});

test("there is no New line while older unread messages are not loaded", () => {
  const messages = [message(10, "bo", NOON), message(11, "bo", NOON)];
  const isMarked = (newAfter, fromStart) => kinds(rows(messages, { newAfter, fromStart })).includes("new");
  assert.equal(isMarked(3, false), false);
  assert.equal(isMarked(3, true), true);
  assert.equal(isMarked(9, false), true);
  assert.equal(isMarked(10, false), true);
});

test("row keys are unique", () => {
  const messages = Array.from({ length: 50 }, (_, n) => message(n, n % 3 ? "bo" : "cy", NOON + n * 7_200_000));
  const keys = rows(messages, { newAfter: 20 }).map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

test("the first unread message is never an own message or a notice", () => {
  const messages = [
    message(1, "bo", NOON),
    message(2, "ann", NOON, { own: true }),
    { key: "seq:3", seq: 3, at: NOON, notice: {} },
    message(4, "bo", NOON),
  ];
  assert.equal(firstNew(messages, 1).seq, 4);
  assert.equal(firstNew(messages, 4), undefined);
});

test("the read position moves over messages on screen and never over a gap", () => {
  const items = [3, 4, 5, 6, 9].map((seq) => ({ seq, own: seq === 5 }));
  const through = (read, onScreen, hasOlder = false) => readThrough({ items, hasOlder }, { read, onScreen });
  assert.equal(through(3, [4, 5]), 5);
  assert.equal(through(4, [6]), 6); // an own message need not be on screen
  assert.equal(through(3, [6, 9]), 3);
  assert.equal(through(9, [3, 4]), 9);
  assert.equal(through(3, []), 3);
  assert.equal(through(0, [3, 4]), 4);
  assert.equal(through(0, [3, 4], true), 0); // older messages are not loaded
});
