import assert from "node:assert/strict";
import test from "node:test";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";
import { HistoryWindow } from "../../chatserver/static/js/lib/history-window.js";

const room = (facts) => ({ room: 1, kind: "group", title: "Lobby", head: 10, read: 4, unread: 6, ...facts });
const event = (seq, more = {}) => ({ type: 2, seq, user: "bo", data: "", at: seq, ...more });
const ann = () => new Conversation("#1", "ann");

test("the server's unread count is used unless this device has read further", () => {
  const conversation = ann();
  conversation.welcome(room());
  assert.equal(conversation.unread, 6);
  conversation.read = 9;
  conversation.welcome(room());
  assert.equal(conversation.unread, 1);
});

test("each event of another user counts once, and own events do not count", () => {
  const conversation = ann();
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.apply(event(11));
  conversation.apply(event(11));
  conversation.apply(event(12, { user: "ann" }));
  conversation.apply(event(9));
  assert.equal(conversation.unread, 1);
});

test("events that a welcome has counted are not counted again when they are replayed", () => {
  const conversation = ann();
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.welcome(room({ head: 13, read: 10, unread: 3 }));
  for (const seq of [11, 12, 13]) conversation.apply(event(seq));
  assert.equal(conversation.unread, 3);
});

test("live events that arrive before the room's state are counted once", () => {
  const conversation = ann();
  for (const seq of [10, 11, 12]) conversation.apply(event(seq, { data: "@ann" }));
  conversation.welcome(room({ read: 8, unread: 2, mentions: 1 }));
  assert.deepEqual([conversation.unread, conversation.mentions, conversation.timeline.head], [4, 3, 12]);
  conversation.apply(event(12));
  conversation.apply(event(13));
  assert.equal(conversation.unread, 5);
});

test("marking as read changes something only the first time", () => {
  const conversation = ann();
  conversation.welcome(room());
  conversation.timeline.load({ events: [], more: true, upTo: 10 });
  assert.equal(conversation.markRead(), true);
  assert.equal(conversation.markRead(), false);
  assert.deepEqual([conversation.read, conversation.unread], [10, 0]);
});

test("only messages that are not deleted count as unread, and mentions are counted separately", () => {
  const conversation = ann();
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.apply(event(11, { data: "@ann look" }));
  conversation.apply(event(12, { type: 12, target: 11, emoji: "👍", on: true }));
  conversation.apply(event(13));
  assert.deepEqual([conversation.unread, conversation.mentions], [2, 1]);
  conversation.apply(event(14, { type: 11, target: 11 }));
  assert.deepEqual([conversation.unread, conversation.mentions], [1, 0]);
  conversation.apply(event(15, { deleted_at: 9 }));
  assert.equal(conversation.unread, 1);
});

test("reading on another device lowers the unread count here", () => {
  const conversation = ann();
  conversation.welcome(room({ mentions: 2 }));
  conversation.readTo(8);
  assert.deepEqual([conversation.unread, conversation.mentions], [2, 2]);
  conversation.apply(event(11));
  conversation.readTo(10);
  assert.deepEqual([conversation.unread, conversation.mentions], [1, 0]);
  conversation.readTo(3);
  assert.equal(conversation.read, 10);
  conversation.readTo(11);
  assert.equal(conversation.unread, 0);
});

test("room events update members, title, settings and archived state", () => {
  const conversation = ann();
  conversation.welcome(room({ members: 2, admin: true }));
  conversation.apply(event(11, { type: 13, action: "invite", users: ["cy", "dee"] }));
  conversation.apply(event(12, { type: 13, action: "leave", users: ["dee"] }));
  conversation.apply(event(13, { type: 13, action: "change", title: "Disks", receipts: true }));
  conversation.apply(event(14, { type: 13, action: "archive", archived: true }));
  const { members, title, receipts, archived, admin, unread } = conversation;
  assert.deepEqual([members, title, receipts, archived, admin, unread], [3, "Disks", true, true, true, 6]);
});

test("messages seen on screen are read one by one, and never beyond the loaded events", () => {
  const conversation = ann();
  conversation.welcome(room({ head: 200, read: 4, unread: 150, mentions: 2 }));
  const events = [5, 6, 7, 8, 9].map((seq) => event(seq, { user: seq === 6 ? "ann" : "bo", data: seq === 7 ? "@ann" : "" }));
  conversation.historyWindow = new HistoryWindow({ events, more: true, upTo: 9 });
  assert.equal(conversation.markReadTo(7), true);
  assert.deepEqual([conversation.read, conversation.unread, conversation.mentions, conversation.stale], [7, 148, 1, false]);
  assert.equal(conversation.markReadTo(6), false);
  conversation.markReadTo(150);
  assert.deepEqual([conversation.read, conversation.unread], [9, 146]);
});

test("a lower bound becomes stale when a part was read, and the rest stays unread", () => {
  const conversation = ann();
  conversation.welcome(room({ head: 5_000, read: 4, unread: 3, at_least: true }));
  const events = [5, 6, 7, 8, 9].map((seq) => event(seq, { user: "bo" }));
  conversation.historyWindow = new HistoryWindow({ events, more: true, upTo: 9 });
  conversation.markReadTo(8);
  assert.deepEqual([conversation.unread, conversation.stale], [1, true]);
  conversation.recount(room({ head: 5_000, read: 8, unread: 1_000 }));
  assert.deepEqual([conversation.unread, conversation.at_least, conversation.stale], [1_000, false, false]);
});

test("the count stays exact while live messages come on screen", () => {
  const conversation = ann();
  conversation.welcome(room({ head: 10, read: 10, unread: 0 }));
  conversation.timeline.load({ events: [], more: false, upTo: 10 });
  for (const seq of [11, 12, 13]) {
    const one = event(seq, { data: seq === 13 ? "@ann" : "" });
    conversation.timeline.receive(one);
    conversation.apply(one);
  }
  conversation.markReadTo(12);
  assert.deepEqual([conversation.unread, conversation.mentions, conversation.stale], [1, 1, false]);
  conversation.markReadTo(13);
  assert.deepEqual([conversation.unread, conversation.mentions, conversation.stale], [0, 0, false]);
});

test("a mention of a longer name is not a mention of me, even if that user becomes known later", () => {
  const users = new Set(["小红花"]);
  const conversation = new Conversation("#1", "小红", (name) => users.has(name));
  conversation.welcome(room({ head: 10, read: 10, unread: 0 }));
  for (const [seq, data] of [[11, "@小红花 早"], [12, "@小红你好"], [13, "@小红 早"], [14, "@小红豆"]]) {
    conversation.apply(event(seq, { data }));
  }
  assert.deepEqual([conversation.unread, conversation.mentions], [4, 3]);
  assert.equal(conversation.recheckMentions(), false);
  users.add("小红豆");
  assert.equal(conversation.recheckMentions(), true);
  assert.deepEqual([conversation.unread, conversation.mentions], [4, 2]);
  conversation.readTo(12);
  assert.deepEqual([conversation.unread, conversation.mentions], [2, 1]);
  users.delete("小红豆");
  conversation.recheckMentions();
  assert.equal(conversation.mentions, 2);
  conversation.markRead();
  conversation.recheckMentions();
  assert.equal(conversation.mentions, 0);
});

test("messages that were marked as unread stay so until the conversation is opened again", () => {
  const conversation = new Conversation("#1", "ann");
  conversation.welcome(room({ read: 10, unread: 0 }));
  conversation.markUnread(7);
  assert.deepEqual([conversation.read, conversation.reportedRead, conversation.stale], [7, 7, true]);
  assert.ok(conversation.unread > 0);
  assert.deepEqual([conversation.markRead(), conversation.markReadTo(9), conversation.read], [false, false, 7]);
  conversation.welcome(room({ read: 7, unread: 3 }));
  assert.equal(conversation.unread, 3);
  conversation.isHeld = false;
  assert.equal(conversation.markRead(), true);
});
