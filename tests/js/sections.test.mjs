import assert from "node:assert/strict";
import test from "node:test";
import { BY_ACTIVITY, BY_NAME, ORDERS, sections } from "../../chatserver/static/js/lib/sections.js";

const room = (number, values = {}) => ({ key: `#${number}`, title: `Room ${number}`, unread: 0, mentions: 0, lastAt: number, favorite: false, ...values });
const direct = (name, values = {}) => ({ ...room(0), key: `@${name}`, title: name, ...values });
const many = (count, make) => Array.from({ length: count }, (_, number) => make(number));

function shown(rooms, partners, { current = "#1", orders = ORDERS, kept = [] } = {}) {
  const choices = { current, orderOf: (section) => orders[section], nameOf: ({ title }) => title, isKept: (key) => kept.includes(key) };
  const found = sections({ rooms, direct: partners }, choices);
  return Object.fromEntries(Object.entries(found).map(([name, list]) => [name, list.map(({ key }) => key)]));
}

test("in a short list unread conversations stay in their sections", () => {
  const found = shown([room(2), room(1), room(10, { unread: 1 })], [direct("bo", { unread: 2 })]);
  assert.deepEqual(found, { unread: [], favorites: [], rooms: ["#1", "#2", "#10"], direct: ["@bo"] });
});

test("in a long list they come first: mentions, then the newest; muted ones and the open one stay", () => {
  const rooms = many(21, (number) => room(number + 1));
  Object.assign(rooms[0], { unread: 1 });
  Object.assign(rooms[1], { unread: 1, mentions: 1 });
  Object.assign(rooms[2], { unread: 1, muted: true });
  Object.assign(rooms[3], { unread: 1, archived: true });
  Object.assign(rooms[4], { unread: 1, favorite: true });
  Object.assign(rooms[5], { unread: 1, muted: true, mentions: 1, favorite: true });
  const { unread, favorites, rooms: others } = shown(rooms, [direct("bo", { unread: 1, lastAt: 99 })]);
  assert.deepEqual(unread, ["#6", "#2", "@bo", "#5"]);
  assert.deepEqual(favorites, []);
  assert.deepEqual(others.slice(0, 3), ["#1", "#3", "#4"]);
});

test("favorites of both kinds have their own section", () => {
  const found = shown([room(1), room(2, { favorite: true })], [direct("ann", { favorite: true }), direct("bo")]);
  assert.deepEqual(found, { unread: [], favorites: ["@ann", "#2"], rooms: ["#1"], direct: ["@bo"] });
});

test("each section has its order; the lobby is the first by name", () => {
  const rooms = [room(1, { title: "Z", lastAt: 1 }), room(2, { title: "B", lastAt: 3 }), room(3, { title: "A", lastAt: 2 })];
  assert.deepEqual(shown(rooms, []).rooms, ["#1", "#3", "#2"]);
  assert.deepEqual(shown(rooms, [], { orders: { ...ORDERS, rooms: BY_ACTIVITY } }).rooms, ["#2", "#3", "#1"]);
  const partners = [direct("bo", { lastAt: 1 }), direct("cy", { lastAt: 2 })];
  assert.deepEqual(shown(rooms, partners).direct, ["@cy", "@bo"]);
  assert.deepEqual(shown(rooms, partners, { orders: { ...ORDERS, direct: BY_NAME } }).direct, ["@bo", "@cy"]);
});

test("direct conversations are listed with recent partners, and those that are kept", () => {
  const partners = many(30, (number) => direct(`n${number}`, { lastAt: number }));
  const found = shown([room(1)], partners, { kept: ["@n3"] }).direct;
  assert.equal(found.length, 21);
  assert.deepEqual([found[0], found.at(-1)], ["@n29", "@n3"]);
});
