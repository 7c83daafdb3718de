import assert from "node:assert/strict";
import test from "node:test";
import { hue, HUES, initial, labelled, look, namesakes } from "../../chatserver/static/js/lib/names.js";

test("an avatar is the first letter of the name and a hue", () => {
  assert.equal(initial("  ann"), "A");
  assert.equal(initial("陈一"), "陈");
  assert.equal(initial("😀 x"), "😀");
  assert.equal(initial(""), "?");
  for (const name of ["ann", "bo", "cy", "陈一"]) assert.ok(hue(name) >= 0 && hue(name) < HUES);
  assert.equal(hue("ann"), hue("ann"));
});

test("display names that look alike are shown with their user names", () => {
  const users = [
    { name: "ann", display: "Ann" },
    { name: "ann2", display: "ANN " },
    { name: "bo", display: "Bo" },
    { name: "cy", display: "В\u043e", look: "bo" },
    { name: "dan", display: "Daniel" },
    { name: "eve", display: "dan" },
  ];
  assert.deepEqual([...namesakes(users)], ["ann", "ann2", "bo", "cy", "eve"]);
  assert.equal(look("paypaI"), look("paypal"));
  assert.equal(labelled(users[0]), "Ann");
  assert.equal(labelled(users[4]), "Daniel (@dan)");
});
