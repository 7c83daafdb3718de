/**
 * Every conversation of this user as far as it is known here: owns the conversations, turns frames into
 * complete timelines, and asks for what is missing.
 *
 * Events: `feed:changed` {conversation, added}: events that became complete, in order;
 * `feed:renewed`: a welcome was applied; `feed:gone` {conversation, reason, by}: the user is no member of it any
 * more; `reason`: "leave" or "remove", `by` another member; "absent" from a welcome; "restored": a backup was
 * restored, and its number is another room's.
 */

import { GapFiller } from "./gap-filler.js";
import { History } from "../net/history.js";
import { Conversation } from "../lib/conversation.js";
import { directKey, keyOf, roomKey } from "../lib/route.js";
import { me } from "../ui/page.js";
import { isMessage, isNotice, LOBBY, PAGE, Type } from "../net/protocol.js";

const TOO_FAR = 2_000; // events: behind by more than this, load the newest page instead
const AGAIN = 2_000; // milliseconds until a page that did not come is asked for again
const GRACE = 1_000; // milliseconds for the events before an answered one to arrive by themselves

export class Feed extends EventTarget {
  epoch = null;
  isWhole = false; // all rooms are known, not only those that fit into the welcome

  #connection;
  #history;
  #conversations = new Map(); // key → Conversation
  #before = new Map(); // room → its name in the log of before, until a welcome tells it again
  #gapFiller;
  #isUser;

  /** `isUser(name)`: whether a folded name is that of a user, as People has it. */
  constructor(connection, isUser) {
    super();
    this.#connection = connection;
    this.#isUser = isUser;
    this.#history = new History(connection, (conversation, epoch) => this.#reset(conversation, epoch));
    const receive = (conversation, events) => this.#take(conversation, events);
    this.#gapFiller = new GapFiller(this.#history, { receive, retryLater: (action) => this.#retryLater(action) });
    this.get(roomKey(LOBBY)).room = LOBBY;
  }

  get all() {
    return [...this.#conversations.values()];
  }

  get(key) {
    if (!this.#conversations.has(key)) this.#conversations.set(key, new Conversation(key, me.name, this.#isUser));
    return this.#conversations.get(key);
  }

  /** The conversation of that room, or undefined. */
  of(room) {
    return this.all.find((conversation) => conversation.room === room);
  }

  /** `more`: not all rooms are in it; the others are behind `after`. */
  welcome({ epoch, rooms, rooms_more: more = false, rooms_after: after }) {
    if (this.epoch !== epoch) this.#begin(epoch);
    for (const room of rooms) this.#admit(room);
    const own = new Set(rooms.map(({ room }) => room));
    const others = this.all.filter(({ room }) => room !== null && !own.has(room));
    this.isWhole = !more;
    if (more) this.#load(others, after);
    else for (const known of others) this.#remove(known);
    for (const conversation of this.all) this.#continue(conversation);
    this.dispatchEvent(new CustomEvent("feed:renewed"));
  }

  /** A live event, or one's own message as its reply tells it (`acknowledged`). */
  receive(event) {
    if (!event.seq) return;
    if (event.state) this.admit(event.state);
    const conversation = this.#conversationOf(event);
    if (!conversation) return;
    const { timeline } = conversation;
    if (conversation.room === null) this.#found(conversation, event.room);
    const added = timeline.receive(event);
    for (const one of timeline.loaded ? added : [event]) conversation.count(one);
    this.#changed(conversation, added);
    if (losesMe(event)) this.#remove(conversation, { reason: event.action, by: event.user });
    if (timeline.missing) setTimeout(() => this.#gapFiller.fill(conversation), event.acknowledged ? GRACE : 0);
  }

  /** A room that one is a member of now, as `state` of its event or of a reply tells it. */
  admit(room) {
    const conversation = this.#admit(room);
    if (conversation.timeline.loaded) this.#gapFiller.fill(conversation);
    this.#changed(conversation, []);
    return conversation;
  }

  /** Somebody has read up to `seq`: another device of mine, or a member where receipts are shown. */
  readBy({ room, user, seq, muted }) {
    const conversation = this.of(room);
    if (!conversation) return;
    conversation.readBy(user, seq);
    if (user === me.name) {
      conversation.muted = muted ?? conversation.muted;
      conversation.reportedRead = Math.max(conversation.reportedRead, seq);
      conversation.readTo(seq);
    }
    this.#changed(conversation, []);
  }

  /** Loads the newest page, unless it is here. */
  async open(conversation) {
    const { timeline } = conversation;
    if (timeline.loaded) return timeline.missing ? this.#gapFiller.fill(conversation) : null;
    const upTo = timeline.head;
    if (upTo === 0) return this.#changed(conversation, timeline.load({ events: [], more: false, upTo }));
    const page = await this.#history.page(conversation, upTo + 1, PAGE);
    if (!page || timeline.loaded) return this.#retryLater(() => this.open(conversation));
    return this.#changed(conversation, timeline.load({ ...page, upTo }));
  }

  /** Loads a page of what is older. Says whether anything came. */
  async older(conversation, limit = PAGE) {
    const { timeline } = conversation;
    if (!timeline.loaded || !timeline.hasOlder) return false;
    const before = timeline.oldest;
    const page = await this.#history.page(conversation, before, limit);
    if (!page || timeline.oldest !== before) return false;
    timeline.prepend(page);
    this.#changed(conversation, []);
    return true;
  }

  /** Loads one message that is quoted and not held. */
  async quote(conversation, seq) {
    if (conversation.timeline.find(seq)) return;
    const page = await this.#history.ask(conversation, { after: seq - 1, limit: 1 });
    if (!page?.events.length) return;
    conversation.timeline.quote(page.events[0], page.head);
    this.#changed(conversation, []);
  }

  /** Up to the end, or `seq`. */
  markRead(conversation, seq) {
    if (seq === undefined ? conversation.markRead() : conversation.seenTo(seq)) this.#changed(conversation, []);
  }

  /**
   * The rooms that did not fit into the welcome; `others` were known before, and those that are in
   * no page are left. When the line breaks, the next welcome starts over.
   */
  async #load(others, first, own = new Set()) {
    try {
      for (let after = first; after !== undefined; ) {
        const reply = await this.#connection.request({ type: Type.HISTORY, rooms_after: after });
        if (!reply.ok) return this.#retryLater(() => this.#load(others, after, own));
        for (const room of reply.rooms) {
          own.add(room.room);
          this.#continue(this.#admit(room));
        }
        after = reply.rooms_after;
      }
    } catch {
      return null;
    }
    for (const known of others) if (!own.has(known.room)) this.#remove(known);
    this.isWhole = true;
    this.dispatchEvent(new CustomEvent("feed:renewed"));
    return null;
  }

  #admit(room) {
    const { name = null } = room;
    const known = this.#before.get(room.room) ?? name;
    this.#before.delete(room.room);
    if (known !== name) this.#remove(this.get(keyOf(room)), { reason: "restored" });
    const conversation = this.get(keyOf(room));
    const { position } = conversation.timeline;
    if (position !== null && position > room.head) conversation.forget();
    conversation.welcome(room);
    return conversation;
  }

  #remove(conversation, { reason = "absent", by } = {}) {
    this.#conversations.delete(conversation.key);
    this.dispatchEvent(new CustomEvent("feed:gone", { detail: { conversation, reason, by } }));
  }

  /** The first log, or another one after a backup was restored. */
  #begin(epoch) {
    const rooms = this.epoch === null ? [] : this.all.filter(({ isDirect }) => !isDirect);
    this.#before = new Map(rooms.map(({ room, name }) => [room, name]));
    this.epoch = epoch;
    for (const conversation of this.all) {
      conversation.forget();
      if (conversation.isDirect) conversation.room = null;
    }
  }

  #conversationOf(event) {
    const known = this.of(event.room);
    if (known || isNotice(event)) return known; // of a room that one is leaving
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
    if (timeline.head - timeline.position <= TOO_FAR) this.#gapFiller.fill(conversation);
    else this.#startOver(conversation);
  }

  #take(conversation, events) {
    const added = events.flatMap((event) => conversation.timeline.receive(event));
    for (const event of added) conversation.count(event);
    this.#changed(conversation, added);
  }

  /** While there is a line; without one, the next welcome starts over. */
  #retryLater(action) {
    setTimeout(() => this.#connection.state === "online" && action(), AGAIN);
    return null;
  }

  #reset(conversation, epoch) {
    if (epoch && epoch !== this.epoch) return void this.#connection.reconnect(); // another log: its welcome says what is in it
    this.#startOver(conversation);
    this.#changed(conversation, []);
  }

  /** As if nothing were held: what was done to old messages meanwhile is not known. */
  #startOver(conversation) {
    conversation.historyWindow = null;
    conversation.timeline.reset(conversation.timeline.head);
  }

  #changed(conversation, added) {
    const shown = added.filter(isMessage);
    this.dispatchEvent(new CustomEvent("feed:changed", { detail: { conversation, added: shown } }));
  }
}

/** True for the event by which one stops being a member. */
const losesMe = ({ type, action, users }) =>
  type === Type.ROOM && (action === "leave" || action === "remove") && users.includes(me.name);
