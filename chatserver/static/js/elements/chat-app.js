/**
 * <chat-app>: joins the parts of the chat page. Owns which conversation is open; everything else has its
 * own owner: Connection, Feed, People, Outbox.
 *
 * Hears `message:send`, `message:retry`, `message:delete`, `draft:changed`, `history:wanted`,
 * `end:reached`, `connection:hurry`, `session:leave`, `room:entered`, `room:muted`.
 */

import { Connection } from "../connection.js";
import { Deeds } from "../deeds.js";
import { Feed } from "../feed.js";
import { logOut, mayLose } from "../leaving.js";
import { _ } from "../lib/i18n.js";
import { hashOf, messageOf, parse, roomKey } from "../lib/route.js";
import { asCommand, asEvent } from "../lib/view.js";
import { OutboxStore } from "../outbox-store.js";
import { Outbox } from "../outbox.js";
import { goToLogin, me, socketUrl } from "../page.js";
import { People } from "../people.js";
import { CloseCode, LOBBY, Type } from "../protocol.js";
import { ReadMarks } from "../reading.js";
import { Screen } from "../screen.js";
import { listenToKeys } from "../shortcuts.js";
import { Typing } from "../typing.js";
import { followKeyboard } from "../viewport.js";

const HIDDEN_PAUSE = 250; // milliseconds between two draws that nobody sees

class ChatApp extends HTMLElement {
  #connection = new Connection(socketUrl());
  #feed = new Feed(this.#connection);
  #people = new People();
  #outbox = new Outbox({ store: new OutboxStore(me.name), send: (entry) => this.#deliver(entry) });
  #marks = new ReadMarks({ feed: this.#feed, tell: (frame) => this.#connection.tell(frame) });
  #typing = new Typing((frame) => this.#connection.tell(frame));
  #deeds = new Deeds(this, {
    feed: this.#feed,
    people: this.#people,
    current: () => this.#current,
    draw: () => this.#redraw(),
  });
  #screen = new Screen(this, [this.#feed, this.#people, this.#outbox, this.#connection, this.#typing]);
  #key = null;
  #jumped = null; // to this message, once
  #newAfter = null; // the last seq that was read when the "New" line was placed
  #newLineIsOld = false;
  #drawing = false;
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
    on(this, "history:wanted", () => this.#feed.older(this.#current));
    on(this, "end:reached", () => this.#readIfSeen());
    on(this, "connection:hurry", () => this.#connection.hurry());
    on(this, "session:leave", () => this.#leave());
    on(this, "room:entered", ({ state }) => location.assign(hashOf(this.#feed.admit(state).key)));
    on(this, "room:muted", () => this.#draw());
    on(globalThis, "hashchange", () => this.#open());
    on(globalThis, "focus", () => this.#readIfSeen());
    on(globalThis, "blur", () => (this.#newLineIsOld = this.#current.unread === 0));
    on(document, "visibilitychange", () => this.#readIfSeen());
  }

  get #current() {
    return this.#feed.get(this.#key);
  }

  // What arrives ---------------------------------------------------------------------------------

  #receive(frame) {
    switch (frame.type) {
      case Type.ERROR:
        return goToLogin();
      case Type.GROUP_LIST:
        return this.#people.replaceOnline(frame.data);
      case Type.WELCOME:
        this.#composer.limit = frame.limits?.message_chars ?? this.#composer.limit;
        return this.#feed.welcome(frame);
      case Type.PRESENCE:
        return this.#people.change(frame);
      case Type.GROUP_CHAT:
      case Type.SINGLE_CHAT:
        this.#people.meet(frame.user);
        this.#typing.stopped(frame);
      case Type.EDIT:
      case Type.DELETE:
      case Type.REACT:
      case Type.ROOM:
        return this.#feed.receive(frame);
      case Type.TYPING:
        return this.#typing.heard(frame);
      case Type.READ:
        return this.#feed.readBy(frame);
      default:
        return undefined; // replies went to who asked; the rest is of a later version
    }
  }

  #connectionChanged(detail) {
    if (detail.code === CloseCode.SESSION_INVALID) goToLogin();
    this.#banner.show(detail);
    this.#draw();
  }

  #renewed() {
    this.#outbox.flush();
    this.#marks.flush();
    if (!this.#isMember) this.#toLobby();
    this.#placeNewLine();
    this.#load();
    this.#draw();
  }

  /** The newest page, and the message that the address names. */
  async #load() {
    await this.#feed.open(this.#current);
    const seq = messageOf(location.hash);
    if (seq === null || seq === this.#jumped || !this.#current.timeline.loaded) return;
    this.#jumped = seq;
    this.#deeds.jump(seq);
  }

  #feedChanged({ conversation, added }) {
    if (conversation.key === this.#key) {
      this.#announce(added);
      this.#readIfSeen();
      this.#placeNewLine();
    }
    this.#draw();
  }

  /** Rooms have a number as soon as one is welcomed; a conversation with a person may have no room yet. */
  get #isMember() {
    return this.#current.isDirect || this.#current.room !== null;
  }

  #toLobby() {
    this.#key = roomKey(LOBBY);
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
    this.#key = wanted ?? roomKey(LOBBY);
    this.#newAfter = null;
    this.#jumped = null;
    this.#placeNewLine();
    if (this.#current.isDirect) this.#people.meet(this.#current.to);
    if (this.#feed.epoch !== null && !this.#isMember) return this.#toLobby();
    this.#redraw();
    return this.#feed.epoch === null ? null : this.#load();
  }

  #send({ text, replyTo }) {
    this.#newAfter = null;
    this.#typing.sent(this.#current.room);
    this.#outbox.add(this.#key, text, replyTo);
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

  /** Where reading stopped. Once placed it does not move, unless all was read and the user went away. */
  #placeNewLine() {
    const { unread, read } = this.#current;
    const placed = this.#newAfter !== null && !this.#newLineIsOld;
    if (unread === 0 || read === 0 || placed) return; // where nothing was read, all is new
    this.#newAfter = read;
    this.#newLineIsOld = false;
  }

  async #leave() {
    if (!mayLose(this.#outbox.size)) return;
    this.#connection.end();
    await this.#outbox.clear();
    await logOut();
  }

  // What is shown --------------------------------------------------------------------------------

  /** Soon, once for everything that changes until then. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    if (document.visibilityState === "visible") requestAnimationFrame(() => this.#redraw());
    else setTimeout(() => this.#redraw(), HIDDEN_PAUSE);
  }

  #redraw() {
    this.#drawing = false;
    this.#screen.show(this.#current, { newAfter: this.#newAfter });
  }
}

customElements.define("chat-app", ChatApp);
