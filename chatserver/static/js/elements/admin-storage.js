/** <admin-storage>: the disk space of files, what uses most of it, and the largest files, which can be deleted. */

import { AdminList } from "../ui/admin-list.js";
import { sessionRequest } from "../net/api.js";
import { endingOf, sizeText } from "../lib/files.js";
import { _, ngettext } from "../lib/i18n.js";
import { limitsText, roomLabel } from "../lib/storage.js";
import { hashOf, roomKey } from "../lib/route.js";
import { joinSentences } from "../lib/text.js";
import { reconcile } from "../ui/dom.js";
import { clone, lang } from "../ui/page.js";

const size = (bytes) => sizeText(bytes, lang);
const list = (texts) => new Intl.ListFormat(lang, { style: "narrow", type: "unit" }).format(texts);

class AdminStorage extends AdminList {
  #numbers = new Intl.NumberFormat(lang);

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("click", ({ target }) => {
      if (target.closest(".file-remove")) this.#remove(this.itemOf(target));
    });
  }

  read({ disk, quotas, files, bytes, rooms, users, largest }) {
    this.#showDisk(disk, quotas, { files, bytes });
    this.#showPart(".storage-rooms", rooms, (room) => [roomLabel(room), room.name ? `#${room.name}` : ""]);
    this.#showPart(".storage-users", users, (user) => [user.display || user.name, `@${user.name}`]);
    return largest;
  }

  key({ id }) {
    return id;
  }

  fill(row, file) {
    const [bytes, user, room] = row.querySelectorAll("td");
    row.querySelector(".cell-title").textContent = file.name ?? _("File in a private room");
    row.querySelector(".cell-name").textContent = file.name ? endingOf(file.name) : "";
    bytes.textContent = size(file.bytes);
    user.textContent = `@${file.user}`;
    room.replaceChildren(placeOf(file));
    this.moment(row.querySelector("time"), file.at);
    const label = _("Delete %(name)s of @%(user)s, %(size)s", { name: file.name ?? _("File"), user: file.user, size: size(file.bytes) });
    row.querySelector(".file-remove").setAttribute("aria-label", label);
  }

  #showDisk(disk, quotas, used) {
    const meter = this.querySelector(".storage-disk");
    const full = this.querySelector(".storage-full");
    Object.assign(meter, { max: disk.total, high: Math.max(0, disk.total - disk.reserve), value: disk.total - disk.free });
    const files = ngettext("%(num)s file uses %(size)s.", "%(num)s files use %(size)s.", used.files, { size: size(used.bytes) });
    const free = _("%(free)s of %(total)s are free on the disk.", { free: size(disk.free), total: size(disk.total) });
    this.querySelector(".storage-disk-text").textContent = joinSentences(files, free);
    this.querySelector(".storage-limits").textContent = limitsText(quotas, { size, list });
    full.hidden = disk.free >= disk.reserve;
    full.textContent = _("Uploads are refused until %(size)s are free. Messages without files are stored.", { size: size(disk.reserve) });
  }

  #showPart(selector, items, namesOf) {
    const body = this.querySelector(selector);
    body.closest("section").hidden = items.length === 0;
    reconcile(body, items, {
      key: ({ room, name }) => String(room ?? name),
      make: () => clone("space-row"),
      update: (row, item) => {
        const [files, bytes] = row.querySelectorAll("td");
        const [title, name] = namesOf(item);
        row.querySelector(".cell-title").textContent = title;
        row.querySelector(".cell-name").textContent = name;
        files.textContent = this.#numbers.format(item.files);
        bytes.textContent = size(item.bytes);
      },
    });
  }

  #remove({ id, name, user, bytes }) {
    const question = {
      question: name === null ? _("Delete this file?") : _("Delete %(name)s?", { name }),
      text: joinSentences(
        _("%(size)s, sent by @%(user)s.", { size: size(bytes), user }),
        _("It is permanently deleted. Its message stays, with a note in place of the file."),
      ),
      yes: _("Delete file"),
    };
    return this.confirmed(question, () => sessionRequest("DELETE", `${this.dataset.url.replace(/storage$/, "files")}/${id}`));
  }
}

/** The room of a file; a link to the message if the administrator may see it. */
function placeOf({ name, seq, ...file }) {
  const label = roomLabel({ ...file, name: file.room_name });
  if (name === null) return label;
  const href = `${document.querySelector(".admin-back").href}${hashOf(roomKey(file.room), seq)}`;
  return Object.assign(document.createElement("a"), { href, textContent: label });
}

customElements.define("admin-storage", AdminStorage);
