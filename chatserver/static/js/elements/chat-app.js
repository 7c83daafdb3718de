/**
 * <chat-app>: joins the parts of the chat page. Owns which conversation is open; everything else has its
 * own owner: Connection, Feed, People, Outbox.
 *
 * Hears `message:send`, `message:retry`, `message:delete`, `draft:changed`, `history:wanted`,
 * `future:wanted`, `end:wanted`, `end:reached`, `connection:hurry`, `session:leave`, `room:entered`,
 * `room:muted`.
 */

import { Connection } from "../connection.js";
import { Deeds } from "../deeds.js";
import { bringTheRest } from "../demand.js";
import { Drawing } from "../drawing.js";
import { Feed } from "../feed.js";
import { deliver } from "../frames.js";
import { logOut, mayLose } from "../leaving.js";
import { NewLine } from "../lib/new-line.js";
import { hashOf, messageOf, parse, roomKey } from "../lib/route.js";
import { asCommand, asEvent } from "../lib/view.js";
import { Notifications } from "../notifications.js";
import { OutboxStore } from "../outbox-store.js";
import { Outbox } from "../outbox.js";
import { goToLogin, me, socketUrl } from "../page.js";
import { Past } from "../past.js";
import { People } from "../people.js";
import { CloseCode, LOBBY } from "../protocol.js";
import { ReadMarks } from "../reading.js";
import { Receipts } from "../receipts.js";
import { Screen } from "../screen.js";
import { listenToKeys } from "../shortcuts.js";
import { Typing } from "../typing.js";
import { followKeyboard } from "../viewport.js";

class ChatApp extends HTMLElement {
  #connection = new Connection(socketUrl());
  #feed = new Feed(this.#connection);
  #people = new People();
  #outbox = new Outbox({ store: new OutboxStore(me.name), send: (entry) => this.#deliver(entry) });
  #marks = new ReadMarks({ feed: this.#feed, tell: (frame) => this.#connection.tell(frame) });
  #typing = new Typing((frame) => this.#connection.tell(frame));
  #past = new Past(this.#connection, () => this.#redraw());
  #receipts = new Receipts(() => this.#draw());
  #deeds = new Deeds(this, {
    feed: this.#feed,
    past: this.#past,
    people: this.#people,
    current: () => this.#current,
    draw: () => this.#redraw(),
  });
  #screen = new Screen(this, [this.#feed, this.#people, this.#outbox, this.#connection, this.#typing]);
  #notifications = new Notifications({
    feed: this.#feed,
    people: this.#people,
    nameOf: (conversation) => this.#screen.nameOf(conversation),
  });
  #newLine = new NewLine();
  #key = null;
  #jumped = null; // to this message, once
  #drawing = new Drawing(() => this.#screen.show(this.#current, { newAfter: this.#newLine.after }));
  #list = this.querySelector("message-list");
  #composer = this.querySelector("message-composer");
  #banner = this.querySelector("connection-banner");

  start() {
    this.#listen();
    this.#open();
    this.#people.load();
    this.#outbox.load();
    this.#connection.start();
    followKeyboard();
    listenToKeys(this);
    bringTheRest(this.#list).then(() => this.#redraw());
  }

  #listen() {
    const on = (target, name, action) => target.addEventListener(name, ({ detail }) => action(detail ?? {}));
    on(this.#connection, "frame:received", ({ frame }) => this.#receive(frame));
    on(this.#connection, "connection:changed", (detail) => this.#connectionChanged(detail));
    on(this.#feed, "feed:changed", (detail) => this.#feedChanged(detail));
    on(this.#feed, "feed:renewed", () => this.#renewed());
    on(this.#feed, "feed:gone", ({ conversation }) => conversation.key === this.#key && this.#toLobby());
    on(this.#typing, "typing:changed", () => this.#draw());
    on(this.#people, "people:changed", () => this.#draw());
    on(this.#outbox, "outbox:changed", () => this.#draw());
    on(this.#outbox, "outbox:answered", ({ entry, reply }) => this.#feed.receive(asEvent(entry, reply, me.name)));
    on(this, "message:send", (detail) => this.#send(detail));
    on(this, "draft:changed", () => this.#typing.say(this.#current.room));
    on(this, "message:retry", ({ id }) => this.#outbox.retry(id));
    on(this, "message:delete", ({ id }) => this.#outbox.remove(id));
    on(this, "history:wanted", () => (this.#current.stretch ? this.#past : this.#feed).older(this.#current));
    on(this, "future:wanted", () => this.#past.newer(this.#current));
    on(this, "end:wanted", () => this.#leavePast());
    on(this, "end:reached", () => this.#readIfSeen());
    on(this, "connection:hurry", () => this.#connection.hurry());
    on(this, "session:leave", () => this.#leave());
    on(this, "room:entered", ({ state }) => location.assign(hashOf(this.#feed.admit(state).key)));
    on(this, "room:muted", () => this.#draw());
    on(globalThis, "hashchange", () => this.#open());
    on(globalThis, "focus", () => this.#readIfSeen());
    on(globalThis, "blur", () => this.#newLine.leave(this.#current.unread));
    on(document, "visibilitychange", () => this.#readIfSeen());
  }

  get #current() {
    return this.#feed.get(this.#key);
  }

  // What arrives ---------------------------------------------------------------------------------

  #receive(frame) {
    deliver(frame, {
      feed: this.#feed,
      people: this.#people,
      typing: this.#typing,
      notifications: this.#notifications,
      limits: ({ message_chars: most }) => (this.#composer.limit = most ?? this.#composer.limit),
    });
  }

  #connectionChanged(detail) {
    if (detail.code === CloseCode.SESSION_INVALID) goToLogin();
    this.#banner.show(detail);
    this.#draw();
  }

  #renewed() {
    this.#people.renew();
    this.#outbox.flush();
    this.#marks.flush();
    this.#receipts.renew();
    this.#notifications.withdraw();
    if (!this.#isMember) this.#toLobby();
    this.#newLine.place(this.#current);
    this.#load();
    this.#draw();
  }

  /** The newest page, and the message that the address names. */
  async #load() {
    this.#receipts.load(this.#current);
    await this.#feed.open(this.#current);
    const seq = messageOf(location.hash);
    if (seq === null || seq === this.#jumped || !this.#current.timeline.loaded) return;
    this.#jumped = seq;
    this.#deeds.jump(seq);
  }

  #feedChanged({ conversation, added }) {
    this.#notifications.withdraw();
    if (conversation.key === this.#key) {
      this.#announce(added);
      this.#readIfSeen();
      this.#newLine.place(conversation);
    }
    if (conversation.key !== this.#key || this.#list.showsEndOf(this.#key)) conversation.timeline.trim();
    this.#draw();
  }

  /** Rooms have a number as soon as one is welcomed; a conversation with a person may have no room yet. */
  get #isMember() {
    return this.#current.isDirect || this.#current.room !== null;
  }

  #toLobby() {
    this.#key = roomKey(LOBBY);
    this.#newLine.clear();
    location.replace(hashOf(roomKey(LOBBY)));
  }

  #announce(messages) {
    const announcer = this.querySelector("live-announcer");
    for (const { user, data } of messages) {
      if (user !== me.name) announcer.announce(`${this.#people.display(user)}: ${data}`);
    }
  }

  // What the user does ---------------------------------------------------------------------------

  #open() {
    const wanted = parse(location.hash);
    if (wanted === null && this.#key !== null) return undefined;
    const key = wanted ?? roomKey(LOBBY);
    if (key !== this.#key) this.#arrive(key);
    else if (messageOf(location.hash) === null) this.#past.leave(this.#current);
    this.#jumped = null;
    if (this.#current.isDirect) this.#people.meet(this.#current.to);
    if (this.#feed.epoch !== null && !this.#isMember) return this.#toLobby();
    this.#redraw();
    return this.#feed.epoch === null ? null : this.#load();
  }

  #arrive(key) {
    if (this.#key !== null) this.#past.leave(this.#current);
    this.#key = key;
    this.#newLine.clear();
    this.#newLine.place(this.#current);
  }

  #leavePast() {
    this.#past.leave(this.#current);
    this.#redraw();
  }

  #send({ key, text, replyTo }) {
    this.#newLine.clear();
    this.#typing.sent(this.#feed.get(key).room);
    this.#outbox.add(key, text, replyTo);
    this.#redraw();
    this.#list.toEnd();
  }

  async #deliver(entry) {
    try {
      return await this.#connection.request(asCommand(entry));
    } catch (error) {
      if (this.#connection.state === "online") this.#connection.reconnect();
      throw error;
    }
  }

  /** Read means: in view, at the end, with the window in front. */
  #readIfSeen() {
    const looks = document.visibilityState === "visible" && document.hasFocus();
    if (!looks || !this.#list.showsEndOf(this.#key)) return;
    this.#feed.markRead(this.#current);
    this.#marks.soon();
  }

  async #leave() {
    if (!mayLose(this.#outbox.size)) return;
    this.#connection.end();
    await this.#outbox.clear();
    await logOut();
  }

  // What is shown --------------------------------------------------------------------------------

  #draw() {
    this.#drawing.soon();
  }

  #redraw() {
    this.#drawing.now();
  }
}

customElements.define("chat-app", ChatApp);
