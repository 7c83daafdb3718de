"""Deletion of expired messages."""

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.clocks import DAY
from chatserver.errors import Unavailable
from chatserver.models import LOBBY, EventKind
from chatserver.storage.engine import Database
from chatserver.storage.readers import Share
from chatserver.storage.retention import CHUNK, expire, reclaim_space
from chatserver.storage.search_index import search
from chatserver.storage.tables import events, mentions, reactions, rooms
from chatserver.storage.text_erasure import erase_texts
from tests.storage.conftest import Storage, draft
from tests.storage.furnished import at, findings, furnish, index_all


async def keep(storage: Storage, room: int, days: int | None) -> None:
    values = {"retention_days": days}
    await storage.database.transaction(
        lambda c: c.execute(rooms.update().where(rooms.c.id == room).values(values))
    )


async def bodies(storage: Storage, room: int) -> list[str]:
    query = sa.select(events.c.body).where(events.c.room_id == room).order_by(events.c.seq)
    async with storage.database.reading() as connection:
        return list((await connection.execute(query)).scalars())


async def test_expired_messages_are_deleted_without_gaps_in_seq(storage: Storage) -> None:
    await furnish(storage)
    ann = await storage.users.find("ann")
    assert ann is not None
    storage.now += 3 * DAY
    await storage.log.store([draft(ann[0], "young"), draft(ann[0], "psst", room=2)])
    await storage.database.transaction(index_all)
    assert (await expire(storage.database, until=storage.now, now=storage.now)).messages == 0
    await keep(storage, 1, 2)
    forgotten = await expire(storage.database, until=storage.now, now=storage.now)
    assert (forgotten.messages, await findings(storage.database)) == (4, [])
    assert await bodies(storage, 1) == ["", "", "", "", "", "young"]
    assert await bodies(storage, 2) == ["psst", "psst"]
    async with storage.database.reading() as connection:
        found = sa.select(events.c.deleted_at).where(events.c.room_id == 1, events.c.seq < 6)
        assert set((await connection.execute(found)).scalars()) == {7, storage.now}
        for table in (reactions, mentions):
            count = sa.select(sa.func.count()).select_from(table)
            assert await connection.scalar(count) == 0
        left = sa.select(search.c.room_id, search.c.seq).order_by(search.c.id)
        assert [tuple(row) for row in await connection.execute(left)] == [(2, 1), (1, 6), (2, 2)]
    assert (await expire(storage.database, until=storage.now, now=storage.now)).messages == 0


async def test_edits_of_expired_messages_are_deleted(storage: Storage) -> None:
    await furnish(storage)
    edit = {"kind": EventKind.EDIT, "target_seq": 1, "body": "first, edited", "digest": "d"}
    gone = search.delete().where(search.c.room_id == 1, search.c.seq == 5)
    await storage.database.transaction(
        lambda c: (c.execute(events.update().where(at(1, 5)).values(edit)), c.execute(gone))
    )
    await keep(storage, 1, 1)
    await expire(storage.database, until=storage.now + 2 * DAY, now=storage.now + 2 * DAY)
    assert await bodies(storage, 1) == [""] * 5
    assert await findings(storage.database) == []


async def test_more_than_one_chunk_of_messages_is_deleted(storage: Storage) -> None:
    ann = await storage.user("ann")
    for _ in range(3):
        await storage.log.store([draft(ann, "x" * 100) for _ in range(400)])
    await keep(storage, 1, 1)
    forgotten = await expire(
        storage.database, until=storage.now + DAY + 1, now=storage.now + DAY + 1
    )
    assert (forgotten.messages, forgotten.characters) == (1_200, 120_000)
    assert set(await bodies(storage, 1)) == {""}


@pytest.mark.parametrize("period", [None, 3, 1], ids=["none", "longer", "the same"])
async def test_deletion_stops_when_the_retention_period_is_made_longer(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, period: int | None
) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "text") for _ in range(2 * CHUNK)])
    await keep(storage, 1, 2)

    def change_afterwards(connection: Connection, *rest: Any) -> None:
        erase_texts(connection, *rest)
        connection.execute(rooms.update().values(retention_days=period))

    monkeypatch.setattr("chatserver.storage.retention.erase_texts", change_afterwards)
    end = storage.now + 2 * DAY + 1
    forgotten = await expire(storage.database, until=end, now=end)
    chunks = 2 if period == 1 else 1
    assert forgotten.messages == chunks * CHUNK
    assert (await bodies(storage, 1)).count("") == chunks * CHUNK


ROWS = {
    "reactions": (reactions, {"emoji": "x", "at": 1}, "user_id"),
    "mentions": (mentions, {}, "user_id"),
    "edits": (events, {"kind": EventKind.EDIT, "user_id": 1, "body": "x", "at": 1}, "seq"),
}


@pytest.mark.parametrize("kind", ROWS)
async def test_a_transaction_ends_by_its_rows(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    users = [await storage.user(f"bo{number}") for number in range(3)]
    await storage.log.store([draft(users[0], "text") for _ in range(6)])
    await storage.database.transaction(partial(add_rows, kind=kind, messages=4, each=3))
    parts: list[int] = []

    def erase(connection: Connection, refs: list[Any], now: int) -> None:
        parts.append(len(refs))
        erase_texts(connection, refs, now)

    monkeypatch.setattr("chatserver.storage.retention.erase_texts", erase)
    monkeypatch.setattr("chatserver.storage.retention.ROWS", 5)
    await keep(storage, 1, 1)
    end = storage.now + 2 * DAY
    assert (await expire(storage.database, until=end, now=end)).messages == 6
    assert parts == [1, 1, 1, 3]


def add_rows(connection: Connection, kind: str, messages: int, each: int) -> None:
    table, values, key = ROWS[kind]
    for seq in range(1, messages + 1):
        for number in range(1, each + 1):
            row = values | {"room_id": 1, "seq": seq, key: number}
            if kind == "edits":
                new = 10 * seq + number
                row |= {"seq": new, "target_seq": seq, "client_id": f"edit{new}"}
            connection.execute(table.insert().values(row))


async def test_a_file_with_much_free_space_is_rewritten(storage: Storage) -> None:
    ann = await storage.user("ann")
    for _ in range(4):
        await storage.log.store([draft(ann, "word " * 400) for _ in range(250)])
    smaller = storage.database.is_sqlite
    await keep(storage, 1, 1)
    forgotten = await expire(
        storage.database, until=storage.now + DAY + 1, now=storage.now + DAY + 1
    )
    before = await storage.database.size()
    assert await reclaim_space(storage.database, forgotten.characters) == smaller
    if smaller:
        assert await storage.database.size() < before / 3
    assert not await reclaim_space(storage.database, 0)
    await storage.log.store([draft(ann, "and on it goes")])
    await storage.database.transaction(index_all)
    assert await findings(storage.database) == []


async def test_free_space_of_small_deletions_adds_up(storage: Storage) -> None:
    path = storage.database.path
    if path is None:
        return
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "word " * 400) for _ in range(250)])
    async with storage.database.reading() as connection:
        size = 4096 * (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    done = [await reclaim_space(storage.database, size // 12) for _ in range(4)]
    assert True in done[1:]
    assert done[0] is False


async def test_an_expired_message_after_a_newer_one_is_kept(storage: Storage) -> None:
    """It was stored while the clock was behind."""
    ann = await storage.user("ann")
    storage.now = 10 * DAY
    await storage.log.store([draft(ann, "old")])
    storage.now = 20 * DAY
    await storage.log.store([draft(ann, "young")])
    storage.now = 0
    await storage.log.store([draft(ann, "stored without a clock")])
    await keep(storage, 1, 5)
    forgotten = await expire(storage.database, until=20 * DAY, now=20 * DAY)
    assert forgotten.messages == 1
    assert await bodies(storage, 1) == ["", "young", "stored without a clock"]


async def test_a_message_from_the_future_expires_with_the_next_one(storage: Storage) -> None:
    ann = await storage.user("ann")
    for day, text in ((1, "one"), (400, "from the future"), (2, "two"), (401, "future too")):
        storage.now = day * DAY
        await storage.log.store([draft(ann, text)])
    await keep(storage, 1, 5)
    await expire(storage.database, until=6 * DAY + 1, now=6 * DAY + 1)
    assert await bodies(storage, 1) == ["", "from the future", "two", "future too"]
    await expire(storage.database, until=8 * DAY, now=8 * DAY)
    assert await bodies(storage, 1) == ["", "", "", "future too"]


async def test_retention_waits_for_a_locked_room(storage: Storage, database_url: str) -> None:
    if storage.database.is_sqlite:
        return  # it has one writer
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "old")])
    keep = rooms.update().where(rooms.c.id == LOBBY).values(retention_days=1)
    await storage.database.transaction(lambda c: c.execute(keep))
    late = storage.now + 9 * DAY
    outsider = Database(database_url)
    async with outsider.readers[Share.COPIES].begin() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.execute(sa.select(rooms.c.id).where(rooms.c.id == LOBBY).with_for_update())
        with pytest.raises(Unavailable):
            await expire(storage.database, until=late, now=late)
        await connection.exec_driver_sql("ROLLBACK")
    await outsider.close()
    assert (await expire(storage.database, until=late, now=late)).messages == 1


async def test_text_in_deleted_messages_of_older_versions_is_removed(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "old")])
    keep = rooms.update().where(rooms.c.id == LOBBY).values(retention_days=1)
    revived = events.update().values(deleted_at=storage.now, body="left")
    await storage.database.transaction(lambda c: (c.execute(keep), c.execute(revived)))
    late = storage.now + 9 * DAY
    assert (await expire(storage.database, until=late, now=late)).characters == 4
    assert (await expire(storage.database, until=late, now=late)).messages == 0
