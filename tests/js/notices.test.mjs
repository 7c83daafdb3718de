import assert from "node:assert/strict";
import test from "node:test";
import { notice } from "../../chatserver/static/js/lib/notices.js";

const described = (facts) => notice({ user: "ann", ...facts }, (name) => name.toUpperCase());

test("each room event is described in one line", () => {
  assert.equal(described({ action: "create", users: ["ann"] }), "ANN created the room");
  assert.equal(described({ action: "invite", users: ["bo", "cy"] }).startsWith("ANN added BO, CY"), true);
  assert.equal(described({ action: "archive", archived: false }), "ANN reopened the room");
  assert.equal(described({ action: "change", title: "Disks" }), "ANN renamed the room to “Disks”");
  assert.equal(described({ action: "change", topic: "" }), "ANN removed the topic");
  const created = described({ action: "create", users: ["ann", "bo", "cy"] });
  assert.equal(created, "ANN created the room and added BO, CY");
  assert.equal(
    described({ action: "change", title: "Disks", topic: "What spins" }),
    "ANN renamed the room to “Disks” · ANN set the topic: What spins",
  );
  assert.equal(
    described({ action: "change", topic: "What spins", receipts: true }),
    "ANN set the topic: What spins · ANN changed the room settings",
  );
  assert.equal(
    described({ action: "leave", users: ["ann"], admins: ["bo"] }),
    "ANN left · BO is now the administrator of the room",
  );
  assert.equal(described({ action: "change", receipts: true }), "ANN changed the room settings");
});
