/**
 * <attachment-tray>: the files that will be sent with the message, above the text box: previews, alternative texts, and
 * whether photos are sent as they are. The + button of the composer, paste and drop add files; see ui/file-drop.js.
 */

import { reconcile } from "../ui/dom.js";
import { acceptFiles } from "../ui/file-drop.js";
import { checked, sentence, unreadableOf } from "../lib/chosen-files.js";
import { endingOf, keepsMetadata, kindOf, sizeText } from "../lib/files.js";
import { _, ngettext } from "../lib/i18n.js";
import { clone, lang } from "../ui/page.js";
import { isScaled } from "../ui/scale-picture.js";
import { attachments } from "../state/attachments.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");

class AttachmentTray extends HTMLElement {
  #list = this.querySelector("ul");
  #original = this.querySelector(".tray-original");
  #composer = this.closest("message-composer");
  #input = this.#composer.querySelector(".composer-files");
  #menu = this.#composer.querySelector(".add-menu");

  connectedCallback() {
    attachments.addEventListener("attachments:changed", () => this.#draw());
    this.#composer.addEventListener("target:changed", () => this.#draw());
    this.#composer.querySelector(".composer-add").addEventListener("click", (event) => this.#choose(event));
    this.#menu.addEventListener("click", ({ target }) => this.#openPicker(target.closest("[data-accept]")));
    this.#input.addEventListener("change", () => {
      this.add([...this.#input.files]);
      this.#input.value = "";
    });
    this.#original.querySelector("input").addEventListener("change", ({ target }) => this.#setOriginal(target.checked));
    addEventListener("beforeunload", (event) => attachments.size > 0 && event.preventDefault());
    acceptFiles({
      zone: document.querySelector(".drop-zone"),
      canAdd: () => this.#canAdd,
      add: (files, folders) => this.add(files, folders),
      refuse: () => showToast(this.#reason),
    });
    this.#draw();
  }

  get #canAdd() {
    const isBusy = this.#composer.editing !== null || this.#isRecording || document.querySelector("dialog[open]");
    return attachments.limits.count > 0 && !this.#composer.hidden && !isBusy;
  }

  get #isRecording() {
    return this.#composer.dataset.recording === "true";
  }

  /** Why no files can be added. */
  get #reason() {
    if (this.#isRecording) return _("Stop the recording first.");
    return this.#composer.editing === null ? _("Files cannot be sent here.") : _("You can't add files while editing.");
  }

  /** Why no recording can be added, or "". */
  get obstacle() {
    if (!this.#canAdd) return this.#reason;
    const { shown, limits } = attachments;
    return shown.length < limits.count ? "" : _("A message has at most %(num)s files.", { num: limits.count });
  }

  /** Add those of `files` that can be sent; name the others. `folders`: names of folders among them. */
  add(files, folders) {
    const { limits, shown } = attachments;
    const isPhoto = ({ type }) => type === "image/jpeg";
    const { accepted, problems } = checked(files, { limits, chosen: shown.length, folders, isScaled: isPhoto, lang });
    this.#report(attachments.add(accepted), problems);
    this.#composer.focus();
  }

  /** Announce what was added, or show why some files are not. Files that cannot be read are removed. */
  async #report(added, problems) {
    const { limits } = attachments;
    const unreadable = await unreadableOf(added);
    for (const file of unreadable) attachments.remove(file);
    const texts = [sentence("unreadable", unreadable.map(({ name }) => name), { limits, lang }), ...problems].filter(Boolean);
    if (texts.length > 0) showToast(texts.join(" "));
    if (added.length === 0 || texts.length > 0) return;
    const sum = ngettext("%(num)s file added", "%(num)s files added", added.length);
    announce([sum, ...added.filter(keepsMetadata).map(({ name }) => `${name}: ${warning()}`)].join(" "));
  }

  /** Offer the camera and the pictures of a phone; elsewhere open the file dialog of the system. */
  #choose() {
    if (!this.#canAdd) return showToast(this.#reason);
    if (TOUCH.matches) return this.#menu.togglePopover();
    return this.#openPicker(this.#menu.querySelector("[data-accept='']"));
  }

  #openPicker(button) {
    if (!button) return;
    const { accept, capture } = button.dataset;
    this.#input.accept = accept;
    this.#input.toggleAttribute("multiple", capture === undefined);
    if (capture === undefined) this.#input.removeAttribute("capture");
    else this.#input.setAttribute("capture", capture);
    if (this.#menu.matches(":popover-open")) this.#menu.hidePopover();
    this.#input.click();
  }

  #setOriginal(original) {
    for (const file of attachments.shown) attachments.change(file, { original });
  }

  #draw() {
    const files = this.#composer.editing === null ? attachments.shown : [];
    this.hidden = files.length === 0;
    this.#original.hidden = !files.some(isScaled);
    this.#original.querySelector("input").checked = files.some(({ original }) => original);
    reconcile(this.#list, files, {
      key: ({ key }) => key,
      make: (file) => (kindOf(file) === "voice" ? this.#makeVoice(file) : this.#make(file)),
      update: () => {},
    });
  }

  #make(file) {
    const item = clone("attachment");
    const { name, bytes, preview } = file;
    item.querySelector(".file-name").textContent = name;
    item.querySelector(".file-details").textContent = [endingOf(name), sizeText(bytes, lang)].filter(Boolean).join(" · ");
    item.title = name;
    const note = item.querySelector(".attachment-note");
    note.hidden = !keepsMetadata(file);
    note.textContent = note.hidden ? "" : warning();
    this.#setUpPicture(item, file, preview);
    const alt = item.querySelector(".attachment-alt");
    alt.hidden = !preview;
    alt.value = file.alt;
    alt.setAttribute("aria-label", _("Description of %(name)s", { name }));
    alt.addEventListener("input", () => Object.assign(file, { alt: alt.value.trim() }));
    alt.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && this.#focusComposer(event));
    this.#setUpRemoval(item, file);
    return item;
  }

  #makeVoice(file) {
    const item = clone("attachment-voice");
    const player = clone("file-voice");
    player.show(file, { url: file.preview });
    for (const control of player.querySelectorAll("[tabindex]")) control.tabIndex = 0;
    item.prepend(player);
    this.#setUpRemoval(item, file);
    return item;
  }

  #setUpRemoval(item, file) {
    const remove = item.querySelector(".attachment-remove");
    remove.setAttribute("aria-label", _("Remove %(name)s", { name: file.name }));
    remove.addEventListener("click", () => this.#remove(file));
  }

  #setUpPicture(item, file, preview) {
    const image = item.querySelector("img");
    item.classList.toggle("attachment-picture", Boolean(preview));
    if (!preview) return image.remove();
    image.src = preview;
    image.onload = () => attachments.change(file, { width: image.naturalWidth, height: image.naturalHeight });
    return (image.onerror = () => item.classList.remove("attachment-picture")); // a format that this browser cannot show
  }

  #focusComposer(event) {
    event.preventDefault();
    this.#composer.focus();
  }

  #remove(file) {
    attachments.remove(file);
    announce(_("%(name)s removed", { name: file.name }));
    (this.#list.querySelector("button") ?? this.#composer).focus();
  }
}

const showToast = (text) => document.querySelector("toast-line").show(text);
const warning = () => _("This file keeps its metadata, such as the location.");
const announce = (text) => document.querySelector("live-announcer").announce(text);

customElements.define("attachment-tray", AttachmentTray);
