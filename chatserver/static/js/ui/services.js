/**
 * Parts of the chat page that the first messages do not need: notifications, read receipts, read positions, recounts, focus,
 * session renewal, logout, announcements. Part of lazy-bundle.js; until that is loaded, actions on it wait in a Deferred.
 *
 * Listens to `session:logout`.
 */

import { refuseFiles } from "./file-drop.js";
import { Focus } from "./focus.js";
import { logOut } from "../net/logout.js";
import { Notifications } from "./notifications.js";
import { ReadMarks } from "../state/read-marks.js";
import { ReadReceipts } from "../state/read-receipts.js";
import { Recounts } from "../state/recounts.js";
import { Renewal } from "../net/renewal.js";
import { followKeyboard } from "./viewport.js";

export class Services {
  notifications;
  readMarks;
  readReceipts;
  renewal;

  #app;
  #users;

  /** `nameOf(conversation)` and `current()`: see Notifications; `draw()` redraws the page. */
  constructor(app, { feed, users, outbox, connection, nameOf, current, draw }) {
    this.#app = app;
    this.#users = users;
    this.readMarks = new ReadMarks({ feed, send: (frame) => connection.send(frame) });
    this.notifications = new Notifications({ feed, users, nameOf, current });
    this.readReceipts = new ReadReceipts(draw);
    this.renewal = new Renewal(connection);
    new Recounts(feed).check();
    users.addEventListener("users:changed", () => this.notifications.closeOutdated());
    app.addEventListener("session:logout", ({ detail }) => this.#logOut(detail ?? {}, { outbox, connection }));
    app.querySelector("storage-notice").watch(outbox);
    addEventListener("pagehide", () => this.readMarks.flush());
    this.renewal.start();
    followKeyboard();
    new Focus(app).watch();
    refuseFiles((text) => app.querySelector("toast-line").show(text));
  }

  /** The feed has applied a welcome. */
  welcomed() {
    this.readMarks.flush();
    this.readReceipts.reset();
    this.notifications.closeOutdated();
  }

  /** Messages were added to a conversation; `open`: it is the open one. */
  messagesAdded(messages, { open }) {
    this.notifications.closeOutdated();
    if (open) this.#app.querySelector("live-announcer").read(messages, this.#users);
  }

  #logOut({ everywhere = false }, { outbox, connection }) {
    const ask = (question) => this.#app.querySelector("confirm-dialog").ask(question);
    logOut({ outbox, connection, ask, everywhere });
  }
}
