import assert from "node:assert/strict";
import test from "node:test";
import { notice } from "../../chatserver/static/js/lib/notices.js";

const told = (facts) => notice({ user: "ann", ...facts }, (name) => name.toUpperCase());

test("what happened to a room is one line", () => {
  assert.equal(told({ action: "create", users: ["ann"] }), "ANN created the room");
  assert.equal(told({ action: "invite", users: ["bo", "cy"] }).startsWith("ANN added BO, CY"), true);
  assert.equal(told({ action: "archive", archived: false }), "ANN reopened the room");
  assert.equal(told({ action: "change", title: "Disks" }), "ANN renamed the room to “Disks”");
  assert.equal(told({ action: "change", topic: "" }), "ANN removed the topic");
  const created = told({ action: "create", users: ["ann", "bo", "cy"] });
  assert.equal(created, "ANN created the room and added BO, CY");
  assert.equal(
    told({ action: "change", title: "Disks", topic: "What spins" }),
    "ANN renamed the room to “Disks” · ANN set the topic: What spins",
  );
  assert.equal(
    told({ action: "change", topic: "What spins", receipts: true }),
    "ANN set the topic: What spins · ANN changed the room settings",
  );
  assert.equal(
    told({ action: "leave", users: ["ann"], admins: ["bo"] }),
    "ANN left · BO is now the administrator of the room",
  );
  assert.equal(told({ action: "change", receipts: true }), "ANN changed the room settings");
});
