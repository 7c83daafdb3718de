"""Idempotency: recognition of repeated drafts by their id and a digest of their content."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import get_args

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.errors import ChatError, IdConflict
from chatserver.models import GENERATED_PREFIX, Act, AddMembers, Draft, Post, Receipt, RemoveMembers
from chatserver.storage.bulk import RowLookup
from chatserver.storage.tables import ExactText, events

Known = dict[tuple[int, str], tuple[Receipt, str | None]]  # (user, id) → first answer, digest


# Hexadecimal digits of a digest that are kept after a deletion: enough to distinguish a repeat from
# a reused id, but one text in 65,536 has the same digits, so they do not reveal the text.
KEPT_DIGEST = 4


def digest(act: Act, room: int) -> str:
    """Return a digest of an act, which distinguishes a repeat from a reused id."""
    name, fields = _DIGESTED[type(act)]
    parts = [getattr(act, field) for field in fields]
    if (files := getattr(act, "files", None)) is not None:  # else as in earlier versions
        parts.append(files)
    whole = msgspec.json.encode((name, room, *parts))
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def generate_id() -> str:
    """Return an id for a draft without one. Clients cannot send such ids."""
    return f"{GENERATED_PREFIX}{secrets.token_urlsafe(9)}"


def new_draft(
    room: int,
    user_id: int,
    name: str,
    act: Act,
    client_id: str | None = None,
    *,
    participants: tuple[int, ...] = (),
) -> Draft:
    """Return a draft of a user's act in a room, with a generated id unless `client_id` is given."""
    return Draft(
        room=room,
        user_id=user_id,
        user=name,
        id=client_id or generate_id(),
        digest=digest(act, room),
        act=act,
        participants=participants,
        generated_id=client_id is None,
    )


_NOT_DIGESTED = (
    "mentions to since invited consumes_use of_deleted_account as_server_admin files".split()
)
# Names in stored digests, which must stay the same.
_STORED_NAMES = {Post: "Message", AddMembers: "Enrol", RemoveMembers: "Dismiss"}
_DIGESTED = {
    act: (
        _STORED_NAMES.get(act, act.__name__),
        [f for f in act.__struct_fields__ if f not in _NOT_DIGESTED],
    )
    for act in get_args(Act)
}


SHORT_DIGEST = sa.func.substr(events.c.digest, 1, KEPT_DIGEST)

# The stored form, without the type that adds and removes its mark.
_CLIENT_ID = sa.type_coerce(events.c.client_id, sa.String)
_STORED = RowLookup(
    sa.select(
        events.c.user_id,
        _CLIENT_ID.label("client_id"),
        events.c.room_id,
        events.c.seq,
        events.c.at,
        events.c.digest,
    ),
    events.c.user_id,
    _CLIENT_ID,
)


def already_stored(connection: Connection, drafts: Sequence[Draft]) -> Known:
    """Return receipt and digest of those drafts that were stored before."""
    keys = [(draft.user_id, ExactText.encode(draft.id)) for draft in drafts]
    known: Known = {}
    for row in _STORED.rows(connection, keys):
        first = Receipt(row.room_id, row.seq, row.at, duplicate=True)
        known[row.user_id, ExactText.decode(row.client_id)] = (first, row.digest)
    return known


def repeat(draft: Draft, first: tuple[Receipt, str | None]) -> Receipt | ChatError:
    """Return the first receipt again, or IdConflict if the content differs."""
    receipt, digest = first
    if digest is not None and not draft.digest.startswith(digest):
        return IdConflict()
    return replace(receipt, participants=draft.participants) if draft.participants else receipt
