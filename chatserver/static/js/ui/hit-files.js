/** Shows the files of a search hit: those whose names or descriptions contain a searched word first. */

import { kindOf, mayBeTransparent } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { hasHit, highlighted } from "../lib/search.js";
import { thumbUrl } from "./message-files.js";
import { clone } from "./page.js";

const MAX_SHOWN = 3;
const MAX_ALT = 250; // characters of a description that are searched and shown

/** `terms`: what `fileTerms` returned. Returns the id of the first file that is found, or undefined. */
export function showHitFiles(box, files, terms) {
  const present = files.filter(({ removed }) => !removed);
  const found = firstHits(present, terms);
  const sorted = [...found, ...present.filter((file) => !found.includes(file))];
  const rows = sorted.slice(0, MAX_SHOWN).map((file) => makeRow(file, terms));
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

/** `text` as nodes, with <mark> around the terms. */
export const markedNodes = (text, terms) => highlighted(text, terms).map(toNode);

function toNode({ text, hit }) {
  if (!hit) return document.createTextNode(text);
  const mark = document.createElement("mark");
  mark.textContent = text;
  return mark;
}
