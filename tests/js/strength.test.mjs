import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { MINIMUM, strength } from "../../chatserver/static/js/lib/strength.js";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const rule = read("../../chatserver/static/js/password-rule.json");
const { accepted, guessable } = read("../passwords.json"); // tests/accounts/test_passwords.py reads them too

test("eight characters are needed, fifteen are good, characters as people count them", () => {
  assert.equal(strength("").verdict, "empty");
  assert.equal(strength("1234567").verdict, "short");
  assert.equal(strength("12345678").verdict, "fair"); // while the rule is on its way
  assert.equal(strength("x".repeat(15)).verdict, "good");
  assert.equal(strength("😀😀").length, 2);
  assert.equal(rule.shortest, MINIMUM);
});

test("the meter praises what the server takes", () => {
  for (const password of accepted.passwords) {
    assert.match(strength(password, { rule, names: accepted.names }).verdict, /fair|good/, password);
  }
});

for (const { kind, names, passwords } of guessable) {
  test(`the meter does not praise ${kind}`, () => {
    for (const password of passwords) assert.equal(strength(password, { rule, names }).verdict, "guessable", password);
  });
}
