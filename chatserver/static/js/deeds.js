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

const TRIES = 4; // questions for older pages
const NEAR = 200; // events behind which a message is visited instead of loading what is between

export class Deeds {
  #app;
  #feed;
  #people;
  #current;
  #draw;
  #past;
  #unsaved = new Map(); // address of a message → the text of an edit that was refused

  /** `current()`: the open conversation; `draw()` brings the page up to date at once. */
  constructor(app, { feed, past, people, current, draw }) {
    this.#app = app;
    this.#feed = feed;
    this.#past = past;
    this.#people = people;
    this.#current = current;
    this.#draw = draw;
    const on = (name, action) =>
      app.addEventListener(name, ({ detail }) => {
        const conversation = this.#current(); // when it was begun: later another one may be open
        this.#try(() => action({ conversation, ...detail }));
      });
    on("message:react", (detail) => this.#react(detail));
    on("message:answer", (detail) => this.#answer(detail));
    on("message:edit", (detail) => this.#edit(detail));
    on("message:save", (detail) => this.#save(detail));
    on("message:remove", (detail) => this.#remove(detail));
    on("message:link", (detail) => this.#link(detail));
    on("message:jump", ({ seq }) => this.jump(seq));
    on("quote:wanted", ({ conversation, seq }) => this.#feed.quote(conversation, seq));
    on("edit:wanted", (detail) => this.#editLast(detail));
  }

  /** Shows message `seq` of the open conversation; one that is far back without what is between. */
  async jump(seq) {
    const conversation = this.#current();
    const composer = this.#part("message-composer");
    const before = [document.activeElement, composer.text];
    const found = await this.#bring(conversation, seq);
    if (conversation !== this.#current()) return;
    const focus = document.activeElement === before[0] && composer.text === before[1]; // else the user went on writing
    this.#draw();
    if (!found || !this.#part("message-list").reveal(seq, { focus })) this.#say(_("This message is not here any more."));
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

  #react({ emoji, on, ...target }) {
    return ask(on ? "PUT" : "DELETE", `${pathOf(target)}/reactions/${encodeURIComponent(emoji)}`);
  }

  #answer({ seq, ...target }) {
    const { user, data } = messageOf({ seq, ...target });
    this.#part("message-composer").answer({ seq, author: this.#people.display(user), text: data });
  }

  /** With the text of an edit that could not be saved, where there is one. */
  #edit({ seq, conversation }) {
    const text = this.#unsaved.get(pathOf({ seq, conversation })) ?? messageOf({ seq, conversation }).data;
    this.#part("message-composer").edit({ seq, text });
  }

  #editLast({ conversation }) {
    const { events } = conversation.timeline;
    const last = events.findLast((one) => isMessage(one) && one.user === me.name && !one.deleted_at);
    if (last) this.#edit({ seq: last.seq, conversation });
  }

  async #save({ key, seq, text }) {
    const conversation = this.#feed.get(key);
    const path = pathOf({ seq, conversation });
    this.#unsaved.delete(path);
    if (text === messageOf({ seq, conversation })?.data) return;
    try {
      await ask("PATCH", path, { id: newId(), data: text });
    } catch (error) {
      this.#unsaved.set(path, text);
      this.#editAgain({ seq, conversation });
      throw error;
    }
  }

  /** At once where nothing else is being written; else when the user chooses to edit the message again. */
  #editAgain({ seq, conversation }) {
    if (conversation === this.#current() && this.#part("message-composer").isIdle) this.#edit({ seq, conversation });
  }

  async #remove(target) {
    const path = pathOf(target);
    const text = messageOf(target).data;
    const question = _("Delete this message?");
    const yes = await this.#part("confirm-dialog").ask({ question, text, yes: _("Delete") });
    if (yes) await ask("DELETE", path);
  }

  async #link({ seq, conversation }) {
    const url = new URL(urls.index, location.href);
    url.hash = `${hashOf(conversation.key)}/${seq}`;
    this.#say((await copy(url.href)) ? _("The link is copied.") : url.href);
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

const pathOf = ({ seq, conversation }) => `${urls.rooms}/${conversation.room}/messages/${seq}`;

const messageOf = ({ seq, conversation: { stretch, timeline } }) => stretch?.find(seq) ?? timeline.find(seq);
