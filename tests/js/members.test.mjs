import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { Members } = await import("../../chatserver/static/js/state/members.js");

const room = { room: 9, isDirect: false, members: 2 };

function respondWith(...responses) {
  const requests = [];
  globalThis.fetch = async (url) => {
    requests.push(url);
    const members = responses.shift();
    return { ok: Boolean(members), status: members ? 200 : 503, json: async () => ({ members }) };
  };
  return requests;
}

test("the members of a room are requested once, and again when their number has changed", async () => {
  const members = new Members();
  const requests = respondWith([{ name: "ann" }, { name: "bo" }], [{ name: "bo" }, { name: "cy" }]);
  assert.equal(members.of(room), undefined);
  assert.deepEqual(await Promise.all([members.load(room), members.load(room)]), [true, true]);
  assert.deepEqual(members.of(room), [{ name: "bo" }]);
  assert.equal(await members.load(room), false);
  const grown = { ...room, members: 3 };
  assert.equal(members.of(grown), undefined);
  await members.load(grown);
  assert.deepEqual(members.of(grown), [{ name: "bo" }, { name: "cy" }]);
  assert.equal(requests.length, 2);
});

test("in the lobby and when the request fails, every user counts as a member", async () => {
  const members = new Members();
  respondWith(null);
  assert.equal(await members.load(room), true);
  assert.equal(members.of(room), null);
  assert.equal(members.of({ room: 1, isDirect: false, members: 5 }), null);
});

test("a direct conversation has the other user as member, and notes have none", () => {
  const members = new Members();
  assert.deepEqual(members.of({ room: null, isDirect: true, to: "bo" }), [{ name: "bo", display: "bo" }]);
  assert.deepEqual(members.of({ room: 4, isDirect: true, to: "ann" }), []);
});
