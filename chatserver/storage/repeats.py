"""Repeats: what was stored under the same id before, and whether it is the same thing."""

import hashlib
from collections.abc import Sequence
from typing import get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import ChatError, IdConflict
from chatserver.models import Act, Draft, Receipt
from chatserver.storage.pairs import ByPairs
from chatserver.storage.tables import ExactText, events

Known = dict[tuple[int, str], tuple[Receipt, str | None]]  # (user, id) → first answer, digest


def digest(act: Act, room: int) -> str:
    """What tells a repeat from something else under the same id. Mentions follow from the text."""
    told = [getattr(act, name) for name in _TOLD[type(act)]]
    whole = msgspec.json.encode((type(act).__name__, room, *told))
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


_DERIVED = ("mentions", "to", "since", "invited", "outside")
_TOLD = {kind: [f for f in kind.__struct_fields__ if f not in _DERIVED] for kind in get_args(Act)}


# As it stands in the table: compared without the type that adds and takes off its mark.
_STORED = ByPairs(
    sa.select(
        events.c.user_id,
        events.c.client_id,
        events.c.room_id,
        events.c.seq,
        events.c.at,
        events.c.digest,
    ),
    events.c.user_id,
    sa.type_coerce(events.c.client_id, sa.String),
)


def already_stored(connection: Connection, drafts: Sequence[Draft]) -> Known:
    keys = [(draft.user_id, ExactText.kept(draft.id)) for draft in drafts]
    return {
        (row.user_id, row.client_id): (Receipt(row.room_id, row.seq, row.at, True), row.digest)
        for row in _STORED.rows(connection, keys)
    }


def repeat(draft: Draft, first: tuple[Receipt, str | None]) -> Receipt | ChatError:
    """The first answer again; another text under the same id is a conflict."""
    receipt, digest = first
    return receipt if digest in (None, draft.digest) else IdConflict()
