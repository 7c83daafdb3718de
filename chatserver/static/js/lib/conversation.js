/** The state of one room or direct conversation: its properties, loaded events, read position and unread counts. */

import { isChange, isMessage, Type } from "../net/protocol.js";
import { isMentioned } from "./mentions.js";
import { Timeline } from "./timeline.js";

const DEFAULTS = {
  name: null,
  title: "",
  topic: "",
  members: 0,
  private: false,
  archived: false,
  receipts: false,
  admin: false,
  muted: false,
  favorite: false,
  notify: "default", // which messages notify: "all", "mentions", "nothing", or the user's rules
  at_least: false, // `unread` is a lower bound: the server stopped counting
};

export class Conversation {
  timeline = new Timeline();
  seeking = false; // its first unread message is being searched for
  historyWindow = null; // shown instead of the newest messages
  pictures = null; // RoomPictures while the viewer is open
  room = null; // a direct conversation has no room until its first message
  read = 0;
  reportedRead = 0; // the read position that was reported to the server
  unread = 0;
  mentions = 0;
  lastAt = 0;
  isHeld = false; // the user has marked messages as unread: nothing is read until the conversation is opened again
  stale = false; // `unread` and `mentions` are estimates; see recounts.js
  readers = new Map(); // name → read position, if the room shows receipts

  #me;
  #serverCounted = 0; // the seq up to which the server has counted
  #appliedUpTo = 0; // the seq up to which events were applied to the counts
  #isUser;
  #liveUnread = new Map(); // seq → whether it mentions the user; unread messages since the last welcome
  #possibleMentions = new Map(); // seq → text of messages that mention the user, unless another user has a longer name

  /** `isUser(name)`: whether a folded name is a known user's; call `recheckMentions` when more users become known. */
  constructor(key, me = "", isUser = undefined) {
    Object.assign(this, DEFAULTS);
    this.key = key;
    this.#me = me;
    this.#isUser = isUser;
    this.to = key.startsWith("@") ? key.slice(1) : null;
  }

  get isDirect() {
    return this.to !== null;
  }

  /** Whether it is a room without a name; its title lists its users at the start, unless one was given. */
  get isUnnamed() {
    return this.room !== null && this.to === null && this.name === null;
  }

  /** Apply the state of the room as `welcome` or an event's `state` has it. A read position that is further here is kept. */
  welcome({ room, head, read, unread, mentions = 0, last, ...properties }) {
    const known = Object.keys(DEFAULTS).filter((name) => name in properties);
    Object.assign(this, DEFAULTS, Object.fromEntries(known.map((name) => [name, properties[name]])));
    const later = [...this.#liveUnread].filter(([seq]) => seq > head); // received before this state
    this.room = room;
    this.stale = false;
    this.timeline.head = Math.max(head, ...later.map(([seq]) => seq));
    this.reportedRead = read;
    this.read = Math.min(Math.max(this.read, read), head);
    this.unread = this.read > read ? Math.min(unread, head - this.read) : unread;
    this.mentions = Math.min(mentions, this.unread);
    this.lastAt = Math.max(this.lastAt, last?.at ?? 0);
    this.#serverCounted = head;
    this.#appliedUpTo = this.timeline.head;
    this.#liveUnread = new Map(later);
    this.unread += later.length;
    this.mentions += later.filter(([, isMention]) => isMention).length;
  }

  /** Apply an event to the counts and properties. Own messages count as read. */
  apply(event) {
    if (isMessage(event)) this.lastAt = Math.max(this.lastAt, event.at);
    if (isChange(event)) for (const one of [this.historyWindow, this.pictures]) one?.apply(event);
    if (event.seq <= this.#appliedUpTo || event.acknowledged) return;
    this.#appliedUpTo = event.seq;
    if (event.type === Type.ROOM) this.#change(event);
    else if (event.type === Type.DELETE) this.#removeUnread(event);
    else if (event.type === Type.EDIT) this.stale ||= event.target > this.read && this.unread > 0;
    else if (this.isUnread(event)) this.#addUnread(event);
  }

  /**
   * Apply the counts of the server, unless newer events or a newer read position make them outdated; then it stays
   * stale.
   */
  recount(state) {
    const current = state.head >= Math.max(this.#appliedUpTo, this.timeline.head) && state.read >= this.read;
    if (current) this.welcome(state);
  }

  /** Whether `event` is an unread message of another user. */
  isUnread(event) {
    return isMessage(event) && event.user !== this.#me && event.seq > this.read && !event.deleted_at;
  }

  /** Mark everything as read. Returns whether that changed anything. */
  markRead() {
    if (this.isHeld) return false;
    const position = this.timeline.cursor ?? 0;
    const changed = this.unread > 0 || position > this.read;
    this.readTo(position);
    this.unread = 0;
    this.mentions = 0;
    this.stale = false;
    return changed;
  }

  /** Mark the loaded messages up to `seq` as read. Returns whether that changed anything. Exact counts stay exact. */
  markReadTo(seq) {
    const { events, upTo } = this.historyWindow ?? { events: this.timeline.events, upTo: this.timeline.cursor ?? 0 };
    const position = Math.min(seq, upTo);
    if (position <= this.read || this.isHeld) return false;
    const seen = events.filter((event) => event.seq <= position && this.isUnread(event));
    const { unread, mentions, stale } = this;
    this.readTo(position);
    if (position >= this.#serverCounted) return true; // all unread messages are in #liveUnread
    this.unread = Math.max(this.at_least ? 1 : 0, unread - seen.length);
    this.mentions = Math.max(0, Math.min(this.unread, mentions - seen.filter(({ data }) => this.#mentionsMe(data)).length));
    this.stale = (stale || this.at_least) && this.unread > 0;
    return true;
  }

  /** The user has marked the messages after `seq` as unread. The server will count them. */
  markUnread(seq) {
    if (seq >= this.read) return;
    this.read = this.reportedRead = seq;
    this.isHeld = true;
    this.stale = true;
    this.unread = Math.max(1, this.unread, this.#countAfter(seq));
  }

  /** Set the read position to `seq`, read here or on another device. */
  readTo(seq) {
    if (seq <= this.read) return;
    this.read = seq;
    for (const old of this.#liveUnread.keys()) if (old <= seq) this.#liveUnread.delete(old);
    const known = seq >= this.#serverCounted; // then all unread messages are in #liveUnread
    this.unread = known ? this.#liveUnread.size : Math.min(this.unread, this.#countAfter(seq));
    this.stale = !known && this.unread > 0;
    const liveMentions = [...this.#liveUnread.values()].filter(Boolean).length;
    this.mentions = Math.min(this.mentions, this.unread, known ? liveMentions : Infinity);
  }

  /** Count the mentions again after more users became known. Returns whether the count changed. */
  recheckMentions() {
    let change = 0;
    for (const [seq, text] of this.#possibleMentions) {
      if (!this.#liveUnread.has(seq)) this.#possibleMentions.delete(seq);
      else if (this.#liveUnread.get(seq) !== this.#mentionsMe(text)) change += this.#toggleMention(seq);
    }
    this.mentions = Math.max(0, Math.min(this.mentions + change, this.unread));
    return change !== 0;
  }

  /** Returns the change of the count. */
  #toggleMention(seq) {
    const isMention = !this.#liveUnread.get(seq);
    this.#liveUnread.set(seq, isMention);
    return isMention ? 1 : -1;
  }

  #mentionsMe(text) {
    return isMentioned(text, this.#me) && isMentioned(text, this.#me, this.#isUser);
  }

  /** Set those marks of the user that are given. */
  mark({ muted = this.muted, favorite = this.favorite, notify = this.notify }) {
    Object.assign(this, { muted, favorite, notify });
  }

  /** Another member has read up to `seq`. */
  readBy(user, seq) {
    this.readers.set(user, Math.max(seq, this.readers.get(user) ?? 0));
  }

  /** Forget all events and counts, because the log was replaced. */
  reset() {
    this.timeline.reset();
    this.historyWindow = null;
    this.readers.clear();
    this.#liveUnread.clear();
    this.#possibleMentions.clear();
    this.stale = false;
    this.read = 0;
    this.reportedRead = 0;
    this.unread = 0;
    this.mentions = 0;
    this.#serverCounted = 0;
    this.#appliedUpTo = 0;
  }

  /** The number of other users' messages after `seq`: exact if they are loaded, else an upper bound. */
  #countAfter(seq) {
    const { timeline } = this;
    const loaded = timeline.cursor === timeline.head && timeline.oldest <= seq + 1;
    if (!loaded) return Math.max(0, Math.max(timeline.head, this.#appliedUpTo) - seq);
    return timeline.events.filter((event) => event.seq > seq && this.isUnread(event)).length;
  }

  /** Remove a deleted message from the counts. If it is not loaded, assume that its author deleted it. */
  #removeUnread({ target, user }) {
    const author = this.timeline.find(target)?.user ?? user;
    const old = target > this.read && target <= this.#serverCounted && author !== this.#me;
    if (!this.#liveUnread.has(target)) this.stale ||= target > this.read && this.unread > 0;
    if (!old && !this.#liveUnread.has(target)) return;
    this.unread = Math.max(0, this.unread - 1);
    if (this.#liveUnread.get(target)) this.mentions -= 1;
    this.mentions = Math.max(0, Math.min(this.mentions, this.unread));
    this.#liveUnread.delete(target);
  }

  #addUnread({ seq, data }) {
    const isMention = this.#mentionsMe(data);
    if (isMentioned(data, this.#me)) this.#possibleMentions.set(seq, data);
    this.#liveUnread.set(seq, isMention);
    this.unread += 1;
    this.mentions += isMention ? 1 : 0;
  }

  #change({ action, users = [], admins = [], user, ...properties }) {
    if (admins.includes(this.#me)) this.admin = true;
    if (action === "join" || action === "invite") this.members += users.length;
    if (action === "leave" || action === "remove") this.members -= users.length;
    if (action !== "change" && action !== "archive") return;
    for (const name of Object.keys(DEFAULTS)) if (properties[name] !== undefined) this[name] = properties[name];
  }
}
