import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Current } from "../../chatserver/static/js/state/current-conversation.js";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";

class FakeFeed {
  isWhole = true;
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

function placed(key, room) {
  const feed = new FakeFeed();
  const conversation = feed.admit(key, room);
  const current = new Current(feed);
  current.show(key);
  return { feed, conversation, current };
}

test("whoever loses the room on screen keeps it, read-only, with the reason", () => {
  const { feed, conversation, current } = placed("#9", 9);
  feed.known.delete("#9");
  assert.equal(current.lose({ conversation, reason: "remove", by: "bo" }), true);
  current.check();
  assert.equal(current.conversation, conversation);
  assert.deepEqual([current.key, current.lost.reason, current.lost.by], ["#9", "remove", "bo"]);
  const again = feed.admit("#9", 9);
  current.check();
  assert.equal(current.lost, null);
  assert.equal(current.conversation, again);
});

test("another room that is lost changes nothing on screen", () => {
  const { feed, conversation, current } = placed("#9", 9);
  assert.equal(current.lose({ conversation: feed.get("#10"), reason: "remove" }), false);
  assert.deepEqual([current.conversation, current.lost], [conversation, null]);
});

test("a room is absent when all rooms are known and it is none of them", () => {
  const feed = new FakeFeed();
  const current = new Current(feed);
  feed.isWhole = false;
  current.show("#4711");
  assert.equal(current.lost, null);
  feed.isWhole = true;
  current.check();
  assert.equal(current.lost.reason, "unknown");
});

test("a conversation with a person may have no room yet", () => {
  const current = new Current(new FakeFeed());
  current.show("@bo");
  assert.equal(current.lost, null);
});

test("after a restored backup another room of the same number does not take the place of the lost one", () => {
  const { feed, conversation, current } = placed("#9", 9);
  feed.known.delete("#9");
  current.lose({ conversation, reason: "restored" });
  feed.admit("#9", 9);
  current.check();
  assert.equal(current.conversation, conversation);
  current.show("#1");
  current.show("#9");
  assert.equal(current.lost, null);
});
