import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { Members } = await import("../../chatserver/static/js/state/members.js");

const room = { room: 9, isDirect: false, members: 2 };

function answering(...answers) {
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    const members = answers.shift();
    return { ok: Boolean(members), status: members ? 200 : 503, json: async () => ({ members }) };
  };
  return asked;
}

test("the members of a room are asked for once, and again when their number has changed", async () => {
  const members = new Members();
  const asked = answering([{ name: "ann" }, { name: "bo" }], [{ name: "bo" }, { name: "cy" }]);
  assert.equal(members.of(room), undefined);
  assert.deepEqual(await Promise.all([members.load(room), members.load(room)]), [true, true]);
  assert.deepEqual(members.of(room), [{ name: "bo" }]);
  assert.equal(await members.load(room), false);
  const grown = { ...room, members: 3 };
  assert.equal(members.of(grown), undefined);
  await members.load(grown);
  assert.deepEqual(members.of(grown), [{ name: "bo" }, { name: "cy" }]);
  assert.equal(asked.length, 2);
});

test("where members cannot be loaded, and in the lobby, every user counts as one", async () => {
  const members = new Members();
  answering(null);
  assert.equal(await members.load(room), true);
  assert.equal(members.of(room), null);
  assert.equal(members.of({ room: 1, isDirect: false, members: 5 }), null);
});

test("a direct conversation has the other user, notes have nobody", () => {
  const members = new Members();
  assert.deepEqual(members.of({ room: null, isDirect: true, to: "bo" }), [{ name: "bo", display: "bo" }]);
  assert.deepEqual(members.of({ room: 4, isDirect: true, to: "ann" }), []);
});
