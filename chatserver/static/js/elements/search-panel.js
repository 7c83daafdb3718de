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
import { excerpt, marked, pieces, placed, zoned } from "../lib/search.js";
import { clone, lang, urls } from "../ui/page.js";

const INPUT_DELAY = 250; // milliseconds after the last input
const PAGE_SIZE = 30; // hits

class SearchPanel extends HTMLElement {
  #form = this.querySelector("form");
  #box = this.querySelector("[type=search]");
  #here = this.querySelector(".search-here");
  #list = this.querySelector(".hits");
  #more = this.querySelector(".search-more");
  #status = this.querySelector(".search-status");
  #problem = this.querySelector(".form-problem");
  #dates = new Dates(lang);
  #names = { place: () => undefined, display: (name) => name };
  #room = null; // number of the open room
  #asked = ""; // the query of the hits
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
    this.#here.addEventListener("change", () => this.#search());
    this.#more.addEventListener("click", () => this.#page());
    this.addEventListener("click", ({ target }) => this.#clicked(target));
    this.addEventListener("keydown", (event) => this.#step(event));
  }

  /** `place(room)`: {key, name} or undefined; `display(user)`: a name; `title`: the shown name of the open conversation. */
  show({ room, key }, { title, place, display }) {
    const moved = room !== this.#room;
    this.#names = { place, display };
    this.#room = room;
    this.querySelector(".search-here-label").textContent = _("Only in %(room)s", {
      room: key.startsWith("#") ? `#${title}` : title,
    });
    if (moved && this.#here.checked) this.#search(); // the hits are of the previous room
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
    const q = placed(zoned(this.#box.value.trim()), { word: _("Lobby"), name: "lobby" });
    const room = this.#here.checked ? (this.#room ?? "") : "";
    const asked = q && new URLSearchParams({ q, ...(room && { room }), limit: PAGE_SIZE }).toString();
    if (asked === this.#asked && this.#problem.hidden) return;
    this.#asked = asked;
    this.#hits = [];
    this.#position = null;
    if (asked) this.#page();
    else this.#draw();
  }

  async #page() {
    const asked = this.#asked;
    const position = this.#position === null ? "" : `&position=${this.#position}`;
    this.#problem.hidden = true;
    this.dataset.state = "loading";
    try {
      const found = await sessionRequest("GET", `${urls.search}?${asked}${position}`);
      if (asked !== this.#asked) return;
      this.#hits = [...this.#hits, ...found.hits];
      this.#position = found.more ? found.position : null;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#problem.hidden = false;
      this.#problem.textContent = error.message;
    }
    this.#draw();
  }

  #draw() {
    this.dataset.state = this.#asked ? "found" : "empty";
    const wanted = pieces(this.#box.value);
    const words = JSON.stringify(wanted);
    reconcile(this.#list, this.#hits, {
      key: ({ room, seq }) => `${room}/${seq}/${words}`,
      make: (hit) => this.#hit(hit, wanted),
      update: (item, hit) => this.#update(item, hit),
    });
    const count = this.#hits.length;
    const more = this.#position !== null;
    const some = ngettext("%(num)s message", "%(num)s messages", count);
    const least = more ? _("The newest %(num)s messages", { num: count }) : some;
    const silent = !this.#asked || !this.#problem.hidden;
    this.#status.textContent = silent ? "" : count === 0 && !more ? _("Nothing found") : least;
    this.#more.hidden = !more;
  }

  #hit({ data, at }, wanted) {
    const item = clone("hit");
    const link = item.querySelector("a");
    const time = link.querySelector("time");
    time.dateTime = new Date(at).toISOString();
    time.title = this.#dates.full(at);
    link.querySelector(".hit-text").replaceChildren(...marked(excerpt(data, wanted), wanted).map(marking));
    return item;
  }

  /** Update author, room and time. */
  #update(item, { room, seq, user, at }) {
    item.querySelector("time").textContent = this.#dates.brief(at);
    const place = this.#names.place(room) ?? { key: `#${room}`, name: `#${room}` };
    item.querySelector("a").href = hashOf(place.key, seq);
    item.querySelector(".hit-author").textContent = this.#names.display(user);
    item.querySelector(".hit-room").textContent = place.name;
  }

  #clicked(target) {
    const example = target.closest("[data-filter]")?.dataset.filter;
    if (example) this.#write(example);
    const link = target.closest(".hit");
    if (!link) return;
    for (const hit of this.querySelectorAll(".hit[aria-current]")) hit.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    if (link.hash === location.hash) emit(this, "message:jump", { seq: Number(link.hash.split("/").at(-1)) });
  }

  /** Append an example of a filter to the query. */
  #write(filter) {
    const before = this.#box.value.trim();
    this.#box.value = before ? `${before} ${filter}` : filter;
    this.#box.focus();
  }

  /** ↓ and ↑ move between the text box and the hits. */
  #step(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const all = [this.#box, ...this.querySelectorAll(".hit")];
    const here = all.indexOf(event.target);
    if (step === undefined || here < 0 || event.altKey || event.isComposing) return;
    event.preventDefault();
    all[here + step]?.focus();
  }
}

function marking({ text, hit }) {
  if (!hit) return document.createTextNode(text);
  const mark = document.createElement("mark");
  mark.textContent = text;
  return mark;
}

customElements.define("search-panel", SearchPanel);
