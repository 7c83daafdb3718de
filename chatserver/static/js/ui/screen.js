/** Passes the state of the open conversation and of the list of conversations to the elements of the chat page. */

import { lazyBundle } from "./lazy-load.js";
import { _, ngettext } from "../lib/i18n.js";
import { roomKey } from "../lib/route.js";
import { orphanedEdits, withPendingChanges } from "../lib/pending-changes.js";
import { kindOf, listed, pending, roomName, stored } from "../lib/view.js";
import { drafts } from "../state/drafts.js";
import { lang, me } from "./page.js";
import { isChange, isMessage, LOBBY } from "../net/protocol.js";

export class Screen {
  #app;
  #conversations;
  #users;
  #outbox;
  #connection;
  #typing;
  #parts = new Map();

  /** `app`: the element that contains the others. */
  constructor(app, [conversations, users, outbox, connection, typing]) {
    this.#app = app;
    this.#conversations = conversations;
    this.#users = users;
    this.#outbox = outbox;
    this.#connection = connection;
    this.#typing = typing;
  }

  nameOf(conversation) {
    const { to, isUnnamed, title } = conversation;
    if (isUnnamed) return this.#users.listTitle(title);
    return to === null ? roomName(conversation, _("Lobby")) : this.#users.title(to);
  }

  /** The shown name, after "#" for a room with a name. */
  #labelOf(conversation) {
    const { isDirect, isUnnamed } = conversation;
    return isDirect || isUnnamed ? this.nameOf(conversation) : `#${this.nameOf(conversation)}`;
  }

  /** Show a CurrentConversation. */
  show({ conversation, newLine, lost }) {
    this.#showComposer(conversation, lost);
    this.#showMessages(conversation, newLine.after, lost);
    this.#showSurroundings(conversation, lost);
  }

  /** The composer, or the banner that replaces it. */
  #showComposer(conversation, lost) {
    const { key } = conversation;
    const name = this.nameOf(conversation);
    const reason = lost?.reason ?? this.#closedBy(conversation);
    this.#part("room-banner").show({ key, name, reason, by: lost?.by && this.#users.display(lost.by) });
    this.#part("message-composer").open(key, this.#labelOf(conversation), {
      epoch: this.#conversations.epoch,
      find: finder(conversation),
      display: (user) => this.#users.display(user),
    });
  }

  /** Why a member cannot write: "archived", "deleted", or "" if the member can. */
  #closedBy({ archived, to }) {
    if (archived) return "archived";
    return to !== null && this.#users.isDeleted(to) ? "deleted" : "";
  }

  #showSurroundings(conversation, lost) {
    const { all } = this.#conversations;
    const { key, to } = conversation;
    const known = !UNNAMED.has(lost?.reason);
    const name = known ? this.nameOf(conversation) : _("Not available");
    const total = all.reduce((sum, one) => sum + countInTitle(one), 0);
    this.#showTyping(conversation);
    this.#part("chat-topbar").show({
      name,
      to,
      known,
      topic: conversation.topic,
      members: key === roomKey(LOBBY) ? null : conversation.members,
      isPrivate: to === null && conversation.private,
      favorite: conversation.room === null || lost ? null : conversation.favorite,
      isOnline: to !== null && this.#users.isOnline(to),
      online: this.#users.online.length,
      elsewhere: total - Math.min(total, countInTitle(conversation)),
    });
    this.#part("conversation-list").show({
      ...listed(all, lost ? null : key),
      current: key,
      drafts: drafts.keys,
      users: this.#users,
      nameOf: (one) => this.nameOf(one),
    });
    if (lazyBundle.module) this.#showLazyParts(conversation, { name, lost, total });
  }

  #showLazyParts(conversation, { name, lost, total }) {
    lazyBundle.module.showInTab(name, total);
    this.#part("room-dialog").show(conversation, { title: name });
    this.#part("invite-dialog")?.show(conversation, { title: name, member: !lost });
    this.#part("room-panel").show(conversation, { title: name, users: this.#users, member: !lost });
    this.#part("files-panel").show(conversation, this.#names);
    this.#part("search-panel").show(conversation, { label: this.#labelOf(conversation), ...this.#names });
    this.#part("file-viewer").show(conversation);
  }

  #showMessages(conversation, newAfter, lost) {
    const { key, historyWindow, timeline, read, unread } = conversation;
    const { events: loaded, hasOlder } = historyWindow ?? timeline;
    const { availability } = this.#connection;
    const { events, statuses } = withPendingChanges(loaded, this.#outbox.entriesOf(key), me.name, { availability });
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
      display: (user) => this.#users.display(user),
      isUser: (name) => this.#users.isUser(name),
      userOf: (key) => this.#users.mentioned.nameOf(key),
      roomOf: lazyBundle.module?.roomFinder(this.#conversations.all, (one) => this.nameOf(one)),
      author: (user) => this.#users.author(user),
      find: finder(conversation),
      rights: {
        member: !lost,
        moderates: conversation.admin || me.role === "admin",
        open: this.#closedBy(conversation) === "",
      },
      seenBy: historyWindow ? [] : this.#seenBy(conversation),
    });
  }

  /** Shown names of rooms and users in search results. */
  get #names() {
    return {
      display: (user) => this.#users.display(user),
      roomOf: (room) => {
        const found = this.#conversations.of(room);
        return found && { key: found.key, name: found.isDirect ? `@${found.to}` : this.#labelOf(found) };
      },
    };
  }

  #showTyping({ room }) {
    const names = room === null ? [] : this.#typing.usersIn(room).map((name) => this.#users.display(name));
    const people = new Intl.ListFormat(lang, { style: "narrow" }).format(names.slice(0, 3));
    const text = ngettext("%(people)s is writing…", "%(people)s are writing…", names.length, { people });
    this.#part(".typing").textContent = names.length === 0 ? "" : text;
  }

  /** Which other users have read the last message, in rooms with receipts. */
  #seenBy({ receipts, readers, timeline }) {
    const last = receipts ? timeline.events.findLast(isMessage) : undefined;
    if (!last) return [];
    const seen = [...readers].filter(([name, seq]) => seq >= last.seq && name !== me.name && name !== last.user);
    return seen.map(([name]) => this.#users.display(name));
  }

  /**
   * Own messages without an event, and refused edits without a message. A message whose event is loaded was acknowledged
   * on a connection that was lost, and its entry is removed here.
   */
  #unsent(key, events, { availability }) {
    const entries = this.#outbox.entriesOf(key);
    if (entries.length === 0) return [];
    const received = new Set(events.filter(({ user }) => user === me.name).map(({ id }) => id));
    const messages = entries.filter((entry) => !isChange(entry));
    const unsent = messages.filter(({ id }) => !received.has(id) || !this.#outbox.acknowledge(id));
    return [...unsent, ...orphanedEdits(entries, events)].map((entry) => pending(entry, me.name, { availability }));
  }

  /** An element of the page, cached because a query after hundreds of messages is slow. */
  #part(name) {
    if (!this.#parts.has(name)) this.#parts.set(name, this.#app.querySelector(name));
    return this.#parts.get(name);
  }
}

/** (seq) → the message, or undefined. */
const finder = ({ historyWindow, timeline }) => (seq) => historyWindow?.find(seq) ?? timeline.find(seq);

const UNNAMED = new Set(["unknown", "absent", "noUser"]); // reasons without a conversation to name

/** Unread messages that count in the title: only mentions of a muted room, none of an archived or silent one. */
const countInTitle = ({ archived, notify, muted, unread, mentions }) =>
  archived || notify === "nothing" ? 0 : muted ? mentions : unread;

/** A group conversation has no name, and no other users can be invited. */
const isClosed = ({ isDirect, name, private: hidden }) => !isDirect && name === null && hidden;
const isByInvitation = ({ isDirect, name, private: hidden }) => !isDirect && name !== null && hidden;
