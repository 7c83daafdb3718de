import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { orphanedEdits, withPendingChanges } from "../../chatserver/static/js/lib/pending-changes.js";
import { asCommand, stored } from "../../chatserver/static/js/lib/view.js";
import { Type } from "../../chatserver/static/js/net/protocol.js";

const MESSAGES = [
  { type: Type.GROUP_CHAT, seq: 1, user: "ann", data: "first", at: 1 },
  { type: Type.GROUP_CHAT, seq: 2, user: "bo", data: "second", at: 2, reactions: { "👍": ["bo"] } },
  { type: Type.GROUP_CHAT, seq: 3, user: "ann", data: "", at: 3, deleted_at: 4 },
];
const edit = { id: "e", key: "#1", room: 1, type: Type.EDIT, target: 1, data: "changed", at: 5, state: "sending" };
const deletion = { id: "d", key: "#1", room: 1, type: Type.DELETE, target: 1, data: "", at: 6, state: "sending" };
const reaction = { id: "r", key: "#1", room: 1, type: Type.REACT, target: 2, data: "", emoji: "👍", on: true, at: 7, state: "sending" };
const failed = (entry) => ({ ...entry, state: "failed", problem: "No." });

test("an edit, a deletion and a reaction are shown before the server has replied", () => {
  const { events, statuses } = withPendingChanges(MESSAGES, [edit, reaction], "ann", { availability: "online" });
  assert.deepEqual([events[0].data, events[0].edited_at, events[1].reactions], ["changed", 5, { "👍": ["bo", "ann"] }]);
  assert.equal(statuses.size, 0);
  const after = withPendingChanges(MESSAGES, [edit, deletion], "ann", { availability: "online" });
  assert.equal(after.events[0].deleted_at, 6);
});

test("a change that waits for the connection or a login shows that state on its message", () => {
  for (const availability of ["waiting", "login"]) {
    const { events, statuses } = withPendingChanges(MESSAGES, [edit], "ann", { availability });
    assert.deepEqual(statuses.get(1), { id: "e", change: Type.EDIT, state: availability, problem: undefined, final: undefined });
    const shown = stored(events[0], "ann", statuses.get(1));
    assert.deepEqual([shown.data, shown.state, shown.id], ["changed", availability, "e"]);
  }
});

test("a refused edit shows its text, and a refused deletion or reaction shows the unchanged message", () => {
  const changes = [failed(edit), failed({ ...deletion, target: 2 }), failed(reaction)];
  const { events, statuses } = withPendingChanges(MESSAGES, changes, "ann", { availability: "online" });
  assert.deepEqual([events[0].data, events[1].data, events[1].reactions], ["changed", "second", { "👍": ["bo"] }]);
  assert.deepEqual([statuses.get(1).state, statuses.get(1).problem, statuses.get(2).change], ["failed", "No.", Type.REACT]);
});

test("a refused edit of a deleted message is shown on it, and one of a message that is not loaded separately", () => {
  const ofDeleted = failed({ ...edit, target: 3 });
  const ofAbsent = failed({ ...edit, target: 9 });
  const { events, statuses } = withPendingChanges(MESSAGES, [ofDeleted], "ann", { availability: "online" });
  assert.equal(events[2], MESSAGES[2]);
  const { id, state, problem, final } = statuses.get(3);
  assert.deepEqual([id, state, problem, final], ["e", "failed", "The message was deleted in the meantime.", true]);
  assert.equal(withPendingChanges(MESSAGES, [{ ...deletion, target: 3 }], "ann", { availability: "waiting" }).statuses.size, 0);
  const found = orphanedEdits([ofDeleted, ofAbsent, failed(edit), { ...edit, target: 9 }, failed(reaction)], MESSAGES);
  assert.deepEqual(found, [ofAbsent]);
});

test("edit, delete and react commands name the message and the room, also in direct conversations", () => {
  assert.deepEqual(asCommand({ ...edit, key: "@bo", room: 7 }), { type: 10, id: "e", room: 7, target: 1, data: "changed" });
  assert.deepEqual(asCommand(deletion), { type: 11, id: "d", room: 1, target: 1 });
  assert.deepEqual(asCommand(reaction), { type: 12, id: "r", room: 1, target: 2, emoji: "👍", on: true });
});
