/**
 * <chat-app>: connects the parts of the chat page. The state is owned by Connection, Conversations,
 * CurrentConversation, Users, Outbox.
 *
 * Listens to `message:send`, `draft:changed`, `target:changed`, `older:requested`, `newer:requested`, `end:requested`,
 * `read:requested`, `connection:retry`, `room:marked`, and to the events of COMMANDS.
 */

import { Connection } from "../net/connection.js";
import { CurrentConversation } from "../state/current-conversation.js";
import { loadLazyBundle, lazyModule, Deferred } from "../ui/lazy-load.js";
import { attachments } from "../state/attachments.js";
import { drafts } from "../state/drafts.js";
import { RenderScheduler } from "../ui/render-scheduler.js";
import { Conversations } from "../state/conversations.js";
import { dispatch } from "../net/dispatch.js";
import { Router } from "../ui/router.js";
import { asEvent } from "../lib/view.js";
import { followLogout } from "../net/logout-sync.js";
import { Navigation } from "../ui/navigation.js";
import { heldConversation } from "../state/held-conversation.js";
import { OutboxStore } from "../state/outbox-store.js";
import { Outbox } from "../state/outbox.js";
import { me, socketUrl } from "../ui/page.js";
import { HistoryJump } from "../state/history-jump.js";
import { Users } from "../state/users.js";
import { CloseCode } from "../net/protocol.js";
import { ReadTracker } from "../state/read-tracker.js";
import { Screen } from "../ui/screen.js";
import { sender } from "../net/sender.js";
import { endWithSession, sessionEnded, sessionReplaced } from "../net/session.js";
import { listenToKeys } from "../ui/shortcuts.js";
import { Typing } from "../state/typing.js";

const ON_MESSAGES = ["retry", "rewrite", "discard", "react", "answer", "edit", "save", "remove", "copy", "unread", "link"];
const COMMANDS = [...ON_MESSAGES.map((name) => `message:${name}`), "quote:requested", "edit:requested"];

class ChatApp extends HTMLElement {
  #connection = new Connection(socketUrl(), { accepts: ({ user }) => user === me.name || sessionReplaced() });
  #conversations = new Conversations(this.#connection, (name) => this.#users.isUser(name));
  #current = new CurrentConversation(this.#conversations, heldConversation);
  #users = new Users();
  #store = new OutboxStore(me.name);
  #outbox = new Outbox({ store: this.#store, send: sender(this.#connection, this.#conversations) });
  #typing = new Typing((frame) => this.#connection.send(frame));
  #historyJump = new HistoryJump(this.#connection, () => this.#redraw());
  #services = new Deferred();
  #navigation = new Navigation(this, {
    conversations: this.#conversations,
    historyJump: this.#historyJump,
    current: () => this.#conversation,
    draw: () => this.#redraw(),
  });
  #router = new Router(this, {
    conversations: this.#conversations,
    users: this.#users,
    current: this.#current,
    historyJump: this.#historyJump,
    navigation: this.#navigation,
    services: this.#services,
    redraw: () => this.#redraw(),
  });
  #screen = new Screen(this, [this.#conversations, this.#users, this.#outbox, this.#connection, this.#typing]);
  #scheduler = new RenderScheduler(() => this.#screen.show(this.#current));
  #list = this.querySelector("message-list");
  #readTracker = new ReadTracker(this.#list, {
    conversations: this.#conversations,
    current: this.#current,
    onRead: () => this.#services.use(({ readMarks }) => readMarks.schedule()),
  });
  #composer = this.querySelector("message-composer");
  #banner = this.querySelector("connection-banner");

  start() {
    this.#listen();
    this.#router.start();
    this.#users.load();
    this.#outbox.load();
    this.#connection.start();
    listenToKeys(this);
    followLogout(() => this.#deleteLocalData());
    drafts.follow();
    loadLazyBundle(this.#list, ({ Services }) => this.#complete(Services));
  }

  /** Delete local data after a logout in another tab. */
  #deleteLocalData() {
    this.#connection.end();
    drafts.forgetAll();
    attachments.forgetAll();
    return this.#outbox.clear();
  }

  #complete(Services) {
    const services = new Services(this, {
      conversations: this.#conversations,
      users: this.#users,
      outbox: this.#outbox,
      store: this.#store,
      connection: this.#connection,
      nameOf: (conversation) => this.#screen.nameOf(conversation),
      current: () => this.#conversation,
      draw: () => this.#draw(),
    });
    this.#services.resolve(services);
    this.#redraw();
  }

  #listen() {
    const on = (target, name, action) => target.addEventListener(name, ({ detail }) => action(detail ?? {}));
    on(this.#connection, "frame:received", ({ frame }) => this.#receive(frame));
    on(this.#connection, "connection:changed", (detail) => this.#connectionChanged(detail));
    on(this.#conversations, "conversation:changed", (detail) => this.#conversationChanged(detail));
    on(this.#conversations, "conversations:welcomed", () => this.#welcomed());
    on(this.#conversations, "conversation:removed", (detail) => this.#current.lose(detail) && this.#draw());
    on(this.#typing, "typing:changed", () => this.#draw());
    on(this.#users, "users:changed", () => this.#usersChanged());
    on(this.#outbox, "outbox:changed", ({ entry }) => this.#outboxChanged(entry));
    on(this.#outbox, "outbox:acknowledged", ({ entry, reply }) => this.#conversations.receive(asEvent(entry, reply, me.name)));
    on(this, "message:send", (detail) => this.#send(detail));
    on(this, "draft:changed", ({ key }) => this.#typing.notify(this.#conversations.get(key).room));
    on(drafts, "drafts:changed", () => this.#draw());
    on(this, "target:changed", () => this.#draw());
    on(this, "older:requested", () => this.#loadOlder());
    on(this, "newer:requested", () => this.#historyJump.loadNewer(this.#conversation));
    on(this, "end:requested", () => this.#showEnd());
    on(this, "read:requested", () => this.#markRead());
    on(this, "connection:retry", () => this.#connection.retryNow());
    endWithSession(this.#connection);
    on(this, "room:marked", () => this.#draw());
    for (const name of COMMANDS) on(this, name, (detail) => this.#command(name, { conversation: this.#conversation, ...detail }));
    on(globalThis, "blur", () => this.#current.newLine.leave(this.#conversation.unread));
  }

  get #conversation() {
    return this.#current.conversation;
  }

  // Events of connection and state ---------------------------------------------------------------

  #receive(frame) {
    dispatch(frame, {
      conversations: this.#conversations,
      users: this.#users,
      typing: this.#typing,
      services: this.#services,
      update: (version) => this.querySelector("update-banner").setServerVersion(version, this.#outbox),
      limits: (limits) => this.#composer.setLimits(limits),
      showServer: (profile) => lazyModule.use(({ showServer }) => showServer(profile)),
    });
  }

  #connectionChanged(detail) {
    if (detail.code === CloseCode.SESSION_INVALID) sessionEnded();
    if (detail.state !== "online") this.#current.newLine.leave(this.#conversation.unread);
    if (detail.state === "ended") this.#users.replaceOnline([]);
    this.#banner.show(detail);
    this.#draw();
  }

  /** A message may have been refused because the account was deleted. */
  #outboxChanged({ state, key }) {
    if (state === "failed" && key.startsWith("@")) this.#users.recheck(key.slice(1));
    this.#draw();
  }

  #usersChanged() {
    for (const conversation of this.#conversations.all) conversation.recheckMentions();
    this.#draw();
  }

  #welcomed() {
    this.#users.reconnected();
    this.#outbox.flush();
    this.#services.use((services) => services.welcomed());
    this.#current.check();
    this.#current.newLine.place(this.#conversation);
    this.#router.load();
    this.#draw();
  }

  #conversationChanged({ conversation, added }) {
    const { key, lost } = this.#current;
    this.#services.use((services) => services.messagesAdded(added, { open: conversation.key === key }));
    if (conversation.key === key) {
      if (conversation.isHeld) this.#current.hold();
      if (lost && this.#current.check()) this.#router.load(); // a member again
      if (added.length > 1) this.#redraw(); // before the timeline is trimmed: they may not all fit into the view
      this.#readTracker.check();
      this.#current.newLine.place(conversation);
    }
    if (conversation.key !== key || this.#list.showsEndOf(key)) conversation.timeline.trim();
    this.#draw();
  }

  // Actions of the user --------------------------------------------------------------------------

  /** A command on a message: see MessageCommands. */
  #command(name, detail) {
    this.#services.use(({ commands }) => commands.perform(name, detail));
  }

  #loadOlder() {
    if (!this.#current.lost) (this.#conversation.historyWindow ? this.#historyJump : this.#conversations).loadOlder(this.#conversation);
  }

  #showEnd() {
    this.#historyJump.leave(this.#conversation);
    this.#redraw();
  }

  /** Mark everything as read, without scrolling to the end. */
  #markRead() {
    this.#current.release();
    this.#conversations.markRead(this.#conversation);
    this.#services.use(({ readMarks }) => readMarks.schedule());
    this.#draw();
  }

  #send({ key, text, replyTo, files }) {
    if (this.#conversation.isHeld) this.#current.release();
    if (this.#conversation.unread === 0) this.#current.newLine.clear();
    this.#typing.sent(this.#conversations.get(key).room);
    this.#outbox.add(key, text, { replyTo, epoch: this.#conversations.epoch, files });
    this.#redraw();
    this.#list.showSent();
  }

  // Drawing --------------------------------------------------------------------------------------

  #draw() {
    this.#scheduler.soon();
  }

  #redraw() {
    this.#scheduler.now();
  }
}

customElements.define("chat-app", ChatApp);
