"""Where drafts go whose room the sender's node does not know yet.

A draft names a room by number, or the recipient of a direct message by name. Both are looked up
for a whole batch, in the transaction that stores it.
"""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.models import Draft, Message, RoomFacts, RoomKind, name_key
from chatserver.storage.account_lookup import accounts_by_key
from chatserver.storage.idempotency import digest
from chatserver.storage.room_facts import Pair, direct_rooms, room_facts


def resolve_rooms(connection: Connection, drafts: Sequence[Draft], now: int) -> Sequence[Draft]:
    """The same drafts with their rooms. One whose room does not exist stays as it is."""
    unresolved = [draft for draft in drafts if not draft.resolved]
    if not unresolved:
        return drafts
    rooms = room_facts(connection, {draft.room for draft in unresolved if draft.to is None})
    pairs = _pairs(connection, [draft for draft in unresolved if draft.to is not None])
    made = direct_rooms(connection, set(pairs.values()), now) if pairs else {}

    def facts(draft: Draft) -> RoomFacts | None:
        if draft.to is None:
            return rooms.get(draft.room)
        pair = pairs.get((draft.user_id, draft.to))
        return None if pair is None else RoomFacts(made[pair], RoomKind.DIRECT, pair)

    return [draft if draft.resolved else _resolved(draft, facts(draft)) for draft in drafts]


def _pairs(connection: Connection, drafts: Sequence[Draft]) -> dict[tuple[int, str], Pair]:
    """The pair of each sender and recipient that exists."""
    wanted = {(draft.user_id, draft.to or "", draft.user) for draft in drafts}
    keys = {to: name_key(to) for _user, to, _name in wanted}
    accounts = accounts_by_key(connection, set(keys.values()))
    return {
        (user_id, to): tuple(sorted({(user_id, name), accounts[keys[to]]}))
        for user_id, to, name in wanted
        if keys[to] in accounts
    }


def _resolved(draft: Draft, facts: RoomFacts | None) -> Draft:
    if facts is None:
        return draft
    act = draft.act
    if isinstance(act, Message):
        act = replace(act, to=facts.partner(draft.user_id))
    where = {"room": facts.room, "people": facts.people, "digest": digest(act, facts.room)}
    return replace(draft, act=act, resolved=True, **where)
