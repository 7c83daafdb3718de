"""Resolution of the rooms of drafts, if the sender's node has not cached them.

A draft has the number of a room, or the name of the recipient of a direct message. Both are looked
up for a whole batch, in the transaction that stores it.
"""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.models import Draft, Message, RoomFacts, RoomKind, name_key
from chatserver.storage.account_lookup import accounts_by_key
from chatserver.storage.idempotency import digest
from chatserver.storage.room_facts import Pair, direct_rooms, room_facts


def resolve_rooms(connection: Connection, drafts: Sequence[Draft], now: int) -> Sequence[Draft]:
    """Return the drafts with their rooms. A draft whose room does not exist is unchanged."""
    unresolved = [draft for draft in drafts if not draft.resolved]
    if not unresolved:
        return drafts
    rooms = room_facts(connection, {draft.room for draft in unresolved if draft.to is None})
    pairs = _pairs(connection, [draft for draft in unresolved if draft.to is not None])
    direct = direct_rooms(connection, set(pairs.values()), now) if pairs else {}

    def facts(draft: Draft) -> RoomFacts | None:
        if draft.to is None:
            return rooms.get(draft.room)
        pair = pairs.get((draft.user_id, draft.to))
        return None if pair is None else RoomFacts(direct[pair], RoomKind.DIRECT, pair)

    return [draft if draft.resolved else _resolved(draft, facts(draft)) for draft in drafts]


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
    act = draft.act
    if isinstance(act, Message):
        act = replace(act, to=facts.partner(draft.user_id))
    resolved = {
        "room": facts.room,
        "participants": facts.participants,
        "digest": digest(act, facts.room),
    }
    return replace(draft, act=act, resolved=True, **resolved)
