/**
 * Opens the conversation of the address, and loads it.
 *
 * Listens to `room:joined` {state, go}: `state` of a room that the user has joined; with `go` it is opened.
 */

import { call } from "./lazy-load.js";
import { goTo } from "./layers.js";
import { hashOf, isRoute, keyIn, messageOf } from "../lib/route.js";
import { Destination } from "../state/destination.js";

export class Router {
  #app;
  #conversations;
  #users;
  #current;
  #historyJump;
  #navigation;
  #services;
  #redraw;
  #destination;

  /** `current`: the CurrentConversation; `services`: see Deferred; `redraw()` redraws the page at once. */
  constructor(app, { conversations, users, current, historyJump, navigation, services, redraw }) {
    this.#app = app;
    this.#conversations = conversations;
    this.#users = users;
    this.#current = current;
    this.#historyJump = historyJump;
    this.#navigation = navigation;
    this.#services = services;
    this.#redraw = redraw;
    this.#destination = new Destination(users);
  }

  start() {
    this.#app.addEventListener("room:joined", ({ detail }) => this.#roomJoined(detail));
    addEventListener("hashchange", () => this.#addressChanged());
    this.#open();
  }

  /** Load the newest page, then show the position to return to or the message of the address. */
  async load() {
    if (!(await this.#destination.canLoad(this.#current))) return void this.#redraw();
    const { conversation } = this.#current;
    this.#services.use(({ readReceipts }) => readReceipts.load(conversation));
    await this.#historyJump.open(conversation, this.#conversations);
    if (this.#current.conversation.timeline.loaded) this.#navigation.conversationLoaded();
  }

  #roomJoined({ state, go }) {
    const { key } = this.#conversations.addRoom(state);
    if (go && key !== this.#current.key) goTo(hashOf(key)); // a link to a message of this room stays
  }

  #addressChanged() {
    if (location.hash && !isRoute(location.hash)) return; // an element of the page
    if (this.#navigation.isAtAddress) return;
    this.#navigation.addressChanged(this.#current.key);
    this.#open();
  }

  /** Open the conversation of the address. Without a connection it is loaded after the welcome. */
  #open() {
    const key = keyIn(location.hash);
    if (key !== this.#current.key) this.#switchTo(key);
    else if (messageOf(location.hash) === null && !this.#navigation.isReturn) this.#historyJump.leave(this.#current.conversation);
    const { isDirect, to } = this.#current.conversation;
    if (isDirect) this.#users.ensureLoaded(to);
    this.#redraw();
    if (this.#conversations.epoch !== null) this.load();
  }

  #switchTo(key) {
    if (this.#current.key !== null) {
      this.#historyJump.leave(this.#current.conversation);
      call(this.#app.querySelector("toast-line"), "clear");
    }
    this.#current.show(key);
    this.#historyJump.seek(this.#current.conversation);
  }
}
