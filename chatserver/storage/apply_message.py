"""Rules of messages, edits, deletions and reactions, applied to a batch at a time.

Each draft is checked in memory against the state that the drafts before it leave. Accepted drafts
are then written with a few statements for the whole batch (`message_rows`); refused drafts change
nothing.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import (
    NEEDS_TEXT,
    ROOM_ARCHIVED,
    UNKNOWN_USER,
    BadRequest,
    ChatError,
    Forbidden,
    NotFound,
    _,
)
from chatserver.models import (
    Delete,
    Draft,
    Edit,
    Event,
    EventKind,
    MessageAct,
    Post,
    React,
    Receipt,
    RoomAct,
)
from chatserver.storage.append_event import event_from_draft
from chatserver.storage.apply_files import BatchFiles, LoadedFiles, load_files
from chatserver.storage.bulk import RowLookup
from chatserver.storage.event_rows import REACTION_COUNTS
from chatserver.storage.idempotency import Known, already_stored, repeat
from chatserver.storage.members import is_room_admin, memberships
from chatserver.storage.message_rows import BatchWrites
from chatserver.storage.reaction_limit import MAX_EMOJI, ManyEmoji, read_many_emoji
from chatserver.storage.rights import ACCOUNT_DELETED
from chatserver.storage.tables import EventRef, events, rooms
from chatserver.text.names import shows

MAX_REACTIONS = 2_000  # on one message: clients get the name behind each of them
TargetedAct = Edit | Delete | React
TARGETED_ACTS = get_args(TargetedAct)
MESSAGE_ACTS = get_args(MessageAct)

Outcome = Event | Receipt | ChatError
Target = tuple[int, int, str]  # author id, time (ms) and files of a message that is not deleted


class _State(NamedTuple):
    """State in the database of the rooms and messages that a batch concerns."""

    memberships: dict[EventRef, Any]  # by (room, user): see `members.memberships`
    heads: dict[int, int]
    targets: dict[EventRef, Target]
    remaining: dict[EventRef, int]  # number of reactions that these messages may still get
    crowded: dict[EventRef, ManyEmoji]
    files: LoadedFiles


def store(
    connection: Connection,
    drafts: Sequence[Draft],
    now: int,
    *,
    optimistic: bool,
    room_quota: int,
) -> list[Outcome]:
    """Store a batch inside a transaction that locks its rooms; return outcomes in the same order.

    `optimistic`: look up repeats only if a draft is refused. A repeat that is missed this way
    raises IntegrityError. `room_quota`: bytes that the files of a room may have; 0 is no limit.
    """
    state = _state(connection, drafts, room_quota)
    known: Known = {} if optimistic else already_stored(connection, drafts)
    batch = _Batch(state, known, now)
    outcomes = [batch.outcome(draft) for draft in drafts]
    if optimistic and batch.refused and (known := already_stored(connection, drafts)):
        batch = _Batch(state, known, now)
        outcomes = [batch.outcome(draft) for draft in drafts]
    batch.writes.write(connection, now)
    batch.files.write(connection)
    return outcomes


class _Batch:
    """Applies drafts in order to a copy of the state, and collects the rows to write."""

    def __init__(self, state: _State, known: Known, now: int) -> None:
        self._memberships = state.memberships
        self._writable = {
            key for key, membership in state.memberships.items() if _is_writable(membership)
        }
        self._heads = dict(state.heads)
        self._targets = dict(state.targets)
        self._remaining = dict(state.remaining)
        self._crowded = {ref: crowd.copy() for ref, crowd in state.crowded.items()}
        self._known = known
        self._now = now
        self._stored: dict[tuple[int, str], tuple[Event, Draft]] = {}
        self.writes = BatchWrites()
        self.files = BatchFiles(state.files)
        self.refused = False

    def outcome(self, draft: Draft) -> Outcome:
        key = (draft.user_id, draft.id)
        if key in self._known:
            return repeat(draft, self._known[key])
        if key in self._stored:
            event, first = self._stored[key]
            receipt = Receipt(event.room, event.seq, event.at, duplicate=True)
            return repeat(draft, (receipt, first.digest))
        try:
            match draft.act:
                case Post() as act:
                    event = self._message(draft, act)
                case Edit() as act:
                    event = self._edit(draft, act)
                case Delete() as act:
                    event = self._delete(draft, act)
                case React() as act:
                    event = self._react(draft, act)
                case _:
                    raise _not_on_message(draft.act)
        except ChatError as error:
            self.refused = True
            return error
        self._stored[key] = event, draft
        return event

    def _message(self, draft: Draft, act: Post) -> Event:
        self._check_writable(draft)
        room = draft.room
        if act.reply_to is not None and act.reply_to > self._heads[room]:
            raise NotFound(_("There is no such message."))
        attached = self.files.bind(draft, act.files, self._heads[room] + 1) if act.files else ""
        self._heads[room] = seq = self._heads[room] + 1
        event = Event(  # without a call of `event_from_draft` for each message
            room=room,
            seq=seq,
            user=draft.user,
            data=act.data,
            at=self._now,
            id=None if draft.generated_id else draft.id,
            to=act.to,
            reply_to=act.reply_to,
            participants=draft.participants,
            user_id=draft.user_id,
            files=attached,
        )
        self.writes.add_message(draft, event, act)
        self._targets[room, seq] = (draft.user_id, self._now, attached)
        return event

    def _edit(self, draft: Draft, act: Edit) -> Event:
        self._check_writable(draft)
        author, at, files = self._target(draft, act)
        if author != draft.user_id:
            raise Forbidden(_("Only the author can edit a message."))
        if at < act.since:
            raise Forbidden(_("This message is too old to be edited."))
        if act.files is None and not files and not shows(act.data):
            raise BadRequest(NEEDS_TEXT)
        files = self.files.rebind(draft, act, files)
        self._targets[draft.room, act.target] = (author, at, files)
        self.writes.add_edit(draft, act, files)
        return self._accept_act(draft, act, EventKind.EDIT, data=act.data, files=files)

    def _delete(self, draft: Draft, act: Delete) -> Event:
        may_delete_any = not act.of_deleted_account and is_room_admin(self._membership(draft))
        author, _at, files = self._target(draft, act)
        if author != draft.user_id and not may_delete_any:
            raise Forbidden(_("Only the author or an administrator can delete a message."))
        del self._targets[draft.room, act.target]
        self.writes.add_deletion(draft, act)
        if files:
            self.files.release(draft.room, act.target)
        return self._accept_act(draft, act, EventKind.DELETE)

    def _react(self, draft: Draft, act: React) -> Event:
        self._check_writable(draft)
        self._target(draft, act)
        self._count_reaction(draft, act)
        self.writes.add_reaction(draft, act)
        return self._accept_act(draft, act, EventKind.REACT, data=act.emoji, on=act.on)

    def _count_reaction(self, draft: Draft, act: React) -> None:
        """Raise BadRequest above a limit. Adding a reaction that exists already counts too."""
        ref = (draft.room, act.target)
        if act.on and self._remaining.get(ref, MAX_REACTIONS) <= 0:
            raise BadRequest(_("This message has too many reactions."))
        if (crowd := self._crowded.get(ref)) is not None:
            (crowd.add if act.on else crowd.remove)((act.emoji, draft.user_id))
        if act.on:
            self._remaining[ref] = self._remaining.get(ref, MAX_REACTIONS) - 1

    def _accept_act(self, draft: Draft, act: TargetedAct, kind: EventKind, **fields: Any) -> Event:
        self._heads[draft.room] = seq = self._heads[draft.room] + 1
        event = event_from_draft(draft, seq, self._now, kind, target=act.target, **fields)
        self.writes.add_act(draft, event)
        return event

    def _membership(self, draft: Draft) -> Any:
        """Return the author's membership in the room. Raises NotFound."""
        membership = self._memberships.get((draft.room, draft.user_id))
        if membership is None:
            if draft.participants and not draft.resolved:  # as `resolve_rooms` leaves it
                raise Forbidden(ACCOUNT_DELETED)
            raise NotFound if draft.to is None else NotFound(UNKNOWN_USER)
        return membership

    def _check_writable(self, draft: Draft) -> None:
        if (draft.room, draft.user_id) not in self._writable:
            deleted = self._membership(draft).deleted_partner
            raise Forbidden(ACCOUNT_DELETED if deleted else ROOM_ARCHIVED)

    def _target(self, draft: Draft, act: TargetedAct) -> Target:
        target = self._targets.get((draft.room, act.target))
        if target is None:
            raise NotFound(_("There is no such message."))
        return target


def _is_writable(membership: Any) -> bool:
    return membership.archived_at is None and not membership.deleted_partner


def _not_on_message(act: RoomAct) -> AssertionError:
    return AssertionError(f"{type(act).__name__} is applied by apply_room")


# Loading the state --------------------------------------------------------------------------------


def _state(connection: Connection, drafts: Sequence[Draft], room_quota: int) -> _State:
    by_member = memberships(connection, {(draft.room, draft.user_id) for draft in drafts})
    heads: dict[int, int] = {
        room: membership.head for (room, _user), membership in by_member.items()
    }
    acts = [
        ((draft.room, draft.act.target), draft.act)
        for draft in drafts
        if isinstance(draft.act, TARGETED_ACTS)
    ]
    files = load_files(connection, drafts, room_quota)
    if not acts:
        return _State(by_member, heads, {}, {}, {}, files)
    unjoined = {
        room for (room, _), act in acts if isinstance(act, Delete) and act.of_deleted_account
    }
    heads |= _heads(connection, unjoined - heads.keys())
    targets = {
        (row.room_id, row.seq): (row.user_id, row.at, row.files or "")
        for row in _TARGETS.rows(connection, sorted({ref for ref, _act in acts}))
        if row.kind == EventKind.MESSAGE
    }
    reacts = [(draft, act) for draft in drafts if isinstance(act := draft.act, React)]
    added = Counter((draft.room, act.target) for draft, act in reacts if act.on)
    counted = REACTION_COUNTS.rows(connection, sorted(added)) if added else ()
    remaining = {(row.room_id, row.seq): MAX_REACTIONS - row.total for row in counted}
    emoji_counts = dict.fromkeys(added, 0) | {(r.room_id, r.seq): r.emoji for r in counted}
    crowded = {ref: many for ref, many in emoji_counts.items() if many + added[ref] > MAX_EMOJI}
    named = [(d.room, a.target, a.emoji, d.user_id) for d, a in reacts]
    many_emoji = read_many_emoji(connection, crowded, named)
    return _State(by_member, heads, targets, remaining, many_emoji, files)


def _heads(connection: Connection, numbers: set[int]) -> dict[int, int]:
    """Return the last seq of each of these rooms."""
    if not numbers:
        return {}
    query = sa.select(rooms.c.id, rooms.c.head).where(rooms.c.id.in_(numbers))
    return {row.id: row.head for row in connection.execute(query)}


_TARGETS = RowLookup(
    sa.select(
        events.c.room_id,
        events.c.seq,
        events.c.kind,
        events.c.user_id,
        events.c.at,
        events.c.files,
    ).where(events.c.deleted_at.is_(None)),
    events.c.room_id,
    events.c.seq,
)
