import assert from "node:assert/strict";
import test from "node:test";
import { incompleteRoom, splitRooms } from "../../chatserver/static/js/lib/room-links.js";

const ROOMS = new Map(["plans", "plans.2", "产品讨论", "1a"].map((name) => [name, { key: name }]));
const links = (text) => splitRooms(text, (name) => ROOMS.get(name)).flatMap(({ text: part, room }) => (room ? [[part, room.key]] : []));

test("names of rooms that exist are links, the longest name first", () => {
  assert.deepEqual(links("see #plans, #plans.2 and #plans."), [["#plans", "plans"], ["#plans.2", "plans.2"], ["#plans", "plans"]]);
  assert.deepEqual(links("＃Plans (#1a)"), [["＃Plans", "plans"], ["#1a", "1a"]]);
  assert.deepEqual(links("在#产品讨论说，#plans好"), [["#产品讨论", "产品讨论"], ["#plans", "plans"]]);
  for (const text of ["#nosuch", "a#plans", "http://x/#plans", "##plans", "# plans", "#plansx", "#", ""]) assert.deepEqual(links(text), [], text);
});

test("the parts of a text join to the text", () => {
  for (const text of ["a #plans b #nosuch c", "#plans", "none", ""]) {
    assert.equal(splitRooms(text, (name) => ROOMS.get(name)).map((part) => part.text).join(""), text);
  }
});

test("the name at the end of a text is being completed", () => {
  assert.deepEqual(incompleteRoom("see #Pl"), { query: "pl", start: 4 });
  assert.deepEqual(incompleteRoom("＃"), { query: "", start: 0 });
  for (const text of ["a#b", "#b ", "http://x/#b", "##"]) assert.equal(incompleteRoom(text), null, text);
});
