import assert from "node:assert/strict";
import test from "node:test";
import { notificationText } from "../../chatserver/static/js/lib/notify.js";

test("a notification names author and room, and shows the text only if allowed", () => {
  const message = { author: "Bo", room: "Disks", data: "secret" };
  assert.deepEqual(notificationText({ ...message, content: "text" }), { title: "Bo in Disks", body: "secret" });
  assert.deepEqual(notificationText({ ...message, room: null, content: "sender" }), { title: "Bo", body: "New message" });
  assert.deepEqual(notificationText({ ...message, content: "nothing", server: "School" }), { title: "School", body: "New message" });
});
