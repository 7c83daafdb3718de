import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { RenderScheduler } from "../../chatserver/static/js/ui/render-scheduler.js";

test("a new day triggers one redraw", ({ mock }) => {
  globalThis.document = { visibilityState: "hidden" };
  const now = Date.now;
  let today = new Date(2031, 4, 3, 23, 59, 30).getTime();
  Date.now = () => today;
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  let drawn = 0;
  new RenderScheduler(() => (drawn += 1));
  mock.timers.tick(60_000);
  assert.equal(drawn, 0);
  today += 60_000;
  for (let minutes = 0; minutes < 3; minutes += 1) mock.timers.tick(61_000);
  assert.equal(drawn, 1);
  Date.now = now;
});
