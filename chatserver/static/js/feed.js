/**
 * Every conversation of this user as far as it is known here: owns the conversations, turns frames into
 * complete timelines, and asks for what is missing.
 *
 * Events: `feed:changed` {conversation, added}: events that became complete, in order;
 * `feed:renewed`: a welcome was taken in.
 */

import { Conversation } from "./lib/conversation.js";
import { directKey, keyOf, roomKey } from "./lib/route.js";
import { keep, recall } from "./local.js";
import { me } from "./page.js";
import { HISTORY_LIMIT, isMessage, LOBBY, PAGE, Type } from "./protocol.js";

const TOO_FAR = 2_000; // events: behind by more than this, load the newest page instead
const AGAIN = 2_000; // milliseconds until a page that did not come is asked for again
const GRACE = 1_000; // milliseconds for the events before an answered one to arrive by themselves

export class Feed extends EventTarget {
  epoch = null;

  #connection;
  #conversations = new Map(); // key → Conversation
  #busy = new Set(); // keys with a request under way

  constructor(connection) {
    super();
    this.#connection = connection;
    this.get(roomKey(LOBBY)).room = LOBBY;
  }

  get all() {
    return [...this.#conversations.values()];
  }

  get(key) {
    if (!this.#conversations.has(key)) this.#conversations.set(key, this.#remembered(key));
    return this.#conversations.get(key);
  }

  welcome({ epoch, rooms }) {
    if (this.epoch !== epoch) this.#begin(epoch);
    for (const room of rooms) {
      const conversation = this.get(keyOf(room));
      const { position } = conversation.timeline;
      if (position !== null && position > room.head) conversation.forget();
      conversation.welcome(room);
    }
    for (const conversation of this.all) this.#continue(conversation);
    this.dispatchEvent(new CustomEvent("feed:renewed"));
  }

  /** A live event, or one's own message as its reply tells it (`answered`). */
  receive(event) {
    if (!event.seq) return;
    const conversation = this.#conversationOf(event);
    const { timeline } = conversation;
    if (conversation.room === null) this.#found(conversation, event.room);
    const added = timeline.receive(event);
    conversation.count(event, { own: event.user === me.name });
    this.#changed(conversation, added);
    if (timeline.missing) setTimeout(() => this.#fill(conversation), event.answered ? GRACE : 0);
  }

  /** Loads the newest page, unless it is here. */
  async open(conversation) {
    const { timeline } = conversation;
    if (timeline.loaded) return timeline.missing ? this.#fill(conversation) : null;
    const upTo = timeline.head;
    if (upTo === 0) return this.#changed(conversation, timeline.load({ events: [], more: false, upTo }));
    const page = await this.#ask(conversation, { before: upTo + 1, limit: PAGE });
    if (!page || timeline.loaded) return this.#later(() => this.open(conversation));
    return this.#changed(conversation, timeline.load({ ...page, events: page.events.filter(isMessage), upTo }));
  }

  /** Loads a page of older messages. */
  async older(conversation) {
    const { timeline } = conversation;
    if (!timeline.loaded || !timeline.hasOlder) return;
    const before = timeline.oldest;
    const page = await this.#ask(conversation, { before, limit: PAGE });
    if (!page || timeline.oldest !== before) return;
    timeline.prepend({ ...page, events: page.events.filter(isMessage) });
    this.#changed(conversation, []);
  }

  markRead(conversation) {
    if (!conversation.markRead()) return;
    keep(this.#readName(conversation.key), JSON.stringify([this.epoch, conversation.read]));
    this.#changed(conversation, []);
  }

  #remembered(key) {
    const conversation = new Conversation(key);
    if (this.epoch !== null) conversation.read = this.#rememberedRead(key);
    return conversation;
  }

  #rememberedRead(key) {
    const [epoch, read] = JSON.parse(recall(this.#readName(key)) ?? "[]");
    return epoch === this.epoch ? read : 0;
  }

  #readName(key) {
    return `read:${me.name}:${key}`;
  }

  /** The first log, or another one after a backup was restored. */
  #begin(epoch) {
    this.epoch = epoch;
    for (const conversation of this.all) {
      conversation.forget();
      conversation.read = this.#rememberedRead(conversation.key);
      if (conversation.isDirect) conversation.room = null;
    }
  }

  #conversationOf(event) {
    const known = this.all.find(({ room }) => room === event.room);
    if (known) return known;
    if (event.type !== Type.SINGLE_CHAT) return this.get(roomKey(event.room));
    return this.get(directKey(event.user === me.name ? event.to : event.user));
  }

  /** The first event of a room that no welcome named: it starts now, and is held from its start. */
  #found(conversation, room) {
    conversation.room = room;
    if (conversation.timeline.loaded || !conversation.isDirect) return;
    conversation.timeline.load({ events: [], more: false, upTo: 0 });
  }

  /** After a welcome: go on where the line broke. */
  #continue(conversation) {
    const { timeline } = conversation;
    if (!timeline.loaded) return;
    if (timeline.head - timeline.position > TOO_FAR) timeline.reset(timeline.head);
    else this.#fill(conversation);
  }

  /** Asks for what is missing until nothing is. */
  async #fill(conversation) {
    const { timeline } = conversation;
    if (this.#busy.has(`${conversation.key} after`)) return null;
    this.#busy.add(`${conversation.key} after`);
    try {
      while (timeline.missing) {
        const before = timeline.position;
        const page = await this.#ask(conversation, { ...timeline.missing, limit: HISTORY_LIMIT });
        if (!page) return this.#later(() => this.#fill(conversation));
        timeline.head = Math.max(timeline.head, page.head);
        this.#take(conversation, page.events);
        if (timeline.position === before) return null; // the server cannot say more now
      }
      return null;
    } finally {
      this.#busy.delete(`${conversation.key} after`);
    }
  }

  #take(conversation, events) {
    const added = events.flatMap((event) => conversation.timeline.receive(event));
    for (const event of added) conversation.count(event, { own: event.user === me.name });
    this.#changed(conversation, added);
  }

  /** A page, or null when there is none: the line broke, or the position is not of this log. */
  async #ask(conversation, question) {
    const name = JSON.stringify([conversation.key, question]);
    if (conversation.room === null || this.#busy.has(name)) return null;
    this.#busy.add(name);
    try {
      const frame = { type: Type.HISTORY, room: conversation.room, ...question };
      const reply = await this.#connection.request(frame);
      if (reply.code === "reset") this.#reset(conversation, reply.epoch);
      return reply.ok ? reply : null;
    } catch {
      return null; // the next welcome starts over
    } finally {
      this.#busy.delete(name);
    }
  }

  /** While there is a line; without one, the next welcome starts over. */
  #later(action) {
    setTimeout(() => this.#connection.state === "online" && action(), AGAIN);
    return null;
  }

  #reset(conversation, epoch) {
    if (epoch && epoch !== this.epoch) {
      this.#connection.reconnect(); // another log altogether: its welcome says what is in it
      return;
    }
    conversation.timeline.reset(conversation.timeline.head);
    this.#changed(conversation, []);
  }

  #changed(conversation, added) {
    const shown = added.filter(isMessage);
    this.dispatchEvent(new CustomEvent("feed:changed", { detail: { conversation, added: shown } }));
  }
}
