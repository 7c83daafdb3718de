/**
 * <picture-cropper>: a dialog that cuts a square out of a picture. The user moves the picture with the mouse, a finger or
 * the arrow keys, and zooms with the wheel, two fingers, plus and minus or the slider.
 */

import { dragged, largest, moved, resized, zoomed, zoomOf } from "../lib/crop.js";
import { _ } from "../lib/i18n.js";
import { makeClosable } from "../ui/dialogs.js";

const SIDE = 256; // pixels of the result
const STEP = 0.05; // of the side, of one press of an arrow key
const ZOOM_STEP = 0.9;
const WHEEL_STEP = 1.0015; // per pixel of the wheel
const LINE = 16; // pixels that a line of the wheel counts as
const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const ZOOMS = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP };

class PictureCropper extends HTMLElement {
  #dialog = this.querySelector("dialog");
  #canvas = this.querySelector("canvas");
  #slider = this.querySelector("[type=range]");
  #picture = null; // an ImageBitmap
  #section = null;
  #pointers = new Map(); // id → position
  #answer = null;

  connectedCallback() {
    makeClosable(this.#dialog);
    this.querySelector(".cropper-save").addEventListener("click", () => this.#dialog.close("save"));
    this.querySelector(".cropper-cancel").addEventListener("click", () => this.#dialog.close(""));
    this.#dialog.addEventListener("close", () => this.#answer?.(this.#dialog.returnValue === "save"));
    this.#slider.addEventListener("input", () => this.#show(zoomed(this.#section, Number(this.#slider.value) / 100)));
    this.#canvas.addEventListener("wheel", (event) => this.#turned(event), { passive: false });
    this.#canvas.addEventListener("keydown", (event) => this.#pressed(event));
    this.#canvas.addEventListener("pointerdown", (event) => this.#touched(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#pointed(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.#canvas.addEventListener(end, ({ pointerId }) => this.#pointers.delete(pointerId));
    }
  }

  /** Let the user choose a section of a file; returns it as a PNG, or null. Throws if the browser cannot read the file. */
  async crop(file) {
    this.#picture = await createImageBitmap(file).catch(() => {
      throw new Error(_("This file cannot be shown as a picture."));
    });
    this.#pointers.clear();
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#show(largest(this.#picture.width, this.#picture.height));
    this.#canvas.focus();
    try {
      const saves = await new Promise((resolve) => (this.#answer = resolve));
      return saves ? await this.#result() : null;
    } finally {
      this.#picture.close();
      this.#picture = this.#answer = null;
    }
  }

  #show(section) {
    this.#section = section;
    this.#slider.value = Math.round(zoomOf(section) * 100);
    this.#draw(this.#canvas);
  }

  #draw(canvas) {
    const { x, y, side } = this.#section;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.#picture, x, y, side, side, 0, 0, canvas.width, canvas.height);
  }

  #result() {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.#draw(canvas);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  #touched(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    if (this.#pointers.size < 2) this.#pointers.set(event.pointerId, this.#at(event));
  }

  #pointed(event) {
    if (!this.#pointers.has(event.pointerId)) return;
    const before = [...this.#pointers.values()];
    this.#pointers.set(event.pointerId, this.#at(event));
    this.#show(dragged(this.#section, before, [...this.#pointers.values()]));
  }

  #turned(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * LINE;
    this.#show(resized(this.#section, WHEEL_STEP ** pixels, this.#at(event)));
  }

  #pressed(event) {
    if (event.key in ARROWS) this.#show(moved(this.#section, ...ARROWS[event.key]));
    else if (event.key in ZOOMS && !event.ctrlKey && !event.metaKey) this.#show(resized(this.#section, ZOOMS[event.key]));
    else return;
    event.preventDefault();
  }
}

customElements.define("picture-cropper", PictureCropper);
