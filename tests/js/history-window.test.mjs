import assert from "node:assert/strict";
import test from "node:test";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";
import { HistoryWindow } from "../../chatserver/static/js/lib/history-window.js";

const event = (seq) => ({ type: 2, room: 1, seq, user: "bo", data: `n${seq}`, at: seq });
const events = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => event(from + index));
const seqs = (historyWindow) => historyWindow.events.map(({ seq }) => seq);

test("a history window grows at both ends and holds each message once", () => {
  const historyWindow = new HistoryWindow({ events: events(10, 12), more: true, upTo: 13 });
  historyWindow.prepend({ events: events(8, 10), more: false });
  historyWindow.append({ events: events(12, 16), upTo: 15 });
  assert.deepEqual(seqs(historyWindow), [8, 9, 10, 11, 12, 14, 15]);
  assert.deepEqual([historyWindow.oldest, historyWindow.upTo, historyWindow.hasOlder], [8, 15, false]);
  assert.equal(historyWindow.holds(13), false);
});

test("edits and deletions change the messages of a history window", () => {
  const conversation = new Conversation("#1", "ann");
  conversation.historyWindow = new HistoryWindow({ events: events(10, 12), more: true, upTo: 12 });
  conversation.apply({ type: 10, room: 1, seq: 90, target: 11, data: "better", at: 90 });
  conversation.apply({ type: 11, room: 1, seq: 91, target: 12, at: 91 });
  assert.equal(conversation.historyWindow.find(11).data, "better");
  assert.equal(conversation.historyWindow.find(12).deleted_at, 91);
});
