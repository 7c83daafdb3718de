/**
 * Unsent text of the composer by conversation: the draft of a new message, the message that it replies to, and edits in
 * progress. Stored on this device, for this user.
 *
 * `topic`: {kind: "answer" | "edit" | "deleted", seq, epoch, was?, waiting?}: the message that the composer replies to or
 * edits, in the log `epoch`. "deleted": a new message with the text of an edit whose message was deleted; `was`: the text
 * before the edit; `waiting`: the topics that this one interrupted, the latest at the end. Null for a new message that
 * replies to none.
 */

import { getItem, itemNames, removeItems, setItem, unsavedNames } from "./local-storage.js";
import { me } from "../ui/page.js";

const DRAFTS = `draft:${me.name}:`;
const EDITS = `edit:${me.name}:`;
const TOPICS = `topic:${me.name}:`;

export const drafts = {
  read: (key) => getItem(DRAFTS + key) ?? "",
  write: (key, text) => setItem(DRAFTS + key, text.trim() ? text : ""),

  topic: (key) => JSON.parse(getItem(TOPICS + key) ?? "null"),
  setTopic: (key, topic) => setItem(TOPICS + key, topic && JSON.stringify(topic)),

  /** The edited text of the message of `topic`, or "". */
  readEdit: (key, topic) => getItem(editName(key, topic)) ?? "",
  writeEdit: (key, topic, text) => setItem(editName(key, topic), text.trim() && text !== topic.was ? text : ""),

  /** The text in the composer of this conversation. */
  text(key) {
    const topic = this.topic(key);
    return topic?.kind === "edit" ? this.readEdit(key, topic) || topic.was : this.read(key);
  },
  /** The number of unsent texts, including those of other tabs. */
  count: () => itemNames(DRAFTS).length + itemNames(EDITS).length,
  /** Whether all of them survive a reload. */
  get areSaved() {
    return [DRAFTS, EDITS].every((prefix) => unsavedNames(prefix).length === 0);
  },
  forgetAll() {
    for (const prefix of [DRAFTS, EDITS, TOPICS]) removeItems(prefix);
  },
};

const editName = (key, { epoch, seq }) => `${EDITS}${key}/${epoch}/${seq}`;
