"""Event log: seqs without gaps, repetitions, permissions and reading."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.util import await_only

from chatserver.errors import IdConflict, NotFound, Unavailable
from chatserver.models import LOBBY, Event, Receipt, RoomFacts, RoomKind
from chatserver.storage import dialects, mysql_driver
from chatserver.storage.engine import Database
from chatserver.storage.event_log import STATEMENT_SIZES
from chatserver.storage.migrate import migrate
from chatserver.storage.readers import Share
from chatserver.storage.tables import rooms
from tests.storage.conftest import Storage, draft

LOBBY_FACTS = RoomFacts(LOBBY, RoomKind.GROUP)


def seqs(outcomes: list[object]) -> list[int]:
    return [o.seq for o in outcomes if isinstance(o, Event | Receipt)]


async def test_a_batch_gets_consecutive_seqs_in_order(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    outcomes = await storage.log.store([draft(ann, "1"), draft(bo, "2"), draft(ann, "3")])
    assert seqs([*outcomes]) == [1, 2, 3]
    outcomes = await storage.log.store([draft(bo, "4")])
    assert seqs([*outcomes]) == [4]
    read = await storage.log.after(LOBBY_FACTS, 0, 100, 100)
    assert [(e.seq, e.user, e.data) for e in read] == [
        (1, "ann", "1"),
        (2, "bo", "2"),
        (3, "ann", "3"),
        (4, "bo", "4"),
    ]
    assert await storage.log.heads([LOBBY, 99]) == {LOBBY: 4}


async def test_events_are_read_as_they_were_stored(storage: Storage) -> None:
    ann = await storage.user("ann")
    (event,) = await storage.log.store([draft(ann, "你好 👋 ' \" \\ %s \n", draft_id="a")])
    (read,) = await storage.log.after(LOBBY_FACTS, 0, 100, 100)
    assert read == event


async def test_each_room_has_its_own_seqs(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    outcomes = await storage.log.store(
        [draft(ann, "1"), draft(bo, "1", room=facts.room), draft(ann, "2"), draft(ann, "2", room=2)]
    )
    assert seqs([*outcomes]) == [1, 1, 2, 2]


async def test_a_room_locked_by_another_program_is_rejected_and_others_continue(
    storage: Storage, database_url: str
) -> None:
    if storage.database.is_sqlite:
        return  # it has one writer
    ann, bo = await storage.user("ann"), await storage.user("bo")
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    outsider = Database(database_url)
    lobby = sa.select(rooms.c.id).where(rooms.c.id == LOBBY).with_for_update()

    async def say(text: str) -> list[object]:
        there = draft(bo, text, room=facts.room)
        return [*await storage.log.store([draft(ann, text), there, draft(ann, text, room=99)])]

    async with outsider.readers[Share.COPIES].begin() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.execute(lobby)
        for number in (1, 2):
            refused, stored, unknown = await say(f"while it is held {number}")
            assert isinstance(refused, Unavailable)
            assert isinstance(stored, Event)
            assert isinstance(unknown, NotFound)
        await connection.exec_driver_sql("ROLLBACK")
    for number in (1, 2):
        first, *_others = await say(f"after it {number}")
        assert isinstance(first, Event)
        assert first.seq == number
    await outsider.close()


async def test_the_transaction_of_a_frozen_node_is_rolled_back(
    storage: Storage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if storage.database.is_sqlite:
        return  # it has one writer
    assert "idle_transaction_timeout=10" in mysql_driver.WRITER_LIMITS
    monkeypatch.setattr(mysql_driver, "WRITER_LIMITS", "SET idle_transaction_timeout=1")
    ann = await storage.user("ann")
    still = Database(database_url)
    lobby = sa.select(rooms.c.id).where(rooms.c.id == LOBBY).with_for_update()
    outcome: object = None
    with suppress(OperationalError, Unavailable):  # its connection is gone when it goes on

        async def go_on() -> None:
            nonlocal outcome
            while not isinstance(outcome, Event):
                (outcome,) = await storage.log.store([draft(ann, "hi")])

        def hold(connection: Connection) -> None:
            connection.execute(lobby)
            await_only(asyncio.wait_for(go_on(), 20))

        await still.run_on_writer(hold)
    await still.close()
    assert isinstance(outcome, Event)


async def test_repetitions_return_the_first_seq_and_conflicts_are_reported(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    (first,) = await storage.log.store([draft(ann, "hi", draft_id="a")])
    storage.now += 1_000
    again, other, others = await storage.log.store(
        [
            draft(ann, "hi", draft_id="a"),
            draft(ann, "else", draft_id="a"),
            draft(bo, "hi", draft_id="a"),
        ]
    )
    assert isinstance(first, Event)
    assert again == Receipt(LOBBY, first.seq, first.at, duplicate=True)
    assert isinstance(other, IdConflict)
    assert isinstance(others, Event)


async def test_a_repetition_among_new_events_uses_no_seq(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "1", draft_id="a")])
    outcomes = await storage.log.store(
        [draft(ann, "2"), draft(ann, "1", draft_id="a"), draft(ann, "3")]
    )
    assert seqs([*outcomes]) == [2, 1, 3]
    assert await storage.log.heads([LOBBY]) == {LOBBY: 3}


async def test_a_former_member_gets_the_result_of_a_repetition(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    (first,) = await storage.log.store([draft(bo, "bye", draft_id="b")])
    await storage.disable(bo)
    again, news, more = await storage.log.store(
        [draft(bo, "bye", draft_id="b"), draft(ann, "oh"), draft(bo, "hello?")]
    )
    assert isinstance(first, Event)
    assert again == Receipt(LOBBY, first.seq, first.at, duplicate=True)
    assert isinstance(news, Event)
    assert isinstance(more, NotFound)


async def test_after_a_lock_timeout_batches_are_transactions_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "BUSY_TIMEOUT", 0.1)
    storage = Storage(f"sqlite:///{tmp_path / 'chat.db'}")
    await migrate(storage.database, backups=tmp_path / "backups")
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "1", draft_id="a")])
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await storage.log.store([draft(ann, "too early")])
        other.execute("ROLLBACK")
    outcomes = await storage.log.store(
        [draft(ann, "2"), draft(ann, "1", draft_id="a"), draft(ann, "3")]
    )
    assert seqs([*outcomes]) == [2, 1, 3]
    assert isinstance(outcomes[0], Event)
    assert await storage.log.heads([LOBBY]) == {LOBBY: 3}
    await storage.database.close()


async def test_repetitions_within_one_batch_are_stored_once(storage: Storage) -> None:
    ann = await storage.user("ann")
    first, again, other = await storage.log.store(
        [
            draft(ann, "hi", draft_id="a"),
            draft(ann, "hi", draft_id="a"),
            draft(ann, "x", draft_id="a"),
        ]
    )
    assert isinstance(first, Event)
    assert again == Receipt(LOBBY, 1, first.at, duplicate=True)
    assert isinstance(other, IdConflict)
    assert await storage.log.heads([LOBBY]) == {LOBBY: 1}


async def test_ids_are_compared_exactly(storage: Storage) -> None:
    ann = await storage.user("ann")
    outcomes = await storage.log.store([draft(ann, "x", draft_id=i) for i in ("a", "A", "a ", "ä")])
    assert seqs([*outcomes]) == [1, 2, 3, 4]


async def test_only_members_with_an_enabled_account_can_write(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.disable(bo)
    outcomes = await storage.log.store(
        [
            draft(cy, "let me in", room=facts.room),
            draft(bo, "from beyond", room=facts.room),
            draft(ann, "hello?", room=facts.room),
            draft(ann, "anybody?", room=77),
        ]
    )
    assert [isinstance(outcome, NotFound) for outcome in outcomes] == [True, True, False, True]
    assert await storage.log.heads([facts.room]) == {facts.room: 1}


async def test_concurrent_writers_produce_no_gaps_and_no_duplicates(storage: Storage) -> None:
    users = [await storage.user(f"bo{number}") for number in range(4)]
    rooms = [LOBBY]
    for other in users[1:]:
        facts = await storage.direct((users[0].id, "bo0"), (other.id, other.name))
        rooms.append(facts.room)

    async def write(number: int) -> None:
        for turn in range(10):
            batch = [
                draft(users[0], "x", room=room, draft_id=f"{turn}-{room}")
                for room in (rooms if number % 2 else reversed(rooms))
            ]
            await storage.log.store([*batch, draft(users[number], f"own {number}.{turn}")])

    await asyncio.gather(*(write(number) for number in range(4)))
    heads = await storage.log.heads(rooms)
    assert heads == {LOBBY: 10 + 40, **dict.fromkeys(rooms[1:], 10)}
    read = await storage.log.after(LOBBY_FACTS, 0, 100, 100)
    assert [event.seq for event in read] == list(range(1, 51))
    assert len({event.id for event in read}) == 50


async def test_pages_and_ranges_can_be_read(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.log.store([draft(ann, f"n{number}") for number in range(1, 11)])
    await storage.log.store([draft(bo, "psst", room=facts.room)])
    assert [e.seq for e in await storage.log.after(LOBBY_FACTS, 3, 8, 3)] == [4, 5, 6]
    assert [e.seq for e in await storage.log.before(LOBBY_FACTS, 8, 3)] == [5, 6, 7]
    stretches = await storage.log.ranges([(LOBBY_FACTS, 8, 10), (facts, 0, 1)])
    assert [(e.room, e.seq, e.to) for e in stretches] == [
        (LOBBY, 9, None),
        (LOBBY, 10, None),
        (facts.room, 1, "ann"),
    ]
    assert await storage.log.ranges([]) == []


async def test_few_statements_serve_all_numbers_of_ranges(storage: Storage) -> None:
    """SQLAlchemy keeps each different statement, and so its memory, for the life of the process."""
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, f"{number}") for number in range(5)])
    cache = storage.database.readers[Share.HISTORY].sync_engine._compiled_cache
    assert cache is not None
    before = len(cache)
    for count in range(1, 120):
        ranges = [(LOBBY_FACTS, 2, 3)] * count
        found = await storage.log.ranges(ranges)
        assert [event.data for event in found] == ["2"]
    assert len(cache) - before <= len(STATEMENT_SIZES) + 1  # and one for reactions
