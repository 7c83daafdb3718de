/**
 * <file-viewer>: shows the pictures of a room one at a time, over the whole page: with the keyboard (← → + − Escape),
 * the mouse, or by swiping. The picture fits into the window, or is zoomed and can be scrolled.
 *
 * Listens to `file:open` {seq, id} on the page; the page sets `pictures`. Others call `open`.
 */

import { makeClosable, requestClose } from "../ui/dialogs.js";
import { altOf, sizeText } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { fileUrl, thumbUrl } from "../ui/message-files.js";
import { lang } from "../ui/page.js";
import { watchDrag, watchSwipe } from "../ui/swipe.js";

const LARGE = 1600; // pixels of the longer side of the thumbnail that fits into the window
const MIN_ZOOM = 2; // times the size that fits

class FileViewer extends HTMLElement {
  /** Returns the pictures of the open conversation, in order: {file, seq, href}. */
  pictures = () => [];

  #dialog = this.querySelector("dialog");
  #stage = this.querySelector(".viewer-stage");
  #image = Object.assign(document.createElement("img"), { alt: "", draggable: false });
  #list = () => [];
  #id = null; // of the shown file
  #index = 0;

  connectedCallback() {
    this.parentElement.addEventListener("file:open", ({ detail: { id } }) => this.open(id, () => this.pictures()));
    this.#stage.append(this.#image);
    makeClosable(this.#dialog);
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("keydown", (event) => this.#pressed(event));
    this.querySelector(".viewer-previous").addEventListener("click", () => this.#move(-1));
    this.querySelector(".viewer-next").addEventListener("click", () => this.#move(1));
    this.querySelector(".viewer-zoom").addEventListener("click", () => this.#zoom(!this.#isZoomed));
    this.querySelector(".viewer-message").addEventListener("click", () => requestClose(this.#dialog));
    const wasDragged = watchDrag(this.#stage);
    this.#stage.addEventListener("click", (event) => wasDragged() || this.#clicked(event));
    this.#image.addEventListener("error", () => this.#failed());
    watchSwipe(this.#stage, {
      isActive: () => !this.#isZoomed,
      swiped: (direction) => this.#move(direction),
      closed: () => requestClose(this.#dialog),
    });
  }

  /** Show the file `id` of `list()`, which may change while it is shown. */
  open(id, list) {
    this.#list = list;
    if (!list().some(({ file }) => file.id === id)) return;
    this.#dialog.showModal();
    this.#show(id);
    this.#stage.focus();
  }

  /** The list may have changed: a picture may have been deleted. */
  refresh() {
    if (!this.#dialog.open) return;
    const list = this.#list();
    if (list.some(({ file }) => file.id === this.#id)) return this.#showPlace(list);
    const next = list[Math.min(this.#index, list.length - 1)];
    if (next) this.#show(next.file.id);
    else this.#dialog.close();
  }

  get #isZoomed() {
    return this.#dialog.dataset.zoomed === "true";
  }

  #show(id) {
    const list = this.#list();
    const { file, href } = list.find((one) => one.file.id === id);
    this.#id = id;
    this.#zoom(false);
    this.querySelector(".viewer-problem").hidden = true;
    this.#image.hidden = false;
    this.#image.width = file.width;
    this.#image.height = file.height;
    this.#image.src = file.type === "image/gif" ? fileUrl(file) : thumbUrl(file, LARGE);
    this.#image.alt = altOf(file);
    this.querySelector(".viewer-name").textContent = file.alt || file.name;
    this.querySelector(".viewer-download").href = fileUrl(file, { download: true });
    this.querySelector(".viewer-message").href = href;
    this.#showPlace(list);
  }

  #showPlace(list) {
    const index = list.findIndex(({ file }) => file.id === this.#id);
    const { bytes } = list[index].file;
    this.#index = index;
    const place = list.length > 1 ? _("%(num)s of %(total)s", { num: index + 1, total: list.length }) : "";
    this.querySelector(".viewer-details").textContent = [place, sizeText(bytes, lang)].filter(Boolean).join(" · ");
    this.querySelector(".viewer-previous").hidden = index === 0;
    this.querySelector(".viewer-next").hidden = index === list.length - 1;
    for (const { file } of [list[index - 1], list[index + 1]].filter(Boolean)) new Image().src = thumbUrl(file, LARGE);
  }

  #move(step) {
    const next = this.#list()[this.#index + step];
    if (!next) return;
    this.#show(next.file.id);
    if (!this.#dialog.contains(document.activeElement) || document.activeElement.hidden) this.#stage.focus();
  }

  /** Zoom in to the original, around the point {x, y} of the window, or out. */
  #zoom(zoomed, point) {
    const button = this.querySelector(".viewer-zoom");
    const before = this.#image.getBoundingClientRect();
    this.#dialog.dataset.zoomed = String(zoomed);
    button.setAttribute("aria-pressed", String(zoomed));
    this.#image.style.removeProperty("inline-size");
    if (!zoomed) return;
    const found = this.#list()[this.#index]?.file;
    if (found) this.#image.src = fileUrl(found);
    const width = Math.max(this.#image.width, before.width * MIN_ZOOM);
    this.#image.style.setProperty("inline-size", `${width}px`);
    const [x, y] = point ? [(point.x - before.left) / before.width, (point.y - before.top) / before.height] : [0.5, 0.5];
    this.#stage.scrollLeft = x * this.#stage.scrollWidth - this.#stage.clientWidth / 2;
    this.#stage.scrollTop = y * this.#stage.scrollHeight - this.#stage.clientHeight / 2;
  }

  #clicked({ target, clientX: x, clientY: y }) {
    if (target === this.#image) this.#zoom(!this.#isZoomed, { x, y });
    else requestClose(this.#dialog);
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key];
    if (step && !this.#isZoomed) this.#move(step);
    else if (event.key === "+" || event.key === "=") this.#zoom(true);
    else if (event.key === "-") this.#zoom(false);
    else return;
    event.preventDefault();
  }

  #failed() {
    if (!this.#dialog.open) return;
    this.#image.hidden = true;
    this.querySelector(".viewer-problem").hidden = false;
  }

  #closed() {
    this.#id = null;
    this.#image.removeAttribute("src");
    this.#list = () => [];
  }
}

customElements.define("file-viewer", FileViewer);
