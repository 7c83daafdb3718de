/**
 * <nav-drawer>: the left column, which is a drawer on a phone. While it is open there, the
 * rest of the page (the element `data-inert`) is inert.
 *
 * Reacts to clicks on [data-drawer="open"] and [data-drawer="close"] anywhere in the page, and Escape.
 */

const NARROW = matchMedia("(width < 48rem)");

class NavDrawer extends HTMLElement {
  #opener = null;

  connectedCallback() {
    document.addEventListener("click", ({ target }) => this.#clicked(target));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#isOpen) return;
      event.preventDefault();
      this.close();
    });
    NARROW.addEventListener("change", () => this.#set(false));
    this.#set(false);
  }

  close() {
    if (!this.#isOpen) return;
    this.#set(false);
    this.#opener?.focus();
  }

  get #isOpen() {
    return this.dataset.open === "true";
  }

  #clicked(target) {
    const action = target.closest("[data-drawer]")?.dataset.drawer;
    if (action === "open") this.#open(target.closest("[data-drawer]"));
    else if (action === "close") this.close();
    else if (this.contains(target) && target.closest("a[href]")) this.#set(false);
  }

  #open(opener) {
    this.#opener = opener;
    this.#set(true);
    this.querySelector("[aria-current], a[href]")?.focus();
  }

  #set(open) {
    this.dataset.open = String(open);
    document.getElementById(this.dataset.inert).inert = open && NARROW.matches;
    this.inert = !open && NARROW.matches;
  }
}

customElements.define("nav-drawer", NavDrawer);
