/** Shows the files of a search hit: those whose names contain a searched word first. */

import { kindOf } from "../lib/files.js";
import { _ } from "../lib/i18n.js";
import { hasHit, highlighted } from "../lib/search.js";
import { thumbUrl } from "./message-files.js";
import { clone } from "./page.js";

const MAX_SHOWN = 3;

/** `terms`: what `fileTerms` returned. */
export function showHitFiles(box, files, terms) {
  const present = files.filter(({ removed }) => !removed);
  const found = present.filter(({ name, alt = "" }) => hasHit(name, terms) || hasHit(alt, terms));
  const sorted = [...found, ...present.filter((file) => !found.includes(file))];
  const rows = sorted.slice(0, MAX_SHOWN).map((file) => makeRow(file, terms));
  if (sorted.length > MAX_SHOWN) rows.push(_("%(num)s more", { num: sorted.length - MAX_SHOWN }));
  box.replaceChildren(...rows);
  box.hidden = present.length === 0;
}

function makeRow(file, terms) {
  const row = clone("hit-file");
  const image = row.querySelector("img");
  const described = hasHit(file.alt ?? "", terms) ? `${file.name} · ${file.alt}` : file.name;
  row.querySelector(".hit-file-name").replaceChildren(...markedNodes(described, terms));
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
