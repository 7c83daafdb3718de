import assert from "node:assert/strict";
import test from "node:test";
import { isSendKey, isCharacterKey } from "../../chatserver/static/js/lib/keys.js";

const enter = (more = {}) => ({ key: "Enter", keyCode: 13, isComposing: false, ...more });

test("Enter sends", () => assert.equal(isSendKey(enter()), true));
test("Shift+Enter breaks the line", () => assert.equal(isSendKey(enter({ shiftKey: true })), false));
test("an Enter that confirms an input-method candidate never sends", () => {
  assert.equal(isSendKey(enter({ isComposing: true })), false);
  assert.equal(isSendKey(enter({ keyCode: 229 })), false);
  assert.equal(isSendKey(enter({ keyCode: 229, ctrlKey: true })), false);
});
test("on touch screens Enter breaks the line and Ctrl+Enter sends", () => {
  assert.equal(isSendKey(enter(), { breaks: true }), false);
  assert.equal(isSendKey(enter({ ctrlKey: true }), { breaks: true }), true);
});
test("other keys do not send", () => assert.equal(isSendKey({ key: "a" }), false));

test("a key types when it produces a character and is not a shortcut", () => {
  const press = (key, facts = {}) => isCharacterKey({ key, getModifierState: (name) => facts[name] === true, ...facts });
  for (const key of ["a", "é", "你", "/", "1", "Dead"]) assert.equal(press(key), true, key);
  assert.equal(press("Process", { keyCode: 229 }), true);
  assert.equal(press("A", { shiftKey: true }), true);
  assert.equal(press("@", { ctrlKey: true, altKey: true, AltGraph: true }), true);
  for (const key of [" ", "Enter", "Tab", "ArrowUp", "F5", "Escape", "Shift"]) assert.equal(press(key), false, key);
  for (const command of ["ctrlKey", "altKey", "metaKey"]) assert.equal(press("v", { [command]: true }), false, command);
});
