import assert from "node:assert/strict";
import test from "node:test";
import { Span } from "../../chatserver/static/js/lib/virtual-window.js";

const items = (from, to) => Array.from({ length: to - from }, (_, n) => ({ key: `k${from + n}` }));
const ends = (slice) => [slice[0]?.key, slice.at(-1)?.key, slice.length];

test("the window starts with the newest items and follows the end", () => {
  const span = new Span({ max: 30, step: 10 });
  assert.deepEqual(ends(span.slice(items(0, 100))), ["k90", "k99", 10]);
  assert.deepEqual(ends(span.slice(items(0, 103))), ["k90", "k102", 13]);
  assert.deepEqual(ends(span.slice(items(0, 140))), ["k110", "k139", 30]);
});

test("a full window that grows backwards drops items at the end", () => {
  const span = new Span({ max: 30, step: 10 });
  const all = items(0, 100);
  span.slice(all);
  for (let n = 0; n < 3; n += 1) span.earlier(all);
  assert.deepEqual(ends(span.slice(all)), ["k60", "k89", 30]);
  assert.equal(span.atEnd, false);
  span.later(all);
  assert.deepEqual(ends(span.slice(all)), ["k70", "k99", 30]);
  assert.equal(span.atEnd, true);
});

test("older items that arrive do not move the window", () => {
  const span = new Span({ max: 30, step: 10 });
  span.slice(items(50, 100));
  assert.deepEqual(ends(span.slice(items(0, 100))), ["k90", "k99", 10]);
  assert.equal(span.hasEarlier, true);
});

test("a full window with hold does not follow the end", () => {
  const span = new Span({ max: 30, step: 30 });
  span.slice(items(0, 100));
  assert.deepEqual(ends(span.slice(items(0, 105), { hold: true })), ["k70", "k99", 30]);
  assert.equal(span.atEnd, false);
  span.toEnd();
  assert.deepEqual(ends(span.slice(items(0, 105))), ["k75", "k104", 30]);
});

test("the window never exceeds its size, for any list", () => {
  const span = new Span({ max: 30, step: 10 });
  for (const list of [[], items(0, 5), items(0, 500), items(480, 481), []]) {
    for (const move of ["earlier", "later", "earlier"]) {
      assert.ok(span.slice(list).length <= 30);
      span[move](list);
      assert.ok(span.slice(list, { hold: true }).length <= 30);
    }
  }
});
