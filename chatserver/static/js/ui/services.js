/**
 * Parts of the chat page that the first messages do not need: notifications, read receipts, read positions, recounts, focus,
 * session renewal, logout, announcements, uploads. Part of lazy-bundle.js; until that is loaded, actions on it wait in a
 * Deferred.
 *
 * Listens to `session:logout`, `file:cancel`.
 */

import { Candidates } from "./candidates.js";
import { Focus } from "./focus.js";
import { InstalledPage } from "./installed-page.js";
import { logOut } from "../net/logout.js";
import { MessageCommands } from "./message-commands.js";
import { Notifications } from "./notifications.js";
import { notificationRules } from "../state/notification-rules.js";
import { publicRooms } from "../state/public-rooms.js";
import { ReadMarks } from "../state/read-marks.js";
import { ReadReceipts } from "../state/read-receipts.js";
import { Recounts } from "../state/recounts.js";
import { Renewal } from "../net/renewal.js";
import { me } from "./page.js";
import { scaled } from "./scale-picture.js";
import { watchClosedTabs } from "../state/closed-tabs.js";
import { Uploader } from "../state/uploader.js";
import { discard, upload } from "../net/upload.js";
import { followKeyboard } from "./viewport.js";

export class Services {
  commands;
  installedPage;
  notifications;
  readMarks;
  readReceipts;
  renewal;
  uploader;

  #app;
  #users;

  /** `nameOf(conversation)` and `current()`: see Notifications; `draw()` redraws the page. */
  constructor(app, { conversations, users, outbox, store, connection, nameOf, current, draw }) {
    this.#app = app;
    this.#users = users;
    this.commands = new MessageCommands(app, { conversations, outbox, store, current });
    this.readMarks = new ReadMarks({ conversations, send: (frame) => connection.send(frame) });
    this.notifications = new Notifications({ conversations, users, nameOf, current });
    this.installedPage = new InstalledPage(app, { conversations, connection, notifications: this.notifications });
    this.readReceipts = new ReadReceipts(draw);
    this.renewal = new Renewal(connection);
    new Recounts(conversations).check();
    new Candidates(app, { conversations, users, nameOf, current });
    publicRooms.addEventListener("rooms:changed", draw);
    users.addEventListener("users:changed", () => this.notifications.closeOutdated());
    notificationRules.addEventListener("rules:changed", () => this.notifications.closeOutdated());
    app.addEventListener("session:logout", ({ detail }) => this.#logOut(detail ?? {}, { outbox, connection }));
    app.querySelector("storage-banner").watch(outbox);
    addEventListener("pagehide", () => this.readMarks.flush());
    this.renewal.start();
    followKeyboard();
    new Focus(app).watch();
    this.#uploadFiles({ conversations, outbox, connection, store, current });
    this.#showOwnPicture();
    users.addEventListener("users:changed", () => this.#showOwnPicture());
  }

  #showOwnPicture() {
    const own = { name: me.name, display: me.display, picture: this.#users.picture(me.name) };
    this.#app.querySelector("settings-dialog profile-picture").show(own);
  }

  #uploadFiles({ conversations, outbox, connection, store, current }) {
    const isOnline = () => connection.availability === "online";
    const roomOf = (key) => (key.startsWith("#") ? conversations.get(key).room : undefined);
    this.uploader = new Uploader(outbox, { store, upload, discard, prepare: scaled, roomOf, isOnline });
    this.#app.addEventListener("file:cancel", ({ detail: { key } }) => {
      const entry = outbox.entriesOf(current().key).find(({ files = [] }) => files.some((file) => file.key === key));
      if (entry) this.uploader.remove(entry, key);
    });
    watchClosedTabs(() => outbox.load().then(() => this.uploader.showPreviews()));
    this.uploader.showPreviews();
    this.uploader.run();
  }

  /** The conversations have applied a welcome. */
  welcomed() {
    this.uploader.run();
    this.readMarks.flush();
    this.readReceipts.reset();
    this.notifications.closeOutdated();
    this.installedPage.welcomed();
    notificationRules.load();
  }

  /** Messages were added to a conversation; `open`: it is the open one. */
  messagesAdded(messages, { open }) {
    this.notifications.closeOutdated();
    this.installedPage.changed();
    if (open) this.#app.querySelector("live-announcer").read(messages, this.#users);
  }

  #logOut({ everywhere = false }, { outbox, connection }) {
    const ask = (question) => this.#app.querySelector("confirm-dialog").ask(question);
    logOut({ outbox, connection, ask, everywhere });
  }
}
