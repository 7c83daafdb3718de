import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

const page = { me: "ann" };
globalThis.document = { querySelector: () => ({ content: page.me }), documentElement: { lang: "en" } };
globalThis.location = { href: "http://chat.example/" };
globalThis.addEventListener ??= () => {};
const { Users } = await import("../../chatserver/static/js/state/users.js");

const ann = { name: "ann", display: "Ann", status: "online" };
const bo = { name: "bo", display: "Bo", status: "online", picture: "first" };

test("a picture changes and goes with presence, also of users who are offline", () => {
  const users = new Users();
  users.replaceOnline([ann, bo]);
  assert.equal(users.picture("bo"), "first");
  assert.equal(users.picture("ann"), undefined);
  users.applyPresence({ online: [{ ...bo, picture: "second" }], offline: [] });
  assert.equal(users.author("bo").picture, "second");
  users.applyPresence({ online: [], offline: ["bo"] });
  assert.equal(users.picture("bo"), "second");
  users.applyPresence({ online: [], offline: [], changed: [{ ...bo, status: "offline", picture: "third" }] });
  assert.equal(users.picture("bo"), "third");
  users.applyPresence({ online: [], offline: [], changed: [{ name: "bo", display: "Bo", status: "offline" }] });
  assert.equal(users.picture("bo"), undefined);
  assert.equal(users.isOnline("bo"), false);
});
