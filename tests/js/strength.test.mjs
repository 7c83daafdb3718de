import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { MIN_LENGTH, strength } from "../../chatserver/static/js/lib/strength.js";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const rule = read("../../chatserver/static/js/password-rule.json");
const { accepted, guessable } = read("../passwords.json"); // also read by tests/accounts/test_passwords.py

test("a password needs eight code points, and fifteen are good", () => {
  assert.equal(strength("").verdict, "empty");
  assert.equal(strength("1234567").verdict, "short");
  assert.equal(strength("12345678").verdict, "fair"); // while the rule is not loaded
  assert.equal(strength("x".repeat(15)).verdict, "good");
  assert.equal(strength("😀😀").length, 2);
  assert.equal(rule.shortest, MIN_LENGTH);
});

test("a password that the server accepts is fair or good", () => {
  for (const password of accepted.passwords) {
    assert.match(strength(password, { rule, names: accepted.names }).verdict, /fair|good/, password);
  }
});

for (const { kind, names, passwords } of guessable) {
  test(`a password is guessable if it is made of ${kind}`, () => {
    for (const password of passwords) assert.equal(strength(password, { rule, names }).verdict, "guessable", password);
  });
}
