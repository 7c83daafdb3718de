/**
 * <files-panel>: the files of the open conversation, newest first, by kind, with search by name and description, in pages. A picture opens
 * in the viewer, another file leads to its message. Part of <side-area>; the page passes the open conversation to `show`.
 *
 * Dispatches `message:jump` {seq} if the page already has the address of the message.
 */

import { sessionRequest } from "../net/api.js";
import { emit, reconcile } from "../ui/dom.js";
import { Dates } from "../lib/dates.js";
import { altOf, endingOf, kindOf, mayBeTransparent, sizeText, timeText } from "../lib/files.js";
import { refreshed } from "../lib/file-list.js";
import { _ } from "../lib/i18n.js";
import { hashOf } from "../lib/route.js";
import { fileUrl, thumbUrl } from "../ui/message-files.js";
import { NearView } from "../ui/near-view.js";
import { clone, lang, urls } from "../ui/page.js";

const INPUT_DELAY = 250; // milliseconds after the last input
const PAGE_SIZE = 40; // files

const panelView = new NearView("files-panel .panel-body");

class FilesPanel extends HTMLElement {
  #form = this.querySelector("form");
  #list = this.querySelector(".files");
  #more = this.querySelector(".files-more");
  #status = this.querySelector(".files-status");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);
  #room = { key: "", room: null };
  #known = { files: "", since: 0 }; // the files in the messages from seq `since`: others are listed after a change
  #display = (name) => name;
  #files = [];
  #position = null;
  #query = "";
  #timer = 0;

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", ({ target }) => this.#loadSoon(target.type === "search" ? INPUT_DELAY : 0));
    this.#more.addEventListener("click", () => this.#loadPage());
  }

  /** `room`: the open conversation; `display(user)`: a name. */
  show(room, { display }) {
    const isOther = room.key !== this.#room.key;
    this.#room = room;
    this.#display = display;
    if (isOther) this.#form.reset();
    if (this.hidden || this.parentElement.hidden) return;
    if (isOther) this.#start();
    else if (idsOf(room, this.#known.since) !== this.#known.files) this.#refresh();
    else this.#draw(); // display names may have been loaded
  }

  opened() {
    this.#start();
    this.querySelector(".panel-close").focus();
  }

  #start() {
    this.#noteKnown();
    this.#loadSoon(0);
  }

  #noteKnown() {
    const since = this.#room.timeline?.oldest ?? 0; // older messages that are loaded later bring no other files
    this.#known = { files: idsOf(this.#room, since), since };
  }

  /** Load the newest files again. Older ones, which are shown, stay. */
  async #refresh() {
    this.#noteKnown();
    const [known, query] = [this.#known, this.#query];
    const page = await this.#request().catch(() => null); // the next change tries again
    if (page === null || known !== this.#known || query !== this.#query) return;
    const files = refreshed(this.#files, page, (file) => isGone(this.#room, file));
    const isLonger = files.length > page.files.length;
    this.#hold(() => this.#showPage(isLonger ? { files, more: this.#position !== null, position: this.#position } : page));
  }

  /** Call `draw` and keep the first visible file in its position, unless the start of the list is in view. */
  #hold(draw) {
    const scroller = this.querySelector(".panel-body");
    const { top } = scroller.getBoundingClientRect();
    const row = scroller.scrollTop > 0 && [...this.#list.children].find((one) => one.getBoundingClientRect().bottom > top);
    const before = row ? row.getBoundingClientRect().top : 0;
    draw();
    if (row?.isConnected) scroller.scrollTop += row.getBoundingClientRect().top - before;
  }

  #request(start = null) {
    const position = start === null ? "" : `&position=${start}`;
    return sessionRequest("GET", `${urls.rooms}/${this.#room.room}/files?${this.#query}${position}`);
  }

  #loadSoon(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), delay);
  }

  #load() {
    const { q, kind } = Object.fromEntries(new FormData(this.#form));
    this.dataset.kind = kind;
    this.#query = String(new URLSearchParams({ limit: PAGE_SIZE, ...(kind && { kind }), ...(q.trim() && { q: q.trim() }) }));
    this.#position = null;
    return this.#loadPage();
  }

  async #loadPage() {
    const { room, key } = this.#room;
    const query = this.#query;
    const start = this.#position;
    if (room === null) return this.#showPage({ files: [] });
    this.#problem.hidden = true;
    this.dataset.state = "loading";
    try {
      const page = await this.#request(start);
      if (key === this.#room.key && query === this.#query && start === this.#position) this.#showPage(page, start !== null);
    } catch (error) {
      this.#problem.hidden = false;
      this.#problem.textContent = error.message;
    } finally {
      this.dataset.state = "loaded";
    }
    return undefined;
  }

  #showPage({ files, more, position }, continued = false) {
    this.#files = continued ? [...this.#files, ...files] : files;
    this.#position = more ? position : null;
    const isFiltered = [...new FormData(this.#form).values()].some(Boolean);
    this.#status.textContent = this.#files.length > 0 ? "" : isFiltered ? _("No files found") : _("No files yet");
    this.#more.hidden = !more;
    this.#draw();
  }

  #draw() {
    reconcile(this.#list, this.#files, {
      key: ({ id }) => id,
      make: (file) => this.#make(file),
      update: (row, file) => this.#update(row, file),
    });
  }

  #make(file) {
    const row = clone("file-row");
    const link = row.querySelector(".file-open");
    const image = row.querySelector("img");
    const isPicture = kindOf(file) === "picture";
    link.href = hashOf(this.#room.key, file.seq);
    link.dataset.file = file.id;
    link.title = file.alt || file.name;
    row.querySelector(".file-name").textContent = file.name;
    row.querySelector(".file-download").href = fileUrl(file, { download: true });
    row.querySelector(".file-download").setAttribute("aria-label", _("Download %(name)s", { name: file.name }));
    row.classList.toggle("file-row-picture", isPicture);
    row.querySelector(".file-thumb").classList.toggle("transparent", isPicture && mayBeTransparent(file));
    if (!isPicture) image.remove();
    else this.#showPicture(image, file);
    link.addEventListener("click", (event) => (isPicture ? this.#open(event, file) : this.#jump(link, file)));
    return row;
  }

  #showPicture(image, file) {
    image.alt = altOf(file);
    panelView.when(image, () => (image.src = thumbUrl(file)));
  }

  #update(row, { name, bytes, seconds, user, at }) {
    const details = [endingOf(name), seconds && timeText(seconds), sizeText(bytes, lang), this.#display(user), this.#dates.day(at)];
    row.querySelector(".file-details").textContent = details.filter(Boolean).join(" · ");
  }

  #open(event, file) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation(); // a link in the panel closes it on a phone
    document.querySelector("file-viewer").open({ file, seq: file.seq });
  }

  /** A link to the present address changes nothing by itself. */
  #jump(link, { seq }) {
    if (link.hash === location.hash) emit(this, "message:jump", { seq });
  }
}

/** Whether the loaded message of a file does not have it any more. */
function isGone({ timeline }, { id, seq }) {
  const message = timeline.find(seq);
  return message !== undefined && !(message.files ?? []).some((file) => file.id === id && !file.removed);
}

/** The ids of the files in the loaded messages from `since`. */
const idsOf = ({ timeline }, since) =>
  timeline?.events.flatMap(({ seq, files = [] }) => files.filter(({ removed }) => !removed && seq >= since).map(({ id }) => id)).join() ?? "";

customElements.define("files-panel", FilesPanel);
