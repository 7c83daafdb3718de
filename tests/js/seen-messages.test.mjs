import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

const target = () => Object.assign(new EventTarget(), { hasFocus: () => focused, visibilityState: "visible" });
let focused = true;
const page = new EventTarget();
globalThis.document = target();
globalThis.addEventListener = page.addEventListener.bind(page);
globalThis.requestAnimationFrame = (draw) => setTimeout(draw, 0);
globalThis.cancelAnimationFrame = clearTimeout;
const { SeenMessages } = await import("../../chatserver/static/js/ui/seen-messages.js");
const { DWELL_TIME } = await import("../../chatserver/static/js/ui/attention.js");

const items = [1, 2, 3, 4].map((seq) => ({ seq, own: false }));
const room = (key, facts = {}) => ({ key, items, read: 0, loaded: true, hasOlder: false, ...facts });

/** A list that shows messages 1 and 2 of rooms, with a clock that `pass` advances, and what it `reported`. */
function list({ mock }) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const reported = [];
  const screen = { seqs: [1, 2] };
  const seen = new SeenMessages({
    onScreen: () => screen.seqs,
    report: ({ key, seq }) => reported.push(`${key} ${seq}`),
    onWatched: () => reported.push("watched"),
  });
  const focus = (state) => {
    focused = state;
    page.dispatchEvent(new Event(state ? "focus" : "blur"));
  };
  const open = (view) => {
    seen.show(view);
    mock.timers.tick(0);
  };
  focus(true);
  return { seen, screen, reported, focus, open, pass: (time) => mock.timers.tick(time) };
}

test("a room that is shown for less than the dwell time is not marked as read, and no timer remains", (context) => {
  const { reported, open, pass, seen } = list(context);
  open(room("a"));
  pass(DWELL_TIME - 1);
  open(room("b", { loaded: false }));
  pass(10 * DWELL_TIME);
  assert.deepEqual(reported, []);
  assert.equal(seen.isWatched, false);
});

test("messages on screen are read after the dwell time, and later ones without delay", (context) => {
  const { reported, open, pass, screen, seen } = list(context);
  open(room("a"));
  pass(DWELL_TIME);
  assert.deepEqual(reported, ["a 2", "watched"]);
  screen.seqs = [2, 3];
  seen.check();
  pass(250);
  assert.deepEqual(reported.slice(2), ["a 3"]);
  screen.seqs = [3, 4];
  seen.check();
  screen.seqs = [1, 2];
  open(room("b"));
  assert.deepEqual(reported.slice(3), ["a 4"]);
  pass(DWELL_TIME - 1);
  assert.deepEqual(reported.slice(4), []);
  pass(1);
  assert.deepEqual(reported.slice(4), ["b 2", "watched"]);
});

test("the dwell time starts again when the window gets the focus", (context) => {
  const { reported, open, pass, focus, seen } = list(context);
  open(room("a"));
  pass(DWELL_TIME - 1);
  focus(false);
  pass(DWELL_TIME);
  focus(true);
  pass(DWELL_TIME - 1);
  assert.deepEqual(reported, []);
  pass(1);
  assert.deepEqual(reported, ["a 2", "watched"]);
  focus(false);
  assert.equal(seen.isWatched, false);
});

test("an action of the user counts at once, in a window that has the focus", (context) => {
  const { reported, open, pass, focus, seen } = list(context);
  open(room("a"));
  seen.watchNow();
  assert.deepEqual([reported, seen.isWatched], [["a 2", "watched"], true]);
  pass(DWELL_TIME);
  assert.equal(reported.length, 2);
  focus(false);
  open(room("b"));
  seen.watchNow();
  assert.equal(seen.isWatched, false);
});
