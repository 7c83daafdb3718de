import assert from "node:assert/strict";
import test from "node:test";
import { sends } from "../../chatserver/static/js/lib/keys.js";

const enter = (more = {}) => ({ key: "Enter", keyCode: 13, isComposing: false, ...more });

test("Enter sends", () => assert.equal(sends(enter()), true));
test("Shift+Enter breaks the line", () => assert.equal(sends(enter({ shiftKey: true })), false));
test("an Enter that confirms a candidate never sends", () => {
  assert.equal(sends(enter({ isComposing: true })), false);
  assert.equal(sends(enter({ keyCode: 229 })), false);
  assert.equal(sends(enter({ keyCode: 229, ctrlKey: true })), false);
});
test("on touch Enter breaks the line, Ctrl+Enter sends", () => {
  assert.equal(sends(enter(), { breaks: true }), false);
  assert.equal(sends(enter({ ctrlKey: true }), { breaks: true }), true);
});
test("other keys do nothing", () => assert.equal(sends({ key: "a" }), false));
