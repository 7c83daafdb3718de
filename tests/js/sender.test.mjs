import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { NoReply } from "../../chatserver/static/js/net/connection.js";
import { Type } from "../../chatserver/static/js/net/protocol.js";
import { sender } from "../../chatserver/static/js/net/sender.js";

const OK = { ok: true, room: 1, seq: 1, at: 1 };

function fakeConnection(reply) {
  const sent = [];
  const connection = {
    state: "online",
    reconnects: 0,
    reconnect: () => (connection.reconnects += 1),
    request: async (frame) => {
      sent.push(frame);
      return reply();
    },
  };
  return { connection, sent, send: sender(connection, { epoch: "new" }) };
}

test("after a restored backup only messages with an unambiguous destination are sent automatically", async () => {
  const { sent, send } = fakeConnection(() => OK);
  const old = { id: "i", data: "x", epoch: "old" };
  const sentAgain = [
    { ...old, key: "#1" },
    { ...old, key: "@bo" },
    { ...old, key: "#9", epoch: "new", replyTo: 3 },
    { ...old, key: "#9", epoch: undefined },
  ];
  const refusedEntries = [
    { ...old, key: "#9" },
    { ...old, key: "#1", replyTo: 3 },
    { ...old, key: "@bo", replyTo: 3 },
    { ...old, key: "#1", type: Type.EDIT, room: 1, target: 3 },
    { ...old, key: "@bo", type: Type.DELETE, room: 2, target: 3 },
  ];
  for (const entry of sentAgain) assert.equal((await send(entry)).ok, true);
  assert.equal(sent.length, sentAgain.length);
  for (const entry of refusedEntries) {
    const reply = await send(entry);
    assert.equal(reply.ok, false);
    assert.match(reply.data, /restored from a backup/);
  }
  assert.equal(sent.length, sentAgain.length);
});

test("a text that cannot be encoded is refused, and a lost connection is an error", async () => {
  const broken = fakeConnection(() => {
    throw new TypeError("no encoding");
  });
  const refused = await broken.send({ id: "i", key: "#1", data: "x" });
  assert.deepEqual([refused.ok, refused.data, broken.connection.reconnects], [false, "This text cannot be sent.", 0]);
  const lost = fakeConnection(() => {
    throw new NoReply("no reply", { timedOut: true });
  });
  await assert.rejects(lost.send({ id: "i", key: "#1", data: "x" }), (error) => error.timedOut === true);
  assert.equal(lost.connection.reconnects, 1);
});

test("nothing is sent or refused before the first welcome", async () => {
  const { connection, sent } = fakeConnection(() => OK);
  const send = sender(connection, { epoch: null });
  await assert.rejects(send({ id: "i", key: "#9", data: "x", epoch: "old" }), NoReply);
  assert.equal(sent.length, 0);
});
