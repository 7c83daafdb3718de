/**
 * On a phone, Back closes the top layer (dialog, menu, drawer, panel, suggestions) and nothing else.
 *
 * While a layer is open, the history has one more entry with the same address, the guard. Back removes it, and
 * the top layer is closed. Closing a layer in another way removes the guard, and so does a link. So Back always has a
 * visible effect.
 *
 * A link to a conversation is followed at once, and not in a later task like a fragment by the browser: keys that are
 * pressed after it must not reach the previous conversation.
 *
 * Dispatches `dialog:close-requested` on a dialog that is to be closed.
 */

import { isRoute } from "../lib/route.js";

const SMALL = "(pointer: coarse), (width < 48rem)"; // devices with a button or gesture for Back
const LAYERS = "dialog, [popover], nav-drawer, side-area, completion-list";
const BACK_TIMEOUT = 1_000; // milliseconds until history.back() counts as failed

class Layers {
  #small = null; // a MediaQueryList
  #open = []; // elements, the latest at the end
  #guarded = false;
  #removing = 0; // timer while the guard is being removed
  #next = null; // navigation after the guard is removed

  watch() {
    this.#small = matchMedia(SMALL);
    const observer = new MutationObserver(() => this.#update());
    for (const layer of document.querySelectorAll(LAYERS)) {
      observer.observe(layer, { attributeFilter: ["open", "hidden", "data-open"] });
    }
    document.addEventListener("toggle", () => this.#update(), { capture: true });
    addEventListener("click", (event) => this.#clicked(event)); // after all others, which compare with the present address
    addEventListener("popstate", () => this.#historyChanged());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#historyChanged());
    this.#small.addEventListener("change", () => this.#update());
    this.#update();
  }

  go(address, replace) {
    const move = () => navigate(address, replace);
    if (this.#removing) this.#next = move;
    else if (!this.#guarded) move();
    else if (replace || !isFragment(address)) this.#removeGuard(move);
    else navigate(address, true); // replaces the guard
  }

  #clicked(event) {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || !isPlain(event, link)) return;
    if (!this.#guarded && !this.#removing && !isRoute(link.hash)) return;
    event.preventDefault();
    this.go(link.href, false);
  }

  #update() {
    this.#findOpen();
    if (this.#removing) return;
    const wanted = this.#small.matches && this.#open.length > 0;
    if (wanted && !isGuard()) history.pushState({ guard: true }, "");
    this.#guarded = isGuard();
    if (!wanted && this.#guarded) this.#removeGuard();
  }

  #findOpen() {
    const open = [...document.querySelectorAll(LAYERS)].filter(isOpen);
    this.#open = [...this.#open.filter((layer) => open.includes(layer)), ...open.filter((layer) => !this.#open.includes(layer))];
  }

  #removeGuard(next = null) {
    this.#next = next;
    this.#removing = setTimeout(() => this.#giveUp(), BACK_TIMEOUT);
    history.back();
  }

  #giveUp() {
    history.replaceState(null, "");
    this.#historyChanged();
  }

  #historyChanged() {
    if (this.#removing) this.#guardRemoved();
    else if (this.#guarded && !isGuard()) this.#closeTop();
    this.#update();
  }

  #closeTop() {
    this.#findOpen(); // a popover that opened just now has not dispatched `toggle` yet
    close(this.#open.at(-1));
  }

  #guardRemoved() {
    clearTimeout(this.#removing);
    this.#removing = 0;
    this.#guarded = isGuard();
    this.#next?.();
    this.#next = null;
  }
}

/** Whether `address` differs from that of the page in its fragment only. */
const isFragment = (address) => new URL(address, location.href).href.split("#")[0] === location.href.split("#")[0];

/** Go to `address`. Another fragment is handled before this returns: see Router, which ignores the later event. */
function navigate(address, replace) {
  const before = location.href;
  if (replace) location.replace(address);
  else location.assign(address);
  if (location.href !== before) dispatchEvent(new Event("hashchange"));
}

const isGuard = () => history.state?.guard === true;

function isOpen(layer) {
  if (layer.popover) return layer.matches(":popover-open");
  if (layer.localName === "dialog") return layer.open;
  return layer.localName === "nav-drawer" ? layer.dataset.open === "true" : !layer.hidden;
}

function close(layer) {
  if (layer?.popover) layer.hidePopover();
  else if (layer?.localName === "dialog") closeDialog(layer);
  else layer?.close();
}

/** Its own module asks first if entered text would be lost. */
function closeDialog(dialog) {
  if (dialog.dispatchEvent(new CustomEvent("dialog:close-requested", { cancelable: true }))) dialog.close();
}

/** Whether a click opens the link in this tab. */
function isPlain({ button, ctrlKey, metaKey, shiftKey, altKey }, { target, origin }) {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey && !target && origin === location.origin;
}

const layers = new Layers();

export const watchLayers = () => layers.watch();

/** Go to an address of the chat, as a link does; with `replace`, the current history entry is replaced. */
export const goTo = (address, { replace = false } = {}) => layers.go(address, replace);
