"""Concurrent acts on one room, in any order: checked conditions still hold afterwards."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.errors import ChatError, NotFound
from chatserver.models import (
    AddMembers,
    Change,
    Create,
    Event,
    EventKind,
    Post,
    RemoveMembers,
    Role,
    User,
)
from chatserver.storage import account_deletion
from chatserver.storage.tables import members, rooms, users
from tests.storage.conftest import Storage, acted
from tests.storage.test_races import RACES, overlapping

Act = Callable[[Storage, int, list[User]], Awaitable[Any]]


def ref(user: User) -> tuple[tuple[int, str], ...]:
    return ((user.id, user.name),)


async def invite(storage: Storage, room: int, team: list[User]) -> Any:
    ann, _, cy = team
    return await acted(storage, ann, AddMembers("invite", ref(cy)), room=room)


async def join(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[2], AddMembers("join", ref(team[2])), room=room)


async def remove(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[0], RemoveMembers("remove", ref(team[1])), room=room)


async def leave(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[1], RemoveMembers("leave", ref(team[1])), room=room)


async def admin_leaves(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[0], RemoveMembers("leave", ref(team[0])), room=room)


async def archive(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[0], Change("archive", {"archived": True}), room=room)


async def close(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[0], Change("change", {"private": True}), room=room)


async def rename(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[0], Change("change", {"title": "Other"}), room=room)


async def write(storage: Storage, room: int, team: list[User]) -> Any:
    return await acted(storage, team[1], Post("hi"), room=room)


async def disable_admin(storage: Storage, room: int, team: list[User]) -> Any:
    await storage.disable(team[0])


async def disable_member(storage: Storage, room: int, team: list[User]) -> Any:
    await storage.disable(team[1])


async def delete_member(storage: Storage, room: int, team: list[User]) -> Any:
    await storage.delete(team[1])


async def delete_invited(storage: Storage, room: int, team: list[User]) -> Any:
    await storage.delete(team[2])


PAIRS: list[tuple[Act, ...]] = [
    (invite, join),
    (invite, invite),
    (invite, delete_invited),
    (join, delete_invited),
    (join, close),
    (invite, archive),
    (join, archive),
    (write, archive),
    (write, remove),
    (write, disable_member),
    (leave, remove),
    (leave, admin_leaves),
    (admin_leaves, delete_member),
    (admin_leaves, disable_member),
    (disable_admin, leave),
    (disable_admin, invite),
    (rename, archive),
    (rename, admin_leaves),
]


async def require_consistency(storage: Storage, room: int, acts: str) -> None:
    """Require a right member count, no deleted member, and an administrator if possible."""
    here = (
        sa.select(members.c.role, users.c.disabled_at, users.c.password_hash)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.room_id == room, members.c.left_at.is_(None))
    )
    async with storage.database.reading() as connection:
        found = list(await connection.execute(here))
        count = await connection.scalar(sa.select(rooms.c.members).where(rooms.c.id == room))
    assert count == len(found), acts
    assert "!deleted" not in [row.password_hash for row in found], acts
    present = [row.role for row in found if row.disabled_at is None]
    assert not present or "admin" in present, acts


def require_order(outcomes: list[Any]) -> None:
    """Require that no event follows one that forbids it."""
    events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    ends = [event for event in events if (event.change or {}).get("archived")]
    for event in events:
        earlier = [end.seq for end in ends if end.seq < event.seq]
        assert not (earlier and (event.kind is EventKind.MESSAGE or event.joined_ids)), events
        gone = [one for one in events if event.user_id in one.left_ids and one.seq < event.seq]
        assert not gone, events


async def test_two_concurrent_acts_leave_a_room_consistent(storage: Storage) -> None:
    await storage.user("root", Role.ADMIN)
    for number, acts in enumerate(PAIRS * max(2, RACES // 8)):
        team = [await storage.user(f"{name}{number}x") for name in ("ann", "bo", "cy")]
        create = Create("Plans", f"plans{number}x", users=ref(team[1]))
        room = (await acted(storage, team[0], create)).room
        outcomes = await overlapping(*(partial(act, storage, room, team) for act in acts))
        refused = [one for one in outcomes if isinstance(one, BaseException)]
        assert all(isinstance(one, ChatError) for one in refused), refused
        require_order(outcomes)
        await require_consistency(storage, room, " and ".join(act.__name__ for act in acts))


async def test_a_deletion_locks_rooms_that_the_account_joined_concurrently(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.user("root", Role.ADMIN)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Plans", "plans", users=ref(bo)))).room
    read, locked = account_deletion.rooms_of, []
    answers: list[set[int]] = [set()]  # as they were before ann was a member

    def outdated(*args: Any) -> set[int]:
        return answers.pop() if answers else read(*args)

    monkeypatch.setattr(account_deletion, "rooms_of", outdated)
    monkeypatch.setattr(account_deletion, "lock_rooms", lambda _, held: locked.append(held))
    await storage.delete(ann)
    assert locked == [set(), {1, room}]
    await require_consistency(storage, room, "delete")


async def test_a_deleted_account_cannot_become_a_member(storage: Storage) -> None:
    await storage.user("root", Role.ADMIN)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Plans", "plans"))).room
    await storage.credentials.delete(bo.id, by=None)
    for act in (AddMembers("invite", ref(bo)), Create("Other", "other", users=ref(bo))):
        number = room if isinstance(act, AddMembers) else 0
        assert isinstance(await acted(storage, ann, act, room=number), NotFound)
