import assert from "node:assert/strict";
import test from "node:test";
import { asCommand, asEvent, kindOf, listed, pending, roomName, stored } from "../../chatserver/static/js/lib/view.js";

test("an outbox entry, its reply and its event have the same key", () => {
  const entry = { id: "x1", key: "@bo", data: "hi", at: 5, state: "sending" };
  assert.deepEqual(asCommand(entry), { type: 3, to: "bo", data: "hi", id: "x1" });
  assert.deepEqual(asCommand({ ...entry, key: "#9" }), { type: 2, room: 9, data: "hi", id: "x1" });
  const event = asEvent(entry, { room: 4, seq: 2, at: 6 }, "ann");
  assert.equal(stored(event, "ann").key, pending(entry, "ann", { availability: "online" }).key);
  assert.equal(stored({ ...event, user: "bo" }, "ann").key, "seq:2");
  for (const availability of ["waiting", "login"]) assert.equal(pending(entry, "ann", { availability }).state, availability);
  assert.equal(pending({ ...entry, state: "failed" }, "ann", { availability: "waiting" }).state, "failed");
});

test("rooms are sorted by number, direct conversations by last message; empty ones are listed only while open", () => {
  const make = (key, room, lastAt = 0) => ({ key, room, lastAt, isDirect: key.startsWith("@") });
  const all = [make("#9", 9), make("#1", 1), make("@bo", 4, 1), make("@cy", 5, 2), make("@dee", null)];
  const keys = (found) => found.map(({ key }) => key);
  assert.deepEqual(keys(listed(all, "#1").rooms), ["#1", "#9"]);
  const closed = { ...make("#8", 8), archived: true };
  assert.deepEqual(keys(listed([...all, closed], "#1").rooms), ["#1", "#9"]);
  assert.deepEqual(keys(listed([...all, closed], "#8").rooms), ["#1", "#8", "#9"]);
  assert.deepEqual(keys(listed([...all, closed], "#1").archived), ["#8"]);
  assert.deepEqual(keys(listed(all, "#1").direct), ["@cy", "@bo"]);
  assert.deepEqual(keys(listed(all, "@dee").direct), ["@cy", "@bo", "@dee"]);
});

test("the lobby's default name is translated", () => {
  assert.equal(roomName({ title: "Lobby", key: "#1" }, "大厅"), "大厅");
  assert.equal(roomName({ title: "", key: "#1" }, "大厅"), "大厅");
  assert.equal(roomName({ title: "Disks", key: "#2" }, "大厅"), "Disks");
  assert.equal(roomName({ title: "Lobby", key: "#2" }, "大厅"), "Lobby");
});

test("a direct conversation with oneself has the kind self", () => {
  assert.equal(kindOf({ to: null }, "ann"), "room");
  assert.equal(kindOf({ to: "bo" }, "ann"), "direct");
  assert.equal(kindOf({ to: "ann" }, "ann"), "self");
});
