import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fits, matching, matchingWithAll } from "../../chatserver/static/js/lib/matching.js";
import { needsReadings, setReadings } from "../../chatserver/static/js/lib/pinyin.js";

const { syllables } = JSON.parse(readFileSync(new URL("../../chatserver/static/js/pinyin.json", import.meta.url), "utf8"));

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
  const chinese = { ...all, name: "所有人" };
  assert.deepEqual(matchingWithAll(chinese, people, "所有"), [chinese]);
});

test("Chinese names match their pinyin, whole or by initials", () => {
  const li = { name: "n1", display: "李雷" };
  assert.ok(!fits(li, "lilei"));
  assert.ok(needsReadings("lilei", ["李雷"]));
  assert.ok(!needsReadings("李", ["李雷"]) && !needsReadings("li", ["Ann"]));
  setReadings(syllables);
  assert.ok(!needsReadings("lilei", ["李雷"]));
  for (const query of ["l", "li", "ll", "lilei", "lil", "lle", "li lei", "lei"]) assert.ok(fits(li, query), query);
  for (const query of ["lilai", "leili", "lileix", "il", "x"]) assert.ok(!fits(li, query), query);
  const others = [["曾单", "zengshan"], ["吕洞宾", "lvdb"], ["吕洞宾", "ludongbin"], ["张三", "zs"], ["张三", "zhs"], ["西安", "xian"], ["王 Lei", "wanglei"], ["欧阳娜娜", "oynn"]];
  for (const [display, query] of others) assert.ok(fits({ name: "n2", display }, query), query);
});

test("names that begin with the pinyin come before names that contain it", () => {
  const users = [{ name: "n1", display: "王雷" }, { name: "n2", display: "雷军" }, { name: "lei", display: "Z" }];
  assert.deepEqual(matching(users, "lei").map(({ name }) => name), ["lei", "n2", "n1"]);
});
