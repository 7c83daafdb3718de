import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { called, calls, fitting, fittingWith, fold, unfinished } from "../../chatserver/static/js/lib/mentions.js";

const among = (accounts) => (name) => accounts.map(fold).includes(name);
const marks = (text, accounts) => called(text, among(accounts)).flatMap(({ mention }) => mention ?? []);
const names = (text) => marks(text, ["bo", "陈波", "ann"]);
const CASES = JSON.parse(readFileSync(new URL("../text-cases/mentions.json", import.meta.url), "utf8"));

test("names are called with either @, without the punctuation behind them", () => {
  assert.deepEqual(names("@bo, ＠陈波. and (@Ann-)"), ["bo", "陈波", "ann"]);
  assert.deepEqual(names("mail bo@example.org or a.@b"), []);
  for (const text of ["@bo", "x @bo y ＠cy", "no", "", "@"]) {
    assert.equal(called(text, among(["bo"])).map((part) => part.text).join(""), text);
  }
});

test("one is called by name or with everybody", () => {
  assert.ok(calls("hi @ANN!", "ann"));
  assert.ok(calls("＠all", "ann"));
  assert.ok(!calls("@annabel", "ann"));
  assert.ok(!calls("ann", "ann"));
});

test("what is being completed", () => {
  assert.deepEqual(unfinished("hi @B"), { query: "b", start: 3 });
  assert.deepEqual(unfinished("你好＠"), { query: "", start: 2 });
  assert.equal(unfinished("bo@ex"), null);
  assert.equal(unfinished("@bo "), null);
});

test("who fits: names first, then display names", () => {
  const people = [
    { name: "cy", display: "Bob" },
    { name: "bo", display: "陈波" },
    { name: "dee", display: "Not bo" },
    { name: "ed", display: "Ed" },
  ];
  const found = (query) => fitting(people, query).map(({ name }) => name);
  assert.deepEqual(found("bo"), ["bo", "cy", "dee"]);
  assert.deepEqual(found("陈"), ["bo"]);
});

test("a whole name comes before a beginning, then a word of the display name, then what is inside", () => {
  const people = [
    { name: "user003", display: "Ada Wall" },
    { name: "x1", display: "Small" },
    { name: "x2", display: "Bob Allen" },
    { name: "allan", display: "Z" },
    { name: "x3", display: "O'All" },
  ];
  const all = { name: "all", display: "everyone in this room" };
  const found = (query, others = people) => fittingWith(all, others, query).map(({ name }) => name);
  assert.deepEqual(found("all"), ["all", "allan", "x2", "x3", "user003", "x1"]);
  assert.deepEqual(found("al"), ["allan", "all", "x2", "x3", "user003", "x1"]);
  const many = Array.from({ length: 9 }, (_, n) => ({ name: `n${n}`, display: "N" }));
  assert.equal(found("", many).at(-1), "all");
  assert.deepEqual(found("wall"), ["user003"]);
  assert.deepEqual(found("every"), []);
});

test("an account is called where the server counts a mention of it", () => {
  for (const { text, accounts, calls: names } of CASES) {
    for (const name of accounts.length === 1 ? accounts : names) {
      assert.equal(calls(text, name), names.includes(name) || names.includes("all"), `${name}: ${text}`);
    }
    if (accounts.includes("cy")) assert.equal(calls(text, "cy"), names.includes("cy") || names.includes("all"), text);
  }
});

test("the text marks the users that the server counts as mentioned, and nobody else", () => {
  const isPlain = ({ text }) => !/[`>]|\]\(|:\/\/|www\./.test(text); // the rest is markup: see markup.test.mjs
  for (const { text, accounts, calls: names } of CASES.filter(isPlain)) {
    assert.deepEqual(marks(text, accounts), names, text);
  }
});

test("a mark covers the name of the user only", () => {
  assert.deepEqual(called("嗨＠小明你好", among(["小明"])), [
    { text: "嗨" },
    { text: "＠小明", mention: "小明" },
    { text: "你好" },
  ]);
  assert.deepEqual(called("@ＢＯ.", among(["bo"])), [{ text: "@ＢＯ", mention: "bo" }, { text: "." }]);
  assert.deepEqual(called("@zzzzzz", among(["bo"])), [{ text: "@zzzzzz" }]);
});

test("a text that mentions a user with a longer name does not call one with its beginning", () => {
  assert.ok(calls("@小明你好", "小明"));
  assert.ok(!calls("@小明你好", "小明", among(["小明你"])));
  assert.ok(calls("@小明你好", "小明你", among(["小明"])));
});
