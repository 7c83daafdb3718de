/**
 * Parts of the chat page that the first messages do not need: notifications, receipts, read positions, recounts, focus,
 * session renewal, logout, announcements. Loaded by lazy-bundle.js; until then a Deferred queues
 * the calls.
 *
 * Listens to `session:logout`.
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
  #users;
  #marks;
  #notifications;
  #receipts;
  #renewal;

  /** `nameOf(conversation)` and `current()`: see Notifications; `draw()` redraws the page. */
  constructor(app, { feed, users, outbox, connection, nameOf, current, draw }) {
    this.#app = app;
    this.#users = users;
    this.#marks = new ReadMarks({ feed, send: (frame) => connection.send(frame) });
    this.#notifications = new Notifications({ feed, users, nameOf, current });
    this.#receipts = new Receipts(draw);
    this.#renewal = new Renewal(connection);
    new Recounts(feed).check();
    users.addEventListener("users:changed", () => this.#notifications.closeOutdated());
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
    this.#notifications.welcomed(rooms);
  }

  messageReceived(event) {
    this.#notifications.messageReceived(event);
  }

  messageChanged(event) {
    this.#notifications.messageChanged(event);
  }

  /** After a welcome. */
  welcomed() {
    this.#marks.flush();
    this.#receipts.reset();
    this.#notifications.closeOutdated();
  }

  /** A read position may have changed. */
  readPositionChanged() {
    this.#marks.schedule();
  }

  conversationOpened(conversation) {
    this.#receipts.load(conversation);
  }

  /** Messages were added to a conversation; `open`: it is the open one. */
  messagesAdded(messages, { open }) {
    this.#notifications.closeOutdated();
    if (open) this.#app.querySelector("live-announcer").read(messages, this.#users);
  }

  #logOut({ everywhere = false }, { outbox, connection }) {
    const ask = (question) => this.#app.querySelector("confirm-dialog").ask(question);
    logOut({ outbox, connection, ask, everywhere });
  }
}
