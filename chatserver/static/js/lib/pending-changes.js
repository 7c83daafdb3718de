/**
 * Show edits, deletions and reactions of the outbox on their messages before the server has replied.
 * Pure.
 */

import { isChange, Type } from "../net/protocol.js";
import { applied } from "./apply.js";
import { _ } from "./i18n.js";

/**
 * Return {events, statuses}. `events`: with the changes applied; `statuses`: seq → {id, change, state, problem, final} of
 * the last change that waits or has failed; `availability` as in lib/view.js. A deleted message gets no changes; only a
 * refused edit is shown on it, so that its text is not lost.
 */
export function withPendingChanges(events, entries, me, { availability }) {
  const changes = entries.filter(isChange);
  const statuses = new Map();
  if (changes.length === 0) return { events, statuses };
  const shown = events.map((event) => {
    const all = changes.filter(({ target }) => target === event.seq);
    const lost = event.deleted_at && all.findLast(isRefusedEdit);
    if (lost) statuses.set(event.seq, { ...status(lost, availability), problem: _("The message was deleted in the meantime."), final: true });
    const own = event.deleted_at ? [] : all;
    const noted = own.findLast(({ state }) => state === "failed" || availability !== "online");
    if (noted) statuses.set(event.seq, status(noted, availability));
    return own.filter(isShown).reduce((message, change) => applied(message, { ...change, user: me }), event);
  });
  return { events: shown, statuses };
}

/** Refused edits whose message is not in `events`; they are shown as separate rows. */
export function orphanedEdits(entries, events) {
  const loaded = new Set(events.map(({ seq }) => seq));
  return entries.filter((entry) => isRefusedEdit(entry) && !loaded.has(entry.target));
}

const isRefusedEdit = ({ type, state }) => type === Type.EDIT && state === "failed";

const status = ({ id, type, state, problem, final }, availability) => ({
  id,
  change: type,
  state: state === "failed" ? state : availability,
  problem,
  final,
});

/** A refused edit is shown with its text; a refused deletion or reaction is not shown. */
const isShown = ({ type, state }) => type === Type.EDIT || state !== "failed";
