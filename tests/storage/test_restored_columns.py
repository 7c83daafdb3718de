"""Restore audit, column by column: each column of the schema is restored, or limited."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chatserver.models import Create, Role, Session
from chatserver.storage.archive_io import TABLES
from chatserver.storage.invitations import Invite
from chatserver.storage.restore_audit import RestoreAudit
from chatserver.storage.users import NewUser
from tests.storage.backups import MADE_AT, replaced, rows
from tests.storage.conftest import Storage, acted, draft

LATER = MADE_AT + 10_000
NOW = 9_000_000
RESTORED = "restored"  # content, or a value that grants nothing by itself
IDENTITY = "identity"  # tells whether both databases have the same row


@dataclass(frozen=True)
class Limit:
    """A present restriction of a row, which a restore keeps or reports.

    `is_dated`: kept if it is from the given time or later. `is_kept`: False if only reported.
    """

    row: dict[str, Any]
    values: dict[str, Any]
    line: str
    is_dated: bool = False
    is_kept: bool = True


BO_IN_PLANS = {"room_id": 2, "user_id": 2}
PLANS = {"id": 2}
LEFT = Limit(
    BO_IN_PLANS,
    {"left_at": LATER, "left_seq": 1, "role": "member"},
    "Members who had left a room or been removed: bo in plans.",
    is_dated=True,
)
TEXTS = "Messages that had been edited or deleted (also with --revoke-since): 1 in plans."
MESSAGE = {"room_id": 2, "seq": 2}
# A new column must be decided here: can its change take away access, or delete something?
COLUMNS: dict[str, dict[str, str | Limit]] = {
    "meta": {"key": IDENTITY, "value": RESTORED},
    "users": {
        "id": IDENTITY,
        "name": RESTORED,
        "name_key": IDENTITY,
        "display": RESTORED,
        "password_hash": Limit(
            {"name": "bo"}, {"password_hash": "new"}, "Accounts with their old passwords: bo."
        ),
        "password_version": RESTORED,  # compared within one database only
        "role": Limit(
            {"name": "bo"}, {"role": "member"}, "Administrators who had been demoted: bo."
        ),
        "locale": RESTORED,
        "created_at": IDENTITY,
        "disabled_at": Limit(
            {"name": "bo"},
            {"disabled_at": LATER},
            "Accounts that had been disabled: bo.",
            is_dated=True,
        ),
        "skeleton": RESTORED,
        "display_key": RESTORED,
        "picture": RESTORED,
    },
    "sessions": {
        "id": IDENTITY,
        "user_id": RESTORED,
        "created_at": RESTORED,
        "expires_at": RESTORED,  # only extended
        "last_seen_at": RESTORED,
        "revoked_at": Limit(
            {"id": "s-bo"}, {"revoked_at": LATER}, "Sessions that had ended: 1.", is_dated=True
        ),
        "client": RESTORED,
    },
    "rooms": {
        "id": IDENTITY,
        "kind": RESTORED,
        "name": RESTORED,
        "title": RESTORED,
        "topic": RESTORED,
        "private": Limit(PLANS, {"private": True}, "Rooms that had become private: plans."),
        "head": RESTORED,
        "members": RESTORED,
        "created_by": RESTORED,
        "created_at": IDENTITY,
        "archived_at": Limit(
            PLANS, {"archived_at": LATER}, "Rooms that had been archived: plans.", is_dated=True
        ),
        "pair_key": RESTORED,
        "retention_days": Limit(
            PLANS, {"retention_days": 7}, "Rooms that had a shorter retention: plans."
        ),
        "receipts": Limit(
            PLANS, {"receipts": False}, "Rooms without read receipts that show them again: plans."
        ),
        "leavers_read": Limit(
            PLANS,
            {"leavers_read": False},
            "Rooms that former members could not read any more: plans.",
        ),
        "private_name": RESTORED,
        "skeleton": RESTORED,
    },
    "invites": {
        "code": IDENTITY,
        "created_by": RESTORED,
        "room_id": RESTORED,
        "created_at": RESTORED,
        "expires_at": RESTORED,  # never changed
        "uses_left": Limit(
            {"code": "code"}, {"uses_left": 0}, "Invitations that had been used: 1."
        ),
        "revoked_at": Limit(
            {"code": "code"},
            {"revoked_at": LATER},
            "Invitations that had been revoked: 1.",
            is_dated=True,
        ),
    },
    "members": {
        "room_id": IDENTITY,
        "user_id": IDENTITY,
        "role": Limit(
            BO_IN_PLANS,
            {"role": "member"},
            "Administrators of rooms who had lost that role: bo in plans.",
        ),
        "joined_at": RESTORED,
        "joined_seq": RESTORED,
        "read_seq": RESTORED,
        "muted": RESTORED,
        "favorite": RESTORED,
        "notify": RESTORED,
        "left_at": LEFT,
        "left_seq": LEFT,
        "removed_at": Limit(
            BO_IN_PLANS,
            {"removed_at": LATER},
            "Users whose removal is forgotten, so that older invitations admit them: bo in plans.",
            is_dated=True,
        ),
        "pushed_seq": RESTORED,
        "pushed_at": RESTORED,
    },
    "events": {
        "room_id": IDENTITY,
        "seq": IDENTITY,
        "kind": RESTORED,
        "user_id": RESTORED,
        "client_id": RESTORED,
        "digest": RESTORED,
        "target_seq": RESTORED,
        "body": RESTORED,
        "reply_to": RESTORED,
        "at": RESTORED,
        "edited_at": Limit(MESSAGE, {"edited_at": LATER}, TEXTS, is_kept=False),
        "deleted_at": Limit(MESSAGE, {"deleted_at": LATER}, TEXTS, is_kept=False),
        "files": RESTORED,  # changes with edited_at
    },
    "files": {
        "id": IDENTITY,
        "user_id": RESTORED,
        "room_id": RESTORED,
        "seq": RESTORED,  # a file is removed from a message by an edit or a deletion of it
        "position": RESTORED,
        "name": RESTORED,
        "name_key": RESTORED,
        "type": RESTORED,
        "bytes": RESTORED,
        "sha256": RESTORED,
        "width": RESTORED,
        "height": RESTORED,
        "blur": RESTORED,
        "alt": RESTORED,
        "seconds": RESTORED,
        "wave": RESTORED,
        "alt_key": RESTORED,
        "state": RESTORED,
        "at": RESTORED,
    },
    "notification_rules": {
        "user_id": IDENTITY,
        "rules": RESTORED,
    },
    "reactions": {
        "room_id": IDENTITY,
        "seq": IDENTITY,
        "emoji": IDENTITY,
        "user_id": IDENTITY,
        "at": RESTORED,
    },
    "mentions": {"room_id": IDENTITY, "seq": IDENTITY, "user_id": IDENTITY},
    "bot_tokens": {
        "digest": IDENTITY,
        "user_id": RESTORED,
        "created_at": RESTORED,
        "revoked_at": Limit(
            {"digest": "digest"},
            {"revoked_at": LATER},
            "Bots whose old tokens are valid: robot.",
            is_dated=True,
        ),
    },
}


def test_every_column_is_decided() -> None:
    """Of the tables that archives contain."""
    schema = {str(name): set(table.c.keys()) for name, table in TABLES.items()}
    assert schema == {table: set(columns) for table, columns in COLUMNS.items()}


async def filled(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    """Return a backup in which bo has every right."""
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo", Role.ADMIN)
    await storage.bots.add(NewUser("robot", "Robot", "!", Role.BOT), "digest", [], by=None)
    session = Session("s-bo", bo, storage.now, storage.now + 10**9)
    await storage.credentials.open_session(session, client="")
    invite = Invite("code", "", storage.now, storage.now + 10**9, 3)
    await storage.invites.open(invite, by=ann.id)
    create = Create(title="Plans", name="plans", users=((bo.id, bo.name),))
    room = (await acted(storage, ann, create)).room
    await storage.log.store([draft(ann, "tea", room=room)])
    await updated(storage, "rooms", PLANS, {"leavers_read": True, "receipts": True})
    await updated(storage, "members", BO_IN_PLANS, {"role": "admin"})
    return await rows(storage)


async def updated(
    storage: Storage, table: str, row: dict[str, Any], values: dict[str, Any]
) -> None:
    found = sa.and_(*(TABLES[table].c[key] == value for key, value in row.items()))
    change = TABLES[table].update().where(found).values(**values)
    await storage.database.transaction(lambda connection: connection.execute(change))


def is_of(row: dict[str, Any], key: dict[str, Any]) -> bool:
    return all(row.get(column) == value for column, value in key.items())


async def test_every_present_restriction_is_kept_or_reported(storage: Storage) -> None:
    backup = await filled(storage)
    limits = {
        (table, column): one
        for table, columns in COLUMNS.items()
        for column, one in columns.items()
        if isinstance(one, Limit)
    }
    for (table, column), limit in limits.items():
        (before,) = [row for name, row in backup if name == table and is_of(row, limit.row)]
        await updated(storage, table, limit.row, limit.values)
        ended = await replaced(storage)
        await updated(storage, table, limit.row, {key: before[key] for key in limit.values})
        for since in (None, LATER, LATER + 1):
            audit = RestoreAudit(ended, since=since, now=NOW)
            again = list(audit.rows(backup))
            is_kept = since is not None and limit.is_kept
            is_kept = is_kept and not (limit.is_dated and since == LATER + 1)
            assert list(audit.reinstated.lines()) == [limit.line] * (not is_kept), (column, since)
            (after,) = [row for name, row in again if name == table and is_of(row, limit.row)]
            assert after == (before | limit.values if is_kept else before), (column, since)
            others = [row for _, row in again if not is_of(row, limit.row)]
            assert others == [row for _, row in backup if not is_of(row, limit.row)], column
