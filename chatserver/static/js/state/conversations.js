/**
 * The conversations of the user. Owns them, applies frames to them, and requests missing events.
 *
 * Events: `conversation:changed` {conversation, added}: events that became complete, in order;
 * `conversations:welcomed`: a welcome was applied; `conversation:removed` {conversation, reason, by}: the user is no
 * member of it any more; `reason`: "leave" or "remove" with `by`; "absent": not in a welcome; "restored": a backup was
 * restored, and another room has its number.
 */

import { GapFiller } from "./gap-filler.js";
import { History } from "../net/history.js";
import { Conversation } from "../lib/conversation.js";
import { directKey, keyOf, roomKey } from "../lib/route.js";
import { me } from "../ui/page.js";
import { isMessage, isNotice, LOBBY, PAGE_SIZE, Type } from "../net/protocol.js";

const MAX_GAP = 2_000; // events; after a larger gap the newest page is loaded instead
const RETRY_DELAY = 2_000; // milliseconds
const GRACE = 1_000; // milliseconds in which the events before an acknowledged one may still arrive

export class Conversations extends EventTarget {
  epoch = null;
  isComplete = false; // all rooms are loaded, not only those in the welcome

  #connection;
  #history;
  #byKey = new Map(); // key → Conversation
  #previousNames = new Map(); // room → its name in the previous log, until a welcome confirms it
  #gapFiller;
  #isUser;

  /** `isUser(name)`: see Users. */
  constructor(connection, isUser) {
    super();
    this.#connection = connection;
    this.#isUser = isUser;
    this.#history = new History(connection, (conversation, epoch) => this.#reset(conversation, epoch));
    const receive = (conversation, events) => this.#receivePage(conversation, events);
    this.#gapFiller = new GapFiller(this.#history, { receive, retryLater: (action) => this.#retryLater(action) });
    this.get(roomKey(LOBBY)).room = LOBBY;
  }

  get all() {
    return [...this.#byKey.values()];
  }

  get(key) {
    if (!this.#byKey.has(key)) this.#byKey.set(key, new Conversation(key, me.name, this.#isUser));
    return this.#byKey.get(key);
  }

  /** The conversation of a room number, or undefined. */
  of(room) {
    return this.all.find((conversation) => conversation.room === room);
  }

  /** Apply a welcome. `more`: it does not have all rooms; the others are loaded from `after`. */
  welcome({ epoch, rooms, rooms_more: more = false, rooms_after: after }) {
    if (this.epoch !== epoch) this.#startLog(epoch);
    for (const room of rooms) this.#applyState(room);
    const own = new Set(rooms.map(({ room }) => room));
    const others = this.all.filter(({ room }) => room !== null && !own.has(room));
    this.isComplete = !more;
    if (more) this.#loadRooms(others, after);
    else for (const known of others) this.#remove(known);
    for (const conversation of this.all) this.#catchUp(conversation);
    this.dispatchEvent(new CustomEvent("conversations:welcomed"));
  }

  /** Apply a live event, or an own message from its reply (`acknowledged`). */
  receive(event) {
    if (!event.seq) return;
    if (event.state) this.addRoom(event.state);
    const conversation = this.#conversationOf(event);
    if (!conversation) return;
    const { timeline } = conversation;
    if (conversation.room === null) this.#assignRoom(conversation, event.room);
    const added = timeline.receive(event);
    for (const one of timeline.loaded ? added : [event]) conversation.apply(one);
    this.#changed(conversation, added);
    if (endsMembership(event)) this.#remove(conversation, { reason: event.action, by: event.user });
    if (timeline.missing) setTimeout(() => this.#gapFiller.fill(conversation), event.acknowledged ? GRACE : 0);
  }

  /** Add or update a room from the `state` of an event or a reply. */
  addRoom(room) {
    const conversation = this.#applyState(room);
    if (conversation.timeline.loaded) this.#gapFiller.fill(conversation);
    this.#changed(conversation, []);
    return conversation;
  }

  /** A user has read up to `seq`: this user on another device, or a member of a room with receipts. */
  readBy({ room, user, seq, ...marks }) {
    const conversation = this.of(room);
    if (!conversation) return;
    conversation.readBy(user, seq);
    if (user === me.name) {
      conversation.mark(marks);
      if (marks.unread) conversation.markUnread(seq);
      conversation.reportedRead = Math.max(conversation.reportedRead, seq);
      conversation.readTo(seq);
    }
    this.#changed(conversation, []);
  }

  /** Load the newest page, unless it is loaded. */
  async open(conversation) {
    const { timeline } = conversation;
    if (timeline.loaded) return timeline.missing ? this.#gapFiller.fill(conversation) : null;
    const upTo = timeline.head;
    if (upTo === 0) return this.#changed(conversation, timeline.load({ events: [], more: false, upTo }));
    const page = await this.#history.page(conversation, upTo + 1, PAGE_SIZE);
    if (!page || timeline.loaded) return this.#retryLater(() => this.open(conversation));
    return this.#changed(conversation, timeline.load({ ...page, upTo }));
  }

  /** Load a page of older events. Returns whether there were any. */
  async loadOlder(conversation, limit = PAGE_SIZE) {
    const { timeline } = conversation;
    if (!timeline.loaded || !timeline.hasOlder) return false;
    const before = timeline.oldest;
    const page = await this.#history.page(conversation, before, limit);
    if (!page || timeline.oldest !== before) return false;
    timeline.prepend(page);
    this.#changed(conversation, []);
    return true;
  }

  /** Load a quoted message that is not loaded. */
  async loadQuoted(conversation, seq) {
    if (conversation.timeline.find(seq)) return;
    const page = await this.#history.request(conversation, { after: seq - 1, limit: 1 });
    if (!page?.events.length) return;
    conversation.timeline.quote(page.events[0], page.head);
    this.#changed(conversation, []);
  }

  /** Mark as read up to the end, or up to `seq`. */
  markRead(conversation, seq) {
    if (seq === undefined ? conversation.markRead() : conversation.markReadTo(seq)) this.#changed(conversation, []);
  }

  /**
   * Load the rooms that are not in the welcome. `others`: rooms known before; those on no page are removed. If the
   * connection is lost, the next welcome starts again.
   */
  async #loadRooms(others, first, own = new Set()) {
    try {
      for (let after = first; after !== undefined; ) {
        const reply = await this.#connection.request({ type: Type.HISTORY, rooms_after: after });
        if (!reply.ok) return this.#retryLater(() => this.#loadRooms(others, after, own));
        for (const room of reply.rooms) {
          own.add(room.room);
          this.#catchUp(this.#applyState(room));
        }
        after = reply.rooms_after;
      }
    } catch {
      return null;
    }
    for (const known of others) if (!own.has(known.room)) this.#remove(known);
    this.isComplete = true;
    this.dispatchEvent(new CustomEvent("conversations:welcomed"));
    return null;
  }

  #applyState(room) {
    const { name = null } = room;
    const known = this.#previousNames.get(room.room) ?? name;
    this.#previousNames.delete(room.room);
    if (known !== name) this.#remove(this.get(keyOf(room)), { reason: "restored" });
    const conversation = this.get(keyOf(room));
    const { cursor } = conversation.timeline;
    if (cursor !== null && cursor > room.head) conversation.reset();
    conversation.welcome(room);
    return conversation;
  }

  #remove(conversation, { reason = "absent", by } = {}) {
    this.#byKey.delete(conversation.key);
    this.dispatchEvent(new CustomEvent("conversation:removed", { detail: { conversation, reason, by } }));
  }

  /** Start with the first log, or with another one after a restored backup. */
  #startLog(epoch) {
    const rooms = this.epoch === null ? [] : this.all.filter(({ isDirect }) => !isDirect);
    this.#previousNames = new Map(rooms.map(({ room, name }) => [room, name]));
    this.epoch = epoch;
    for (const conversation of this.all) {
      conversation.reset();
      if (conversation.isDirect) conversation.room = null;
    }
  }

  #conversationOf(event) {
    const known = this.of(event.room);
    if (known || isNotice(event)) return known; // undefined for the notice of a room that the user has left
    if (event.type !== Type.SINGLE_CHAT) return this.get(roomKey(event.room));
    return this.get(directKey(event.user === me.name ? event.to : event.user));
  }

  /** The first event of a room that is in no welcome: the room is new, and loaded from its start. */
  #assignRoom(conversation, room) {
    conversation.room = room;
    if (conversation.timeline.loaded || !conversation.isDirect) return;
    conversation.timeline.load({ events: [], more: false, upTo: 0 });
  }

  /** Load what was missed while disconnected. */
  #catchUp(conversation) {
    const { timeline } = conversation;
    if (!timeline.loaded) return;
    if (timeline.head - timeline.cursor <= MAX_GAP) this.#gapFiller.fill(conversation);
    else this.#discard(conversation);
  }

  #receivePage(conversation, events) {
    const added = events.flatMap((event) => conversation.timeline.receive(event));
    for (const event of added) conversation.apply(event);
    this.#changed(conversation, added);
  }

  /** Call `action` later if there still is a connection; otherwise the next welcome starts again. */
  #retryLater(action) {
    setTimeout(() => this.#connection.state === "online" && action(), RETRY_DELAY);
    return null;
  }

  #reset(conversation, epoch) {
    if (epoch && epoch !== this.epoch) return void this.#connection.reconnect(); // another log: the next welcome describes it
    this.#discard(conversation);
    this.#changed(conversation, []);
  }

  /** Discard loaded events, because changes of old messages were missed. */
  #discard(conversation) {
    conversation.historyWindow = null;
    conversation.timeline.reset(conversation.timeline.head);
  }

  #changed(conversation, added) {
    const shown = added.filter(isMessage);
    this.dispatchEvent(new CustomEvent("conversation:changed", { detail: { conversation, added: shown } }));
  }
}

/** Whether the event ends the membership of this user. */
const endsMembership = ({ type, action, users }) =>
  type === Type.ROOM && (action === "leave" || action === "remove") && users.includes(me.name);
