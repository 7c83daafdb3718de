import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { querySelector: () => ({ content: "/chat/" }), documentElement: {} };
globalThis.location = { href: "http://chat.test/" };
const { forgetShared } = await import("../../chatserver/static/js/state/shared.js");

test("what another app has shared is deleted, where the browser has a cache", async () => {
  assert.equal(await forgetShared(), undefined);
  const deleted = [];
  globalThis.caches = { delete: async (name) => deleted.push(name) };
  await forgetShared();
  assert.deepEqual(deleted, ["shared /chat/"]);
});
