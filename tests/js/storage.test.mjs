import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { limitsText, roomLabel } from "../../chatserver/static/js/lib/storage.js";

test("conversations are not named", () => {
  assert.equal(roomLabel({ room: 1, kind: "group", name: "lobby", title: "Lobby" }), "Lobby");
  assert.equal(roomLabel({ room: 2, kind: "group", name: "den", title: "Den" }), "Den");
  assert.equal(roomLabel({ room: 3, kind: "group", name: null, title: "" }), "Conversation without a name");
  assert.equal(roomLabel({ room: 4, kind: "direct", name: null, title: "" }), "Direct conversation");
});

test("only limits that are set are listed", () => {
  const texts = { size: (bytes) => `${bytes} B`, list: (all) => all.join(", ") };
  assert.equal(limitsText({ file: 5, user: 0, room: 0, total: 0 }, texts), "Limits: 5 B per file.");
  assert.equal(limitsText({ file: 5, user: 6, room: 7, total: 8 }, texts), "Limits: 5 B per file, 6 B per user, 7 B per room, 8 B in total.");
});
