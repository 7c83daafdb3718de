/**
 * <file-viewer>: shows all pictures of a room one at a time, over the whole page: with the keyboard (← → + − Escape),
 * the mouse, or by swiping. The picture fits into the window, or is zoomed and can be scrolled. Until it is loaded, its
 * small thumbnail or its blurred form is shown. Their number is shown when all are known.
 *
 * Listens to `file:open` {seq, file} on the page, which passes the open conversation to `show`. Others call `open`.
 */

import { makeClosable, requestClose } from "../ui/dialogs.js";
import { sessionRequest } from "../net/api.js";
import { LARGE_THUMB, altOf, sizeText } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { RoomPictures } from "../lib/room-pictures.js";
import { hashOf } from "../lib/route.js";
import { fileUrl, thumbUrl } from "../ui/message-files.js";
import { lang, urls } from "../ui/page.js";
import { blurUrl } from "../ui/picture-blur.js";
import { watchDrag, watchSwipe } from "../ui/swipe.js";

const MIN_ZOOM = 2; // times the size that fits
const PAGE_SIZE = 100; // pictures
const NEAR_EDGE = 5; // pictures before an end at which more are loaded

class FileViewer extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #stage = this.querySelector(".viewer-stage");
  #image = document.createElement("img"); // of the shown file
  #conversation = null;
  #pictures = null; // RoomPictures while the dialog is open
  #id = null; // of the shown file
  #index = 0;

  connectedCallback() {
    this.parentElement.addEventListener("file:open", ({ detail }) => this.open(detail));
    makeClosable(this.#dialog);
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("keydown", (event) => this.#pressed(event));
    this.querySelector(".viewer-previous").addEventListener("click", () => this.#move(-1));
    this.querySelector(".viewer-next").addEventListener("click", () => this.#move(1));
    this.querySelector(".viewer-zoom").addEventListener("click", () => this.#zoom(!this.#isZoomed));
    this.querySelector(".viewer-message").addEventListener("click", () => requestClose(this.#dialog));
    const wasDragged = watchDrag(this.#stage);
    this.#stage.addEventListener("click", (event) => wasDragged() || this.#clicked(event));
    watchSwipe(this.#stage, {
      isActive: () => !this.#isZoomed,
      swiped: (direction) => this.#move(direction),
      closed: () => requestClose(this.#dialog),
    });
  }

  /** `conversation`: the open one, which may have changed: a picture may have been deleted. */
  show(conversation) {
    const isOther = conversation !== this.#conversation;
    this.#conversation = conversation;
    if (!this.#dialog.open) return;
    if (isOther) this.#dialog.close();
    else this.#refresh();
  }

  /** Show a picture of the open conversation, {file, seq}. */
  open({ file, seq }) {
    const conversation = this.#conversation;
    const query = { kind: "image", limit: PAGE_SIZE };
    const request = (edge) => sessionRequest("GET", `${urls.rooms}/${conversation.room}/files?${new URLSearchParams({ ...query, ...edge })}`);
    this.#pictures = conversation.pictures = new RoomPictures(conversation, { file, seq }, request);
    this.#dialog.showModal();
    this.#show(file.id);
    this.#stage.focus();
    for (const direction of ["older", "newer"]) this.#loadMore(direction); // then the number may be known
  }

  #refresh() {
    const { list } = this.#pictures;
    if (list.some(({ file }) => file.id === this.#id)) return this.#showPlace(list);
    const next = list[Math.min(this.#index, list.length - 1)];
    if (next) this.#show(next.file.id);
    else this.#dialog.close();
  }

  /** Load more pictures in this direction, if there are any. After a failure the next movement tries again. */
  async #loadMore(direction) {
    const pictures = this.#pictures;
    if (!pictures.hasMore(direction)) return;
    await pictures.load(direction).catch(() => {});
    if (pictures === this.#pictures) this.#refresh();
  }

  get #isZoomed() {
    return this.#dialog.dataset.zoomed === "true";
  }

  #show(id) {
    const { list } = this.#pictures;
    const { file, seq } = list.find((one) => one.file.id === id);
    this.#id = id;
    this.#zoom(false);
    this.#replaceImage(file);
    this.#load(file.type === "image/gif" ? fileUrl(file) : thumbUrl(file, LARGE_THUMB));
    const name = this.querySelector(".viewer-name");
    name.textContent = file.alt || file.name;
    name.title = file.name;
    this.querySelector(".viewer-download").href = fileUrl(file, { download: true });
    const link = this.querySelector(".viewer-message");
    link.href = hashOf(this.#conversation.key, seq);
    link.dataset.file = id;
    this.#showPlace(list);
    if (this.#index < NEAR_EDGE) this.#loadMore("older");
    if (this.#index >= list.length - NEAR_EDGE) this.#loadMore("newer");
  }

  /** A new element, because another `src` would show the previous picture until the next one is loaded. */
  #replaceImage(file) {
    const { width, height } = file;
    const image = Object.assign(document.createElement("img"), { width, height, alt: altOf(file), draggable: false });
    const previews = [thumbUrl(file), blurUrl(file.blur)].filter(Boolean);
    image.style.background = previews.map((url) => `center / 100% 100% no-repeat url("${url}")`).join();
    const scale = Math.min(1, LARGE_THUMB / Math.max(width, height), this.#stage.clientWidth / width, this.#stage.clientHeight / height);
    image.style.inlineSize = `${width * scale}px`;
    image.style.blockSize = `${height * scale}px`;
    image.addEventListener("load", () => this.#ended(image));
    image.addEventListener("error", () => this.#ended(image, { failed: true }));
    this.#stage.replaceChildren(image);
    this.#image = image;
  }

  #load(url) {
    this.querySelector(".viewer-problem").hidden = true;
    this.#stage.setAttribute("aria-busy", "true");
    this.#image.src = url;
  }

  /** The picture is loaded, or cannot be. */
  #ended(image, { failed = false } = {}) {
    if (image !== this.#image || !this.#dialog.open) return;
    this.#stage.setAttribute("aria-busy", "false");
    image.style.removeProperty("background"); // it would be seen through a transparent picture
    if (!this.#isZoomed) this.#removeSize();
    image.hidden = failed;
    this.querySelector(".viewer-problem").hidden = !failed;
  }

  #showPlace(list) {
    const index = list.findIndex(({ file }) => file.id === this.#id);
    const { bytes } = list[index].file;
    this.#index = index;
    const [older, newer] = ["older", "newer"].map((direction) => this.#pictures.hasMore(direction));
    const place = list.length > 1 && !older && !newer ? _("%(num)s of %(total)s", { num: index + 1, total: list.length }) : "";
    this.querySelector(".viewer-details").textContent = [place, sizeText(bytes, lang)].filter(Boolean).join(" · ");
    this.querySelector(".viewer-previous").hidden = index === 0 && !older;
    this.querySelector(".viewer-next").hidden = index === list.length - 1 && !newer;
    for (const { file } of [list[index - 1], list[index + 1]].filter(Boolean)) new Image().src = thumbUrl(file, LARGE_THUMB);
  }

  async #move(step) {
    const [direction, shown] = [step < 0 ? "older" : "newer", this.#id];
    if (!this.#neighbour(step)) await this.#loadMore(direction);
    if (shown !== this.#id) return; // it was closed, or moved meanwhile
    const next = this.#neighbour(step);
    if (!next) return void (this.querySelector(".viewer-problem").hidden = !this.#pictures.hasMore(direction));
    this.#show(next.file.id);
    if (!this.#dialog.contains(document.activeElement) || document.activeElement.hidden) this.#stage.focus();
  }

  #neighbour(step) {
    return this.#pictures.list[this.#index + step];
  }

  /** Zoom in to the original, around the point {x, y} of the window, or out. */
  #zoom(zoomed, point) {
    const button = this.querySelector(".viewer-zoom");
    const before = this.#image.getBoundingClientRect();
    this.#dialog.dataset.zoomed = String(zoomed);
    button.setAttribute("aria-pressed", String(zoomed));
    this.#removeSize();
    if (!zoomed) return;
    const found = this.#pictures.list[this.#index]?.file;
    if (found) this.#load(fileUrl(found));
    const width = Math.max(this.#image.width, before.width * MIN_ZOOM);
    this.#image.style.setProperty("inline-size", `${width}px`);
    const [x, y] = point ? [(point.x - before.left) / before.width, (point.y - before.top) / before.height] : [0.5, 0.5];
    this.#stage.scrollLeft = x * this.#stage.scrollWidth - this.#stage.clientWidth / 2;
    this.#stage.scrollTop = y * this.#stage.scrollHeight - this.#stage.clientHeight / 2;
  }

  #removeSize() {
    this.#image.style.removeProperty("inline-size");
    this.#image.style.removeProperty("block-size");
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

  #closed() {
    this.#id = null;
    this.#stage.replaceChildren();
    this.#pictures = this.#conversation.pictures = null;
  }
}

customElements.define("file-viewer", FileViewer);
