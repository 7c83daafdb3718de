import { test } from "node:test";
import assert from "node:assert/strict";
import "./setup.mjs";
import { Conversation } from "../../chatserver/static/js/lib/conversation.js";
import { HistoryWindow } from "../../chatserver/static/js/lib/history-window.js";
import { RoomPictures } from "../../chatserver/static/js/lib/room-pictures.js";
import { Type } from "../../chatserver/static/js/net/protocol.js";

const LAST = 30;
const PAGE = 3; // pictures: less than two messages have
const picture = (seq, part = "") => ({ id: `${seq}${part}`, type: "image/webp", width: 9, height: 9 });

/** Messages 1 to LAST: the even ones have two pictures, every tenth also has one that browsers cannot show. */
const filesOf = (seq) => (seq % 2 ? [] : [picture(seq, "a"), picture(seq, "b"), ...(seq % 10 ? [] : [{ id: `${seq}x`, type: "image/tiff" }])]);
const message = (seq) => ({ type: Type.GROUP_CHAT, seq, user: "bo", data: "", files: filesOf(seq) });
const messages = (from, to) => Array.from({ length: to - from + 1 }, (_one, index) => message(from + index));
const ALL = messages(1, LAST).flatMap(({ files }) => files.filter(({ width }) => width).map(({ id }) => id));

/** The pages of the server, which has `log`: before or after a message, or after the place of a page. */
function server(log = messages(1, LAST)) {
  const requests = [];
  const request = async ({ before, after, position = null }) => {
    requests.push(before ? "older" : "newer");
    const found = log.flatMap(({ seq, files }) => files.map((file, index) => ({ ...file, seq, index })));
    const inOrder = before ? found.filter(({ seq }) => seq < before).sort((a, b) => b.seq - a.seq) : found.filter(({ seq }) => seq > after);
    const start = position === null ? 0 : inOrder.findIndex(({ id }) => id === position) + 1;
    const page = inOrder.slice(start, start + PAGE);
    const more = inOrder.length > start + PAGE;
    return { files: page, more, position: more ? page.at(-1).id : null };
  };
  return { request, requests };
}

/** A room whose newest messages from `oldest` are loaded. */
function room(oldest) {
  const conversation = new Conversation("#7", "ann");
  conversation.room = 7;
  conversation.timeline.load({ events: messages(oldest, LAST), more: oldest > 1, upTo: LAST });
  return conversation;
}

async function all(pictures, directions = ["older", "newer"]) {
  for (const direction of directions) while (pictures.hasMore(direction)) await pictures.load(direction);
  return ids(pictures);
}

const ids = ({ list }) => list.map(({ file }) => file.id);

test("from a picture of the newest messages all pictures of the room are reached, in order", async () => {
  const { request, requests } = server();
  const pictures = new RoomPictures(room(20), { file: picture(22, "a"), seq: 22 }, request);
  assert.deepEqual(ids(pictures), ALL.slice(ALL.indexOf("20a")));
  assert.equal(pictures.hasMore("newer"), false);
  assert.deepEqual(await all(pictures), ALL);
  assert.ok(!requests.includes("newer"));
});

test("a loaded room needs no request", () => {
  const pictures = new RoomPictures(room(1), { file: picture(22, "a"), seq: 22 }, () => assert.fail());
  assert.deepEqual([ids(pictures), pictures.hasMore("older"), pictures.hasMore("newer")], [ALL, false, false]);
});

test("from a message around which a part of the history is loaded, both ends are reached", async () => {
  for (const directions of [["older", "newer"], ["newer", "older"]]) {
    const conversation = room(20);
    conversation.historyWindow = new HistoryWindow({ events: messages(7, 9), more: true, upTo: 9 });
    const pictures = new RoomPictures(conversation, { file: picture(8, "a"), seq: 8 }, server().request);
    assert.deepEqual(ids(pictures), ["8a", "8b"]);
    assert.deepEqual(await all(pictures, directions), ALL);
  }
});

test("from a picture whose message is not loaded, both ends are reached", async () => {
  for (const seq of [2, 6, 18]) {
    const conversation = room(20);
    conversation.historyWindow = new HistoryWindow({ events: messages(9, 12), more: true, upTo: 12 });
    const pictures = new RoomPictures(conversation, { file: picture(seq, "b"), seq }, server().request);
    assert.deepEqual(ids(pictures), [`${seq}b`]);
    assert.deepEqual(await all(pictures), ALL);
  }
});

test("deleted and replaced pictures leave the list, new ones come", async () => {
  const conversation = room(20);
  const pictures = (conversation.pictures = new RoomPictures(conversation, { file: picture(22, "a"), seq: 22 }, server().request));
  await all(pictures);
  const change = (type, target, seq, files) => [{ type, target, seq, user: "bo", room: 7, data: "", files }].forEach((event) => {
    for (const one of conversation.timeline.receive(event)) conversation.apply(one);
  });
  change(Type.DELETE, 4, LAST + 1);
  change(Type.EDIT, 6, LAST + 2, [picture(6, "b")]);
  change(Type.DELETE, 24, LAST + 3);
  change(Type.REACT, 8, LAST + 4);
  conversation.timeline.receive({ ...message(LAST + 6), seq: LAST + 5 });
  const gone = new Set(["4a", "4b", "6a", "24a", "24b"]);
  assert.deepEqual(ids(pictures), [...ALL.filter((id) => !gone.has(id)), "36a", "36b"]);
});

test("after a failure the next attempt continues", async () => {
  const { request } = server();
  let failures = 1;
  const flaky = (query) => ((failures -= 1) < 0 ? request(query) : Promise.reject(new Error("offline")));
  const pictures = new RoomPictures(room(20), { file: picture(22, "a"), seq: 22 }, flaky);
  await assert.rejects(pictures.load("older"));
  assert.deepEqual(await all(pictures), ALL);
});

test("pages without pictures that browsers can show are skipped, and a room without messages has none", async () => {
  const log = [message(2), ...Array.from({ length: 9 }, (_one, index) => ({ seq: 3 + index, files: [{ id: `t${index}`, type: "image/tiff" }] }))];
  const conversation = room(20);
  const pictures = new RoomPictures(conversation, { file: picture(22, "a"), seq: 22 }, server(log).request);
  await pictures.load("older");
  assert.deepEqual(ids(pictures).slice(0, 2), ["2a", "2b"]);
  conversation.room = null;
  assert.equal(pictures.hasMore("older"), false);
});
