import assert from "node:assert/strict";
import test from "node:test";
import { Dates } from "../../chatserver/static/js/lib/dates.js";

test("recent days are shown as Today, Yesterday or the weekday", () => {
  const dates = new Dates("en-GB");
  const now = new Date(2031, 4, 10, 9).getTime();
  const day = (...date) => dates.day(new Date(...date).getTime(), now);
  assert.equal(day(2031, 4, 10, 0), "Today");
  assert.equal(day(2031, 4, 9, 23, 59), "Yesterday");
  assert.equal(day(2031, 4, 7, 12), "Wednesday");
  assert.match(day(2031, 3, 1, 12), /1 April$/);
  assert.match(day(2030, 3, 1, 12), /2030$/);
  assert.equal(new Dates("zh-Hans").day(now, now), "今天");
});
