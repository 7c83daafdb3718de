/** Shows the files of a search hit: first the one whose text was found, then those with a found name or description. */

import { MAX_ALT, kindOf, mayBeTransparent } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { hasHit, highlighted } from "../lib/search.js";
import { thumbUrl } from "./message-files.js";
import { clone } from "./page.js";

const MAX_SHOWN = 3;

/**
 * `terms`: what `searchTerms` and `fileTerms` returned, as `text` and `files`; `foundIn`: {file, text} of the hit.
 * Returns the id of the first file that is found, or undefined.
 */
export function showHitFiles(box, files, terms, foundIn) {
  const present = files.filter(({ removed }) => !removed);
  const read = present.filter(({ id }) => id === foundIn?.file);
  const found = [...read, ...firstHits(present, terms.files).filter((file) => !read.includes(file))];
  const sorted = [...found, ...present.filter((file) => !found.includes(file))];
  const rows = sorted.slice(0, MAX_SHOWN).map((file) => makeRow(file, terms.files));
  if (read.length > 0) rows.splice(1, 0, makeQuote(foundIn.text, terms.text));
  if (sorted.length > MAX_SHOWN) rows.push(_("%(num)s more", { num: sorted.length - MAX_SHOWN }));
  box.replaceChildren(...rows);
  box.hidden = present.length === 0;
  return found[0]?.id;
}

/** The first files that are found, as many as are shown: comparing long descriptions takes time. */
function firstHits(files, terms) {
  const found = [];
  for (const file of files) {
    if (found.length === MAX_SHOWN) break;
    if (hasHit(file.name, terms) || hasHit(altOf(file), terms)) found.push(file);
  }
  return found;
}

const altOf = ({ alt = "" }) => alt.slice(0, MAX_ALT);

function makeRow(file, terms) {
  const row = clone("hit-file");
  const image = row.querySelector("img");
  const described = hasHit(altOf(file), terms) ? `${file.name} · ${altOf(file)}` : file.name;
  row.querySelector(".hit-file-name").replaceChildren(...markedNodes(described, terms));
  row.querySelector(".hit-thumb").classList.toggle("transparent", kindOf(file) === "picture" && mayBeTransparent(file));
  if (kindOf(file) === "picture") Object.assign(image, { src: thumbUrl(file), alt: file.alt ?? "" });
  else image.remove();
  return row;
}

/** The found text of a file. */
function makeQuote(text, terms) {
  const quote = clone("hit-file-text");
  quote.querySelector(".hit-quote").replaceChildren(...markedNodes(text, terms));
  return quote;
}

/** `text` as nodes, with <mark> around the terms. */
export const markedNodes = (text, terms) => highlighted(text, terms).map(toNode);

function toNode({ text, hit }) {
  if (!hit) return document.createTextNode(text);
  const mark = document.createElement("mark");
  mark.textContent = text;
  return mark;
}
