/**
 * <side-area>: the third column, details on demand: one of its panels at a time. On a phone it covers the
 * page, which is inert meanwhile (the elements that `data-inert` selects).
 *
 * Hears clicks on [data-panel="…"], which show the panel of that data-name or put it away, and Escape.
 * Calls `opened()` of the panel. Search results that a hit closed on a phone come back with `resume`.
 */

const NARROW = matchMedia("(width < 48rem)");

class SideArea extends HTMLElement {
  #opener = null;
  #left = null; // {top}: how far the results were scrolled that a hit closed

  connectedCallback() {
    document.addEventListener("click", ({ target }) => this.#clicked(target));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      event.preventDefault();
      this.close();
    });
    NARROW.addEventListener("change", () => this.#mark());
  }

  show(name, opener = null) {
    this.#opener = opener ?? this.#opener;
    this.#open(name);
    this.#panel.opened();
  }

  #open(name) {
    for (const panel of this.children) panel.hidden = panel.dataset.name !== name;
    this.hidden = false;
    this.#mark();
  }

  /** Results that a hit has closed since the last call, or null. */
  takeLeft() {
    const left = this.#left;
    this.#left = null;
    return left;
  }

  /** Opens the results that `takeLeft` returned, on the hit that was followed. */
  resume({ top }) {
    this.#open("search");
    this.#panel.querySelector(".panel-body").scrollTop = top;
    this.#panel.querySelector("[aria-current]")?.focus({ preventScroll: true });
  }

  close() {
    if (this.hidden) return;
    this.hidden = true;
    this.#mark();
    (this.#opener ?? document.querySelector("message-composer")).focus();
    this.#opener = null;
  }

  get #panel() {
    return this.hidden ? null : [...this.children].find(({ hidden }) => !hidden);
  }

  #clicked(target) {
    const opener = target.closest("[data-panel]");
    const leaves = NARROW.matches && this.contains(target) && target.closest("a[href]");
    if (leaves) this.#leave(leaves);
    if (!opener) return;
    const name = opener.dataset.panel;
    if (name === "none" || name === this.#panel?.dataset.name) this.close();
    else this.show(name, opener);
  }

  /** To what a link shows: the focus goes there, not back. */
  #leave(link) {
    const isHit = link.matches(".hit") && link.hash !== location.hash;
    this.#left = isHit ? { top: this.#panel.querySelector(".panel-body").scrollTop } : null;
    this.hidden = true;
    this.#opener = null;
    this.#mark();
  }

  #mark() {
    const shown = this.#panel?.dataset.name;
    for (const button of document.querySelectorAll("[data-panel][aria-expanded]")) {
      button.setAttribute("aria-expanded", String(button.dataset.panel === shown));
    }
    const covered = NARROW.matches && !this.hidden;
    for (const element of document.querySelectorAll(this.dataset.inert)) element.inert = covered;
  }
}

customElements.define("side-area", SideArea);
