import assert from "node:assert/strict";
import test from "node:test";
import { dragged, largest, moved, resized, zoomed, zoomOf } from "../../chatserver/static/js/lib/crop.js";

const wide = largest(800, 400);
const corner = ({ x, y, side }) => [x, y, side].map(Math.round);

test("at first the section is the middle of the picture", () => {
  assert.deepEqual(corner(wide), [200, 0, 400]);
  assert.deepEqual(corner(largest(400, 800)), [0, 200, 400]);
});

test("a section moves with its size and never leaves the picture", () => {
  assert.deepEqual(corner(moved(wide, 0.25, 1)), [300, 0, 400]);
  assert.deepEqual(corner(moved(wide, -9, -9)), [0, 0, 400]);
  assert.deepEqual(corner(moved(wide, 9, 9)), [400, 0, 400]);
});

test("the point under the pointer stays where it is", () => {
  assert.deepEqual(corner(resized(wide, 0.5, { x: 0, y: 0 })), [200, 0, 200]);
  assert.deepEqual(corner(resized(wide, 0.5, { x: 1, y: 0.5 })), [400, 100, 200]);
  assert.deepEqual(corner(resized(resized(wide, 0.5), 9)), [200, 0, 400]);
});

test("the zoom has limits, and goes there and back", () => {
  assert.equal(zoomOf(wide), 0);
  assert.deepEqual(corner(zoomed(wide, 1)), [368, 168, 64]);
  assert.equal(zoomOf(zoomed(wide, 1)), 1);
  assert.equal(Math.round(zoomOf(zoomed(zoomed(wide, 1), 0.5)) * 1e6), 5e5);
  assert.equal(resized(wide, 1e-9).side, 64);
  assert.equal(resized(largest(4000, 4000), 1e-9).side, 500);
});

test("a tiny picture cannot be zoomed", () => {
  const tiny = largest(10, 20);
  assert.equal(zoomOf(zoomed(tiny, 1)), 0);
  assert.deepEqual(zoomed(tiny, 1), tiny);
});

test("one pointer drags the picture, two zoom it as well", () => {
  assert.deepEqual(corner(dragged(wide, [{ x: 0.5, y: 0.5 }], [{ x: 0.25, y: 0.5 }])), [300, 0, 400]);
  const before = [{ x: 0.25, y: 0.5 }, { x: 0.75, y: 0.5 }];
  const after = [{ x: 0, y: 0.5 }, { x: 1, y: 0.5 }];
  assert.deepEqual(corner(dragged(wide, before, after)), [300, 100, 200]);
  assert.deepEqual(corner(dragged(resized(wide, 0.5), after, before)), [200, 0, 400]);
});
