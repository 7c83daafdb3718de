/**
 * <chat-app>: joins the parts of the chat page. What is shown has an owner of its own: Connection, Feed,
 * Current, People, Outbox.
 *
 * Hears `message:send`, `message:retry`, `message:rewrite`, `message:delete`, `draft:changed`,
 * `history:wanted`, `future:wanted`, `end:wanted`, `connection:hurry`, `room:entered`, `room:muted`.
 */

import { Connection } from "../net/connection.js";
import { Current } from "../state/current-conversation.js";
import { Deeds } from "../ui/message-commands.js";
import { bringTheRest, call, Deferred } from "../ui/lazy-load.js";
import { drafts } from "../state/drafts.js";
import { Drawing } from "../ui/render-scheduler.js";
import { Feed } from "../state/feed.js";
import { Destination } from "../state/destination.js";
import { deliver } from "../net/dispatch.js";
import { goTo } from "../ui/layers.js";
import { hashOf, isRoute, keyIn, messageOf } from "../lib/route.js";
import { asEvent } from "../lib/view.js";
import { followLogout } from "../net/logout-sync.js";
import { Navigation } from "../ui/navigation.js";
import { OutboxStore } from "../state/outbox-store.js";
import { Outbox } from "../state/outbox.js";
import { me, socketUrl } from "../ui/page.js";
import { Past } from "../state/history-jump.js";
import { People } from "../state/users.js";
import { CloseCode } from "../net/protocol.js";
import { ReadTracker } from "../state/read-tracker.js";
import { Screen } from "../ui/screen.js";
import { sender } from "../net/sender.js";
import { endWithSession, sessionOver, sessionReplaced } from "../net/session.js";
import { listenToKeys } from "../ui/shortcuts.js";
import { Typing } from "../state/typing.js";

class ChatApp extends HTMLElement {
  #connection = new Connection(socketUrl(), { admits: ({ user }) => user === me.name || sessionReplaced() });
  #feed = new Feed(this.#connection, (name) => this.#people.isUser(name));
  #place = new Current(this.#feed);
  #people = new People();
  #destination = new Destination(this.#people);
  #outbox = new Outbox({ store: new OutboxStore(me.name), send: sender(this.#connection, this.#feed) });
  #typing = new Typing((frame) => this.#connection.tell(frame));
  #past = new Past(this.#connection, () => this.#redraw());
  #services = new Deferred();
  #navigation = new Navigation(this, {
    feed: this.#feed,
    past: this.#past,
    current: () => this.#current,
    draw: () => this.#redraw(),
  });
  #deeds = new Deeds(this, {
    feed: this.#feed,
    people: this.#people,
    outbox: this.#outbox,
    current: () => this.#current,
  });
  #screen = new Screen(this, [this.#feed, this.#people, this.#outbox, this.#connection, this.#typing]);
  #drawing = new Drawing(() => this.#screen.show(this.#place));
  #list = this.querySelector("message-list");
  #reading = new ReadTracker(this.#list, {
    feed: this.#feed,
    place: this.#place,
    onRead: () => this.#services.call("read"),
  });
  #composer = this.querySelector("message-composer");
  #banner = this.querySelector("connection-banner");

  start() {
    this.#listen();
    this.#open();
    this.#people.load();
    this.#outbox.load();
    this.#connection.start();
    listenToKeys(this);
    followLogout(() => this.#forget());
    bringTheRest(this.#list, ({ Services }) => this.#complete(Services));
  }

  /** The user has logged out in another tab. */
  #forget() {
    this.#connection.end();
    drafts.forgetAll();
    return this.#outbox.clear();
  }

  #complete(Services) {
    const services = new Services(this, {
      feed: this.#feed,
      people: this.#people,
      outbox: this.#outbox,
      connection: this.#connection,
      nameOf: (conversation) => this.#screen.nameOf(conversation),
      current: () => this.#current,
      draw: () => this.#draw(),
    });
    this.#services.resolve(services);
    this.#redraw();
  }

  #listen() {
    const on = (target, name, action) => target.addEventListener(name, ({ detail }) => action(detail ?? {}));
    on(this.#connection, "frame:received", ({ frame }) => this.#receive(frame));
    on(this.#connection, "connection:changed", (detail) => this.#connectionChanged(detail));
    on(this.#feed, "feed:changed", (detail) => this.#feedChanged(detail));
    on(this.#feed, "feed:renewed", () => this.#renewed());
    on(this.#feed, "feed:gone", (detail) => this.#place.lose(detail) && this.#draw());
    on(this.#typing, "typing:changed", () => this.#draw());
    on(this.#people, "people:changed", () => this.#peopleChanged());
    on(this.#outbox, "outbox:changed", () => this.#draw());
    on(this.#outbox, "outbox:answered", ({ entry, reply }) => this.#feed.receive(asEvent(entry, reply, me.name)));
    on(this, "message:send", (detail) => this.#send(detail));
    on(this, "draft:changed", ({ key }) => this.#typing.say(this.#feed.get(key).room));
    on(this, "message:retry", ({ id }) => this.#outbox.retry(id, this.#feed.epoch));
    on(this, "message:rewrite", ({ id }) => this.#deeds.rewrite(id));
    on(this, "message:delete", ({ id }) => this.#outbox.remove(id));
    on(this, "history:wanted", () => this.#loadOlder());
    on(this, "future:wanted", () => this.#past.newer(this.#current));
    on(this, "end:wanted", () => this.#leavePast());
    on(this, "connection:hurry", () => this.#connection.hurry());
    endWithSession(this.#connection);
    on(this, "room:entered", (detail) => this.#enter(detail));
    on(this, "room:muted", () => this.#draw());
    on(globalThis, "hashchange", () => this.#turn());
    on(globalThis, "blur", () => this.#place.newLine.leave(this.#current.unread));
  }

  get #current() {
    return this.#place.conversation;
  }

  // What arrives ---------------------------------------------------------------------------------

  #receive(frame) {
    deliver(frame, {
      feed: this.#feed,
      people: this.#people,
      typing: this.#typing,
      services: this.#services,
      update: (version) => this.querySelector("update-notice").met(version, this.#outbox),
      limits: ({ message_chars: most }) => (this.#composer.limit = most ?? this.#composer.limit),
    });
  }

  #connectionChanged(detail) {
    if (detail.code === CloseCode.SESSION_INVALID) sessionOver();
    if (detail.state !== "online") this.#place.newLine.leave(this.#current.unread);
    if (detail.state === "ended") this.#people.replaceOnline([]);
    this.#banner.show(detail);
    this.#draw();
  }

  #peopleChanged() {
    for (const conversation of this.#feed.all) conversation.checkCalls();
    this.#draw();
  }

  #renewed() {
    this.#people.renew();
    this.#outbox.flush();
    this.#services.call("renewed");
    this.#place.check();
    this.#place.newLine.place(this.#current);
    this.#load();
    this.#draw();
  }

  /** The newest page, and the place to return to or the message that the address names. */
  async #load() {
    if (!(await this.#destination.reaches(this.#place))) return void this.#draw();
    this.#services.call("opened", this.#current);
    await this.#past.open(this.#current, this.#feed);
    if (this.#current.timeline.loaded) this.#navigation.arrive();
  }

  #feedChanged({ conversation, added }) {
    const { key, lost } = this.#place;
    this.#services.call("added", added, { open: conversation.key === key });
    if (conversation.key === key) {
      if (lost && this.#place.check()) this.#load(); // a member again
      if (added.length > 1) this.#redraw(); // all of them may not fit into the view
      this.#reading.look();
      this.#place.newLine.place(conversation);
    }
    if (conversation.key !== key || this.#list.showsEndOf(key)) conversation.timeline.trim();
    this.#draw();
  }

  // What the user does ---------------------------------------------------------------------------

  #turn() {
    if (location.hash && !isRoute(location.hash)) return; // a place in the page
    this.#navigation.turn(this.#place.key);
    this.#open();
  }

  #open() {
    const key = keyIn(location.hash);
    if (key !== this.#place.key) this.#arrive(key);
    else if (messageOf(location.hash) === null && !this.#navigation.isReturn) this.#past.leave(this.#current);
    if (this.#current.isDirect) this.#people.meet(this.#current.to);
    this.#redraw();
    return this.#feed.epoch === null ? null : this.#load();
  }

  #arrive(key) {
    if (this.#place.key !== null) {
      this.#past.leave(this.#current);
      call(this.querySelector("toast-line"), "clear");
    }
    this.#place.show(key);
    this.#past.seek(this.#current);
  }

  /** A member of one more room, which is opened unless the user has turned to something else. */
  #enter({ state, go }) {
    const { key } = this.#feed.admit(state);
    if (go && key !== this.#place.key) goTo(hashOf(key)); // a link to a message of this room stays
  }

  #loadOlder() {
    if (!this.#place.lost) (this.#current.stretch ? this.#past : this.#feed).older(this.#current);
  }

  #leavePast() {
    this.#past.leave(this.#current);
    this.#redraw();
  }

  #send({ key, text, replyTo }) {
    if (this.#current.unread === 0) this.#place.newLine.clear();
    this.#typing.sent(this.#feed.get(key).room);
    this.#outbox.add(key, text, { replyTo, epoch: this.#feed.epoch });
    this.#redraw();
    this.#list.showSent();
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
