/**
 * Edits, deletions and reactions of the outbox, as they are shown on the messages that they are about before the
 * server has answered. Pure.
 */

import { isAct, Type } from "../protocol.js";
import { applied } from "./acts.js";

/**
 * {events, statuses}: `events` as they will be; `statuses`: seq → {id, act, state, problem, final} of the last act that
 * waits for the connection or has failed. An act is not applied to a message that is deleted.
 */
export function withActs(events, entries, me, { online }) {
  const acts = entries.filter(isAct);
  const statuses = new Map();
  if (acts.length === 0) return { events, statuses };
  const shown = events.map((event) => {
    const own = event.deleted_at ? [] : acts.filter(({ target }) => target === event.seq);
    const noted = own.findLast(({ state }) => state === "failed" || !online);
    if (noted) statuses.set(event.seq, status(noted));
    return own.filter(isShown).reduce((message, act) => applied(message, { ...act, user: me }), event);
  });
  return { events: shown, statuses };
}

/** Refused edits whose message is not among `events`, or is deleted there: their text has no other place. */
export function orphanedEdits(entries, events) {
  const here = new Set(events.filter(({ deleted_at: deleted }) => !deleted).map(({ seq }) => seq));
  return entries.filter(({ type, state, target }) => type === Type.EDIT && state === "failed" && !here.has(target));
}

const status = ({ id, type, state, problem, final }) => ({
  id,
  act: type,
  state: state === "failed" ? state : "waiting",
  problem,
  final,
});

/** A refused edit is shown with its text; a refused deletion or reaction has changed nothing. */
const isShown = ({ type, state }) => type === Type.EDIT || state !== "failed";
