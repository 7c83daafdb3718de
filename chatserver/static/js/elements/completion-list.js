/**
 * <completion-list>: suggestions for a name that is typed after an @ or a colon, above the text box
 * next to it. Arrow keys select. Enter accepts the selected row; without one, the box sends. Tab accepts the selected
 * or the first row, Escape closes. The page sets `candidates` and `loadMore`.
 */

import { reconcile } from "../ui/dom.js";
import { loadEmoji } from "../ui/emoji.js";
import { enterKey } from "../ui/enter-key.js";
import * as emoji from "../lib/emoji.js";
import { _ } from "../lib/i18n.js";
import { isComposing } from "../lib/keys.js";
import { suggested } from "../lib/addressees.js";
import { incompleteMention } from "../lib/mentions.js";
import { withAppended } from "../lib/order.js";
import { clone } from "../ui/page.js";

const MAX_ROWS = 7; // six users and @all
const NONE = -1; // no row is selected

class CompletionList extends HTMLElement {
  /** () → {members, others}, each [{name, display}]; null until the members of the room are known. */
  candidates = () => null;

  /** (prefix) → promise of whether more candidates were loaded. */
  loadMore = async () => false;

  #box = this.parentElement.querySelector("textarea");
  #list = this.querySelector("ul");
  #hints = this.parentElement.querySelectorAll(".composer-hint"); // for the text box and for this list
  #emoji = null; // loaded on first use
  #found = []; // {key, name, more, text}; `text` is inserted
  #asked = null; // the incomplete mention that the list is for
  #start = 0; // position in the box from which `text` replaces
  #chosen = NONE;

  connectedCallback() {
    this.#box.addEventListener("input", (event) => isComposing(event) || this.#update());
    this.#box.addEventListener("compositionend", () => this.#update());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event), { capture: true }); // before the composer's listener
    for (const end of ["blur", "text:replaced"]) this.#box.addEventListener(end, () => this.close());
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.#take(Number(option.dataset.index));
    });
  }

  #update() {
    const before = this.#before;
    const mention = incompleteMention(before);
    const picture = mention ? null : emoji.incompleteName(before);
    this.#asked = mention;
    if (mention) this.#name(mention);
    else if (picture) this.#offer(picture, this.#pictures(picture));
    else this.close();
    if (this.#emoji) this.#replace(emoji.completedName(before));
  }

  #name(mention) {
    this.#offer(mention, this.#users(mention));
    this.loadMore(mention.query).then((more) => more && this.#asked === mention && this.#add(mention));
  }

  /** Append candidates that were loaded later; shown rows do not move. */
  #add(mention) {
    this.#start = mention.start;
    this.#found = withAppended(this.#found, this.#users(mention), MAX_ROWS);
    this.#choose(this.#chosen);
  }

  get #before() {
    return this.#box.value.slice(0, this.#box.selectionStart);
  }

  #users({ query }) {
    const users = this.candidates();
    const found = users ? suggested(users, query, allRow()) : [];
    if (found.length === 1 && found[0].name === query) return []; // the name is complete
    return found.map(option);
  }

  #pictures({ query }) {
    if (this.#emoji) return emoji.matching(this.#emoji, query).map(picture);
    loadEmoji().then((all) => {
      this.#emoji = all.length > 0 ? all : null;
      if (this.#emoji) this.#update();
    });
    return [];
  }

  /** Replace a complete name such as `:smile:`. */
  #replace(wanted) {
    const found = wanted && emoji.withName(this.#emoji, wanted.query);
    if (found) this.#write(found.emoji, wanted.start);
  }

  #offer({ start }, found) {
    this.#start = start;
    this.#found = found;
    this.#choose(NONE);
  }

  #choose(index) {
    this.#chosen = index;
    this.hidden = this.#found.length === 0;
    const items = this.#found.map((one, position) => ({ ...one, position, on: position === index }));
    const rows = withHeading(items);
    reconcile(this.#list, rows, { key: ({ key }) => key, make: ({ heading }) => clone(heading ? "names-outside" : "name-option"), update: describe });
    this.#hint();
    if (index === NONE) this.#box.removeAttribute("aria-activedescendant");
    else this.#box.setAttribute("aria-activedescendant", `name-${index}`);
  }

  /** Explain Tab and Enter while rows are shown and none is selected. */
  #hint() {
    const [ofBox, ofList] = this.#hints;
    ofBox.hidden = !this.hidden;
    ofList.hidden = this.hidden || this.#chosen !== NONE || enterKey() === "breaks";
  }

  #pressed(event) {
    if (this.hidden || isComposing(event)) return;
    const taken = this.#takenBy(event);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#step(event.key === "ArrowDown");
    else if (taken !== NONE) this.#take(taken);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter") return this.close(); // and the box sends
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #takenBy({ key, shiftKey }) {
    if (key === "Tab" && !shiftKey) return Math.max(this.#chosen, 0);
    return key === "Enter" ? this.#chosen : NONE;
  }

  #step(down) {
    const last = this.#found.length - 1;
    if (down) this.#choose(this.#chosen === last ? 0 : this.#chosen + 1);
    else this.#choose(this.#chosen > 0 ? this.#chosen - 1 : last);
  }

  #take(index) {
    this.#write(this.#found[index].text, this.#start);
    this.close();
  }

  /** Insert `text`; a space separates an @ from a word before it. */
  #write(text, start) {
    const gap = text.startsWith("@") && /[\p{L}\p{N}_.]$/u.test(this.#before.slice(0, start)) ? " " : "";
    this.#box.setRangeText(gap + text, start, this.#box.selectionStart, "end");
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  close() {
    this.#asked = null;
    this.#offer({ start: 0 }, []);
  }
}

const allRow = () => ({ name: "all", display: _("everyone in this room") });

const option = ({ name, display, outside }) => ({ key: name, name: display, more: `@${name}`, text: `@${name} `, outside });

/** The items, with a heading before users who are not in the room. */
function withHeading(items) {
  const first = items.findIndex(({ outside }) => outside);
  return first < 0 ? items : [...items.slice(0, first), { key: " outside", heading: true }, ...items.slice(first)];
}

const picture = ({ emoji: text, names }) => ({ key: text, name: text, more: `:${names[0]}:`, text });

function describe(row, { heading, name, more, position, on, outside }) {
  if (heading) return;
  row.id = `name-${position}`;
  row.dataset.index = position;
  row.setAttribute("aria-selected", String(on));
  row.querySelector(".option-name").textContent = name;
  row.querySelector(".option-more").textContent = more;
  if (outside) row.setAttribute("aria-description", _("Not in this room"));
  else row.removeAttribute("aria-description");
}

customElements.define("completion-list", CompletionList);
