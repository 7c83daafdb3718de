"""Resolution of the rooms of drafts, if the sender's node has not cached them.

A draft has the number of a room, or the name of the recipient of a direct message. Both are looked
up for a whole batch, in the transaction that stores it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.models import Draft, Post, RoomFacts, RoomKind, name_key
from chatserver.storage.account_lookup import accounts_by_key
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.idempotency import digest
from chatserver.storage.rights import DELETED
from chatserver.storage.room_facts import Pair, direct_rooms, find_direct_rooms, room_facts
from chatserver.storage.tables import users


def resolve_rooms(connection: Connection, drafts: Sequence[Draft], now: int) -> Sequence[Draft]:
    """Return the drafts with their rooms. A draft whose room does not exist is unchanged.

    A conversation with a deleted account is not created: its draft gets only `participants`.
    """
    unresolved = [draft for draft in drafts if not draft.resolved]
    if not unresolved:
        return drafts
    rooms = room_facts(connection, {draft.room for draft in unresolved if draft.to is None})
    pairs = _pairs(connection, [draft for draft in unresolved if draft.to is not None])
    direct = _direct_rooms(connection, set(pairs.values()), now) if pairs else {}

    def facts(draft: Draft) -> RoomFacts | None:
        if draft.to is None:
            return rooms.get(draft.room)
        pair = pairs.get((draft.user_id, draft.to))
        return None if pair is None else RoomFacts(direct.get(pair, 0), RoomKind.DIRECT, pair)

    return [draft if draft.resolved else _resolved(draft, facts(draft)) for draft in drafts]


def _direct_rooms(connection: Connection, pairs: set[Pair], now: int) -> dict[Pair, int]:
    """Return the rooms of these pairs. Those of deleted accounts are not created."""
    user_ids = {user_id for pair in pairs for user_id, _name in pair}
    deleted = {row.id for row in _DELETED.rows(connection, sorted(user_ids))}
    closed = {pair for pair in pairs if deleted & {user_id for user_id, _name in pair}}
    found = find_direct_rooms(connection, closed) if closed else {}
    return found | direct_rooms(connection, pairs - closed, now)


def _pairs(connection: Connection, drafts: Sequence[Draft]) -> dict[tuple[int, str], Pair]:
    """Return the pair of accounts by sender id and recipient name, if both exist."""
    requests = {(draft.user_id, draft.to or "", draft.user) for draft in drafts}
    keys = {to: name_key(to) for _user, to, _name in requests}
    accounts = accounts_by_key(connection, set(keys.values()))
    return {
        (user_id, to): tuple(sorted({(user_id, name), accounts[keys[to]]}))
        for user_id, to, name in requests
        if keys[to] in accounts
    }


def _resolved(draft: Draft, facts: RoomFacts | None) -> Draft:
    if facts is None:
        return draft
    if not facts.room:
        return replace(draft, participants=facts.participants)
    act = draft.act
    if isinstance(act, Post):
        act = replace(act, to=facts.partner(draft.user_id))
    resolved = {
        "room": facts.room,
        "participants": facts.participants,
        "digest": digest(act, facts.room),
    }
    return replace(draft, act=act, resolved=True, **resolved)


_DELETED = KeyLookup(
    sa.select(users.c.id).where(users.c.password_hash == sa.literal_column(f"'{DELETED}'")),
    users.c.id,
)
