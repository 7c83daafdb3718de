import assert from "node:assert/strict";
import test from "node:test";

const { Deferred } = await import("../../chatserver/static/js/ui/lazy-load.js");

test("a deferred object gets the calls from before it was there, in order and once", () => {
  const heard = [];
  const target = { say: (...words) => heard.push(words) };
  const deferred = new Deferred();
  deferred.call("say", "first", 1);
  deferred.call("say", "second");
  assert.deepEqual(heard, []);
  deferred.resolve(target);
  deferred.call("say", "third");
  assert.deepEqual(heard, [["first", 1], ["second"], ["third"]]);
});
