import assert from "node:assert/strict";
import test from "node:test";
import { shouldNotify, notificationText } from "../../chatserver/static/js/lib/notify.js";

test("a mention notifies unless notifications are off, and other messages of a muted room do not", () => {
  const notifies = (level, facts) => shouldNotify({ level, mentioned: false, isDirect: false, muted: false, ...facts });
  assert.deepEqual(["all", "calls", "none"].map((level) => notifies(level, {})), [true, false, false]);
  assert.deepEqual(["all", "calls", "none"].map((level) => notifies(level, { isDirect: true })), [true, true, false]);
  assert.deepEqual(["all", "calls", "none"].map((level) => notifies(level, { muted: true, mentioned: true })), [true, true, false]);
  assert.equal(notifies("all", { muted: true, isDirect: true }), false);
});

test("a notification names author and room, and shows the text only if allowed", () => {
  const message = { author: "Bo", room: "Disks", data: "secret" };
  assert.deepEqual(notificationText({ ...message, content: "text" }), { title: "Bo in Disks", body: "secret" });
  assert.deepEqual(notificationText({ ...message, room: null, content: "sender" }), { title: "Bo", body: "New message" });
  assert.deepEqual(notificationText({ ...message, content: "nothing", server: "School" }), { title: "School", body: "New message" });
});
