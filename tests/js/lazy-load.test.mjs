import assert from "node:assert/strict";
import test from "node:test";

const { Deferred } = await import("../../chatserver/static/js/ui/lazy-load.js");

test("actions on an object that is not loaded yet run when it is, in order and once", () => {
  const shown = [];
  const target = { show: (text) => shown.push(text) };
  const deferred = new Deferred();
  deferred.use((object) => object.show("first"));
  deferred.use((object) => object.show("second"));
  assert.deepEqual(shown, []);
  deferred.resolve(target);
  deferred.use((object) => object.show("third"));
  assert.deepEqual(shown, ["first", "second", "third"]);
});
