import assert from "node:assert/strict";
import test from "node:test";
import { VirtualWindow } from "../../chatserver/static/js/lib/virtual-window.js";

const items = (from, to) => Array.from({ length: to - from }, (_, n) => ({ key: `k${from + n}` }));
const ends = (slice) => [slice[0]?.key, slice.at(-1)?.key, slice.length];

test("the window starts with the newest items and follows the end", () => {
  const virtual = new VirtualWindow({ max: 30, step: 10 });
  assert.deepEqual(ends(virtual.slice(items(0, 100))), ["k90", "k99", 10]);
  assert.deepEqual(ends(virtual.slice(items(0, 103))), ["k90", "k102", 13]);
  assert.deepEqual(ends(virtual.slice(items(0, 140))), ["k110", "k139", 30]);
});

test("a full window that grows backwards drops items at the end", () => {
  const virtual = new VirtualWindow({ max: 30, step: 10 });
  const all = items(0, 100);
  virtual.slice(all);
  for (let n = 0; n < 3; n += 1) virtual.earlier(all);
  assert.deepEqual(ends(virtual.slice(all)), ["k60", "k89", 30]);
  assert.equal(virtual.atEnd, false);
  virtual.later(all);
  assert.deepEqual(ends(virtual.slice(all)), ["k70", "k99", 30]);
  assert.equal(virtual.atEnd, true);
});

test("older items that arrive do not move the window", () => {
  const virtual = new VirtualWindow({ max: 30, step: 10 });
  virtual.slice(items(50, 100));
  assert.deepEqual(ends(virtual.slice(items(0, 100))), ["k90", "k99", 10]);
  assert.equal(virtual.hasEarlier, true);
});

test("a full window with hold does not follow the end", () => {
  const virtual = new VirtualWindow({ max: 30, step: 30 });
  virtual.slice(items(0, 100));
  assert.deepEqual(ends(virtual.slice(items(0, 105), { hold: true })), ["k70", "k99", 30]);
  assert.equal(virtual.atEnd, false);
  virtual.toEnd();
  assert.deepEqual(ends(virtual.slice(items(0, 105))), ["k75", "k104", 30]);
});

test("the window never exceeds its size, for any list", () => {
  const virtual = new VirtualWindow({ max: 30, step: 10 });
  for (const list of [[], items(0, 5), items(0, 500), items(480, 481), []]) {
    for (const move of ["earlier", "later", "earlier"]) {
      assert.ok(virtual.slice(list).length <= 30);
      virtual[move](list);
      assert.ok(virtual.slice(list, { hold: true }).length <= 30);
    }
  }
});
