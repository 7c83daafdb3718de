/** <admin-rooms>: lists rooms without their content; archives them and sets the retention of messages. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { archiveQuestion } from "../lib/archive-question.js";
import { sortedByName } from "../lib/collation.js";
import { _, ngettext } from "../lib/i18n.js";
import { LOBBY } from "../net/protocol.js";
import { roomKey } from "../lib/route.js";
import { roomName } from "../lib/view.js";
import { lang } from "../ui/page.js";

const DAYS = [0, 7, 30, 90, 365]; // choices of the retention; 0 means forever

class AdminRooms extends AdminList {
  #dialog = this.dialog("room");
  #numbers = new Intl.NumberFormat(lang);

  connectedCallback() {
    super.connectedCallback();
    this.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#setRetention(this.open, Number(event.target.elements.days.value));
    });
    this.querySelector(".room-archive").addEventListener("click", () => this.#archive(this.open));
  }

  read({ rooms }) {
    const shown = rooms.map((room) => ({ ...room, title: roomName({ key: roomKey(room.room), title: room.title }, _("Lobby")) }));
    return sortedByName(shown, ({ title }) => title);
  }

  key({ room }) {
    return String(room);
  }

  searchText({ name, title }) {
    return `${name} ${title}`;
  }

  fill(row, room) {
    const [, members, messages, , retention] = row.querySelectorAll("td");
    row.querySelector(".cell-title").textContent = room.title;
    row.querySelector(".cell-name").textContent = `#${room.name}`;
    row.querySelector(".tag").textContent = kind(room);
    row.querySelector(".tag").dataset.kind = room.archived ? "closed" : "";
    row.querySelector("[data-opens]").setAttribute("aria-label", _("Manage %(name)s", { name: room.title }));
    members.textContent = this.#numbers.format(room.members);
    messages.textContent = this.#numbers.format(room.messages);
    retention.textContent = retentionText(room.retention_days ?? 0);
    this.moment(row.querySelector("time"), room.last_at);
  }

  opened(_name, room) {
    const days = room.retention_days ?? 0;
    const choices = [...new Set([...DAYS, days])].sort((a, b) => a - b);
    const options = choices.map((each) => new Option(retentionText(each), each, each === days, each === days));
    this.#dialog.querySelector("h2").textContent = room.title;
    this.#dialog.querySelector("select").replaceChildren(...options);
    this.#dialog.querySelector(".room-admins").textContent = adminsText(room);
    const button = this.#dialog.querySelector(".room-archive");
    button.textContent = room.archived ? _("Reopen the room") : _("Archive the room");
    button.hidden = room.room === LOBBY;
  }

  #change(room, fields) {
    return this.changed(() => sessionRequest("PATCH", `${this.dataset.url}/${room.room}`, fields));
  }

  async #setRetention(room, days) {
    if (days === (room.retention_days ?? 0)) return;
    const longer = days === 0 || (room.retention_days ?? Infinity) <= days;
    const question = {
      question: _("Delete older messages?"),
      text: _("Every night, older messages are permanently deleted from this room."),
      yes: _("Delete them"),
    };
    if (longer || (await document.querySelector("confirm-dialog").ask(question))) {
      if (await this.#change(room, { retention_days: days })) this.showToast(_("Saved"));
    }
  }

  #archive(room) {
    if (room.archived) return this.#change(room, { archived: false });
    return this.confirmed(archiveQuestion(room.title), () =>
      sessionRequest("PATCH", `${this.dataset.url}/${room.room}`, { archived: true }),
    );
  }
}

function kind(room) {
  if (room.archived) return _("Archived");
  return room.private ? _("Private") : _("Public");
}

const retentionText = (days) => (days ? ngettext("%(num)s day", "%(num)s days", days) : _("forever"));

const adminsText = ({ admins }) =>
  admins.length > 0
    ? _("Administered by %(names)s.", { names: admins.map((name) => `@${name}`).join(", ") })
    : _("No member administers this room.");

customElements.define("admin-rooms", AdminRooms);
