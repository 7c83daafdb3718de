/**
 * Unsent text of the composer by conversation: the draft of a new message, the message that it replies to, and edits in
 * progress. Stored on this device, for this user.
 *
 * Each tab keeps what was typed in it. All tabs share a copy of what was typed last in any of them: a tab in which
 * nothing was typed shows that copy, and follows its changes. A draft that was sent in one tab is removed from the
 * others.
 *
 * `target`: {kind: "answer" | "edit" | "deleted" | "unanswered", seq, epoch, was?, waiting?}: the message that the
 * composer replies to or edits, in the log `epoch`. "deleted", "unanswered": a new message with the text of an edit or
 * a reply whose message was deleted; `was`: the text before the edit; `waiting`: the targets that this one interrupted,
 * the latest at the end. Null for a new message that replies to none.
 *
 * Events: `drafts:changed` when another tab has changed a text, `draft:replaced` when that is the text in the composer.
 */

import { trimmed, wellFormed } from "../lib/text.js";
import { me, scope } from "../ui/page.js";
import { local, tab } from "./local-storage.js";

const DRAFTS = `draft:${me.name}:`;
const EDITS = `edit:${me.name}:`;
const TARGETS = `topic:${me.name}:`; // the name in storage is older than this constant

class Drafts extends EventTarget {
  #key = null; // of the conversation in the composer
  #shown = {}; // its items: name → value
  #channel = null;

  /** Start to follow the other tabs. */
  follow() {
    this.#channel = new BroadcastChannel(`chat:${scope}${me.name}:drafts`);
    this.#channel.onmessage = ({ data }) => this.#emptiedElsewhere(data);
    addEventListener("storage", () => this.#refresh());
  }

  /** Load the texts of the conversation that the composer shows from now on. */
  open(key) {
    this.#key = key;
    this.#shown = stored(key);
  }

  read(key) {
    return this.#items(key)[DRAFTS + key] ?? "";
  }

  write(key, text) {
    this.#set(key, DRAFTS + key, text.trim() ? text : "");
  }

  /** Remove the draft, which is sent as `text`, here and in the other tabs, so that none sends it again. */
  send(key, text) {
    const left = withoutDraft(this.#items(key), key);
    if (key === this.#key) this.#shown = left;
    save(tab, key, left);
    if (isEmpty(left)) removeDraft(local, key, text);
    else save(local, key, left);
    this.#channel?.postMessage({ key, text });
  }

  target(key) {
    return targetIn(this.#items(key), key);
  }

  setTarget(key, target) {
    this.#set(key, TARGETS + key, target && JSON.stringify(target));
  }

  /** The edited text of the message of `target`, or "". */
  readEdit(key, target) {
    return this.#items(key)[editName(key, target)] ?? "";
  }

  writeEdit(key, target, text) {
    this.#set(key, editName(key, target), text.trim() && text !== target.was ? text : "");
  }

  /** The text in the composer of this conversation. */
  text(key) {
    const target = this.target(key);
    return target?.kind === "edit" ? this.readEdit(key, target) || target.was : this.read(key);
  }

  /** The keys of conversations with unsent text. */
  get keys() {
    return new Set([...suffixes(DRAFTS), ...suffixes(EDITS).map((name) => name.split("/")[0])]);
  }

  /** The number of unsent texts, including those of other tabs. */
  count() {
    return suffixes(DRAFTS).length + suffixes(EDITS).length;
  }

  /** Whether all of them survive a reload. */
  get areSaved() {
    return [DRAFTS, EDITS].every((prefix) => local.unsavedNames(prefix).length === 0);
  }

  forgetAll() {
    this.#shown = {};
    for (const storage of [tab, local]) for (const prefix of [DRAFTS, EDITS, TARGETS]) storage.remove(prefix);
  }

  #items(key) {
    return key === this.#key ? this.#shown : stored(key);
  }

  /** Set an item of this tab and of the shared copy; removing the last one leaves a copy of another tab's text alone. */
  #set(key, name, value) {
    const before = this.#items(key);
    if ((before[name] ?? "") === (value ?? "")) return;
    const after = without(before, value ? "" : name, value ? { [name]: value } : {});
    if (key === this.#key) this.#shown = after;
    save(tab, key, after);
    if (!isEmpty(after) || isSame(load(local, key), before)) save(local, key, after);
    if (isEmpty(after)) this.#channel?.postMessage({ key });
  }

  /** Another tab has no text for `key` any more; `text`: the message that it has sent. Share the text of this tab. */
  #emptiedElsewhere({ key, text }) {
    const isSent = removeDraft(tab, key, text);
    const left = load(tab, key);
    if (isSent) removeDraft(local, key, text);
    if (isSent && key === this.#key) this.#show(left);
    if (!isEmpty(left)) save(local, key, left);
    this.#refresh();
  }

  /** Follow the shared copy. An empty composer stays empty. */
  #refresh() {
    if (!isEmpty(this.#shown)) this.#show(stored(this.#key));
    this.dispatchEvent(new Event("drafts:changed"));
  }

  #show(items) {
    if (isSame(items, this.#shown)) return;
    this.#shown = items;
    this.dispatchEvent(new Event("draft:replaced"));
  }
}

export const drafts = new Drafts();

const editName = (key, { epoch, seq }) => `${EDITS}${key}/${epoch}/${seq}`;

/** What follows `prefix` in the names of items. */
const suffixes = (prefix) => [...new Set([...local.names(prefix), ...tab.names(prefix)])].map((name) => name.slice(prefix.length));

const targetIn = (items, key) => JSON.parse(items[TARGETS + key] ?? "null");

/** The items of a conversation: this tab's, or else the shared ones. */
function stored(key) {
  const own = load(tab, key);
  return isEmpty(own) ? load(local, key) : own;
}

function load(storage, key) {
  const names = [DRAFTS + key, TARGETS + key, ...storage.names(`${EDITS}${key}/`)];
  return Object.fromEntries(names.map((name) => [name, storage.get(name)]).filter(([, value]) => value));
}

function save(storage, key, items) {
  const before = load(storage, key);
  for (const name of Object.keys({ ...before, ...items })) {
    if (before[name] !== items[name]) storage.set(name, items[name]);
  }
}

/** Remove the draft that was sent as `text`; return whether it was there. */
function removeDraft(storage, key, text) {
  const items = load(storage, key);
  const isThere = wellFormed(trimmed(items[DRAFTS + key] ?? "")) === text;
  if (isThere) save(storage, key, withoutDraft(items, key));
  return isThere;
}

/** Without the draft and the reply that it is; an edit in progress stays. */
function withoutDraft(items, key) {
  const rest = without(items, DRAFTS + key);
  return targetIn(items, key)?.kind === "edit" ? rest : without(rest, TARGETS + key);
}

const without = (items, name, more = {}) => ({ ...Object.fromEntries(Object.entries(items).filter(([one]) => one !== name)), ...more });

const isEmpty = (items) => Object.keys(items).length === 0;

const isSame = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
