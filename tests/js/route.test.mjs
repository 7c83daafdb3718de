import assert from "node:assert/strict";
import test from "node:test";
import { hashOf, keyOf, parse } from "../../chatserver/static/js/lib/route.js";

test("the address of a conversation parses back to its key", () => {
  for (const key of ["#1", "#90", "@bo", "@陈一", "@a/b?c#d%"]) assert.equal(parse(hashOf(key)), key);
  for (const hash of ["", "#", "#composer-text", "#/room/", "#/room/x", "#/room/0", "#/with/%E0%A4%A"]) {
    assert.equal(parse(hash), null);
  }
  assert.equal(keyOf({ kind: "direct", room: 4, to: "bo" }), "@bo");
  assert.equal(keyOf({ kind: "group", room: 4 }), "#4");
});
