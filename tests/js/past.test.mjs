import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";
import { PAGE } from "../../chatserver/static/js/protocol.js";

globalThis.document ??= { querySelector: () => null, documentElement: { lang: "en", dataset: {} } };
const { Past } = await import("../../chatserver/static/js/past.js");

const HEAD = 200;

/** A room of HEAD messages, of which ann has read `read` and has written those up to `own`. */
function room({ read, own }) {
  const log = Array.from({ length: HEAD }, (_, index) => {
    const seq = index + 1;
    return { type: 2, room: 9, seq, user: seq <= own ? "ann" : "bo", data: `message ${seq}`, at: seq };
  });
  const connection = {
    async request({ before, limit }) {
      const events = log.slice(Math.max(0, before - 1 - limit), before - 1);
      return { ok: 1, events, more: events[0].seq > 1, head: HEAD };
    },
  };
  const conversation = new Conversation("#9", "ann");
  conversation.welcome({ room: 9, head: HEAD, read, unread: HEAD - Math.max(read, own) });
  const feed = {
    async open({ timeline }) {
      timeline.load({ events: log.slice(-PAGE), more: true, upTo: HEAD });
    },
  };
  return { conversation, opened: new Past(connection, () => {}).open(conversation, feed) };
}

const first = ({ stretch, timeline }) => (stretch ?? timeline).events.find(({ user }) => user === "bo")?.seq;

for (const [name, { read, own }, expected] of [
  ["behind the messages that were read", { read: 20, own: 20 }, 21],
  ["behind many messages that the user sent from another device", { read: 10, own: 100 }, 101],
  ["at the start of a conversation in which nothing was read", { read: 0, own: 0 }, 1],
  ["in the newest page", { read: HEAD - 3, own: HEAD - 3 }, HEAD - 2],
]) {
  test(`a conversation opens with its first unread message ${name}`, async () => {
    const { conversation, opened } = room({ read, own });
    await opened;
    assert.equal(first(conversation), expected);
    assert.equal(conversation.seeking, false);
  });
}
