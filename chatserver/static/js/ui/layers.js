/**
 * Back on a phone closes the top layer (dialog, menu, drawer, panel, suggestions) and nothing else.
 *
 * While a layer is open, the history holds one more entry with the same address, the guard. Back removes it, and
 * the top layer is closed. A layer that is closed in another way removes the guard, and so does a link before it is
 * followed: Back never passes an entry without a visible change.
 */

import { requestClose } from "./dialogs.js";

const SMALL = "(pointer: coarse), (width < 48rem)"; // screens that have a key or gesture for Back
const LAYERS = "dialog, [popover], nav-drawer, side-area, completion-list";
const LOST = 1_000; // milliseconds until a history that does not answer is given up

class Layers {
  #small = null; // a MediaQueryList
  #open = []; // elements, the one that was opened last at the end
  #guarded = false;
  #removing = 0; // a timer while the guard is being removed
  #next = null; // where to go when it is removed

  watch() {
    this.#small = matchMedia(SMALL);
    const observer = new MutationObserver(() => this.#look());
    for (const layer of document.querySelectorAll(LAYERS)) {
      observer.observe(layer, { attributeFilter: ["open", "hidden", "data-open"] });
    }
    document.addEventListener("toggle", () => this.#look(), { capture: true });
    document.addEventListener("click", (event) => this.#clicked(event), { capture: true });
    addEventListener("popstate", () => this.#moved());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#moved());
    this.#small.addEventListener("change", () => this.#look());
    this.#look();
  }

  go(address, replace) {
    const move = () => (replace ? location.replace(address) : location.assign(address));
    if (this.#removing) this.#next = move;
    else if (!this.#guarded) move();
    else this.#remove(move);
  }

  #clicked(event) {
    const link = event.target.closest("a[href]");
    if (!link || !(this.#guarded || this.#removing) || !isPlain(event, link)) return;
    event.preventDefault();
    this.go(link.href, false);
  }

  #look() {
    const open = [...document.querySelectorAll(LAYERS)].filter(isOpen);
    this.#open = [...this.#open.filter((layer) => open.includes(layer)), ...open.filter((layer) => !this.#open.includes(layer))];
    if (this.#removing) return;
    const wanted = this.#small.matches && open.length > 0;
    if (wanted && !isGuard()) history.pushState({ guard: true }, "");
    this.#guarded = isGuard();
    if (!wanted && this.#guarded) this.#remove();
  }

  #remove(next = null) {
    this.#next = next;
    this.#removing = setTimeout(() => this.#giveUp(), LOST);
    history.back();
  }

  #giveUp() {
    history.replaceState(null, "");
    this.#moved();
  }

  #moved() {
    if (this.#removing) this.#removed();
    else if (this.#guarded && !isGuard()) close(this.#open.at(-1));
    this.#look();
  }

  #removed() {
    clearTimeout(this.#removing);
    this.#removing = 0;
    this.#guarded = isGuard();
    this.#next?.();
    this.#next = null;
  }
}

const isGuard = () => history.state?.guard === true;

function isOpen(layer) {
  if (layer.popover) return layer.matches(":popover-open");
  if (layer.localName === "dialog") return layer.open;
  return layer.localName === "nav-drawer" ? layer.dataset.open === "true" : !layer.hidden;
}

function close(layer) {
  if (layer?.popover) layer.hidePopover();
  else if (layer?.localName === "dialog") requestClose(layer);
  else layer?.close();
}

/** A click that opens the address in this tab. */
function isPlain({ button, ctrlKey, metaKey, shiftKey, altKey }, { target, origin }) {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey && !target && origin === location.origin;
}

const layers = new Layers();

export const watchLayers = () => layers.watch();

/** Goes to an address of the chat, as a link would; with `replace`, as if the present one had not been visited. */
export const goTo = (address, { replace = false } = {}) => layers.go(address, replace);
