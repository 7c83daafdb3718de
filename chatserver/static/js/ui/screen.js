/** Shows a conversation, and the list of all of them, on the chat page. Owns nothing but what it wrote. */

import { lazyBundle } from "./lazy-load.js";
import { grouped } from "../lib/addressees.js";
import { _, ngettext } from "../lib/i18n.js";
import { directKey, roomKey } from "../lib/route.js";
import { orphanedEdits, withPendingChanges } from "../lib/pending-changes.js";
import { kindOf, listed, pending, roomName, stored } from "../lib/view.js";
import { Members } from "../state/members.js";
import { lang, me } from "./page.js";
import { isChange, isMessage, LOBBY } from "../net/protocol.js";

export class Screen {
  #app;
  #feed;
  #people;
  #outbox;
  #connection;
  #typing;
  #members = new Members();
  #parts = new Map();

  /** `app`: the element that holds the others. */
  constructor(app, [feed, people, outbox, connection, typing]) {
    this.#app = app;
    this.#feed = feed;
    this.#people = people;
    this.#outbox = outbox;
    this.#connection = connection;
    this.#typing = typing;
  }

  nameOf(conversation) {
    const { to } = conversation;
    return to === null ? roomName(conversation, _("Lobby")) : this.#people.title(to);
  }

  /** What a CurrentConversation says. */
  show({ conversation, newLine, lost }) {
    this.#showWriting(conversation, lost);
    this.#showMessages(conversation, newLine.after, lost);
    this.#showAround(conversation, lost);
  }

  /** The box to write in, or why there is none. */
  #showWriting(conversation, lost) {
    const { key, archived } = conversation;
    const name = this.nameOf(conversation);
    const reason = lost?.reason ?? (archived ? "archived" : "");
    this.#part("message-composer").open(key, name, {
      epoch: this.#feed.epoch,
      find: finder(conversation),
      display: (user) => this.#people.display(user),
    });
    this.#part("room-notice").show({ key, name, reason, by: lost?.by && this.#people.display(lost.by) });
  }

  #showAround(conversation, lost) {
    const { all } = this.#feed;
    const { key, to } = conversation;
    const known = !UNKNOWN.has(lost?.reason);
    const name = known ? this.nameOf(conversation) : _("Not available");
    const total = all.reduce((sum, one) => sum + disturbing(one), 0);
    this.#showTyping(conversation);
    this.#part("chat-topbar").show({
      name,
      to,
      known,
      topic: conversation.topic,
      members: key === roomKey(LOBBY) ? null : conversation.members,
      isPrivate: to === null && conversation.private,
      isOnline: to !== null && this.#people.isOnline(to),
      online: this.#people.online.length,
      elsewhere: total - Math.min(total, disturbing(conversation)),
    });
    this.#part("conversation-list").show({
      ...listed(all, lost ? null : key),
      current: key,
      people: this.#people,
      nameOf: (one) => this.nameOf(one),
    });
    if (lazyBundle.module) this.#showLazyParts(conversation, { name, lost, total });
  }

  #showLazyParts(conversation, { name, lost, total }) {
    lazyBundle.module.showInTab(name, total);
    this.#part("completion-list").candidates = () => this.#addressees(conversation);
    this.#part("completion-list").find = (beginning) => this.#findAddressees(conversation, beginning);
    this.#part("rooms-dialog").candidates = () => this.#people.everybody;
    this.#part("rooms-dialog").find = (beginning) => this.#people.find(beginning);
    this.#part("room-dialog").show(conversation, { title: name });
    this.#part("invite-dialog")?.show(conversation, { title: name, member: !lost });
    this.#part("room-panel").show(conversation, { title: name, people: this.#people, member: !lost });
    this.#part("search-panel").show(conversation, { title: name, ...this.#names });
    this.#part("quick-switcher").candidates = () => this.#places;
    this.#part("quick-switcher").find = (beginning) => this.#people.find(beginning);
  }

  /** Nobody until the members are known: what is shown may be chosen, and does not move. */
  #addressees(conversation) {
    const members = this.#members.of(conversation);
    return members === undefined ? null : grouped(this.#people.everybody, members);
  }

  async #findAddressees(conversation, beginning) {
    const more = await Promise.all([this.#members.load(conversation), this.#people.find(beginning)]);
    return more.includes(true);
  }

  #showMessages(conversation, newAfter, lost) {
    const { key, historyWindow, timeline, read, unread } = conversation;
    const { events: held, hasOlder } = historyWindow ?? timeline;
    const { availability } = this.#connection;
    const { events, statuses } = withPendingChanges(held, this.#outbox.entriesOf(key), me.name, { availability });
    this.#part(".messages-offline").dataset.availability = availability;
    this.#part("message-list").show({
      key,
      kind: kindOf(conversation, me.name),
      isPrivate: isClosed(conversation) ? "closed" : isByInvitation(conversation),
      name: this.nameOf(conversation),
      items: [
        ...events.map((event) => stored(event, me.name, statuses.get(event.seq))),
        ...(historyWindow ? [] : this.#unsent(key, events, { availability })),
      ],
      newAfter,
      read,
      unread,
      loaded: (timeline.loaded && !conversation.seeking) || lost !== null,
      hasOlder: hasOlder || lost !== null,
      hasNewer: historyWindow !== null,
      editing: this.#part("message-composer").editing,
      display: (user) => this.#people.display(user),
      isUser: (name) => this.#people.isUser(name),
      find: finder(conversation),
      rights: {
        member: !lost,
        governs: conversation.admin || me.role === "admin",
        open: !conversation.archived,
      },
      seenBy: historyWindow ? [] : this.#seenBy(conversation),
    });
  }

  /** Where one can go: what is unread first, then what is newest, then people. */
  get #places() {
    const { rooms, direct } = listed(this.#feed.all, null);
    const known = [...rooms, ...direct].map((one) => ({
      key: one.key,
      name: one.to ?? one.name ?? one.key,
      display: this.nameOf(one),
      isPublic: !one.isDirect && !one.private,
      unread: one.unread,
      lastAt: one.lastAt,
    }));
    known.sort((a, b) => Math.sign(b.unread) - Math.sign(a.unread) || b.lastAt - a.lastAt);
    const keys = new Set(known.map(({ key }) => key));
    const others = this.#people.everybody.map(({ name }) => ({
      key: directKey(name),
      name,
      display: this.#people.display(name),
      unread: 0,
    }));
    return [...known, ...others.filter(({ key }) => !keys.has(key))];
  }

  /** How rooms and people are called where hits of a search are shown. */
  get #names() {
    return {
      display: (user) => this.#people.display(user),
      place: (room) => {
        const found = this.#feed.of(room);
        return found && { key: found.key, name: found.isDirect ? `@${found.to}` : `#${this.nameOf(found)}` };
      },
    };
  }

  #showTyping({ room }) {
    const names = room === null ? [] : this.#typing.usersIn(room).map((name) => this.#people.display(name));
    const people = new Intl.ListFormat(lang, { style: "narrow" }).format(names.slice(0, 3));
    const words = ngettext("%(people)s is writing…", "%(people)s are writing…", names.length, { people });
    this.#part(".typing").textContent = names.length === 0 ? "" : words;
  }

  /** Where the room shows it: who else has read the last message. */
  #seenBy({ receipts, readers, timeline }) {
    const last = receipts ? timeline.events.findLast(isMessage) : undefined;
    if (!last) return [];
    const seen = [...readers].filter(([name, seq]) => seq >= last.seq && name !== me.name && name !== last.user);
    return seen.map(([name]) => this.#people.display(name));
  }

  /**
   * Own messages without an event yet, and refused edits without a message. One whose event is here was answered on
   * a connection that broke.
   */
  #unsent(key, events, { availability }) {
    const entries = this.#outbox.entriesOf(key);
    if (entries.length === 0) return [];
    const here = new Set(events.filter(({ user }) => user === me.name).map(({ id }) => id));
    const messages = entries.filter((entry) => !isChange(entry));
    const unsent = messages.filter(({ id }) => !here.has(id) || !this.#outbox.settle(id));
    return [...unsent, ...orphanedEdits(entries, events)].map((entry) => pending(entry, me.name, { availability }));
  }

  /** Looked for once: behind hundreds of messages that takes its time. */
  #part(name) {
    if (!this.#parts.has(name)) this.#parts.set(name, this.#app.querySelector(name));
    return this.#parts.get(name);
  }
}

/** (seq) → the message, or undefined. */
const finder = ({ historyWindow, timeline }) => (seq) => historyWindow?.find(seq) ?? timeline.find(seq);

const UNKNOWN = new Set(["unknown", "absent", "nobody"]); // reasons without a conversation to name

/** What counts for the title: of a muted room only what calls me, of an archived one nothing. */
const disturbing = ({ archived, muted, unread, mentions }) => (archived ? 0 : muted ? mentions : unread);

/** Conversations of a fixed set of users are private, too, but no one can be invited into them. */
const isClosed = ({ isDirect, name, private: hidden }) => !isDirect && name === null && hidden;
const isByInvitation = ({ isDirect, name, private: hidden }) => !isDirect && name !== null && hidden;
