import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { querySelector: () => ({ content: "ann" }), documentElement: { lang: "en" } };
globalThis.navigator ??= {};
globalThis.addEventListener ??= () => {};
globalThis.location ??= { href: "http://chat.test/" };
const { Conversations } = await import("../../chatserver/static/js/state/conversations.js");
const { Recounts } = await import("../../chatserver/static/js/state/recounts.js");

const ME = "ann";
const OTHERS = ["bo", "cy"];
const FIELDS = ["room", "name", "title", "topic", "members", "private", "archived", "receipts", "admin", "muted", "read", "unread", "mentions", "lastAt"];
const STEPS = 120;
const RUNS = 60;

/** Pseudo-random numbers below `limit` (mulberry32), so that a failing run can be repeated. */
function random(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

/** A room as the server keeps it: its log, and what `ann` has read of it. */
class Room {
  log = [];
  read = 0;
  facts = { room: 9, kind: "group", name: "den", title: "Den", topic: "", members: 3, private: false, archived: false, receipts: false, admin: false, muted: false };

  append(event) {
    const stored = { room: 9, seq: this.log.length + 1, at: 1000 + this.log.length, ...event };
    this.log.push(stored);
    return { ...stored };
  }

  get messages() {
    return this.log.filter(({ type }) => type === 2);
  }

  state() {
    const unread = this.messages.filter(({ seq, user, deleted_at: gone }) => seq > this.read && user !== ME && !gone);
    const mentions = unread.filter(({ data }) => data.includes(`@${ME}`)).length;
    const last = this.messages.at(-1);
    return { ...this.facts, head: this.log.length, read: this.read, unread: unread.length, mentions, last };
  }
}

const welcome = (room) => ({ epoch: "e", rooms: [{ room: 1, kind: "group", name: "lobby", title: "Lobby", members: 3, head: 0, read: 0, unread: 0, mentions: 0, muted: false }, room.state()] });

const ACTIONS = {
  say: (room, conversations, pick) => conversations.receive(room.append({ type: 2, user: [ME, ...OTHERS][pick(3)], data: pick(3) ? "x" : `@${ME} x` })),
  edit(room, conversations, pick) {
    const target = room.messages[pick(room.messages.length || 1)];
    if (!target || target.deleted_at) return;
    target.data = pick(2) ? "y" : `@${ME} y`;
    conversations.receive(room.append({ type: 10, user: target.user, target: target.seq, data: target.data }));
  },
  remove(room, conversations, pick) {
    const target = room.messages[pick(room.messages.length || 1)];
    if (!target || target.deleted_at) return;
    target.deleted_at = 1;
    conversations.receive(room.append({ type: 11, user: "cy", target: target.seq }));
  },
  react: (room, conversations) => conversations.receive(room.append({ type: 12, user: "bo", target: 1, emoji: "👍", on: true })),
  members(room, conversations, pick) {
    const joins = pick(2) === 1;
    room.facts.members += joins ? 1 : -1;
    const heir = !joins && pick(4) === 0;
    room.facts.admin ||= heir;
    const event = { type: 13, user: "di", action: joins ? "join" : "leave", users: ["di"], ...(heir && { admins: [ME] }) };
    conversations.receive(room.append(event));
  },
  change(room, conversations, pick) {
    const facts = [{ title: `Den ${pick(9)}` }, { topic: "t" }, { receipts: true }, { private: true }][pick(4)];
    Object.assign(room.facts, facts);
    conversations.receive(room.append({ type: 13, user: "bo", action: "change", ...facts }));
  },
  readElsewhere(room, conversations, pick) {
    room.read = Math.max(room.read, pick(room.log.length + 1));
    conversations.readBy({ room: 9, user: ME, seq: room.read });
  },
  readHere(room, conversations) {
    const conversation = conversations.get("#9");
    if (!conversation.timeline.loaded) return;
    conversations.markRead(conversation);
    room.read = Math.max(room.read, conversation.read);
  },
  mute(room, conversations) {
    room.facts.muted = !room.facts.muted;
    conversations.readBy({ room: 9, user: ME, seq: room.read, muted: room.facts.muted });
  },
  open(room, conversations) {
    const { timeline } = conversations.get("#9");
    if (!timeline.loaded) timeline.load({ events: room.messages.slice(-5), more: true, upTo: room.log.length });
  },
  reconnect: (room, conversations) => conversations.welcome(welcome(room)),
};

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const shown = (conversation) => Object.fromEntries(FIELDS.map((name) => [name, conversation[name]]));

function fresh(room) {
  const conversations = new Conversations({ request: () => Promise.reject(new Error("offline")) });
  conversations.welcome(welcome(room));
  return conversations.get("#9");
}

test("after any sequence of events the page shows what a new welcome says", async () => {
  let counted = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const pick = random(seed);
    const room = new Room();
    const conversations = new Conversations({ request: () => Promise.reject(new Error("offline")), state: "waiting" });
    const count = async () => (counted += 1) && room.state();
    new Recounts(conversations, { count, delay: 0 });
    conversations.welcome(welcome(room));
    const names = Object.keys(ACTIONS);
    const done = [];
    for (let step = 0; step < STEPS; step += 1) {
      done.push(pick(3) ? "say" : names[pick(names.length)]);
      ACTIONS[done.at(-1)](room, conversations, pick);
      if (pick(20)) continue;
      await settled();
      await settled();
      assert.deepEqual(shown(conversations.get("#9")), shown(fresh(room)), `run ${seed}: ${done.join(" ")}`);
    }
  }
  assert.ok(counted > 0 && counted < (RUNS * STEPS) / 4, `${counted} rooms were counted again`);
});

test("a room whose count stays stale is requested again only after a longer delay", async () => {
  const conversation = { room: 9, stale: true, recount() {} };
  const conversations = Object.assign(new EventTarget(), { all: [conversation], of: () => conversation });
  let counted = 0;
  const delay = 20;
  new Recounts(conversations, { count: async () => (counted += 1) && { room: 9 }, delay }).check();
  await new Promise((resolve) => setTimeout(resolve, 5 * delay));
  assert.equal(counted, 1);
  await new Promise((resolve) => setTimeout(resolve, 15 * delay));
  assert.ok(counted > 1);
  conversation.stale = false;
});
