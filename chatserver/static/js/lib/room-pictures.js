/**
 * The pictures of a conversation, in order, for <file-viewer>: as far as they are known, without gaps. Those in its loaded
 * messages are known at once; others are requested in pages, in both directions.
 */

import { kindOf } from "./files.js";
import { Type } from "../net/protocol.js";

export class RoomPictures {
  #conversation;
  #request;
  #listed = new Map(); // id → {file, seq}: pictures of requested pages, and the first one
  #from; // all pictures are known from this seq …
  #to; // … up to this one, exclusive
  #more; // direction → whether the server may have more pictures
  #positions = {}; // direction → of the next page
  #loading = {}; // direction → promise

  /** `first`: {file, seq} to begin at; `request(query)` → {files, more, position} of the room. */
  constructor(conversation, first, request) {
    this.#conversation = conversation;
    this.#request = request;
    const { from, to, hasOlder } = this.#loadedPart(first.seq) ?? { from: first.seq + 1, to: first.seq + 1, hasOlder: true };
    this.#listed.set(first.file.id, first);
    this.#from = from;
    this.#to = to;
    this.#more = { older: hasOlder, newer: to !== Infinity };
  }

  /** [{file, seq}] in order. */
  get list() {
    const found = new Map([...this.#listed].filter(([, { seq }]) => !this.#loadedPart(seq)));
    const end = this.#end;
    for (const { seq, files = [] } of this.#loadedParts.flatMap(({ events }) => events)) {
      if (seq < this.#from || seq >= end) continue;
      for (const file of files.filter(isPicture)) found.set(file.id, { file, seq });
    }
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Whether there may be pictures before or after the list. `direction`: "older" or "newer". */
  hasMore(direction) {
    if (this.#conversation.room === null || !this.#more[direction]) return false;
    return direction === "older" || this.#end !== Infinity;
  }

  /** Load the next pictures in this direction. Rejects if they cannot be loaded. */
  load(direction) {
    this.#loading[direction] ??= this.#load(direction).finally(() => delete this.#loading[direction]);
    return this.#loading[direction];
  }

  /** Apply an edit or a deletion of a message. */
  apply({ type, target, files = [] }) {
    if (type !== Type.EDIT && type !== Type.DELETE) return;
    const left = new Set(files.filter(isPicture).map(({ id }) => id));
    for (const [id, { seq }] of this.#listed) if (seq === target && !left.has(id)) this.#listed.delete(id);
  }

  /** Load one page, or more if there is no picture in it that the browser can show. */
  async #load(direction) {
    const before = this.#listed.size;
    while (this.hasMore(direction) && this.#listed.size === before) {
      const edge = direction === "older" ? { before: this.#from } : { after: this.#to - 1 };
      const position = this.#positions[direction];
      this.#add(direction, await this.#request({ ...edge, ...(position && { position }) }));
    }
  }

  #add(direction, { files, more, position }) {
    const last = files.at(-1)?.seq; // its message may continue on the next page
    for (const file of files.filter(isPicture)) {
      this.#listed.delete(file.id); // the first one stands before others of its message now
      this.#listed.set(file.id, { file, seq: file.seq });
    }
    if (direction === "older") this.#from = more ? last + 1 : 0;
    else this.#to = more ? last : Infinity;
    this.#positions[direction] = position;
    this.#more[direction] = more;
  }

  /** What is known continues in the newest loaded messages if it reaches them. */
  get #end() {
    const { loaded, oldest } = this.#conversation.timeline;
    return loaded && this.#to >= oldest ? Infinity : this.#to;
  }

  /** The part of the loaded messages with this seq: it decides which pictures a message has. */
  #loadedPart(seq) {
    return this.#loadedParts.find(({ from, to }) => seq >= from && seq < to);
  }

  /** [{from, to, events, hasOlder}] */
  get #loadedParts() {
    const { timeline, historyWindow } = this.#conversation;
    const parts = timeline.loaded ? [{ from: timeline.oldest, to: Infinity, events: timeline.events, hasOlder: timeline.hasOlder }] : [];
    if (historyWindow === null) return parts;
    const { oldest, upTo, events, hasOlder } = historyWindow;
    return [{ from: oldest, to: upTo + 1, events, hasOlder }, ...parts];
  }
}

const isPicture = (file) => kindOf(file) === "picture";
