/**
 * <search-panel>: searches messages while the user types, newest first, in pages. A hit links to its
 * message. Part of <side-area>; the page passes the open conversation to `show`.
 *
 * Dispatches `message:jump` {seq} if the page already has the address of a hit.
 */

import { sessionRequest } from "../net/api.js";
import { emit, reconcile } from "../ui/dom.js";
import { Dates } from "../lib/dates.js";
import { _, ngettext } from "../lib/i18n.js";
import { hashOf } from "../lib/route.js";
import { excerpt, fileTerms, hasHit, searchTerms, withLocalDays, withLobbyName } from "../lib/search.js";
import { markedNodes, showHitFiles } from "../ui/hit-files.js";
import { clone, lang, urls } from "../ui/page.js";

const INPUT_DELAY = 250; // milliseconds after the last input
const PAGE_SIZE = 30; // hits

class SearchPanel extends HTMLElement {
  #form = this.querySelector("form");
  #box = this.querySelector("[type=search]");
  #onlyThisRoom = this.querySelector(".search-here");
  #list = this.querySelector(".hits");
  #more = this.querySelector(".search-more");
  #status = this.querySelector(".search-status");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);
  #names = { roomOf: () => undefined, display: (name) => name };
  #room = null; // number of the open room
  #query = ""; // the query of the hits
  #hits = [];
  #position = null;
  #timer = 0;

  connectedCallback() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search();
    });
    this.#box.addEventListener("input", ({ isComposing }) => isComposing || this.#searchSoon());
    this.#box.addEventListener("compositionend", () => this.#searchSoon());
    this.#onlyThisRoom.addEventListener("change", () => this.#search());
    this.#more.addEventListener("click", () => this.#loadPage());
    this.addEventListener("click", ({ target }) => this.#clicked(target));
    this.addEventListener("keydown", (event) => this.#moveFocus(event));
  }

  /**
   * `roomOf(room)`: {key, name} of a room number, or undefined; `display(user)`: a name; `label`: the shown name of the
   * open conversation, after "#" for a room.
   */
  show({ room }, { label, roomOf, display }) {
    const isOther = room !== this.#room;
    this.#names = { roomOf, display };
    this.#room = room;
    this.querySelector(".search-here-label").textContent = _("Only in %(room)s", { room: label });
    if (isOther && this.#onlyThisRoom.checked) this.#search(); // the hits are of the previous room
    else if (!this.hidden && this.dataset.state === "found") this.#draw(); // display names may have been loaded
  }

  opened() {
    this.#box.focus();
    this.#box.select();
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), INPUT_DELAY);
  }

  #search() {
    clearTimeout(this.#timer);
    const q = withLobbyName(withLocalDays(this.#box.value.trim()), { word: _("Lobby"), name: "lobby" });
    const room = this.#onlyThisRoom.checked ? (this.#room ?? "") : "";
    const query = q && new URLSearchParams({ q, ...(room && { room }), limit: PAGE_SIZE }).toString();
    if (query === this.#query && this.#problem.hidden) return;
    this.#query = query;
    this.#hits = [];
    this.#position = null;
    if (query) this.#loadPage();
    else this.#draw();
  }

  async #loadPage() {
    const [query, start] = [this.#query, this.#position];
    const isCurrent = () => query === this.#query && start === this.#position;
    const position = start === null ? "" : `&position=${start}`;
    this.#problem.hidden = true;
    this.dataset.state = "loading";
    try {
      const found = await sessionRequest("GET", `${urls.search}?${query}${position}`);
      if (!isCurrent()) return; // "More" may have been pressed twice
      this.#hits = start === null ? found.hits : [...this.#hits, ...found.hits];
      this.#position = found.more ? found.position : null;
    } catch (error) {
      if (!isCurrent()) return;
      this.#problem.hidden = false;
      this.#problem.textContent = error.message;
    }
    this.#draw();
  }

  #draw() {
    this.dataset.state = this.#query ? "found" : "empty";
    const terms = { text: searchTerms(this.#box.value), files: fileTerms(this.#box.value) };
    const marks = JSON.stringify(terms);
    reconcile(this.#list, this.#hits, {
      key: ({ room, seq }) => `${room}/${seq}/${marks}`,
      make: (hit) => this.#makeRow(hit, terms),
      update: (item, hit) => this.#update(item, hit),
    });
    const count = this.#hits.length;
    const more = this.#position !== null;
    const all = ngettext("%(num)s message", "%(num)s messages", count);
    const least = more ? _("The newest %(num)s messages", { num: count }) : all;
    const silent = !this.#query || !this.#problem.hidden;
    this.#status.textContent = silent ? "" : count === 0 && !more ? _("Nothing found") : least;
    this.#more.hidden = !more;
  }

  #makeRow({ data, files = [], found_in, at }, terms) {
    const item = clone("hit");
    const link = item.querySelector("a");
    const time = link.querySelector("time");
    time.dateTime = new Date(at).toISOString();
    time.title = this.#dates.full(at);
    link.querySelector(".hit-text").replaceChildren(...markedNodes(excerpt(data, terms.text), terms.text));
    const file = showHitFiles(link.querySelector(".hit-files"), files, terms, found_in);
    if (file && (found_in || !hasHit(data, terms.text))) link.dataset.file = file;
    return item;
  }

  /** Update author, room and time. */
  #update(item, { room, seq, user, at }) {
    item.querySelector("time").textContent = this.#dates.brief(at);
    const { key, name } = this.#names.roomOf(room) ?? { key: `#${room}`, name: `#${room}` };
    item.querySelector("a").href = hashOf(key, seq);
    item.querySelector(".hit-author").textContent = this.#names.display(user);
    item.querySelector(".hit-room").textContent = name;
  }

  #clicked(target) {
    const example = target.closest("[data-filter]")?.dataset.filter;
    if (example) this.#appendFilter(example);
    const link = target.closest(".hit");
    if (!link) return;
    for (const hit of this.querySelectorAll(".hit[aria-current]")) hit.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    if (link.hash === location.hash) emit(this, "message:jump", { seq: Number(link.hash.split("/").at(-1)) });
  }

  /** Append an example of a filter to the query. */
  #appendFilter(filter) {
    const before = this.#box.value.trim();
    this.#box.value = before ? `${before} ${filter}` : filter;
    this.#box.focus();
  }

  /** ↓ and ↑ move between the text box and the hits. */
  #moveFocus(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const all = [this.#box, ...this.querySelectorAll(".hit")];
    const current = all.indexOf(event.target);
    if (step === undefined || current < 0 || event.altKey || event.isComposing) return;
    event.preventDefault();
    all[current + step]?.focus();
  }
}

customElements.define("search-panel", SearchPanel);
