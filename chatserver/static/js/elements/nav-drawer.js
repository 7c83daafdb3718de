/**
 * <nav-drawer>: the left column; on a phone it slides over the conversation. While it is open there, the
 * rest of the page (the element that `data-inert` names) is inert.
 *
 * Hears clicks on [data-drawer="open"] and [data-drawer="close"] anywhere in the page, and Escape.
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
    const wish = target.closest("[data-drawer]")?.dataset.drawer;
    if (wish === "open") this.#open(target.closest("[data-drawer]"));
    else if (wish === "close") this.close();
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
