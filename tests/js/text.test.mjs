import assert from "node:assert/strict";
import test from "node:test";
import { encoded, joinSentences, trimmed, wellFormed } from "../../chatserver/static/js/lib/text.js";

test("lone surrogates are replaced in text and in nested values", () => {
  assert.equal(wellFormed("👍 ok 例"), "👍 ok 例");
  assert.equal(wellFormed("\ud83d"), "\ufffd");
  assert.equal(wellFormed("\udc4d\ud83d"), "\ufffd\ufffd");
  assert.equal(wellFormed("\ud83d👍\udc4d"), "\ufffd👍\ufffd");
  assert.deepEqual(JSON.parse(encoded({ a: ["\ud83d", 1, null], b: { c: "x\udc4d" } })), { a: ["\ufffd", 1, null], b: { c: "x\ufffd" } });
});

test("only surrounding empty lines and trailing white space are trimmed", () => {
  const cases = {
    "  code\n    more  ": "  code\n    more",
    "\tindented": "\tindented",
    "　　第一段\n　　第二段\n": "　　第一段\n　　第二段",
    "\n \n\t\n  x\n\n": "  x",
    "a\n\nb": "a\n\nb",
    " \n　\n ": "",
  };
  for (const [written, sent] of Object.entries(cases)) assert.equal(trimmed(written), sent);
});

test("sentences are joined with a space where the language has one", () => {
  assert.equal(joinSentences("It works.", "", "Try again."), "It works. Try again.");
  assert.equal(joinSentences("SQLite，16 MB。", "已确认。"), "SQLite，16 MB。已确认。");
  assert.equal(joinSentences(false, "一。", "Two."), "一。Two.");
  assert.equal(joinSentences(false, ""), "");
});
