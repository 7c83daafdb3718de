import assert from "node:assert/strict";
import test from "node:test";
import { called, calls, fitting, unfinished } from "../../chatserver/static/js/lib/mentions.js";

const names = (text) => called(text).flatMap(({ mention }) => mention ?? []);

test("names are called with either @, without the punctuation behind them", () => {
  assert.deepEqual(names("@bo, ＠陈波. and (@Ann-)"), ["bo", "陈波", "ann"]);
  assert.deepEqual(names("mail bo@example.org or a.@b"), []);
  for (const text of ["@bo", "x @bo y ＠cy", "no", "", "@"]) {
    assert.equal(called(text).map((part) => part.text).join(""), text);
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
