/**
 * <completion-list>: suggestions for a name that is typed after @, # or a colon, above the text box
 * next to it. Arrow keys select. Enter accepts the selected row; without one, the box sends. Tab accepts the selected
 * or the first row, Escape closes. The page sets `candidates` and `loadMore`.
 */

import { reconcile } from "../ui/dom.js";
import { loadEmoji } from "../ui/emoji.js";
import { enterKey } from "../ui/enter-key.js";
import * as emoji from "../lib/emoji.js";
import { _ } from "../lib/i18n.js";
import { isComposing } from "../lib/keys.js";
import { ALL_NAMES, hasSpaceBeforeMark, incompleteMention } from "../lib/mentions.js";
import { matching } from "../lib/matching.js";
import { withAppended } from "../lib/order.js";
import { incompleteRoom } from "../lib/room-links.js";
import { suggested } from "../lib/suggestions.js";
import { clone } from "../ui/page.js";

const MAX_ROWS = 7; // six users and @all
const NONE = -1; // no row is selected

class CompletionList extends HTMLElement {
  /** () → {members, others}, each [{name, display}]; null until the members of the room are known. */
  candidates = () => null;

  /** () → [{name, display}] of rooms that can be linked to, the most likely first. */
  rooms = () => [];

  /** (prefix) → promise of whether more rooms were loaded. */
  loadRooms = async () => false;

  /** (prefix) → promise of whether more candidates were loaded. */
  loadMore = async () => false;

  #box = this.parentElement.querySelector("textarea");
  #list = this.querySelector("ul");
  #hints = this.parentElement.querySelectorAll(".composer-hint"); // for the text box and for this list
  #emoji = null; // loaded on first use
  #options = []; // {key, name, more, text}; `text` is inserted
  #mention = null; // the incomplete name that the list is for
  #start = 0; // position in the box from which `text` replaces what was typed
  #selected = NONE;

  connectedCallback() {
    this.#box.addEventListener("input", (event) => isComposing(event) || this.#update());
    this.#box.addEventListener("compositionend", () => this.#update());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event), { capture: true }); // before the composer's listener
    for (const end of ["blur", "text:replaced"]) this.#box.addEventListener(end, () => this.close());
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.#accept(Number(option.dataset.index));
    });
  }

  #update() {
    if (hasSpaceBeforeMark(this.#textBefore)) this.#removeSpace();
    const before = this.#textBefore;
    const mention = incompleteMention(before);
    const room = mention ? null : incompleteRoom(before);
    const emojiName = mention || room ? null : emoji.incompleteName(before);
    this.#mention = mention ?? room;
    if (mention) this.#complete(mention, (query) => this.#userOptions(query), this.loadMore);
    else if (room) this.#complete(room, (query) => this.#roomOptions(query), this.loadRooms);
    else if (emojiName) this.#setOptions(emojiName, this.#emojiOptions(emojiName));
    else this.close();
    if (this.#emoji) this.#replaceCompleted(emoji.completedName(before));
  }

  /** `name`: the incomplete one; `options(name)` for it now; `load(query)` returns a promise of whether there may be more. */
  #complete(name, options, load) {
    this.#setOptions(name, options(name));
    load(name.query).then((more) => more && this.#mention === name && this.#append(name, options(name)));
  }

  /** Append candidates that were loaded later; shown rows do not move. */
  #append({ start }, options) {
    this.#start = start;
    this.#options = withAppended(this.#options, options, MAX_ROWS);
    this.#select(this.#selected);
  }

  get #textBefore() {
    return this.#box.value.slice(0, this.#box.selectionStart);
  }

  #userOptions({ query }) {
    const users = this.candidates();
    const found = users ? suggested(users, query, allRow(query)) : [];
    if (found.length === 1 && found[0].name === query) return []; // the name is complete
    return found.map(userOption);
  }

  #roomOptions({ query }) {
    const found = matching(this.rooms(), query);
    return found.length === 1 && found[0].name === query ? [] : found.map(roomOption);
  }

  #emojiOptions({ query }) {
    if (this.#emoji) return emoji.matching(this.#emoji, query).map(emojiOption);
    loadEmoji().then((all) => {
      this.#emoji = all.length > 0 ? all : null;
      if (this.#emoji) this.#update();
    });
    return [];
  }

  /** Replace a complete name such as `:smile:`. */
  #replaceCompleted(completed) {
    const found = completed && emoji.withName(this.#emoji, completed.query);
    if (found) this.#insert(found.emoji, completed.start);
  }

  #setOptions({ start }, options) {
    this.#start = start;
    this.#options = options;
    this.#select(NONE);
  }

  #select(index) {
    this.#selected = index;
    this.hidden = this.#options.length === 0;
    const items = this.#options.map((one, position) => ({ ...one, position, on: position === index }));
    const rows = withHeading(items);
    reconcile(this.#list, rows, { key: ({ key }) => key, make: ({ heading }) => clone(heading ? "names-outside" : "name-option"), update: describe });
    this.#showHint();
    if (index === NONE) this.#box.removeAttribute("aria-activedescendant");
    else this.#box.setAttribute("aria-activedescendant", `name-${index}`);
  }

  /** Explain Tab and Enter while rows are shown and none is selected. */
  #showHint() {
    const [ofBox, ofList] = this.#hints;
    ofBox.hidden = !this.hidden;
    ofList.hidden = this.hidden || this.#selected !== NONE || enterKey() === "breaks";
  }

  #pressed(event) {
    if (this.hidden || isComposing(event)) return;
    const accepted = this.#acceptedBy(event);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#moveSelection(event.key === "ArrowDown");
    else if (accepted !== NONE) this.#accept(accepted);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter") return this.close(); // and the box sends
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #acceptedBy({ key, shiftKey }) {
    if (key === "Tab" && !shiftKey) return Math.max(this.#selected, 0);
    return key === "Enter" ? this.#selected : NONE;
  }

  #moveSelection(down) {
    const last = this.#options.length - 1;
    if (down) this.#select(this.#selected === last ? 0 : this.#selected + 1);
    else this.#select(this.#selected > 0 ? this.#selected - 1 : last);
  }

  #accept(index) {
    this.#insert(this.#options[index].text, this.#start);
    this.close();
  }

  /** Insert `text`; a space separates an @ from a word before it. */
  #insert(text, start) {
    const gap = text.startsWith("@") && /[\p{L}\p{N}_.]$/u.test(this.#textBefore.slice(0, start)) ? " " : "";
    this.#box.setRangeText(gap + text, start, this.#box.selectionStart, "end");
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Remove the character before the last one. */
  #removeSpace() {
    const end = this.#box.selectionStart;
    this.#box.setRangeText("", end - 2, end - 1, "preserve");
  }

  close() {
    this.#mention = null;
    this.#setOptions({ start: 0 }, []);
  }
}

/** The row of @all, by the name that the user is typing. */
function allRow(query) {
  const [all] = ALL_NAMES;
  return { name: ALL_NAMES.find((name) => name.startsWith(query)) ?? all, display: _("everyone in this room") };
}

const userOption = ({ name, display, outside }) => ({ key: name, name: display, more: `@${name}`, text: `@${name} `, outside });

const roomOption = ({ name, display }) => ({ key: `#${name}`, name: display, more: `#${name}`, text: `#${name} ` });

/** The items, with a heading before users who are not in the room. */
function withHeading(items) {
  const first = items.findIndex(({ outside }) => outside);
  return first < 0 ? items : [...items.slice(0, first), { key: " outside", heading: true }, ...items.slice(first)];
}

const emojiOption = ({ emoji: text, names }) => ({ key: text, name: text, more: `:${names[0]}:`, text });

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
