/**
 * <side-area>: the third column, which shows one of its panels. On a phone it covers the
 * page, which is then inert (the elements that `data-inert` selects).
 *
 * Reacts to clicks on [data-panel="…"], which show or close the panel with that data-name, and to Escape.
 * Calls `opened()` of the panel. A list of hits or files that a link to a message closed on a phone is restored by
 * `resume`.
 */

const NARROW = matchMedia("(width < 48rem)");

class SideArea extends HTMLElement {
  #opener = null;
  #closedResults = null; // {name, top, link}: a panel that a link to a message closed, and its scroll position

  connectedCallback() {
    document.addEventListener("click", ({ target }) => this.#clicked(target));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      event.preventDefault();
      this.close();
    });
    NARROW.addEventListener("change", () => this.#updateState());
  }

  show(name, opener = null) {
    this.#opener = opener ?? this.#opener;
    this.#open(name);
    this.#panel.opened();
  }

  #open(name) {
    for (const panel of this.children) panel.hidden = panel.dataset.name !== name;
    this.hidden = false;
    this.#updateState();
  }

  /** Return and forget the results that a hit has closed, or null. */
  takeClosedResults() {
    const results = this.#closedResults;
    this.#closedResults = null;
    return results;
  }

  /** Open the results from `takeClosedResults` again, at the hit that was followed. */
  resume({ name, top, link }) {
    this.#open(name);
    this.#panel.querySelector(".panel-body").scrollTop = top;
    link.focus({ preventScroll: true });
  }

  close() {
    if (this.hidden) return;
    this.hidden = true;
    this.#updateState();
    (this.#opener ?? document.querySelector("message-composer")).focus();
    this.#opener = null;
  }

  /** Close the search; focus outside of it stays. Returns whether it was open. */
  closeSearch() {
    if (this.#panel?.dataset.name !== "search") return false;
    if (!this.contains(document.activeElement)) this.#opener = document.activeElement;
    this.close();
    return true;
  }

  get #panel() {
    return this.hidden ? null : [...this.children].find(({ hidden }) => !hidden);
  }

  #clicked(target) {
    const opener = target.closest("[data-panel]");
    const leaves = NARROW.matches && !this.hidden && this.#isLinkOut(target) && target.closest("a[href]");
    if (leaves) this.#leave(leaves);
    if (!opener) return;
    const name = opener.dataset.panel;
    if (name === "none" || name === this.#panel?.dataset.name) this.close();
    else this.show(name, this.contains(opener) ? null : opener); // from one panel to another, the first opener stays
  }

  /** Whether it is in this column, or leads from the picture that it shows to the message. */
  #isLinkOut(target) {
    return this.contains(target) || target.closest(".viewer-message") !== null;
  }

  /** Close after a click on a link, without moving the focus back. */
  #leave(link) {
    const isHit = link.matches(".hit, .file-open, .viewer-message") && link.hash !== location.hash;
    const panel = this.#panel;
    this.#closedResults = isHit ? { name: panel.dataset.name, top: panel.querySelector(".panel-body").scrollTop, link } : null;
    this.hidden = true;
    this.#opener = null;
    this.#updateState();
  }

  #updateState() {
    const shown = this.#panel?.dataset.name;
    for (const button of document.querySelectorAll("[data-panel][aria-expanded]")) {
      button.setAttribute("aria-expanded", String(button.dataset.panel === shown));
    }
    const covered = NARROW.matches && !this.hidden;
    for (const element of document.querySelectorAll(this.dataset.inert)) element.inert = covered;
  }
}

customElements.define("side-area", SideArea);
