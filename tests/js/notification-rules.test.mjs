import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { DEFAULT_RULES, notifies } from "../../chatserver/static/js/lib/notification-rules.js";

const CASES = JSON.parse(readFileSync(new URL("../text-cases/notifications.json", import.meta.url), "utf8"));

for (const one of CASES) {
  test(`the rules decide: ${one.case}`, () => {
    const { text = "", direct = false, members = 5, mentioned = false, all = false, now = "2024-03-04T11:00:00Z" } = one;
    const message = { text, isDirect: direct, members, mentionsUser: mentioned, mentionsAll: all };
    const options = { now: Date.parse(now), allMembers: 100 };
    assert.equal(notifies({ ...DEFAULT_RULES, ...one.rules }, one.level ?? "default", message, options), one.notifies ?? false);
  });
}
