import assert from "node:assert/strict";
import test from "node:test";
import { Backoff, LIMIT } from "../../chatserver/static/js/lib/backoff.js";

test("the ceiling doubles from half a second to thirty", () => {
  const backoff = new Backoff(() => 1);
  const waits = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, LIMIT, LIMIT, LIMIT]);
});

test("the whole range below the ceiling is used", () => {
  const backoff = new Backoff(() => 0);
  assert.equal(backoff.next(), 0);
});

test("after a welcome it starts over", () => {
  const backoff = new Backoff(() => 1);
  for (let n = 0; n < 5; n += 1) backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 500);
});
