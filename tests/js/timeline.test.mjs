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

test("live events that arrive in order are appended", () => {
  const timeline = loaded(3);
  assert.equal(timeline.receive(event(4)).length, 1);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
  assert.equal(timeline.missing, null);
});

test("repeated events are dropped", () => {
  const timeline = loaded(3);
  assert.deepEqual(timeline.receive(event(2)), []);
  timeline.receive(event(4));
  timeline.receive(event(4));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
});

test("events after a gap wait, and the gap is reported as missing", () => {
  const timeline = loaded(3);
  assert.deepEqual(timeline.receive(event(6)), []);
  assert.deepEqual(timeline.missing, { after: 3 });
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
  timeline.receive(event(4));
  assert.deepEqual(timeline.receive(event(5)).map(({ seq }) => seq), [5, 6]);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6]);
  assert.equal(timeline.missing, null);
});

test("live events that arrive before the newest page are merged into it", () => {
  const timeline = new Timeline();
  timeline.head = 10;
  timeline.receive(event(11));
  timeline.receive(event(12));
  assert.equal(timeline.loaded, false);
  timeline.load({ events: events(6, 10), more: true, upTo: 10 });
  assert.deepEqual(seqs(timeline), [6, 7, 8, 9, 10, 11, 12]);
});

test("an event that arrived live and in the newest page is held once", () => {
  const timeline = new Timeline();
  timeline.receive(event(2));
  timeline.load({ events: events(1, 2), more: false, upTo: 2 });
  assert.deepEqual(seqs(timeline), [1, 2]);
});

test("older pages are prepended without duplicates", () => {
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
  assert.equal(timeline.cursor, 3);
  for (const old of events(4, 79)) timeline.receive(old);
  assert.equal(timeline.cursor, 90);
  assert.equal(timeline.events.length, 90);
});

test("an acknowledged own message is shown even after a gap, and once", () => {
  const timeline = loaded(3);
  timeline.receive(event(5, { user: "ann", acknowledged: true }));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 5]);
  assert.equal(timeline.cursor, 3);
  timeline.receive(event(4));
  timeline.receive(event(5, { user: "ann" }));
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
});

test("any order of arrival with repeats results in the same log", () => {
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

test("a reset removes all events", () => {
  const timeline = loaded(3);
  timeline.receive(event(9));
  timeline.reset(2);
  assert.equal(timeline.loaded, false);
  assert.deepEqual(seqs(timeline), []);
  assert.equal(timeline.head, 2);
});

const edit = (seq, target, data) => event(seq, { type: 10, target, data });
const remove = (seq, target) => event(seq, { type: 11, target });
const react = (seq, target, user, on = true) => event(seq, { type: 12, target, user, emoji: "👍", on });

test("edits, deletions and reactions change their message and are not events of their own", () => {
  const timeline = loaded(3);
  timeline.receive(edit(4, 2, "better"));
  timeline.receive(react(5, 3, "ann"));
  timeline.receive(react(6, 3, "bo"));
  timeline.receive(react(7, 3, "ann", false));
  timeline.receive(remove(8, 1));
  timeline.receive(edit(9, 1, "back?"));
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
  assert.equal(timeline.cursor, 9);
  assert.deepEqual([timeline.find(2).data, timeline.find(2).edited_at], ["better", 4]);
  assert.deepEqual(timeline.find(3).reactions, { "👍": ["bo"] });
  assert.deepEqual([timeline.find(1).data, timeline.find(1).deleted_at], ["", 8]);
});

test("changes that the newest page already contains are not applied twice", () => {
  const timeline = new Timeline();
  const newest = event(1, { data: "b", html: undefined, files: undefined, edited_at: 4, reactions: { "👍": ["ann"] } });
  timeline.load({ events: [newest], more: false, upTo: 1 });
  for (const change of [react(2, 1, "ann"), edit(3, 1, "b"), edit(4, 1, "b")]) timeline.receive(change);
  assert.deepEqual(timeline.events, [newest]);
});

test("a change is applied to an older page that was read before it, once", () => {
  const timeline = new Timeline();
  timeline.load({ events: events(6, 10), more: true, upTo: 10 });
  timeline.receive(edit(11, 3, "in the page"));
  timeline.receive(edit(12, 3, "after the page"));
  timeline.receive(react(13, 4, "ann"));
  timeline.prepend({ events: [event(3, { data: "in the page" }), event(4)], more: true, head: 11 });
  assert.equal(timeline.find(3).data, "after the page");
  assert.deepEqual(timeline.find(4).reactions, { "👍": ["ann"] });
});

test("a quoted message that is not loaded follows its edits", () => {
  const timeline = new Timeline();
  timeline.load({ events: events(6, 10), more: true, upTo: 10 });
  timeline.quote(event(2), 10);
  timeline.receive(edit(11, 2, "new"));
  assert.equal(timeline.find(2).data, "new");
  assert.deepEqual(seqs(timeline), [6, 7, 8, 9, 10]);
});

test("the event of an acknowledged message adds the fields that the reply lacks", () => {
  const timeline = loaded(3);
  timeline.receive(event(4, { acknowledged: true, id: "a1" }));
  timeline.receive({ type: 10, seq: 5, target: 4, data: "later", at: 9 });
  assert.deepEqual(timeline.receive(event(4, { id: "a1", html: "<p>m4</p>" })), []);
  assert.equal(timeline.find(4).data, "later");
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4]);
  timeline.receive(event(6, { acknowledged: true }));
  timeline.receive(event(6, { html: "<p>m6</p>" }));
  assert.equal(timeline.find(6).html, "<p>m6</p>");
});

test("an edit replaces or removes the html, and a deletion removes it", () => {
  const timeline = loaded(1);
  timeline.receive(event(2, { html: "<p>m2</p>" }));
  timeline.receive({ type: 10, seq: 3, target: 2, data: "*b*", html: "<p><em>b</em></p>", at: 9 });
  assert.equal(timeline.find(2).html, "<p><em>b</em></p>");
  timeline.receive({ type: 10, seq: 4, target: 2, data: "b", at: 9 });
  assert.equal(timeline.find(2).html, undefined);
  timeline.receive({ type: 10, seq: 5, target: 2, data: "*b*", html: "<p><em>b</em></p>", at: 9 });
  timeline.receive({ type: 11, seq: 6, target: 2, at: 9 });
  assert.equal(timeline.find(2).html, undefined);
});

test("old events are evicted, and can be loaded again without a gap", () => {
  const timeline = loaded(3);
  for (const one of events(4, 2_000)) timeline.receive(one);
  timeline.trim();
  assert.equal(timeline.events.length, 2_000);
  assert.equal(timeline.hasOlder, false);
  timeline.receive(event(2_001, { reply_to: 5 }));
  timeline.trim();
  assert.deepEqual(seqs(timeline), events(1_002, 2_001).map(({ seq }) => seq));
  assert.equal(timeline.hasOlder, true);
  assert.equal(timeline.find(5).data, "m5"); // it is quoted
  assert.equal(timeline.find(6), undefined);
  timeline.receive(event(2_002, { type: 10, target: 1_001, data: "edited" }));
  timeline.prepend({ events: events(952, 1_001), more: true, head: 2_001 });
  assert.deepEqual(seqs(timeline), events(952, 2_001).map(({ seq }) => seq));
  assert.equal(timeline.find(1_001).data, "edited");
  assert.equal(timeline.receive(event(2_003)).length, 1);
});
