"""Frequent queries use prebuilt statements, because building takes longer than running them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.models import AddMembers, Create, RemoveMembers, Role
from chatserver.storage.invitations import Invite
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted, draft

Read = Callable[[], Awaitable[Any]]


async def reads_of(storage: Storage) -> dict[str, Read]:
    """Return queries that a visitor or a member can cause many times a second."""
    ann = await storage.user("ann", Role.ADMIN)
    await storage.invites.open(Invite("code", "", 1, storage.now + 1, 5), by=ann.id)
    await storage.bots.add(NewUser("robot", "R", "!", Role.BOT), "digest", [], by=None)
    room = (await acted(storage, ann, Create("Plans", "plans"))).room
    await storage.log.store([draft(ann, "hello", room=room)])
    facts = (await storage.rooms.facts([room]))[room]
    return {
        "an invitation": lambda: storage.invites.find("code"),
        "no invitation": lambda: storage.invites.find("other"),
        "an invitation to a room of a member": lambda: storage.invites.find_for_member(
            ann.id, "code"
        ),
        "an admission": lambda: storage.invites.admits(ann.id, "code", room),
        "a bot": lambda: storage.bots.find("digest"),
        "no bot": lambda: storage.bots.find("other"),
        "no disabled bot": lambda: storage.bots.is_disabled("other"),
        "a session": lambda: storage.sessions.find("session"),
        "a room by name": lambda: storage.rooms.find_by_name("plans", ann.id),
        "a room by id": lambda: storage.rooms.find_by_name(str(room), ann.id),
        "rights in a room": lambda: storage.rooms.readable(ann.id, [room]),
        "events after": lambda: storage.log.after(facts, 0, 100, 50),
        "messages before": lambda: storage.log.before(facts, 100, 50),
    }


async def test_frequent_queries_build_no_statement(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = await reads_of(storage)
    for read in reads.values():
        await read()  # compiles it
    built, copy = [], sa.Select._generate

    def counted(self: sa.Select[Any]) -> sa.Select[Any]:
        built.append(name)
        return copy(self)

    monkeypatch.setattr(sa.Select, "_generate", counted)
    for name, read in reads.items():  # noqa: B007 - `counted` reads the name
        await read()
    assert built == []


async def test_a_room_of_many_users_takes_as_many_statements_as_one_of_two(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    others = [await storage.user(f"user{number}") for number in range(30)]
    statements: list[str] = []
    sa.event.listen(
        storage.database.writer.engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    counts = []
    for size in (2, 30):
        users = tuple((user.id, user.name) for user in others[:size])
        statements.clear()
        made = await acted(storage, ann, Create("Plans", f"plans{size}", users=users))
        await acted(storage, ann, RemoveMembers("remove", users), room=made.room)
        await acted(storage, ann, AddMembers("invite", users), room=made.room)
        counts.append(len(statements))
    assert counts[0] == counts[1]
