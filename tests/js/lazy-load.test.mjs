import assert from "node:assert/strict";
import test from "node:test";

const { Deferred } = await import("../../chatserver/static/js/ui/lazy-load.js");

test("uses of an object that is not loaded yet wait for it, and each is made once and in order", () => {
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
