import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { completedName, incompleteName, matching, parseEmoji, withName } from "../../chatserver/static/js/lib/emoji.js";

const lines = JSON.parse(readFileSync(new URL("../../chatserver/static/js/emoji.json", import.meta.url), "utf8"));
const ALL = parseEmoji(lines);
const best = (query) => matching(ALL, query)[0]?.emoji;

test("a name after a colon is completed", () => {
  assert.deepEqual(incompleteName("hi :Smi"), { query: "smi", start: 3 });
  assert.deepEqual(incompleteName(":+1"), { query: "+1", start: 0 });
  assert.deepEqual(incompleteName("好的！:xiao"), { query: "xiao", start: 3 });
  assert.deepEqual(incompleteName("好 ：笑"), { query: "笑", start: 2 });
  assert.deepEqual(incompleteName("😀:jo"), { query: "jo", start: 2 });
});

test("URLs, times, emoticons and sentences are not completed", () => {
  const texts = ["http://exa", "see https:ab", "12:30", "at 12:30:45", "a:smile", ":D", ":)", ": smile", "::smile", ":smile "];
  for (const text of [...texts, "他说:ok", "他说：好的", "localhost:8080", "x/:ab", ""]) assert.equal(incompleteName(text), null, text);
});

test("a complete name is recognised with both colons", () => {
  assert.deepEqual(completedName("hi :tada:"), { query: "tada", start: 3 });
  for (const text of ["12:30:", "a:tada:", ":tada", "http://:"]) assert.equal(completedName(text), null, text);
});

test("emoji are found by name, by a word of the name, by Chinese name and by pinyin", () => {
  assert.equal(best("smi"), "😄");
  assert.equal(best("+1"), "👍");
  assert.equal(best("hear"), "❤️");
  assert.equal(best("庆祝"), "🎉");
  assert.equal(best("pijiu"), "🍺");
  assert.ok(matching(ALL, "giraffe").some(({ emoji }) => emoji === "🦒"));
  assert.deepEqual(matching(ALL, "nothing_like_it"), []);
  assert.equal(matching(ALL, "a", 5).length, 5);
});

test("every emoji has a unique first name", () => {
  const shown = ALL.map(({ names }) => names[0]);
  assert.equal(new Set(shown).size, shown.length);
  assert.equal(new Set(ALL.map(({ emoji }) => emoji)).size, ALL.length);
  assert.equal(withName(ALL, "tada").emoji, "🎉");
  assert.equal(withName(ALL, "no_such_name"), undefined);
});

test("there are more than 600 emoji, each with names that can be typed", () => {
  assert.ok(ALL.length > 600);
  for (const { emoji, names } of ALL) {
    assert.match(emoji, /^[\p{Emoji}\ufe0f]+$/u);
    for (const name of names) assert.match(name, /^([a-z0-9_+-]+|\p{Script=Han}+)$/u);
  }
});

test("the usual Chinese words for heart find the red heart", () => {
  for (const word of ["爱心", "红心", "爱", "aixin"]) assert.equal(best(word), "❤️", word);
});
