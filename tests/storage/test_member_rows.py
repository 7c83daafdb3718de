"""Rows of memberships: times of removals for memberships of older versions."""

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import Act, AddMembers, Create, RemoveMembers
from chatserver.storage.member_rows import backfill_removals
from chatserver.storage.tables import members
from tests.storage.conftest import Storage, acted

REF = ((2, "bo"),)
LAST = {
    "bo left": (RemoveMembers("leave", REF), "", False),
    "ann removed bo": (RemoveMembers("remove", REF), "", True),
    "bo is a member": (None, "", False),
    "the event is missing": (RemoveMembers("leave", REF), "DELETE FROM events WHERE seq = 2", True),
    "a restore ended it after a message": (
        RemoveMembers("leave", REF),
        'UPDATE events SET kind = 2, body = \'{"action": "leave"}\' WHERE seq = 2',
        True,
    ),
    "a restore ended it after a change": (
        RemoveMembers("leave", REF),
        'UPDATE events SET body = \'{"action": "change", "title": "leave"}\' WHERE seq = 2',
        True,
    ),
    "another member left last": (
        RemoveMembers("leave", REF),
        "UPDATE events SET user_id = 1 WHERE seq = 2",
        True,
    ),
}


@pytest.mark.parametrize(("act", "damage", "removed"), LAST.values(), ids=LAST)
async def test_an_ended_membership_of_an_older_version_counts_as_removed_unless(
    storage: Storage, act: Act | None, damage: str, *, removed: bool
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Plans", "plans", users=REF))).room
    if act is not None:
        storage.now += 1
        by = bo if act == RemoveMembers("leave", REF) else ann
        await acted(storage, by, act, room=room)

    def age(connection: Connection) -> None:
        connection.execute(members.update().values(removed_at=None))
        if damage:
            connection.execute(sa.text(damage))

    await storage.database.transaction(age)
    for _ in range(2):  # a migration may be repeated
        await storage.database.transaction(backfill_removals)
    query = sa.select(members.c.removed_at).where(members.c.room_id == room)
    async with storage.database.reading() as connection:
        found = await connection.scalar(query.where(members.c.user_id == bo.id))
    assert found == (storage.now if removed else None)


async def test_the_removal_of_a_user_who_is_a_member_again_is_found_in_the_log(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Plans", "plans", users=REF))).room
    removed_at = storage.now = storage.now + 1
    await acted(storage, ann, RemoveMembers("remove", REF), room=room)
    storage.now += 1
    await acted(storage, bo, AddMembers("join", REF), room=room)
    query = sa.select(members.c.user_id).where(members.c.removed_at == removed_at)
    for _ in range(2):
        await storage.database.transaction(
            lambda connection: connection.execute(members.update().values(removed_at=None))
        )
        await storage.database.transaction(backfill_removals)
        async with storage.database.reading() as connection:
            assert [*await connection.scalars(query)] == [bo.id]


async def test_a_later_membership_and_departure_keep_the_time_of_the_removal(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Plans", "plans", users=REF))).room
    removed_at = storage.now = storage.now + 1
    for by, act in (
        (ann, RemoveMembers("remove", REF)),
        (bo, AddMembers("join", REF)),
        (bo, RemoveMembers("leave", REF)),
    ):
        await acted(storage, by, act, room=room)
        async with storage.database.reading() as connection:
            one = sa.and_(members.c.room_id == room, members.c.user_id == bo.id)
            row = (await connection.execute(members.select().where(one))).one()
        assert row.removed_at == removed_at
        storage.now += 1
    assert row.left_at == removed_at + 2
