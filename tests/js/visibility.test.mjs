import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

const listeners = new Map();
const on = (name, action) => listeners.set(name, action);
Object.assign(globalThis, { addEventListener: on, setInterval: (action) => on("interval", action) });
globalThis.document = { visibilityState: "visible", addEventListener: on };
const { Visibility } = await import("../../chatserver/static/js/state/visibility.js");

function page() {
  const sent = [];
  const clock = { now: 0 };
  globalThis.document.visibilityState = "visible";
  const visibility = new Visibility((visible) => sent.push(visible), { now: () => clock.now });
  visibility.watch();
  return { sent, clock, visibility };
}

test("a visible page says so again and again, and a hidden one once", () => {
  const { sent } = page();
  listeners.get("interval")();
  globalThis.document.visibilityState = "hidden";
  listeners.get("visibilitychange")();
  listeners.get("interval")();
  assert.deepEqual(sent, [true, true, false]);
});

test("a page that nobody uses is not visible until the next key", () => {
  const { sent, clock } = page();
  clock.now = 300_000;
  listeners.get("interval")();
  listeners.get("keydown")();
  assert.deepEqual(sent, [true, false, true]);
});

test("a new connection gets the state again", () => {
  const { sent, visibility } = page();
  visibility.reset();
  globalThis.document.visibilityState = "hidden";
  visibility.reset();
  assert.deepEqual(sent, [true, true]);
});
