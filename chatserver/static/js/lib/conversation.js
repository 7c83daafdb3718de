/** One room or one direct conversation: its facts, what is held of it, and how much of it is unread. */

import { isChange, isMessage, Type } from "../net/protocol.js";
import { isMentioned } from "./mentions.js";
import { Timeline } from "./timeline.js";

const NOTHING = {
  name: null,
  title: "",
  topic: "",
  members: 0,
  private: false,
  archived: false,
  receipts: false,
  admin: false,
  muted: false,
  at_least: false, // the server has not counted all unread messages
};

export class Conversation {
  timeline = new Timeline();
  seeking = false; // its first unread message is being looked for
  historyWindow = null; // of the past, while it is shown instead of the end
  room = null; // unknown until the first message of a direct conversation
  read = 0;
  reportedRead = 0; // the read position that the server knows
  unread = 0;
  mentions = 0;
  lastAt = 0;
  stale = false; // `unread` and `mentions` are estimates until the server has counted again
  readers = new Map(); // name → read position, where the room shows receipts

  #me;
  #welcomed = 0; // the server has counted up to here
  #counted = 0; // events up to here are in `unread` already
  #isUser;
  #fresh = new Map(); // seq → whether it calls me, of unread messages since the last welcome
  #calling = new Map(); // seq → text, of those that call me unless another user's name is longer

  /** `isUser(name)`: whether a folded name is that of a user, as far as it is known; `recheckMentions` follows when more is known. */
  constructor(key, me = "", isUser = undefined) {
    Object.assign(this, NOTHING);
    this.key = key;
    this.#me = me;
    this.#isUser = isUser;
    this.to = key.startsWith("@") ? key.slice(1) : null;
  }

  get isDirect() {
    return this.to !== null;
  }

  /** What `welcome`, or `state` of a new room, says of it. A position read further here counts. */
  welcome({ room, head, read, unread, mentions = 0, last, ...facts }) {
    const known = Object.keys(NOTHING).filter((name) => name in facts);
    Object.assign(this, NOTHING, Object.fromEntries(known.map((name) => [name, facts[name]])));
    const later = [...this.#fresh].filter(([seq]) => seq > head); // came before a page of rooms did
    this.room = room;
    this.stale = false;
    this.timeline.head = Math.max(head, ...later.map(([seq]) => seq));
    this.reportedRead = read;
    this.read = Math.min(Math.max(this.read, read), head);
    this.unread = this.read > read ? Math.min(unread, head - this.read) : unread;
    this.mentions = Math.min(mentions, this.unread);
    this.lastAt = Math.max(this.lastAt, last?.at ?? 0);
    this.#welcomed = head;
    this.#counted = this.timeline.head;
    this.#fresh = new Map(later);
    this.unread += later.length;
    this.mentions += later.filter(([, calling]) => calling).length;
  }

  /** An event came; one's own words are read. */
  count(event) {
    if (isMessage(event)) this.lastAt = Math.max(this.lastAt, event.at);
    if (isChange(event)) this.historyWindow?.apply(event);
    if (event.seq <= this.#counted || event.acknowledged) return;
    this.#counted = event.seq;
    if (event.type === Type.ROOM) this.#change(event);
    else if (event.type === Type.DELETE) this.#uncount(event);
    else if (event.type === Type.EDIT) this.stale ||= event.target > this.read && this.unread > 0;
    else if (this.isNews(event)) this.#add(event);
  }

  /** What the server says of the room now, unless more has come or was read here since: then it is still stale. */
  recount(facts) {
    const current = facts.head >= Math.max(this.#counted, this.timeline.head) && facts.read >= this.read;
    if (current) this.welcome(facts);
  }

  /** Whether `event` is an unread message of another user. */
  isNews(event) {
    return isMessage(event) && event.user !== this.#me && event.seq > this.read && !event.deleted_at;
  }

  /** Everything up to the end was seen. True when that is news. */
  markRead() {
    const position = this.timeline.position ?? 0;
    const news = this.unread > 0 || position > this.read;
    this.readTo(position);
    this.unread = 0;
    this.mentions = 0;
    this.stale = false;
    return news;
  }

  /** What is held up to `seq` has been on screen. True when that is news. Exact counts stay exact. */
  seenTo(seq) {
    const { events, upTo } = this.historyWindow ?? { events: this.timeline.events, upTo: this.timeline.position ?? 0 };
    const position = Math.min(seq, upTo);
    if (position <= this.read) return false;
    const seen = events.filter((event) => event.seq <= position && this.isNews(event));
    const { unread, mentions, stale } = this;
    this.readTo(position);
    if (position >= this.#welcomed) return true; // every unread message came live
    this.unread = Math.max(this.at_least ? 1 : 0, unread - seen.length);
    this.mentions = Math.max(0, Math.min(this.unread, mentions - seen.filter(({ data }) => this.#mentionsMe(data)).length));
    this.stale = (stale || this.at_least) && this.unread > 0;
    return true;
  }

  /** Read up to `seq`, here or on another device. */
  readTo(seq) {
    if (seq <= this.read) return;
    this.read = seq;
    for (const old of this.#fresh.keys()) if (old <= seq) this.#fresh.delete(old);
    const known = seq >= this.#welcomed; // then every unread message came live
    this.unread = known ? this.#fresh.size : Math.min(this.unread, this.#left(seq));
    this.stale = !known && this.unread > 0;
    const calling = [...this.#fresh.values()].filter(Boolean).length;
    this.mentions = Math.min(this.mentions, this.unread, known ? calling : Infinity);
  }

  /** More users are known: counts the mentions of me again. True when that changes them. */
  recheckMentions() {
    let change = 0;
    for (const [seq, text] of this.#calling) {
      if (!this.#fresh.has(seq)) this.#calling.delete(seq);
      else if (this.#fresh.get(seq) !== this.#mentionsMe(text)) change += this.#toggleMention(seq);
    }
    this.mentions = Math.max(0, Math.min(this.mentions + change, this.unread));
    return change !== 0;
  }

  #toggleMention(seq) {
    const calling = !this.#fresh.get(seq);
    this.#fresh.set(seq, calling);
    return calling ? 1 : -1;
  }

  #mentionsMe(text) {
    return isMentioned(text, this.#me) && isMentioned(text, this.#me, this.#isUser);
  }

  /** Another member has read up to `seq`. */
  readBy(user, seq) {
    this.readers.set(user, Math.max(seq, this.readers.get(user) ?? 0));
  }

  /** The log is another one. */
  forget() {
    this.timeline.reset();
    this.historyWindow = null;
    this.readers.clear();
    this.#fresh.clear();
    this.#calling.clear();
    this.stale = false;
    this.read = 0;
    this.reportedRead = 0;
    this.unread = 0;
    this.mentions = 0;
    this.#welcomed = 0;
    this.#counted = 0;
  }

  /** Messages of others behind `seq`: exact where they are held, else at most. */
  #left(seq) {
    const { timeline } = this;
    const held = timeline.position === timeline.head && timeline.oldest <= seq + 1;
    if (!held) return Math.max(0, Math.max(timeline.head, this.#counted) - seq);
    return timeline.events.filter((event) => event.seq > seq && this.isNews(event)).length;
  }

  /** A message that was unread is gone. Whose it was, where it is not held: most people delete their own. */
  #uncount({ target, user }) {
    const author = this.timeline.find(target)?.user ?? user;
    const old = target > this.read && target <= this.#welcomed && author !== this.#me;
    if (!this.#fresh.has(target)) this.stale ||= target > this.read && this.unread > 0;
    if (!old && !this.#fresh.has(target)) return;
    this.unread = Math.max(0, this.unread - 1);
    if (this.#fresh.get(target)) this.mentions -= 1;
    this.mentions = Math.max(0, Math.min(this.mentions, this.unread));
    this.#fresh.delete(target);
  }

  #add({ seq, data }) {
    const call = this.#mentionsMe(data);
    if (isMentioned(data, this.#me)) this.#calling.set(seq, data);
    this.#fresh.set(seq, call);
    this.unread += 1;
    this.mentions += call ? 1 : 0;
  }

  #change({ action, users = [], admins = [], user, ...facts }) {
    if (admins.includes(this.#me)) this.admin = true;
    if (action === "join" || action === "invite") this.members += users.length;
    if (action === "leave" || action === "remove") this.members -= users.length;
    if (action !== "change" && action !== "archive") return;
    for (const name of Object.keys(NOTHING)) if (facts[name] !== undefined) this[name] = facts[name];
  }
}
