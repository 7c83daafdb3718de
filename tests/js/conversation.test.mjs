import assert from "node:assert/strict";
import test from "node:test";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";

const room = (facts) => ({ room: 1, kind: "group", title: "Lobby", head: 10, read: 4, unread: 6, ...facts });
const event = (seq) => ({ type: 2, seq, user: "bo", at: seq });

test("the server's count holds until this device has read further", () => {
  const conversation = new Conversation("#1");
  conversation.welcome(room());
  assert.equal(conversation.unread, 6);
  conversation.read = 9;
  conversation.welcome(room());
  assert.equal(conversation.unread, 1);
});

test("each event of others counts once, one's own not at all", () => {
  const conversation = new Conversation("#1");
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.count(event(11), { own: false });
  conversation.count(event(11), { own: false });
  conversation.count(event(12), { own: true });
  conversation.count(event(9), { own: false });
  assert.equal(conversation.unread, 1);
});

test("a welcome that counts what came in between is not counted again by the catching up", () => {
  const conversation = new Conversation("#1");
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.welcome(room({ head: 13, read: 10, unread: 3 }));
  for (const seq of [11, 12, 13]) conversation.count(event(seq), { own: false });
  assert.equal(conversation.unread, 3);
});

test("reading to the end is news once", () => {
  const conversation = new Conversation("#1");
  conversation.welcome(room());
  conversation.timeline.load({ events: [], more: true, upTo: 10 });
  assert.equal(conversation.markRead(), true);
  assert.equal(conversation.markRead(), false);
  assert.deepEqual([conversation.read, conversation.unread], [10, 0]);
});
