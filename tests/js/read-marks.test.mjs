import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";
import { device } from "../../chatserver/static/js/lib/device.js";
import { NewLine } from "../../chatserver/static/js/lib/new-line.js";
import { disturbs, words } from "../../chatserver/static/js/lib/notify.js";
import { Stretch } from "../../chatserver/static/js/lib/history-window.js";

const event = (seq) => ({ type: 2, room: 1, seq, user: "bo", data: `n${seq}`, at: seq });
const events = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => event(from + index));
const seqs = (stretch) => stretch.events.map(({ seq }) => seq);

test("a stretch of the past grows at both ends, each message once", () => {
  const stretch = new Stretch({ events: events(10, 12), more: true, upTo: 13 });
  stretch.prepend({ events: events(8, 10), more: false });
  stretch.append({ events: events(12, 16), upTo: 15 });
  assert.deepEqual(seqs(stretch), [8, 9, 10, 11, 12, 14, 15]);
  assert.deepEqual([stretch.oldest, stretch.upTo, stretch.hasOlder], [8, 15, false]);
  assert.equal(stretch.holds(13), false);
});

test("what is done to a message shows in the stretch as well", () => {
  const conversation = new Conversation("#1", "ann");
  conversation.stretch = new Stretch({ events: events(10, 12), more: true, upTo: 12 });
  conversation.count({ type: 10, room: 1, seq: 90, target: 11, data: "better", at: 90 });
  conversation.count({ type: 11, room: 1, seq: 91, target: 12, at: 91 });
  assert.equal(conversation.stretch.find(11).data, "better");
  assert.equal(conversation.stretch.find(12).deleted_at, 91);
});

test("the New line stands still until all is read and the reader was away", () => {
  const line = new NewLine();
  line.place({ unread: 0, read: 5 });
  assert.equal(line.after, null);
  line.place({ unread: 2, read: 5 });
  line.place({ unread: 1, read: 6 });
  assert.equal(line.after, 5);
  line.leave(1);
  line.place({ unread: 1, read: 6 });
  assert.equal(line.after, 5);
  line.leave(0);
  line.place({ unread: 1, read: 7 });
  assert.equal(line.after, 7);
});

test("where nothing was read there is no New line, and none comes while messages are read", () => {
  const line = new NewLine();
  line.place({ unread: 57, read: 0 });
  line.place({ unread: 49, read: 8 });
  assert.equal(line.after, null);
  line.clear();
  line.place({ unread: 49, read: 8 });
  assert.equal(line.after, 8);
});

test("who is called is told, unless nothing is to be told; a muted room is silent otherwise", () => {
  const told = (level, facts) => disturbs({ level, calls: false, isDirect: false, muted: false, ...facts });
  assert.deepEqual(["all", "calls", "none"].map((level) => told(level, {})), [true, false, false]);
  assert.deepEqual(["all", "calls", "none"].map((level) => told(level, { isDirect: true })), [true, true, false]);
  assert.deepEqual(["all", "calls", "none"].map((level) => told(level, { muted: true, calls: true })), [true, true, false]);
  assert.equal(told("all", { muted: true, isDirect: true }), false);
});

test("a notification says who and where, and what only when it may", () => {
  const said = { author: "Bo", room: "Disks", data: "secret" };
  assert.deepEqual(words({ ...said, text: true }), { title: "Bo in Disks", body: "secret" });
  assert.deepEqual(words({ ...said, room: null, text: false }), { title: "Bo", body: "New message" });
});

test("devices have the names that people give them", () => {
  const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
  assert.equal(device(chrome), "Chrome, Windows");
  assert.equal(device(`${chrome} Edg/130.0`), "Edge, Windows");
  assert.equal(device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"), "Safari, iPhone");
  assert.equal(device("curl/8.5.0"), "curl/8.5.0");
  assert.equal(device(""), "");
});
