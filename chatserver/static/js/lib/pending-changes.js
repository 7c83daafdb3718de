/**
 * Edits, deletions and reactions of the outbox, as they are shown on the messages that they are about before the
 * server has answered. Pure.
 */

import { isChange, Type } from "../net/protocol.js";
import { applied } from "./apply.js";
import { _ } from "./i18n.js";

/**
 * {events, statuses}: `events` as they will be; `statuses`: seq → {id, change, state, problem, final} of the last act that
 * waits or has failed; `availability`: as lib/view.js has it. An act is not applied to a message that is deleted: there only
 * a refused edit has a status, for its text.
 */
export function withPendingChanges(events, entries, me, { availability }) {
  const changes = entries.filter(isChange);
  const statuses = new Map();
  if (changes.length === 0) return { events, statuses };
  const shown = events.map((event) => {
    const all = changes.filter(({ target }) => target === event.seq);
    const lost = event.deleted_at && all.findLast(isRefusedEdit);
    if (lost) statuses.set(event.seq, { ...status(lost, availability), problem: _("The message was deleted meanwhile."), final: true });
    const own = event.deleted_at ? [] : all;
    const noted = own.findLast(({ state }) => state === "failed" || availability !== "online");
    if (noted) statuses.set(event.seq, status(noted, availability));
    return own.filter(isShown).reduce((message, change) => applied(message, { ...change, user: me }), event);
  });
  return { events: shown, statuses };
}

/** Refused edits whose message is not among `events`: their text has no other place. */
export function orphanedEdits(entries, events) {
  const here = new Set(events.map(({ seq }) => seq));
  return entries.filter((entry) => isRefusedEdit(entry) && !here.has(entry.target));
}

const isRefusedEdit = ({ type, state }) => type === Type.EDIT && state === "failed";

const status = ({ id, type, state, problem, final }, availability) => ({
  id,
  change: type,
  state: state === "failed" ? state : availability,
  problem,
  final,
});

/** A refused edit is shown with its text; a refused deletion or reaction has changed nothing. */
const isShown = ({ type, state }) => type === Type.EDIT || state !== "failed";
