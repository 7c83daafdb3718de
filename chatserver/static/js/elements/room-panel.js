/**
 * <room-panel>: topic and members of the open conversation; sets which of its messages notify, and leaves it. Members of
 * a room add users, its administrators also remove them. Marks it as a favorite. Part of <side-area>; the page passes the
 * open conversation to `show`. An action applies to the conversation that was shown when the user started it.
 *
 * Dispatches `room:marked`.
 */

import { attempt, attemptOnce, sessionRequest } from "../net/api.js";
import { showAvatar } from "../ui/avatar.js";
import { emit, reconcile } from "../ui/dom.js";
import { goTo } from "../ui/layers.js";
import { sortedByName } from "../lib/collation.js";
import { _ } from "../lib/i18n.js";
import { newId } from "../lib/ids.js";
import { directKey, hashOf, roomKey } from "../lib/route.js";
import { notificationRules } from "../state/notification-rules.js";
import { clone, me, urls } from "../ui/page.js";
import { SteadyRows } from "../ui/steady-rows.js";
import { LOBBY } from "../net/protocol.js";

const SMALL = matchMedia("(width < 72rem)"); // where the panel covers the list of rooms

class RoomPanel extends HTMLElement {
  #add = this.querySelector(".room-add");
  #problem = this.querySelector(".form-problem");
  #list = this.querySelector(".members");
  #steady = new SteadyRows(this.#list, { scroller: this.querySelector(".panel-body"), draw: () => this.#room && this.#showMembers() });
  #room = null; // the open conversation
  #title = "";
  #isMember = true; // the user is a member
  #users = null;
  #members = []; // {name, display, role}
  #former = []; // {name, display} of users who can be added to a conversation without a name
  #loaded = ""; // key and number of members for which they were loaded

  connectedCallback() {
    const on = (selector, name, action) =>
      this.querySelector(selector).addEventListener(name, (event) => {
        if (name === "submit") event.preventDefault();
        action({ room: this.#room, title: this.#title });
      });
    on(".room-add", "click", (target) => this.#choosePeople(target));
    on(".room-notify", "change", ({ room }) => attempt(this.#problem, () => this.#setNotify(room)));
    notificationRules.addEventListener("rules:changed", () => this.#describeDefault());
    document.querySelector(".topbar-favorite").addEventListener("click", () => this.#toggleFavorite(this.#room));
    on(".room-leave", "click", (target) => attemptOnce(this.#problem, () => this.#leave(target)));
  }

  /** `room`: the open conversation; `title`: its shown name; `member`: whether the user is a member. */
  show(room, { title, users, member }) {
    if (room.key !== this.#room?.key) this.#reset();
    this.#room = room;
    this.#title = title;
    this.#users = users;
    this.#isMember = member;
    if (this.hidden || this.parentElement.hidden) return;
    this.querySelector(".panel-title").textContent = title;
    this.#draw();
  }

  /** Discard input and errors of the previous conversation; on a small screen close the panel. */
  #reset() {
    if (this.#room && !this.hidden && SMALL.matches) this.parentElement.close();
    this.#problem.hidden = true;
    this.#steady.forget();
  }

  opened() {
    this.#loaded = "";
    this.#problem.hidden = true;
    this.querySelector(".panel-title").textContent = document.querySelector(".topbar-title").textContent;
    this.#draw();
    this.querySelector(".panel-close").focus();
  }

  #draw() {
    const { room, name, isDirect, archived, notify, topic } = this.#room;
    const open = this.#isMember && !isDirect;
    const text = this.querySelector(".panel-topic");
    text.textContent = topic;
    text.hidden = !topic;
    this.querySelector(".room-notify").value = notify;
    this.querySelector(".panel-notify").hidden = room === null || !this.#isMember;
    this.#describeDefault();
    this.querySelector("[data-open=room]").hidden = !open || !this.#canModerate;
    this.querySelector(".room-leave").hidden = !open || room === LOBBY;
    this.#add.hidden = !open || archived || room === LOBBY || (name === null && this.#former.length === 0);
    this.#showMembers();
    if (this.#isMember) this.#loadIfChanged();
  }

  get #canModerate() {
    return this.#room.admin || me.role === "admin";
  }

  /** Load the members if their number has changed. Those of a direct conversation are known. */
  #loadIfChanged() {
    const { key, room, members, isDirect, to } = this.#room;
    const current = `${key} ${members}`;
    if (current === this.#loaded) return;
    if (!this.#loaded.startsWith(`${key} `)) this.#members = this.#former = [];
    this.#loaded = current;
    if (!isDirect) return attempt(this.#problem, () => this.#load(room));
    this.#members = [...new Set([to, me.name])].map((name) => ({ name, role: "member" }));
    return this.#showMembers();
  }

  async #load(room) {
    const { members, former = [] } = await sessionRequest("GET", urlOf(room, "/members"));
    if (room !== this.#room.room) return;
    this.#members = members;
    this.#former = former;
    this.#steady.forget();
    this.#users.ensureLoaded(...members.map(({ name }) => name));
    this.#draw();
  }

  /** The users who can be added. */
  get #candidates() {
    if (this.#room.name === null) return this.#former;
    const names = new Set(this.#members.map(({ name }) => name));
    return this.#users.others.filter(({ name }) => !names.has(name));
  }

  #choosePeople({ room: { room }, title }) {
    const perform = async (users) => {
      await sessionRequest("POST", urlOf(room, "/members"), { id: newId(), users });
      if (room === this.#room.room) await this.#load(room);
    };
    document.querySelector("people-dialog").add({ title, candidates: () => this.#candidates, perform });
  }

  /** List the members, those who are online first. */
  #showMembers() {
    const online = ({ name }) => this.#users.isOnline(name);
    const members = sortedByName(this.#members, ({ name }) => this.#users.display(name));
    const order = members.map((member) => ({ key: member.name, ...member }));
    order.sort((a, b) => Number(online(b)) - Number(online(a)));
    this.querySelector(".panel-count").textContent = order.length;
    this.#steady.draw(() => this.#drawRows(this.#steady.items(this.#list, order)));
  }

  #drawRows(members) {
    reconcile(this.#list, members, {
      key: ({ key }) => key,
      make: ({ name }) => this.#makeRow(name),
      update: (row, member) => this.#describe(row, member),
    });
  }

  #makeRow(name) {
    const row = clone("member");
    row.querySelector("a").href = hashOf(directKey(name));
    row.querySelector("button").addEventListener("click", () => {
      const target = { room: this.#room, title: this.#title, name };
      attemptOnce(this.#problem, () => this.#remove(target));
    });
    return row;
  }

  #describe(row, { name, role }) {
    const { room, isDirect } = this.#room;
    const display = this.#users.display(name);
    const online = this.#users.isOnline(name);
    showAvatar(row.querySelector(".avatar"), { name, display, picture: this.#users.picture(name) });
    row.dataset.online = String(online);
    row.querySelector(".row-name").textContent = this.#users.title(name);
    row.querySelector(".presence-label").textContent = online ? _("online") : _("offline");
    row.querySelector(".bot-label").textContent = this.#users.isBot(name) ? _("Bot") : "";
    row.querySelector(".member-role").textContent = role === "admin" ? _("Administrator") : "";
    const remove = row.querySelector("button");
    remove.hidden = name === me.name || room === LOBBY || isDirect || !this.#isMember || !this.#canModerate;
    remove.setAttribute("aria-label", _("Remove %(name)s", { name: display }));
  }

  async #remove({ room: { room }, title, name }) {
    const question = _("Remove %(name)s from %(room)s?", { name: this.#users.display(name), room: title });
    const yes = await document.querySelector("confirm-dialog").ask({ question, yes: _("Remove") });
    if (!yes) return;
    await sessionRequest("DELETE", urlOf(room, `/members/${encodeURIComponent(name)}`));
    await this.#load(room);
  }

  /** Say what the default of the user is. */
  #describeDefault() {
    const [option] = this.querySelector(".room-notify").options;
    option.textContent = _("Default: %(level)s", { level: LEVELS[notificationRules.current.level]() });
  }

  async #setNotify(room) {
    const level = this.querySelector(".room-notify").value;
    const marks = { notify: level, muted: MUTED.includes(level) };
    await this.#mark(room, marks, () => sessionRequest("PUT", urlOf(room.room, "/notifications"), { level }));
  }

  /** Change marks of the user at once, because the next draw shows them; `store()` stores them. */
  async #mark(room, marks, store) {
    const before = Object.fromEntries(Object.keys(marks).map((name) => [name, room[name]]));
    Object.assign(room, marks);
    emit(this, "room:marked");
    try {
      await store();
    } catch (error) {
      Object.assign(room, before);
      throw error;
    } finally {
      emit(this, "room:marked");
    }
  }

  #toggleFavorite(room) {
    const favorite = !room.favorite;
    const stored = this.#mark(room, { favorite }, () => sessionRequest("PATCH", urlOf(room.room), { favorite }));
    stored.catch(({ message }) => document.querySelector("toast-line").show(message));
  }

  async #leave({ room, title }) {
    const question = _("Leave %(name)s?", { name: title });
    const text = room.name === null ? _("You can only rejoin if a member adds you.") : room.private ? _("You will need an invitation to rejoin.") : "";
    const yes = await document.querySelector("confirm-dialog").ask({ question, text, yes: _("Leave") });
    if (!yes) return;
    await sessionRequest("DELETE", urlOf(room.room, `/members/${encodeURIComponent(me.name)}`));
    if (room.key !== this.#room.key || document.activeElement.closest("message-composer")) return; // the user has opened another conversation or is typing
    this.parentElement.close();
    goTo(hashOf(roomKey(LOBBY)), { replace: true });
  }
}

const MUTED = ["mentions", "nothing"];
const LEVELS = {
  all: () => _("all messages"),
  mentions: () => _("direct messages, mentions"),
  nothing: () => _("nothing"),
};

const urlOf = (room, rest = "") => `${urls.rooms}/${room}${rest}`;

customElements.define("room-panel", RoomPanel);
