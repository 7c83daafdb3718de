/**
 * <room-dialog>: the open room: its members, whether it may disturb, and, for its administrators, its
 * settings. Opened by [data-open="room"]. The page tells it which room is open by `show`.
 */

import { ask } from "../api.js";
import { wire } from "../dialogs.js";
import { sync } from "../dom.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { hue, initial } from "../lib/names.js";
import { clone, me, urls } from "../page.js";
import { LOBBY } from "../protocol.js";

class RoomDialog extends HTMLElement {
  #wired = wire(this, { name: "room", opened: () => this.#opened() });
  #settings = this.querySelector(".room-settings");
  #invite = this.querySelector(".room-invite");
  #problem = this.querySelector(".form-problem");
  #room = null; // {room, key, name, title, topic, receipts, archived, muted, admin, isDirect}
  #people = null;
  #shown = "";

  connectedCallback() {
    const on = (selector, name, action) =>
      this.querySelector(selector).addEventListener(name, (event) => {
        if (name === "submit") event.preventDefault();
        this.#try(action);
      });
    on(".room-settings", "submit", () => this.#save());
    on(".room-invite", "submit", () => this.#add());
    on(".room-mute", "change", () => this.#mute());
    on(".room-leave", "click", () => this.#leave());
    on(".room-archive", "click", () => this.#archive());
  }

  /** `title`: the name of the room as it is shown; what changed while this is open is shown at once. */
  show(room, { title, people }) {
    this.#room = room;
    this.#people = people;
    const facts = JSON.stringify([room.key, room.members, room.title, room.topic, room.archived, room.admin]);
    const news = facts !== this.#shown;
    this.#shown = facts;
    if (!this.#wired.dialog.open) return;
    this.querySelector("h2").textContent = title;
    if (news) this.#opened(title);
  }

  #opened(title = document.querySelector(".topbar-title").textContent) {
    const { room, name, isDirect, archived, admin, muted, topic } = this.#room;
    const governs = (admin || me.role === "admin") && !isDirect;
    this.querySelector("h2").textContent = title;
    this.querySelector(".room-mute").checked = muted;
    this.#settings.hidden = !governs;
    this.#settings.elements.title.value = this.#room.title;
    this.#settings.elements.topic.value = topic;
    this.#settings.elements.receipts.checked = this.#room.receipts;
    this.#invite.hidden = isDirect || archived || name === null || room === LOBBY;
    this.querySelector(".room-leave").hidden = isDirect || room === LOBBY;
    const archive = this.querySelector(".room-archive");
    archive.hidden = !governs || room === LOBBY;
    archive.textContent = archived ? _("Open the room again") : _("Archive the room");
    this.querySelector(".room-people").hidden = isDirect;
    if (!isDirect) this.#try(() => this.#load());
  }

  async #load() {
    const { members } = await ask("GET", this.#path("/members"));
    const here = new Set(members.map(({ name }) => name));
    sync(this.querySelector(".members"), members, {
      key: ({ name }) => name,
      make: ({ name }) => this.#member(name),
      update: (row, member) => this.#describe(row, member),
    });
    const others = this.#people.everybody.filter(({ name }) => !here.has(name));
    const options = others.map(({ name, display }) => new Option(`${display} (@${name})`, name));
    this.#invite.elements.user.replaceChildren(...options);
    this.#invite.hidden ||= others.length === 0;
  }

  #member(name) {
    const row = clone("member");
    row.querySelector("button").addEventListener("click", () => this.#try(() => this.#remove(name)));
    return row;
  }

  #describe(row, { name, display, role }) {
    const { admin, room } = this.#room;
    const avatar = row.querySelector(".avatar");
    avatar.dataset.hue = hue(name);
    avatar.querySelector(".avatar-letter").textContent = initial(display);
    row.querySelector(".member-name").textContent = this.#people.title(name);
    row.querySelector(".member-role").textContent = role === "admin" ? _("Administrator") : "";
    const remove = row.querySelector("button");
    remove.hidden = name === me.name || room === LOBBY || !(admin || me.role === "admin");
    remove.setAttribute("aria-label", _("Remove %(name)s", { name: display }));
  }

  async #save() {
    const { title, topic, receipts } = this.#settings.elements;
    const wanted = { title: title.value.trim(), topic: topic.value.trim(), receipts: receipts.checked };
    const changed = Object.entries(wanted).filter(([name, value]) => value !== this.#room[name]);
    if (changed.length > 0) await this.#change(Object.fromEntries(changed));
    this.#wired.dialog.close();
  }

  async #add() {
    await ask("POST", this.#path("/members"), { id: newId(), users: [this.#invite.elements.user.value] });
    await this.#load();
  }

  async #remove(name) {
    await ask("DELETE", this.#path(`/members/${encodeURIComponent(name)}`));
    await this.#load();
  }

  async #mute() {
    const room = this.#room;
    const muted = this.querySelector(".room-mute").checked;
    await ask("PATCH", this.#path(), { muted });
    room.muted = muted;
    this.dispatchEvent(new CustomEvent("room:muted", { bubbles: true }));
  }

  async #leave() {
    const question = _("Leave this room?");
    const text = this.#room.private ? _("You can come back only when somebody invites you.") : "";
    const yes = await document.querySelector("confirm-dialog").ask({ question, text, yes: _("Leave") });
    if (!yes) return;
    await ask("DELETE", this.#path(`/members/${encodeURIComponent(me.name)}`));
    this.#wired.dialog.close();
  }

  async #archive() {
    await this.#change({ archived: !this.#room.archived });
    this.#wired.dialog.close();
  }

  #change(values) {
    return ask("PATCH", this.#path(), { id: newId(), ...values });
  }

  #path(rest = "") {
    return `${urls.rooms}/${this.#room.room}${rest}`;
  }

  async #try(action) {
    this.#problem.hidden = true;
    try {
      await action();
    } catch (error) {
      this.#problem.hidden = false;
      this.#problem.textContent = error.message;
    }
  }
}

customElements.define("room-dialog", RoomDialog);
