import assert from "node:assert/strict";
import test from "node:test";
import { Backoff, LAST_MAXIMUM } from "../../chatserver/static/js/lib/backoff.js";

test("the maximum delay doubles from half a second to thirty seconds", () => {
  const backoff = new Backoff(() => 1);
  const delays = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, LAST_MAXIMUM, LAST_MAXIMUM, LAST_MAXIMUM]);
});

test("the delay can be zero", () => {
  const backoff = new Backoff(() => 0);
  assert.equal(backoff.next(), 0);
});

test("a reset starts again at half a second", () => {
  const backoff = new Backoff(() => 1);
  for (let n = 0; n < 5; n += 1) backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 500);
});
