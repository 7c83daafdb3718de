/**
 * What is done to a message of the open conversation: reacting, answering, editing, deleting, linking,
 * jumping to it.
 *
 * Hears `message:react`, `message:answer`, `message:edit`, `message:save`, `message:remove`,
 * `message:link`, `message:jump`, `quote:wanted`, `edit:wanted`.
 */

import { ask } from "./api.js";
import { copy } from "./copying.js";
import { _ } from "./lib/i18n.js";
import { newId } from "./lib/ids.js";
import { hashOf } from "./lib/route.js";
import { me, urls } from "./page.js";
import { HISTORY_LIMIT, isMessage } from "./protocol.js";

const TRIES = 4;
const NEAR = 200; // events behind which a message is visited instead of loading what is between

export class Deeds {
  #app;
  #feed;
  #people;
  #current;
  #draw;
  #past;

  /** `current()`: the open conversation; `draw()` brings the page up to date at once. */
  constructor(app, { feed, past, people, current, draw }) {
    this.#app = app;
    this.#feed = feed;
    this.#past = past;
    this.#people = people;
    this.#current = current;
    this.#draw = draw;
    const on = (name, action) => app.addEventListener(name, ({ detail }) => this.#try(() => action(detail ?? {})));
    on("message:react", (detail) => this.#react(detail));
    on("message:answer", ({ seq }) => this.#answer(seq));
    on("message:edit", ({ seq }) => this.#edit(seq));
    on("message:save", (detail) => this.#save(detail));
    on("message:remove", ({ seq }) => this.#remove(seq));
    on("message:link", ({ seq }) => this.#link(seq));
    on("message:jump", ({ seq }) => this.jump(seq));
    on("quote:wanted", ({ seq }) => this.#feed.quote(this.#current(), seq));
    on("edit:wanted", () => this.#editLast());
  }

  /** Shows message `seq` of the open conversation; one that is far back without what is between. */
  async jump(seq) {
    const conversation = this.#current();
    const found = await this.#bring(conversation, seq);
    if (conversation !== this.#current()) return;
    this.#draw();
    if (!found || !this.#part("message-list").reveal(seq)) this.#say(_("This message is not here any more."));
  }

  async #bring(conversation, seq) {
    const { timeline } = conversation;
    if (conversation.stretch?.holds(seq)) return true;
    if (timeline.oldest - seq > NEAR) return this.#past.visit(conversation, seq);
    this.#past.leave(conversation);
    // Another page may be under way, and then the first answer comes to nothing.
    for (let tries = 0; timeline.oldest > seq && tries < TRIES; tries += 1) {
      await this.#feed.older(conversation, HISTORY_LIMIT);
    }
    return true;
  }

  #react({ seq, emoji, on }) {
    const path = `${this.#path(seq)}/reactions/${encodeURIComponent(emoji)}`;
    return ask(on ? "PUT" : "DELETE", path);
  }

  #answer(seq) {
    const { user, data } = this.#message(seq);
    this.#part("message-composer").answer({ seq, author: this.#people.display(user), text: data });
  }

  #edit(seq) {
    this.#part("message-composer").edit({ seq, text: this.#message(seq).data });
  }

  #editLast() {
    const { events } = this.#current().timeline;
    const last = events.findLast((one) => isMessage(one) && one.user === me.name && !one.deleted_at);
    if (last) this.#edit(last.seq);
  }

  async #save({ seq, text }) {
    if (text === this.#message(seq)?.data) return;
    const conversation = this.#current();
    try {
      await ask("PATCH", this.#path(seq), { id: newId(), data: text });
    } catch (error) {
      if (conversation === this.#current()) this.#part("message-composer").edit({ seq, text });
      throw error;
    }
  }

  async #remove(seq) {
    const path = this.#path(seq);
    const text = this.#message(seq).data;
    const question = _("Delete this message?");
    const yes = await this.#part("confirm-dialog").ask({ question, text, yes: _("Delete") });
    if (yes) await ask("DELETE", path);
  }

  async #link(seq) {
    const url = new URL(urls.index, location.href);
    url.hash = `${hashOf(this.#current().key)}/${seq}`;
    this.#say((await copy(url.href)) ? _("The link is copied.") : url.href);
  }

  #path(seq) {
    return `${urls.rooms}/${this.#current().room}/messages/${seq}`;
  }

  #message(seq) {
    const { stretch, timeline } = this.#current();
    return stretch?.find(seq) ?? timeline.find(seq);
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(text) {
    this.#part("toast-line").say(text);
  }

  #part(name) {
    return this.#app.querySelector(name);
  }
}
