/**
 * <room-panel>: the open conversation: its topic, who is in it and online, whether it may disturb, leaving
 * it. Its administrators add and remove people here. Lives in <side-area>; the page tells it by `show`
 * which conversation is open.
 *
 * Sends `room:muted`.
 */

import { ask, attempt } from "../api.js";
import { say, sync } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { hue, initial } from "../lib/names.js";
import { directKey, hashOf } from "../lib/route.js";
import { clone, me, urls } from "../page.js";
import { LOBBY } from "../protocol.js";

class RoomPanel extends HTMLElement {
  #invite = this.querySelector(".room-invite");
  #problem = this.querySelector(".form-problem");
  #try = (work) => attempt(this.#problem, work);
  #list = this.querySelector(".members");
  #room = null; // the open conversation
  #people = null;
  #members = []; // {name, display, role}
  #loaded = ""; // what the members answer

  connectedCallback() {
    const on = (selector, name, action) =>
      this.querySelector(selector).addEventListener(name, (event) => {
        if (name === "submit") event.preventDefault();
        this.#try(action);
      });
    on(".room-invite", "submit", () => this.#add());
    on(".room-mute", "change", () => this.#mute());
    on(".room-leave", "click", () => this.#leave());
  }

  /** `title`: the name of the conversation as it is shown; what changes while this is open is shown at once. */
  show(room, { title, people }) {
    this.#room = room;
    this.#people = people;
    if (this.hidden || this.parentElement.hidden) return;
    this.querySelector(".panel-title").textContent = title;
    this.#draw();
  }

  opened() {
    this.#loaded = "";
    this.#problem.hidden = true;
    this.querySelector(".panel-title").textContent = document.querySelector(".topbar-title").textContent;
    this.#draw();
    this.querySelector(".panel-close").focus();
  }

  #draw() {
    const { room, name, isDirect, archived, admin, muted, topic } = this.#room;
    const governs = (admin || me.role === "admin") && !isDirect;
    const words = this.querySelector(".panel-topic");
    words.textContent = topic;
    words.hidden = !topic;
    this.querySelector(".room-mute").checked = muted;
    this.querySelector(".panel-mute").hidden = room === null;
    this.querySelector("[data-open=room]").hidden = !governs;
    this.querySelector(".room-leave").hidden = isDirect || room === LOBBY;
    this.#invite.hidden = isDirect || archived || name === null || room === LOBBY;
    this.#showMembers();
    this.#renew();
  }

  /** Asks for the members again when they are others. A direct conversation has the two of them. */
  #renew() {
    const { key, room, members, isDirect, to } = this.#room;
    const wanted = `${key} ${members}`;
    if (wanted === this.#loaded) return;
    if (!this.#loaded.startsWith(`${key} `)) this.#members = [];
    this.#loaded = wanted;
    if (!isDirect) return this.#try(() => this.#load(room));
    this.#members = [...new Set([to, me.name])].map((name) => ({ name, role: "member" }));
    return this.#showMembers();
  }

  async #load(room) {
    const { members } = await ask("GET", this.#path("/members"));
    if (room !== this.#room.room) return;
    this.#members = members;
    this.#people.meet(...members.map(({ name }) => name));
    const here = new Set(members.map(({ name }) => name));
    const others = this.#people.everybody.filter(({ name }) => !here.has(name));
    const options = others.map(({ name, display }) => new Option(`${display} (@${name})`, name));
    const { user } = this.#invite.elements;
    user.replaceChildren(user.options[0], ...options); // nobody is chosen by mistake
    this.#invite.querySelector("button").disabled = others.length === 0;
    this.#showMembers();
  }

  /** Those who are online first. */
  #showMembers() {
    const online = ({ name }) => this.#people.isOnline(name);
    const order = [...this.#members].sort((a, b) => Number(online(b)) - Number(online(a)));
    this.querySelector(".panel-count").textContent = order.length;
    sync(this.#list, order, {
      key: ({ name }) => name,
      make: ({ name }) => this.#member(name),
      update: (row, member) => this.#describe(row, member),
    });
  }

  #member(name) {
    const row = clone("member");
    row.querySelector("a").href = hashOf(directKey(name));
    row.querySelector("button").addEventListener("click", () => this.#try(() => this.#remove(name)));
    return row;
  }

  #describe(row, { name, role }) {
    const { admin, room, isDirect } = this.#room;
    const display = this.#people.display(name);
    const online = this.#people.isOnline(name);
    const avatar = row.querySelector(".avatar");
    avatar.dataset.hue = hue(name);
    avatar.querySelector(".avatar-letter").textContent = initial(display);
    row.dataset.online = String(online);
    row.querySelector(".row-name").textContent = this.#people.title(name);
    row.querySelector(".presence-words").textContent = online ? _("online") : _("offline");
    row.querySelector(".member-role").textContent = role === "admin" ? _("Administrator") : "";
    const remove = row.querySelector("button");
    remove.hidden = name === me.name || room === LOBBY || isDirect || !(admin || me.role === "admin");
    remove.setAttribute("aria-label", _("Remove %(name)s", { name: display }));
  }

  async #add() {
    await ask("POST", this.#path("/members"), { id: newId(), users: [this.#invite.elements.user.value] });
    await this.#load(this.#room.room);
  }

  async #remove(name) {
    await ask("DELETE", this.#path(`/members/${encodeURIComponent(name)}`));
    await this.#load(this.#room.room);
  }

  async #mute() {
    const room = this.#room;
    const muted = this.querySelector(".room-mute").checked;
    room.muted = muted; // at once: the next draw shall not take the tick back
    try {
      await ask("PATCH", this.#path(), { muted });
    } catch (error) {
      room.muted = !muted;
      throw error;
    } finally {
      say(this, "room:muted");
    }
  }

  async #leave() {
    const question = _("Leave this room?");
    const text = this.#room.private ? _("You can come back only when somebody invites you.") : "";
    const yes = await document.querySelector("confirm-dialog").ask({ question, text, yes: _("Leave") });
    if (!yes) return;
    await ask("DELETE", this.#path(`/members/${encodeURIComponent(me.name)}`));
    this.parentElement.close();
  }

  #path(rest = "") {
    return `${urls.rooms}/${this.#room.room}${rest}`;
  }
}

customElements.define("room-panel", RoomPanel);
