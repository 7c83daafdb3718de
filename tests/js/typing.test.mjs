import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.location = { href: "http://chat.example/" };
globalThis.document = { documentElement: { lang: "en" }, querySelector: (selector) => (selector.includes("chat-user") ? { content: "ann" } : null) };
const { Typing } = await import("../../chatserver/static/js/state/typing.js");

test("other users who are typing are shown, and the user's own typing on another device is not", () => {
  const typing = new Typing(() => true);
  for (const user of ["ann", "bo"]) typing.started({ room: 1, user });
  assert.deepEqual(typing.usersIn(1), ["bo"]);
  typing.stopped({ room: 1, user: "bo" });
  assert.deepEqual(typing.usersIn(1), []);
  typing.started({ room: 2, user: "ann" }); // notes to oneself
  assert.deepEqual(typing.usersIn(2), []);
});
