/**
 * Edits, deletions and reactions of the outbox, as they are shown on the messages that they are about before the
 * server has answered. Pure.
 */

import { isAct, Type } from "../net/protocol.js";
import { applied } from "./apply.js";
import { _ } from "./i18n.js";

/**
 * {events, statuses}: `events` as they will be; `statuses`: seq → {id, act, state, problem, final} of the last act that
 * waits or has failed; `line`: as lib/view.js has it. An act is not applied to a message that is deleted: there only
 * a refused edit has a status, for its text.
 */
export function withActs(events, entries, me, { line }) {
  const acts = entries.filter(isAct);
  const statuses = new Map();
  if (acts.length === 0) return { events, statuses };
  const shown = events.map((event) => {
    const all = acts.filter(({ target }) => target === event.seq);
    const lost = event.deleted_at && all.findLast(isRefusedEdit);
    if (lost) statuses.set(event.seq, { ...status(lost, line), problem: _("The message was deleted meanwhile."), final: true });
    const own = event.deleted_at ? [] : all;
    const noted = own.findLast(({ state }) => state === "failed" || line !== "online");
    if (noted) statuses.set(event.seq, status(noted, line));
    return own.filter(isShown).reduce((message, act) => applied(message, { ...act, user: me }), event);
  });
  return { events: shown, statuses };
}

/** Refused edits whose message is not among `events`: their text has no other place. */
export function orphanedEdits(entries, events) {
  const here = new Set(events.map(({ seq }) => seq));
  return entries.filter((entry) => isRefusedEdit(entry) && !here.has(entry.target));
}

const isRefusedEdit = ({ type, state }) => type === Type.EDIT && state === "failed";

const status = ({ id, type, state, problem, final }, line) => ({
  id,
  act: type,
  state: state === "failed" ? state : line,
  problem,
  final,
});

/** A refused edit is shown with its text; a refused deletion or reaction has changed nothing. */
const isShown = ({ type, state }) => type === Type.EDIT || state !== "failed";
