"""Restore audit: what a restore reinstates, and what it revokes again."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import AddMembers, Change, Create, RemoveMembers, Role, Session, User
from chatserver.storage.archive_io import load
from chatserver.storage.credentials import AccountChange
from chatserver.storage.engine import Database
from chatserver.storage.invitations import Invite
from chatserver.storage.reinstated import ReinstatedKind
from chatserver.storage.replaced_state import read_replaced_state
from chatserver.storage.restore_audit import RestoreAudit
from chatserver.storage.tables import members, users
from chatserver.storage.users import NewUser
from tests.storage.backups import replaced, rows
from tests.storage.conftest import Storage, acted, draft

NOW = 9_000_000


async def before(storage: Storage) -> tuple[list[tuple[str, dict[str, Any]]], User, User, User]:
    """A backup with two administrators, a bot, a session of each and an invitation."""
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo", Role.ADMIN)
    bot, _ = await storage.bots.add(NewUser("robot", "Robot", "!", Role.BOT), "digest", [], by=None)
    for user in (ann, bo):
        session = Session(f"s-{user.name}", user, storage.now, storage.now + 10**9)
        await storage.credentials.open_session(session, client="")
    invite = Invite("code", "", storage.now, storage.now + 10**9, 3)
    await storage.invites.open(invite, by=ann.id)
    return await rows(storage), ann, bo, bot


async def end_everything(storage: Storage, ann: User, bo: User, bot: User) -> None:
    """End everything ten seconds after the backup."""
    storage.now += 10_000
    await storage.bots.set_token(bot.id, None, by=None)
    await storage.invites.revoke("code", by=None)
    new = AccountChange(password_hash="new")
    await storage.credentials.administer(ann.id, new, by=None)
    await storage.disable(bo)


async def test_everything_that_ended_after_the_backup_is_reported(storage: Storage) -> None:
    backup, ann, bo, bot = await before(storage)
    await end_everything(storage, ann, bo, bot)
    audit = RestoreAudit(await replaced(storage), since=None, now=NOW)
    assert list(audit.rows(backup)) == backup
    assert list(audit.reinstated.lines()) == [
        "Sessions that had ended: 2.",
        "Invitations that had been revoked: 1.",
        "Bots whose old tokens are valid: robot.",
        "Accounts that had been disabled: bo.",
        "Accounts with their old passwords: ann.",
    ]


async def test_credentials_that_ended_after_the_given_time_are_revoked_again(
    storage: Storage,
) -> None:
    backup, ann, bo, bot = await before(storage)
    await end_everything(storage, ann, bo, bot)
    audit = RestoreAudit(await replaced(storage), since=storage.now, now=NOW)
    again = list(audit.rows(backup))
    assert list(audit.reinstated.lines()) == []
    for name in ("sessions", "bot_tokens", "invites"):
        assert {row["revoked_at"] for table, row in again if table == name} == {storage.now}
    accounts = {row["name"]: row for table, row in again if table == "users"}
    assert accounts["ann"]["password_hash"] == "new"
    assert accounts["bo"]["disabled_at"] == storage.now


async def test_credentials_that_ended_before_the_given_time_are_reported(storage: Storage) -> None:
    backup, ann, bo, bot = await before(storage)
    await end_everything(storage, ann, bo, bot)
    audit = RestoreAudit(await replaced(storage), since=storage.now + 1, now=NOW)
    again = list(audit.rows(backup))
    assert {row["revoked_at"] for table, row in again if table == "sessions"} == {None}
    assert list(audit.reinstated.lines()) == [
        "Sessions that had ended: 2.",
        "Invitations that had been revoked: 1.",
        "Bots whose old tokens are valid: robot.",
        "Accounts that had been disabled: bo.",
    ]


async def test_without_the_replaced_database_all_credentials_are_revoked(storage: Storage) -> None:
    backup, *_ = await before(storage)
    audit = RestoreAudit(None, since=1, now=NOW)
    again = list(audit.rows(backup))
    for name in ("sessions", "bot_tokens", "invites"):
        assert {row["revoked_at"] for table, row in again if table == name} == {NOW}
    assert [one for one in again if one[0] == "users"] == [
        one for one in backup if one[0] == "users"
    ]


async def test_a_demoted_administrator_is_reported(storage: Storage) -> None:
    backup, _ann, bo, _robot = await before(storage)
    demoted = AccountChange(role=Role.MEMBER)
    await storage.credentials.administer(bo.id, demoted, by=None)
    ended = await replaced(storage)
    audit = RestoreAudit(ended, since=None, now=NOW)
    list(audit.rows(backup))
    assert audit.reinstated.names == {ReinstatedKind.ADMINISTRATORS: ["bo"]}
    again = {
        row["name"]: row["role"]
        for table, row in RestoreAudit(ended, since=1, now=NOW).rows(backup)
        if table == "users"
    }
    assert again == {"ann": "admin", "bo": "member", "robot": "bot"}


async def removed(storage: Storage) -> tuple[list[tuple[str, dict[str, Any]]], int, User]:
    """A backup with a room of ann, from which bo is removed after ten more messages."""
    ann, bo = await storage.user("ann"), await storage.user("bo")
    create = Create(title="Plans", name="plans", private=True, users=((bo.id, bo.name),))
    room = (await acted(storage, ann, create)).room
    backup = await rows(storage)
    storage.now += 10_000
    await storage.log.store([draft(ann, f"tea {n}", room=room) for n in range(10)])
    await acted(storage, ann, RemoveMembers("remove", ((bo.id, bo.name),)), room=room)
    return backup, room, bo


async def test_members_removed_after_the_backup_are_reported(storage: Storage) -> None:
    backup, _room, _bo = await removed(storage)
    for since in (None, storage.now + 1):
        audit = RestoreAudit(await replaced(storage), since=since, now=NOW)
        assert list(audit.rows(backup)) == backup
        lines = list(audit.reinstated.lines())
        assert lines == ["Members who had left a room or been removed: bo in plans."]


async def test_memberships_that_ended_after_the_given_time_end_again(storage: Storage) -> None:
    backup, room, bo = await removed(storage)
    audit = RestoreAudit(await replaced(storage), since=storage.now, now=NOW)
    await load(storage.database, audit.rows(backup), replace=True, progress=lambda _n: None)
    assert list(audit.reinstated.lines()) == []
    assert await storage.rooms.state(bo.id, room) is None
    assert (await storage.rooms.membership_changes(room, 0))[
        bo.id
    ] == 1  # the end of the archived log
    assert [member.name for member in await storage.rooms.members_of(room)] == ["ann"]
    (audited,) = [one for one in await storage.overview.rooms() if one.room == room]
    assert (audited.members, audited.admins) == (1, ["ann"])


@pytest.mark.parametrize("returned", [False, True])
async def test_removals_after_the_given_time_are_kept(storage: Storage, returned: bool) -> None:
    backup, room, bo = await removed(storage)
    removed_at = storage.now
    if returned:
        async with storage.database.reading() as connection:
            ann = await connection.scalar(sa.select(users.c.id).where(users.c.name == "ann"))
        invite = AddMembers("invite", ((bo.id, bo.name),))
        await acted(storage, User(int(ann or 0), "ann", "Ann"), invite, room=room)
    ended = await replaced(storage)
    for since, at in ((removed_at, removed_at), (removed_at + 1, None), (None, None)):
        again = RestoreAudit(ended, since=since, now=NOW).rows(backup)
        found = [r for t, r in again if t == "members" and r["user_id"] == bo.id and r["role"]]
        assert {r["room_id"]: r["removed_at"] for r in found} == {1: None, room: at}


async def test_a_user_who_joined_after_the_backup_and_was_removed_stays_removed(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create(title="Plans", name="plans", private=True))).room
    backup = await rows(storage)
    storage.now += 10_000
    await acted(storage, ann, AddMembers("invite", ((bo.id, bo.name),)), room=room)
    await acted(storage, ann, RemoveMembers("remove", ((bo.id, bo.name),)), room=room)
    ended = await replaced(storage)
    assert list(RestoreAudit(ended, since=storage.now + 1, now=NOW).rows(backup)) == backup
    audit = RestoreAudit(ended, since=storage.now, now=NOW)
    await load(storage.database, audit.rows(backup), replace=True, progress=lambda _n: None)
    again = await replaced(storage)
    assert again is not None
    assert again.removed == {(room, bo.id): storage.now}
    assert await storage.rooms.readable(bo.id, [room]) == {}
    assert [member.name for member in await storage.rooms.members_of(room)] == ["ann"]


async def test_an_archive_without_times_of_removals_is_loaded_over_a_removal(
    storage: Storage,
) -> None:
    backup, room, bo = await removed(storage)
    older = [(t, {k: v for k, v in r.items() if k != "removed_at"}) for t, r in backup]
    audit = RestoreAudit(await replaced(storage), since=1, now=NOW)
    await load(storage.database, audit.rows(older), replace=True, progress=lambda _n: None)
    query = sa.select(members.c.removed_at)
    own = sa.and_(members.c.room_id == room, members.c.user_id == bo.id)
    async with storage.database.reading() as connection:
        assert await connection.scalar(query.where(own)) == storage.now


async def test_a_database_of_an_older_revision_is_compared(storage: Storage) -> None:
    backup, room, bo = await removed(storage)

    def downgrade(connection: Connection) -> None:
        connection.execute(sa.text("ALTER TABLE members DROP COLUMN removed_at"))
        connection.execute(sa.text("ALTER TABLE rooms DROP COLUMN leavers_read"))

    await storage.database.transaction(downgrade)
    audit = RestoreAudit(await replaced(storage), since=1, now=NOW)
    ended = [r for t, r in audit.rows(backup) if t == "members" and r["left_at"] is not None]
    assert [(r["room_id"], r["user_id"]) for r in ended] == [(room, bo.id)]


async def test_a_room_whose_administrator_is_removed_again_gets_a_successor(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    create = Create(title="Plans", name="plans", users=((bo.id, bo.name),))
    room = (await acted(storage, ann, create)).room
    backup = await rows(storage)
    await acted(storage, ann, RemoveMembers("leave", ((ann.id, ann.name),)), room=room)
    audit = RestoreAudit(await replaced(storage), since=1, now=NOW)
    await load(storage.database, audit.rows(backup), replace=True, progress=lambda _n: None)
    assert [(one.name, one.role) for one in await storage.rooms.members_of(room)] == [
        ("bo", "admin")
    ]


async def test_a_room_that_became_private_stays_closed(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    create = Create(title="Plans", name="plans", users=((bo.id, bo.name),))
    room = (await acted(storage, ann, create)).room
    await acted(storage, ann, Change("change", {"leavers_read": True}), room=room)
    await acted(storage, ann, RemoveMembers("remove", ((bo.id, bo.name),)), room=room)
    backup = await rows(storage)
    await acted(storage, ann, Change("change", {"private": True, "leavers_read": False}), room=room)
    ended = await replaced(storage)
    for since, is_open in ((None, True), (storage.now, False)):
        audit = RestoreAudit(ended, since=since, now=NOW)
        await load(storage.database, audit.rows(backup), replace=True, progress=lambda _n: None)
        assert (await storage.rooms.public_room(room) is not None) is is_open
        assert bool(await storage.rooms.readable(bo.id, [room])) is is_open
        assert await storage.rooms.find_by_name("plans", ann.id) == room


async def test_roles_in_a_room_stay_and_a_room_without_administrator_gets_one(
    storage: Storage,
) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    create = Create(title="Plans", name="plans", users=((bo.id, bo.name),))
    room = (await acted(storage, ann, create)).room
    alone = (await acted(storage, ann, Create(title="Later", name="later"))).room
    backup = await rows(storage)
    await acted(storage, ann, AddMembers("invite", ((cy.id, cy.name),)), room=alone)
    for number, admin in ((room, bo), (alone, cy)):
        await acted(storage, ann, RemoveMembers("leave", ((ann.id, ann.name),)), room=number)
        await acted(storage, admin, AddMembers("invite", ((ann.id, ann.name),)), room=number)
    audit = RestoreAudit(await replaced(storage), since=storage.now, now=NOW)
    await load(storage.database, audit.rows(backup), replace=True, progress=lambda _n: None)
    roles = [
        {member.name: member.role for member in await storage.rooms.members_of(number)}
        for number in (room, alone)
    ]
    assert roles == [{"ann": "member", "bo": "admin"}, {"ann": "admin"}]


async def test_rooms_of_another_chat_are_not_compared(storage: Storage) -> None:
    backup, *_ = await removed(storage)
    moved = [(t, r | {"created_at": 7} if t == "rooms" else r) for t, r in backup]
    audit = RestoreAudit(await replaced(storage), since=1, now=NOW)
    assert list(audit.rows(moved)) == moved
    assert list(audit.reinstated.lines()) == []


async def test_accounts_of_another_chat_are_not_compared(storage: Storage) -> None:
    backup, ann, *_ = await before(storage)
    await storage.credentials.administer(ann.id, AccountChange(password_hash="new"), by=None)
    moved = [(t, r | {"created_at": 7} if t == "users" else r) for t, r in backup]
    audit = RestoreAudit(await replaced(storage), since=1, now=NOW)
    assert {r["password_hash"] for t, r in audit.rows(moved) if t == "users"} == {"hash", "!"}


async def test_rows_that_lack_columns_are_passed_on(storage: Storage) -> None:
    backup, *_ = await before(storage)
    ended = await replaced(storage)
    for lacking in ("role", "id", "digest", "code", "user_id", "revoked_at", "disabled_at", "head"):
        less = [(t, {k: v for k, v in r.items() if k != lacking}) for t, r in backup]
        passed = RestoreAudit(ended, since=None, now=NOW).rows(less)
        assert [name for name, _ in passed] == [name for name, _ in backup]


@pytest.mark.parametrize("content", [None, b"", b"no database at all, but long enough to look at"])
async def test_a_database_that_cannot_be_read_has_no_revocations(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "chat.db"
    if content is not None:
        path.write_bytes(content)
    database = Database(f"sqlite:///{path}")
    assert await read_replaced_state(database, made_at=NOW) is None
    assert path.exists() is (content is not None)
    await database.close()


async def test_a_restored_deleted_account_is_reported_and_stays_disabled(
    storage: Storage,
) -> None:
    backup, _ann, bo, _robot = await before(storage)
    storage.now += 10_000
    await storage.credentials.delete(bo.id, by=None)
    named = "Accounts that had been deleted, with their data: delete them again: bo."
    for since in (None, storage.now, storage.now + 1):
        audit = RestoreAudit(await replaced(storage), since=since, now=NOW)
        again = {row["name"]: row for table, row in audit.rows(backup) if table == "users"}
        assert named in list(audit.reinstated.lines())
        assert (again["bo"]["disabled_at"] is not None) is (since is not None)
