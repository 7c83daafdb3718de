"""Deletion of accounts: what is removed, and what remains."""

from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.errors import Conflict, Forbidden, NotFound, Unauthorized
from chatserver.models import (
    LOBBY,
    Act,
    Create,
    Delete,
    Edit,
    Event,
    Post,
    React,
    Receipt,
    Role,
    Session,
    User,
)
from chatserver.storage import bulk
from chatserver.storage.account_deletion import DISPLAY
from chatserver.storage.credentials import AccountChange
from chatserver.storage.rights import DELETED
from chatserver.storage.tables import bot_tokens, sessions
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted, acting, draft, unresolved


async def room_of(storage: Storage, maker: User, *others: User) -> int:
    act = Create("Plans", "plans", users=tuple((one.id, one.name) for one in others))
    made = await acted(storage, maker, act)
    assert isinstance(made, Event)
    return made.room


def session(user: User) -> Session:
    return Session(f"s-{user.name}", user, 1, 10**12)


@pytest.mark.parametrize("disabled", [False, True])
async def test_a_deleted_account_leaves_its_rooms_and_its_messages_remain(
    storage: Storage, *, disabled: bool
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = await room_of(storage, ann, bo)
    await storage.log.store([draft(ann, "kept", room=room)])
    await storage.disable(ann, disabled=disabled)
    heirs = {} if disabled else {"admins": ["bo"]}
    (left,) = await storage.delete(ann)
    assert (left.room, left.user, left.left_ids) == (room, "ann", (ann.id,))
    assert left.change == {"action": "leave", "users": ["ann"]} | heirs
    assert [(one.name, one.role) for one in await storage.rooms.members_of(room)] == [
        ("bo", "admin")
    ]
    state = await storage.rooms.state(bo.id, room)
    assert state is not None
    assert (state.members, state.head) == (1, 3)


@pytest.mark.parametrize("known", [True, False])
async def test_a_deleted_account_gets_no_event_but_the_deletion_of_its_messages(
    storage: Storage, *, known: bool
) -> None:
    """`known`: the node has cached the conversation, or storage looks it up."""
    ann, bo = await storage.user("ann"), await storage.user("bo")
    first = unresolved(ann, Post("hi"), to="bo")
    (stored,) = await storage.log.store([first])
    assert isinstance(stored, Event)
    await storage.credentials.delete(bo.id, by=None)

    async def outcome(act: Act) -> Any:
        one = acting(ann, act, room=stored.room)
        if not known:
            to = "bo" if isinstance(act, Post) else None
            one = unresolved(ann, act, room=stored.room if to is None else 0, to=to)
        (found,) = await storage.log.store([one])
        return found

    for act in (Post("more"), Edit(1, "new"), React(1, "👍", on=True)):
        refused = await outcome(act)
        assert isinstance(refused, Forbidden), act
        assert str(refused) == "This account is deleted."
    (repeated,) = await storage.log.store([first])
    assert isinstance(repeated, Receipt)
    assert (repeated.seq, repeated.duplicate) == (1, True)
    assert isinstance(await outcome(Delete(1)), Event)
    state = await storage.rooms.state(ann.id, stored.room)
    assert state is not None
    assert state.head == 2


async def test_no_conversation_with_a_deleted_account_is_created(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.credentials.delete(bo.id, by=None)
    to_bo, to_cy = (unresolved(ann, Post("hi"), to=name) for name in ("bo", "cy"))
    refused, unknown = await storage.log.store([to_bo, to_cy])
    assert (type(refused), type(unknown)) == (Forbidden, NotFound)
    assert str(refused) == "This account is deleted."
    assert await storage.rooms.count() == 1


async def test_a_disabled_account_can_be_written_to(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.disable(bo)
    for _ in range(2):
        (stored,) = await storage.log.store([unresolved(ann, Post("hi"), to="bo")])
        assert isinstance(stored, Event)


async def test_rooms_of_a_deleted_account_are_locked_in_order_a_few_at_a_time(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "KEYS_PER_STATEMENT", 2)
    ann = await storage.user("ann")
    made = [(await acted(storage, ann, Create(f"R{n}", f"r{n}"))).room for n in range(4)]
    locked: list[tuple[int, ...]] = []

    def watch(*event: Any) -> None:
        if "FROM rooms" in event[2] and "FOR UPDATE" in event[2]:
            locked.append(tuple(event[3]))

    sa.event.listen(storage.database.writer.engine, "before_cursor_execute", watch)
    assert len(await storage.delete(ann)) == 4
    if not storage.database.is_sqlite:
        assert locked[:3] == [(LOBBY, made[0]), (made[1], made[2]), (made[3],)]


async def test_the_personal_data_of_a_deleted_account_is_removed(storage: Storage) -> None:
    ann = await storage.user("ann")
    bot, _ = await storage.bots.add(NewUser("robot", "R", "!", Role.BOT), "digest", [], by=None)
    await storage.credentials.open_session(session(ann), client="Firefox")
    for user in (ann, bot):
        await storage.credentials.delete(user.id, by=None)
        found = await storage.users.find(user.name)
        assert found is not None
        account, password_hash = found
        assert (account.display, account.disabled, password_hash) == (DISPLAY, True, DELETED)
        assert account.role is user.role
    async with storage.database.reading() as connection:
        for table in (sessions, bot_tokens):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    assert await storage.sessions.not_revoked(["s-ann"]) == set()
    with pytest.raises(Unauthorized):
        await storage.credentials.open_session(session(ann), client="")


async def test_a_deleted_account_cannot_be_enabled(storage: Storage) -> None:
    ann = await storage.user("ann")
    bot, _ = await storage.bots.add(NewUser("robot", "R", "!", Role.BOT), "digest", [], by=None)
    for user in (ann, bot):
        await storage.credentials.delete(user.id, by=None)
    changes = [
        AccountChange(disabled=False),
        AccountChange(password_hash="new"),
        AccountChange(role=Role.ADMIN),
        AccountChange(display="Ann"),
    ]
    for change in changes:
        with pytest.raises(Forbidden):
            await storage.credentials.administer(ann.id, change, by=None)
    with pytest.raises(Forbidden):
        await storage.bots.set_token(bot.id, "new", by=None)
    for name in ("ann", "Ann", "аnn"):
        with pytest.raises(Conflict):
            await storage.user(name)
    assert await storage.delete(ann) == []


async def test_the_last_administrator_cannot_be_deleted(storage: Storage) -> None:
    ann, bo = await storage.user("ann", Role.ADMIN), await storage.user("bo", Role.ADMIN)
    await storage.credentials.delete(bo.id, by=ann.id)
    for by in (None, bo.id):
        with pytest.raises(Forbidden):
            await storage.credentials.delete(ann.id, by=by)
