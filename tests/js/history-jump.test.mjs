import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

const { Conversation } = await import("../../chatserver/static/js/lib/conversation.js");
const { HistoryJump } = await import("../../chatserver/static/js/state/history-jump.js");

const message = (seq) => ({ type: 2, room: 1, seq, user: "bo", data: `${seq}`, at: seq });
const messages = (from, upTo) => Array.from({ length: upTo - from + 1 }, (_, index) => message(from + index));

/** Replies for a room with 200 messages. */
const connection = {
  state: "online",
  request: async ({ before, limit }) => {
    const from = Math.max(1, before - limit);
    return { ok: true, events: messages(from, before - 1), more: from > 1, head: 200 };
  },
};

test("a room is drawn once, when its newest page and its first unread message are both loaded", async () => {
  const conversation = new Conversation("#1", "ann");
  Object.assign(conversation, { room: 1, read: 0, unread: 200 });
  conversation.timeline.head = 200;
  const shown = [];
  const historyJump = new HistoryJump(connection, () => shown.push({ loaded: conversation.timeline.loaded, seeking: conversation.seeking }));
  let answer;
  const conversations = { open: () => new Promise((resolve) => (answer = resolve)) };
  const opened = historyJump.open(conversation, conversations);
  await new Promise((resolve) => setTimeout(resolve)); // the first unread message has been found
  assert.deepEqual(shown, []);
  assert.equal(conversation.historyWindow, null);
  conversation.timeline.load({ events: messages(151, 200), more: true, upTo: 200 });
  answer();
  await opened;
  assert.deepEqual(shown, [{ loaded: true, seeking: false }]);
  assert.equal(conversation.historyWindow.oldest, 1);
});
