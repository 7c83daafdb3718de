import assert from "node:assert/strict";
import { test } from "node:test";

import "./setup.mjs";

let resize;
globalThis.ResizeObserver = class {
  constructor(callback) {
    resize = callback;
  }
  observe() {}
};

const { EndFollower } = await import("../../chatserver/static/js/ui/end-follower.js");

/** A list of 2,000 px in a view of 600 px, which clamps its position as a browser does. */
class Scroller extends EventTarget {
  scrollHeight = 2_000;
  clientHeight = 600;
  #top = 0;

  get scrollTop() {
    return Math.min(this.#top, this.scrollHeight - this.clientHeight);
  }

  set scrollTop(top) {
    this.#top = Math.min(top, this.scrollHeight - this.clientHeight);
  }
}

function followed() {
  const scroller = new Scroller();
  const follower = new EndFollower({ scroller, content: {}, isLastShown: () => true });
  follower.follow();
  assert.equal(scroller.scrollTop, 1_400);
  return { scroller, follower };
}

test("a list whose content became shorter above still follows its end", () => {
  const { scroller, follower } = followed();
  scroller.scrollHeight = 1_800;
  scroller.scrollTop = 1_000; // the browser keeps the messages in view where they were
  assert.ok(follower.isAtEnd());
  resize();
  assert.equal(scroller.scrollTop, 1_200);
});

test("a list that became lower while its content changed still follows its end", () => {
  const { scroller, follower } = followed();
  scroller.clientHeight = 550;
  scroller.scrollTop = 1_250;
  assert.ok(follower.isAtEnd());
  resize();
  assert.equal(scroller.scrollTop, 1_450);
});

test("a list that grew still follows its end", () => {
  const { scroller, follower } = followed();
  scroller.scrollHeight = 2_500;
  assert.ok(follower.isAtEnd());
});

test("a user who scrolls up is left there", () => {
  for (const change of [{}, { scrollHeight: 1_800 }, { scrollHeight: 2_500 }, { clientHeight: 550 }]) {
    const { scroller, follower } = followed();
    scroller.dispatchEvent(new Event("wheel"));
    Object.assign(scroller, change);
    scroller.scrollTop = 900;
    assert.ok(!follower.isAtEnd());
    resize();
    assert.equal(scroller.scrollTop, 900);
  }
});

test("a position that a script sets is left, unless the layout changed", () => {
  const { scroller, follower } = followed();
  scroller.scrollTop = 900;
  assert.ok(!follower.isAtEnd());
});
