import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { CurrentConversation } from "../../chatserver/static/js/state/current-conversation.js";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";

class FakeConversations {
  isComplete = true;
  known = new Map();
  get(key) {
    if (!this.known.has(key)) this.known.set(key, new Conversation(key, "ann"));
    return this.known.get(key);
  }
  admit(key, room) {
    const conversation = this.get(key);
    conversation.room = room;
    return conversation;
  }
}

function openRoom(key, room) {
  const conversations = new FakeConversations();
  const conversation = conversations.admit(key, room);
  const current = new CurrentConversation(conversations, { key: "" });
  current.show(key);
  return { conversations, conversation, current };
}

test("a user who is removed from the open room still sees it, read-only and with the reason", () => {
  const { conversations, conversation, current } = openRoom("#9", 9);
  conversations.known.delete("#9");
  assert.equal(current.lose({ conversation, reason: "remove", by: "bo" }), true);
  current.check();
  assert.equal(current.conversation, conversation);
  assert.deepEqual([current.key, current.lost.reason, current.lost.by], ["#9", "remove", "bo"]);
  const rejoined = conversations.admit("#9", 9);
  current.check();
  assert.equal(current.lost, null);
  assert.equal(current.conversation, rejoined);
});

test("losing another room does not change the open one", () => {
  const { conversations, conversation, current } = openRoom("#9", 9);
  assert.equal(current.lose({ conversation: conversations.get("#10"), reason: "remove" }), false);
  assert.deepEqual([current.conversation, current.lost], [conversation, null]);
});

test("a room is unknown when all rooms are loaded and it is not among them", () => {
  const conversations = new FakeConversations();
  const current = new CurrentConversation(conversations, { key: "" });
  conversations.isComplete = false;
  current.show("#4711");
  assert.equal(current.lost, null);
  conversations.isComplete = true;
  current.check();
  assert.equal(current.lost.reason, "unknown");
});

test("a direct conversation may have no room yet", () => {
  const current = new CurrentConversation(new FakeConversations(), { key: "" });
  current.show("@bo");
  assert.equal(current.lost, null);
});

test("after a restored backup a room that reuses the number does not replace the lost room", () => {
  const { conversations, conversation, current } = openRoom("#9", 9);
  conversations.known.delete("#9");
  current.lose({ conversation, reason: "restored" });
  conversations.admit("#9", 9);
  current.check();
  assert.equal(current.conversation, conversation);
  current.show("#1");
  current.show("#9");
  assert.equal(current.lost, null);
});

test("a conversation with messages marked as unread is held until it is opened again, also after a reload", () => {
  const held = { key: "" };
  const conversations = new FakeConversations();
  const conversation = conversations.admit("#9", 9);
  const first = new CurrentConversation(conversations, held);
  first.show("#9");
  conversation.read = 5;
  conversation.markUnread(3);
  first.hold();
  assert.equal(held.key, "#9");
  const reloaded = new CurrentConversation(conversations, held);
  reloaded.show("#9");
  assert.equal(conversation.isHeld, true);
  reloaded.show("#1");
  reloaded.show("#9");
  assert.deepEqual([conversation.isHeld, held.key], [false, ""]);
});
