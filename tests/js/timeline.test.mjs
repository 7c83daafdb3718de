import assert from "node:assert/strict";
import test from "node:test";
import { Timeline } from "../../chatserver/static/js/lib/timeline.js";

const event = (seq, more = {}) => ({ type: 2, room: 1, seq, user: "bo", data: `m${seq}`, at: seq, ...more });
const events = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => event(from + n));
const seqs = (timeline) => timeline.events.map(({ seq }) => seq);

function loaded(upTo) {
  const timeline = new Timeline();
  timeline.load({ events: events(1, upTo), more: false, upTo });
  return timeline;
}

test("live events in order are shown in order", () => {
  const timeline = loaded(3);
  assert.equal(timeline.receive(event(4)).length, 1);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
  assert.equal(timeline.missing, null);
});

test("what is held already is dropped", () => {
  const timeline = loaded(3);
  assert.deepEqual(timeline.receive(event(2)), []);
  timeline.receive(event(4));
  timeline.receive(event(4));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
});

test("behind a hole events wait, and the hole is asked for", () => {
  const timeline = loaded(3);
  assert.deepEqual(timeline.receive(event(6)), []);
  assert.deepEqual(timeline.missing, { after: 3 });
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
  timeline.receive(event(4));
  assert.deepEqual(timeline.receive(event(5)).map(({ seq }) => seq), [5, 6]);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6]);
  assert.equal(timeline.missing, null);
});

test("live events that come before the newest page are merged into it", () => {
  const timeline = new Timeline();
  timeline.head = 10;
  timeline.receive(event(11));
  timeline.receive(event(12));
  assert.equal(timeline.loaded, false);
  timeline.load({ events: events(6, 10), more: true, upTo: 10 });
  assert.deepEqual(seqs(timeline), [6, 7, 8, 9, 10, 11, 12]);
});

test("the newest page may hold what came live before it", () => {
  const timeline = new Timeline();
  timeline.receive(event(2));
  timeline.load({ events: events(1, 2), more: false, upTo: 2 });
  assert.deepEqual(seqs(timeline), [1, 2]);
});

test("older pages go in front, once", () => {
  const timeline = new Timeline();
  timeline.load({ events: events(6, 10), more: true, upTo: 10 });
  timeline.prepend({ events: events(2, 6), more: true });
  assert.deepEqual(seqs(timeline), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(timeline.oldest, 2);
  timeline.prepend({ events: [], more: true });
  assert.equal(timeline.hasOlder, false);
});

test("the position does not move over a range that was not received", () => {
  const timeline = loaded(3);
  timeline.head = 90;
  for (const live of events(80, 90)) timeline.receive(live);
  assert.equal(timeline.position, 3);
  for (const old of events(4, 79)) timeline.receive(old);
  assert.equal(timeline.position, 90);
  assert.equal(timeline.events.length, 90);
});

test("an answered message of one's own is shown even behind a hole, and once", () => {
  const timeline = loaded(3);
  timeline.receive(event(5, { user: "ann", answered: true }));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 5]);
  assert.equal(timeline.position, 3);
  timeline.receive(event(4));
  timeline.receive(event(5, { user: "ann" }));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
});

test("any order of arrival, with repeats, ends in the same log", () => {
  let state = 7;
  const random = () => (state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647) / 2_147_483_647;
  for (let run = 0; run < 200; run += 1) {
    const timeline = loaded(2);
    const arriving = [...events(1, 30), ...events(1, 30)].sort(() => random() - 0.5);
    const added = arriving.flatMap((one) => timeline.receive(one));
    assert.deepEqual(seqs(timeline), events(1, 30).map(({ seq }) => seq));
    assert.deepEqual(added.map(({ seq }) => seq), events(3, 30).map(({ seq }) => seq));
  }
});

test("after a reset nothing is held", () => {
  const timeline = loaded(3);
  timeline.receive(event(9));
  timeline.reset(2);
  assert.equal(timeline.loaded, false);
  assert.deepEqual(seqs(timeline), []);
  assert.equal(timeline.head, 2);
});
