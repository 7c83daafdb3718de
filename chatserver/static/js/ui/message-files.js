/**
 * Shows the files of a message: pictures with their size and a blurred form until they are loaded, so that nothing moves;
 * several as a gallery; video and sound with controls, voice messages with their waveform; text with its first lines;
 * other files as a card.
 *
 * Dispatches `file:open` {seq, file} for a picture.
 */

import { emit, reconcile } from "./dom.js";
import { LARGE_THUMB, SMALL_THUMB, altOf, boxOf, endingOf, isLong, kindOf, mayBeTransparent, sampleLines, sizeText } from "../lib/files.js";
import { lazyModule } from "./lazy-load.js";
import { messagesView } from "./near-view.js";
import { clone, lang, urls } from "./page.js";

const RETRY_DELAY = 1_000; // milliseconds, doubled after each failure
const MAX_FAILURES = 6;

/** The URL of a file's content; `download`: as an attachment. */
export const fileUrl = ({ id, name }, { download = false } = {}) =>
  `${urls.files}/${id}/${encodeURIComponent(name)}${download ? "?download=true" : ""}`;

export const thumbUrl = ({ id }, size = SMALL_THUMB) => `${urls.files}/${id}/thumb?w=${size}`;

/** Show `files` in `box`; `seq`: of their message. */
export function showFiles(box, files, seq) {
  box.hidden = files.length === 0;
  if (box.hidden && !box.firstElementChild) return;
  const pictures = files.filter((file) => formOf(file).endsWith("picture"));
  const isGallery = pictures.length > 1;
  box.classList.toggle("gallery", isGallery);
  const others = files.filter((file) => !pictures.includes(file));
  reconcile(box, [...pictures, ...others], {
    key: (file) => `${file.id} ${formOf(file)} ${isGallery}`,
    make: (file) => MAKE[formOf(file)](file, { isGallery }),
    update: (element, file) => update(element, file, seq),
  });
}

const MAKE = {
  picture: makePicture,
  video: makePlayer,
  audio: makePlayer,
  voice: makeVoice,
  text: makeText,
  other: makeCard,
  removed: () => clone("file-removed"),
  "pending-picture": makePending,
  "pending-card": makePending,
  "pending-voice": makePending,
};

/** The kind of a file; of one that is not sent: "pending-picture", "pending-voice" or "pending-card". */
function formOf(file) {
  if (file.state === undefined) return kindOf(file);
  if (kindOf(file) === "voice") return "pending-voice";
  return file.preview && file.width ? "pending-picture" : "pending-card";
}

function makePicture(file, { isGallery }) {
  const link = clone("file-picture");
  const image = link.querySelector("img");
  const { width, height } = boxOf(file);
  link.href = fileUrl(file);
  setBox(image, { width, height }, isGallery);
  const isSmall = isGallery || Math.max(width, height) * devicePixelRatio <= SMALL_THUMB;
  const size = isSmall && !isLong(file) ? SMALL_THUMB : LARGE_THUMB;
  messagesView.when(image, () => loadImage(image, thumbUrl(file, size)));
  if (file.blur) messagesView.when(link, () => lazyModule.use(({ showBlur }) => showBlur(link, image, file.blur)));
  link.classList.toggle("transparent", mayBeTransparent(file));
  link.classList.toggle("long", isLong(file));
  link.querySelector(".picture-kind").hidden = file.type !== "image/gif";
  return link;
}

/** Its form stays when the picture is loaded, also of a very narrow one, which has a box of another form. */
function setBox(image, { width, height }, isGallery = false) {
  Object.assign(image, { width, height });
  if (!isGallery) image.style.aspectRatio = `${width} / ${height}`;
}

/** Load a picture; try again after a failure, because the connection may be lost for some time. */
function loadImage(image, url) {
  let failures = 0;
  image.addEventListener("error", () => {
    failures += 1;
    if (failures <= MAX_FAILURES) setTimeout(() => (image.src = url), RETRY_DELAY * 2 ** failures);
  });
  image.src = url;
}

function makePlayer(file) {
  const figure = clone(`file-${kindOf(file)}`);
  const player = figure.querySelector("video, audio");
  messagesView.when(player, () => (player.src = fileUrl(file)));
  if (file.width) {
    const { width, height } = boxOf(file);
    Object.assign(player, { width, height });
  }
  describe(figure, file);
  return figure;
}

function makeVoice(file) {
  const player = clone("file-voice");
  lazyModule.use(() => {
    customElements.upgrade(player); // which may not be in the page
    player.show(file, { url: fileUrl(file), download: fileUrl(file, { download: true }) });
  });
  return player;
}

function makePending(file, { isGallery }) {
  const element = clone(formOf(file));
  const image = element.querySelector("img");
  if (image) Object.assign(image, { src: file.preview, alt: altOf(file) });
  if (image && !isGallery) setBox(image, boxOf(file));
  element.querySelector(".file-name")?.append(file.name);
  element.classList.toggle("transparent", mayBeTransparent(file));
  lazyModule.use(({ setUpPending }) => setUpPending(element, file));
  return element;
}

function makeText(file) {
  const figure = clone("file-text");
  describe(figure, file);
  figure.setAttribute("aria-label", file.name);
  figure.querySelector("pre").style.setProperty("--lines", sampleLines(file.bytes));
  lazyModule.use(({ showSample }) => showSample(figure, file, fileUrl(file)));
  return figure;
}

function makeCard(file) {
  const card = clone("file-card");
  describe(card, file);
  return card;
}

function describe(element, file) {
  const name = element.querySelector(".file-name");
  name.textContent = name.title = file.name;
  element.querySelector(".file-details").textContent = [endingOf(file.name), sizeText(file.bytes, lang)].filter(Boolean).join(" · ");
  element.querySelector(".file-download").href = fileUrl(file, { download: true });
}

function update(element, file, seq) {
  element.dataset.file = file.id;
  if (file.state !== undefined) return lazyModule.use(({ showProgress }) => showProgress(element, file));
  const kind = kindOf(file);
  if (kind === "video" || kind === "audio") element.querySelector(kind).setAttribute("aria-label", file.alt || file.name);
  if (kind === "picture") updatePicture(element, file, seq);
}

function updatePicture(element, file, seq) {
  element.querySelector("img").alt = altOf(file);
  element.title = file.alt || file.name;
  element.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    emit(element, "file:open", { seq, file });
  };
}
