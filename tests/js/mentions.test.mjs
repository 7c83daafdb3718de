import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { ALL_NAMES, foldName, hasSpaceBeforeMark, incompleteMention, isMentioned, splitMentions } from "../../chatserver/static/js/lib/mentions.js";

const among = (accounts) => (name) => accounts.map(foldName).includes(name);
const marks = (text, accounts) => splitMentions(text, among(accounts)).flatMap(({ mention }) => mention ?? []);
const names = (text) => marks(text, ["bo", "陈波", "ann"]);
const callsAll = (names) => names.some((name) => ALL_NAMES.includes(name));
const CASES = JSON.parse(readFileSync(new URL("../text-cases/mentions.json", import.meta.url), "utf8"));

test("names are mentioned with @ or full-width ＠, without trailing punctuation", () => {
  assert.deepEqual(names("@bo, ＠陈波. and (@Ann-)"), ["bo", "陈波", "ann"]);
  assert.deepEqual(names("mail bo@example.org or a.@b"), []);
  for (const text of ["@bo", "x @bo y ＠cy", "no", "", "@"]) {
    assert.equal(splitMentions(text, among(["bo"])).map((part) => part.text).join(""), text);
  }
});

test("a user is mentioned by name or by @all", () => {
  assert.ok(isMentioned("hi @ANN!", "ann"));
  assert.ok(isMentioned("＠all", "ann"));
  assert.ok(isMentioned("＠所有人大家好", "ann"));
  assert.ok(!isMentioned("@annabel", "ann"));
  assert.ok(!isMentioned("ann", "ann"));
});

test("the name at the end of a text is being completed", () => {
  assert.deepEqual(incompleteMention("hi @B"), { query: "b", start: 3 });
  assert.deepEqual(incompleteMention("你好＠"), { query: "", start: 2 });
  assert.equal(incompleteMention("bo@ex"), null);
  assert.equal(incompleteMention("@bo "), null);
});

test("a user is mentioned exactly where the server counts a mention", () => {
  for (const { text, accounts, calls: names } of CASES) {
    for (const name of accounts.length === 1 ? accounts : names) {
      assert.equal(isMentioned(text, name), names.includes(name) || callsAll(names), `${name}: ${text}`);
    }
    if (accounts.includes("cy")) assert.equal(isMentioned(text, "cy"), names.includes("cy") || callsAll(names), text);
  }
});

test("the text marks exactly the users that the server counts as mentioned", () => {
  const isPlain = ({ text }) => !/[`>]|\]\(|:\/\/|www\./.test(text); // the rest is markup: see markup.test.mjs
  for (const { text, accounts, calls: names } of CASES.filter(isPlain)) {
    assert.deepEqual(marks(text, accounts), names, text);
  }
});

test("a mark covers only the name of the user", () => {
  assert.deepEqual(splitMentions("嗨＠小明你好", among(["小明"])), [
    { text: "嗨" },
    { text: "＠小明", mention: "小明" },
    { text: "你好" },
  ]);
  assert.deepEqual(splitMentions("@ＢＯ.", among(["bo"])), [{ text: "@ＢＯ", mention: "bo" }, { text: "." }]);
  assert.deepEqual(splitMentions("@zzzzzz", among(["bo"])), [{ text: "@zzzzzz" }]);
});

test("a mention of a longer name does not mention the user whose name it starts with", () => {
  assert.ok(isMentioned("@小明你好", "小明"));
  assert.ok(!isMentioned("@小明你好", "小明", among(["小明你"])));
  assert.ok(isMentioned("@小明你好", "小明你", among(["小明"])));
});

test("a space between a mention and a Chinese punctuation mark is found", () => {
  for (const text of ["谢谢 @xiaohong ，", "@bo 。", "@a.b-c ！"]) assert.ok(hasSpaceBeforeMark(text), text);
  for (const text of ["@bo，", "@bo ,", "bo ，", "@bo 好，", "@bo  ，"]) assert.ok(!hasSpaceBeforeMark(text), text);
});
