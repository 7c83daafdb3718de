import assert from "node:assert/strict";
import test from "node:test";
import { grouped } from "../../chatserver/static/js/lib/addressees.js";
import { suggested } from "../../chatserver/static/js/lib/suggestions.js";

const ALL = { name: "all", display: "everyone" };
const outsiders = Array.from({ length: 9 }, (_, n) => ({ name: `li${n}`, display: `李四${n}` }));
const red = { name: "小红", display: "李小红" };
const users = [...outsiders, red, { name: "dave", display: "Dave" }, { name: "bo", display: "Bo" }];

const offered = (query, members, known = users) =>
  suggested(grouped(known, members), query, ALL).map(({ name, outside }) => (outside ? `${name}?` : name));

test("members of the room are suggested before users outside it, whatever their rank", () => {
  const members = [{ name: "bo", display: "Bo" }, red];
  assert.deepEqual(offered("李", members), ["小红", "li0?", "li1?", "li2?", "li3?", "li4?"]);
  assert.deepEqual(offered("", members), ["小红", "bo", "all", "li0?", "li1?", "li2?", "li3?"]);
  assert.deepEqual(offered("dave", members), ["dave?"]);
});

test("members are ordered by exact match, prefix of the name, prefix of a display-name word, substring", () => {
  const members = [
    { name: "x1", display: "Small" },
    { name: "x2", display: "Bob Al" },
    { name: "alan", display: "Z" },
    { name: "al", display: "Y" },
  ];
  assert.deepEqual(offered("al", members, members), ["al", "alan", "all", "x2", "x1"]);
});

test("without a member list every user counts as a member", () => {
  assert.deepEqual(offered("dav", null), ["dave"]);
  assert.equal(offered("李", null).length, 6);
});

test("a member who is not among the loaded users is suggested", () => {
  assert.deepEqual(offered("zo", [{ name: "zoe", display: "Zoë" }]), ["zoe"]);
});
