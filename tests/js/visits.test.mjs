import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

/** The part of the History API that Visits uses. */
class Entries {
  #states = [null];
  #index = 0;

  get state() {
    return this.#states[this.#index];
  }

  replaceState(state) {
    this.#states[this.#index] = state;
  }

  follow(state = null) {
    this.#states.splice((this.#index += 1), Infinity, state);
  }

  go(steps) {
    this.#index += steps;
  }
}

const { Visits } = await import("../../chatserver/static/js/state/visits.js");

test("Back and Forward restore the scroll position, and a link to a visited address does not", () => {
  const entries = (globalThis.history = new Entries());
  const visits = new Visits();
  entries.follow();
  assert.equal(visits.switchEntry("first"), null);
  entries.follow();
  assert.equal(visits.switchEntry("second"), null);
  entries.go(-1);
  assert.equal(visits.switchEntry("third"), "second");
  entries.go(-1);
  assert.equal(visits.switchEntry("second, further down"), "first");
  entries.go(1);
  assert.equal(visits.switchEntry("first"), "second, further down");
  entries.follow();
  assert.equal(visits.switchEntry("second"), null);
});

test("other state of a history entry is kept", () => {
  const entries = (globalThis.history = new Entries());
  entries.replaceState({ guard: true });
  new Visits();
  assert.equal(entries.state.guard, true);
});
