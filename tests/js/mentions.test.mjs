import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { foldName, hasSpaceBeforeMark, incompleteMention, isMentioned, matching, matchingWithAll, splitMentions } from "../../chatserver/static/js/lib/mentions.js";

const among = (accounts) => (name) => accounts.map(foldName).includes(name);
const marks = (text, accounts) => splitMentions(text, among(accounts)).flatMap(({ mention }) => mention ?? []);
const names = (text) => marks(text, ["bo", "陈波", "ann"]);
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
  assert.ok(!isMentioned("@annabel", "ann"));
  assert.ok(!isMentioned("ann", "ann"));
});

test("the name at the end of a text is being completed", () => {
  assert.deepEqual(incompleteMention("hi @B"), { query: "b", start: 3 });
  assert.deepEqual(incompleteMention("你好＠"), { query: "", start: 2 });
  assert.equal(incompleteMention("bo@ex"), null);
  assert.equal(incompleteMention("@bo "), null);
});

test("users match by name first, then by display name", () => {
  const people = [
    { name: "cy", display: "Bob" },
    { name: "bo", display: "陈波" },
    { name: "dee", display: "Not bo" },
    { name: "ed", display: "Ed" },
  ];
  const found = (query) => matching(people, query).map(({ name }) => name);
  assert.deepEqual(found("bo"), ["bo", "cy", "dee"]);
  assert.deepEqual(found("陈"), ["bo"]);
});

test("an exact match comes before a prefix, then a display-name word, then a substring", () => {
  const people = [
    { name: "user003", display: "Ada Wall" },
    { name: "x1", display: "Small" },
    { name: "x2", display: "Bob Allen" },
    { name: "allan", display: "Z" },
    { name: "x3", display: "O'All" },
  ];
  const all = { name: "all", display: "everyone in this room" };
  const found = (query, others = people) => matchingWithAll(all, others, query).map(({ name }) => name);
  assert.deepEqual(found("all"), ["all", "allan", "x2", "x3", "user003", "x1"]);
  assert.deepEqual(found("al"), ["allan", "all", "x2", "x3", "user003", "x1"]);
  const many = Array.from({ length: 9 }, (_, n) => ({ name: `n${n}`, display: "N" }));
  assert.equal(found("", many).at(-1), "all");
  assert.deepEqual(found("wall"), ["user003"]);
  assert.deepEqual(found("every"), []);
  const withAliases = { ...all, aliases: ["everyone", "所有人"] };
  for (const query of ["every", "所", "所有人"]) {
    assert.deepEqual(matchingWithAll(withAliases, people, query), [withAliases], query);
  }
});

test("a user is mentioned exactly where the server counts a mention", () => {
  for (const { text, accounts, calls: names } of CASES) {
    for (const name of accounts.length === 1 ? accounts : names) {
      assert.equal(isMentioned(text, name), names.includes(name) || names.includes("all"), `${name}: ${text}`);
    }
    if (accounts.includes("cy")) assert.equal(isMentioned(text, "cy"), names.includes("cy") || names.includes("all"), text);
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
