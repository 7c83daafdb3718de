/**
 * What the chat page does beside showing messages: notifications, receipts, read marks, recounts, focus, renewal of the session,
 * logging out, reading messages out. lazy-bundle.js brings it after the first messages; a Deferred keeps what it has to hear
 * until then.
 *
 * Hears `session:logout` on the page.
 */

import { refuseFiles } from "./file-drop.js";
import { Focus } from "./focus.js";
import { logOut } from "../net/logout.js";
import { Notifications } from "./notifications.js";
import { ReadMarks } from "../state/read-marks.js";
import { Receipts } from "../state/receipts.js";
import { Recounts } from "../state/recounts.js";
import { Renewal } from "../net/renewal.js";
import { followKeyboard } from "./viewport.js";

export class Services {
  #app;
  #people;
  #marks;
  #notifications;
  #receipts;
  #renewal;

  /** `nameOf(conversation)` and `current()` as Notifications has them; `draw()` brings the page up to date. */
  constructor(app, { feed, people, outbox, connection, nameOf, current, draw }) {
    this.#app = app;
    this.#people = people;
    this.#marks = new ReadMarks({ feed, send: (frame) => connection.send(frame) });
    this.#notifications = new Notifications({ feed, people, nameOf, current });
    this.#receipts = new Receipts(draw);
    this.#renewal = new Renewal(connection);
    new Recounts(feed).look();
    people.addEventListener("people:changed", () => this.#notifications.withdraw());
    app.addEventListener("session:logout", ({ detail }) => this.#logOut(detail ?? {}, { outbox, connection }));
    app.querySelector("storage-notice").watch(outbox);
    addEventListener("pagehide", () => this.#marks.flush());
    this.#renewal.start();
    followKeyboard();
    new Focus(app).watch();
    refuseFiles((text) => app.querySelector("toast-line").say(text));
  }

  welcome({ session, rooms }) {
    this.#renewal.welcome(session);
    this.#notifications.renewed(rooms);
  }

  messageReceived(event) {
    this.#notifications.messageReceived(event);
  }

  messageChanged(event) {
    this.#notifications.messageChanged(event);
  }

  /** A new connection: the state of all rooms is known again. */
  renewed() {
    this.#marks.flush();
    this.#receipts.renew();
    this.#notifications.withdraw();
  }

  /** Something was read. */
  readPositionChanged() {
    this.#marks.soon();
  }

  conversationOpened(conversation) {
    this.#receipts.load(conversation);
  }

  /** Messages came into a conversation; `open`: it is on screen. */
  messagesAdded(messages, { open }) {
    this.#notifications.withdraw();
    if (open) this.#app.querySelector("live-announcer").read(messages, this.#people);
  }

  #logOut({ everywhere = false }, { outbox, connection }) {
    const ask = (question) => this.#app.querySelector("confirm-dialog").ask(question);
    logOut({ outbox, connection, ask, everywhere });
  }
}
