/**
 * Unsent text of the composer, by conversation: the draft of a new message, the message that it answers, the texts of
 * edits in progress. Kept on this device, for this user.
 *
 * `topic`: {kind: "answer" | "edit" | "deleted", seq, epoch, was?, waiting?}: the message that the box is about, `epoch`
 * of the log that has it; "deleted": a new message with the text of an edit that came too late; `was`: the text before
 * an edit; `waiting`: the topics that were interrupted by this one, the last one at the end. Null for a new message that
 * answers none.
 */

import { getItem, itemNames, removeItems, setItem, unsavedNames } from "./local-storage.js";
import { me } from "../ui/page.js";

const MINE = `draft:${me.name}:`;
const EDITS = `edit:${me.name}:`;
const TOPICS = `topic:${me.name}:`;

export const drafts = {
  read: (key) => getItem(MINE + key) ?? "",
  write: (key, text) => setItem(MINE + key, text.trim() ? text : ""),

  topic: (key) => JSON.parse(getItem(TOPICS + key) ?? "null"),
  setTopic: (key, topic) => setItem(TOPICS + key, topic && JSON.stringify(topic)),

  /** The changed text of the message that `topic` is about, or "". */
  readEdit: (key, topic) => getItem(editName(key, topic)) ?? "",
  writeEdit: (key, topic, text) => setItem(editName(key, topic), text.trim() && text !== topic.was ? text : ""),

  /** What the box of this conversation holds. */
  text(key) {
    const topic = this.topic(key);
    return topic?.kind === "edit" ? this.readEdit(key, topic) || topic.was : this.read(key);
  },
  /** How many texts were begun and not sent, those of other tabs as well. */
  count: () => itemNames(MINE).length + itemNames(EDITS).length,
  /** Whether a reload loses none of them. */
  get areSaved() {
    return [MINE, EDITS].every((prefix) => unsavedNames(prefix).length === 0);
  },
  forgetAll() {
    for (const prefix of [MINE, EDITS, TOPICS]) removeItems(prefix);
  },
};

const editName = (key, { epoch, seq }) => `${EDITS}${key}/${epoch}/${seq}`;
