import assert from "node:assert/strict";
import test from "node:test";

const { Deferred } = await import("../../chatserver/static/js/ui/lazy-load.js");

test("calls before an object is loaded are made once it is, in order and once", () => {
  const calls = [];
  const target = { say: (...values) => calls.push(values) };
  const deferred = new Deferred();
  deferred.call("say", "first", 1);
  deferred.call("say", "second");
  assert.deepEqual(calls, []);
  deferred.resolve(target);
  deferred.call("say", "third");
  assert.deepEqual(calls, [["first", 1], ["second"], ["third"]]);
});
