"""Archives on both databases, integrity checks with planted damage, and retention."""

import itertools
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.clocks import DAY
from chatserver.errors import Unavailable
from chatserver.models import LOBBY, Kind
from chatserver.storage import integrity as check_module
from chatserver.storage.archive_file import Archive, Damaged, read
from chatserver.storage.archive_io import NotEmpty, dump, is_empty, load
from chatserver.storage.archive_writer import ArchiveReceiver, PackedWriter, PlainWriter
from chatserver.storage.engine import Database
from chatserver.storage.integrity import check, totals
from chatserver.storage.migrate import migrate
from chatserver.storage.readers import Share
from chatserver.storage.retention import CHUNK, expire, reclaim_space
from chatserver.storage.search_index import Entry, index, search
from chatserver.storage.tables import (
    bot_tokens,
    events,
    invites,
    members,
    mentions,
    meta,
    metadata,
    reactions,
    rooms,
    sessions,
)
from chatserver.storage.text_erasure import erase_texts
from tests.rig.mariadb import PrivateMariaDB
from tests.storage.conftest import Storage, draft

TEXTS = ("first", "你好 👋 ' \" \\ %s \n\t\x00 end ", "third", "")
_numbers = itertools.count()


async def furnish(storage: Storage) -> None:
    """Insert two users, four messages in the lobby, one direct room, and rows in every table."""
    ann, bo = await storage.user("ann"), await storage.user("bo")
    direct = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.log.store([draft(ann, text or "deleted") for text in TEXTS])
    await storage.log.store([draft(bo, "psst", room=direct.room), draft(bo, "last", draft_id="a ")])
    rows: list[tuple[sa.Table, dict[str, Any]]] = [
        (bot_tokens, {"digest": "d", "user_id": bo.id, "created_at": 1}),
        (reactions, {"room_id": 1, "seq": 1, "emoji": "👋", "user_id": bo.id, "at": 5}),
        (mentions, {"room_id": 1, "seq": 1, "user_id": 0}),
        (mentions, {"room_id": 1, "seq": 1, "user_id": bo.id}),
        (sessions, {"id": "s", "user_id": ann.id, "created_at": 1, "expires_at": 2**52,
                    "last_seen_at": 1, "client": "tests"}),
        (invites, {"code": "c", "created_by": ann.id, "created_at": 1, "expires_at": 2,
                   "uses_left": 3}),
    ]  # fmt: skip

    def work(connection: sa.Connection) -> None:
        for table, row in rows:
            connection.execute(table.insert().values(row))
        gone = {"body": "", "digest": None, "deleted_at": 7}
        connection.execute(events.update().where(at(1, 4)).values(gone))

    await storage.database.transaction(work)
    await storage.database.transaction(index_all)


def index_all(connection: sa.Connection) -> None:
    """Fill the search index for rows that were inserted directly."""
    connection.execute(search.delete())
    kept = sa.select(events).where(events.c.kind == 2, events.c.deleted_at.is_(None))
    found = connection.execute(kept.order_by(events.c.at, events.c.room_id, events.c.seq))
    index(connection, [Entry(r.room_id, r.seq, r.user_id, r.body) for r in found])


def at(room: int, seq: int) -> sa.ColumnElement[bool]:
    return sa.and_(events.c.room_id == room, events.c.seq == seq)


async def saved(database: Database, file: Path, form: type[PackedWriter | PlainWriter]) -> Archive:
    """Write an archive to a file, and return it."""
    with file.open("wb") as opened:
        intake = ArchiveReceiver(lambda manifest: form(opened, manifest))
        async with aclosing(dump(database, now=1)) as pieces:
            async for piece in pieces:
                for text in piece.splitlines(keepends=True):
                    intake.feed(text)
        intake.finish()
    return read(file)


def content(archive: Archive) -> list[tuple[str, dict[str, Any]]]:
    """Return all rows except the epoch."""
    return [row for row in archive.rows() if row[1].get("key") != "epoch"]


async def findings(database: Database) -> list[str]:
    async with aclosing(check(database)) as steps:
        return [finding async for step in steps for finding in step.findings]


async def fresh(url: str, tmp_path: Path) -> Database:
    database = Database(url)
    await migrate(database, backups=tmp_path)
    return database


# Backup and restore ------------------------------------------------------------------------------


async def test_every_table_with_primary_data_is_in_the_archive(
    storage: Storage, tmp_path: Path
) -> None:
    await furnish(storage)
    archive = await saved(storage.database, tmp_path / "all", PackedWriter)
    assert {name for name, _ in archive.rows()} == set(metadata.tables)
    async with storage.database.reading() as connection:
        there = set(await connection.run_sync(lambda c: sa.inspect(c).get_table_names()))
    made_again = {name for name in there if name.startswith("search")}
    assert there - made_again - {"alembic_version"} == set(metadata.tables)


@pytest.mark.parametrize("form", [PackedWriter, PlainWriter])
async def test_a_chat_can_be_moved_to_the_other_database_and_back(
    storage: Storage,
    mariadb: PrivateMariaDB,
    tmp_path: Path,
    form: type[PackedWriter | PlainWriter],
) -> None:
    await furnish(storage)
    original = await saved(storage.database, tmp_path / "0", form)
    urls = [
        f"sqlite:///{tmp_path / 'there.db'}",
        mariadb.create_database(f"there{next(_numbers)}"),
        f"sqlite:///{tmp_path / 'back.db'}",
    ]
    archive, epochs = original, {original.manifest.epoch}
    for url in urls:
        database = await fresh(url, tmp_path)
        heard: list[int] = []
        await load(database, archive.rows(), replace=False, progress=heard.append)
        assert sum(heard) == archive.manifest.total
        assert await findings(database) == []
        archive = await saved(database, tmp_path / f"{len(epochs)}", form)
        assert content(archive) == content(original)
        assert archive.manifest.rows == original.manifest.rows
        epochs.add(archive.manifest.epoch)
        assert await totals(database) == {"rooms": 2, "events": 6}
        await database.close()
    assert len(epochs) == 4


async def test_messages_stored_during_a_backup_are_not_in_it(storage: Storage) -> None:
    await furnish(storage)
    ann = await storage.users.find("ann")
    assert ann is not None
    lines: list[bytes] = []
    async with aclosing(dump(storage.database, now=1)) as pieces:
        lines.append(await anext(pieces))
        await storage.log.store([draft(ann[0], "meanwhile")])
        lines += [piece async for piece in pieces]
    text = b"".join(lines)
    assert b"meanwhile" not in text
    assert text.count(b'"table":"events"') == 6


async def test_the_search_index_is_rebuilt_in_order_of_time(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(storage)
    ann = await storage.users.find("ann")
    assert ann is not None
    for number in range(50):
        storage.now += 1_000
        await storage.log.store([draft(ann[0], f"n{number}", room=1 + number % 2)])
    archive = await saved(storage.database, tmp_path / "all", PackedWriter)
    monkeypatch.setattr("chatserver.storage.archive_io.MERGE_BUFFER", 0)  # many pages of each room
    await load(storage.database, archive.rows(), replace=True, progress=len_of)
    same = sa.and_(events.c.room_id == search.c.room_id, events.c.seq == search.c.seq)
    query = sa.select(events.c.at).join_from(search, events, same).order_by(search.c.id)
    async with storage.database.reading() as connection:
        times = list((await connection.execute(query)).scalars())
    assert len(times) == 55
    assert times == sorted(times)
    assert await findings(storage.database) == []


async def test_users_are_not_replaced_without_a_request(storage: Storage, tmp_path: Path) -> None:
    await furnish(storage)
    archive = await saved(storage.database, tmp_path / "all", PlainWriter)
    await storage.user("cy")
    with pytest.raises(NotEmpty):
        await load(storage.database, archive.rows(), replace=False, progress=len_of)
    assert await storage.users.count() == 3
    await load(storage.database, archive.rows(), replace=True, progress=len_of)
    assert await storage.users.count() == 2
    assert await storage.log.epoch() != archive.manifest.epoch
    assert await findings(storage.database) == []
    assert not await is_empty(storage.database)


async def test_a_restore_with_invalid_rows_changes_nothing(
    storage: Storage, tmp_path: Path
) -> None:
    await furnish(storage)
    before = await saved(storage.database, tmp_path / "before", PlainWriter)
    rows = list(before.rows())
    stranger = ("members", dict(next(row for name, row in rows if name == "members"), user_id=99))
    for wrong in (
        [*rows, stranger],
        [*rows, ("users", {"id": 9, "name": None})],
        [*rows, ("rockets", {"id": 1})],
        [*rows, ("users", {"id": 9, "colour": "red"})],
    ):
        with pytest.raises(Damaged):
            await load(storage.database, wrong, replace=True, progress=len_of)
    after = await saved(storage.database, tmp_path / "after", PlainWriter)
    assert list(after.rows()) == rows


async def test_missing_columns_of_an_older_archive_get_their_defaults(storage: Storage) -> None:
    older = {"id": 1, "kind": "group", "name": "lobby", "title": "Lobby", "topic": "",
             "private": False, "head": 0, "members": 0, "created_at": 1}  # fmt: skip
    await load(storage.database, [("rooms", older)], replace=True, progress=len_of)
    assert await findings(storage.database) == []
    async with storage.database.reading() as connection:
        row = (await connection.execute(sa.select(rooms))).one()
    assert (row.receipts, row.retention_days) == (False, None)


def len_of(_rows: int) -> None:
    """Ignore the progress."""


# The checks --------------------------------------------------------------------------------------


async def test_a_sound_database_has_no_findings(storage: Storage) -> None:
    assert await findings(storage.database) == []
    await furnish(storage)
    assert await findings(storage.database) == []


def where_room(room: int) -> sa.ColumnElement[bool]:
    return rooms.c.id == room


EVENT = {"room_id": 1, "seq": 99, "kind": 2, "user_id": 1, "client_id": "x", "body": "", "at": 1}

PLANTED: dict[str, tuple[list[Any], str]] = {
    "a head that is too high": (
        [rooms.update().where(where_room(2)).values(head=2)],
        "Room 2: head is 2, but its log ends at 1.",
    ),
    "a head that is too low": (
        [rooms.update().where(where_room(1)).values(head=4)],
        "Room 1: head is 4, but its log ends at 5.",
    ),
    "a hole": (
        [events.delete().where(at(1, 3)), search.delete().where(search.c.seq == 3)],
        "Room 1: its log has gaps: 4 events from 1 to 5.",
    ),
    "a missing beginning": (
        [events.update().where(at(2, 1)).values(seq=2), rooms.update().where(where_room(2)).values(
            head=2), search.update().where(search.c.room_id == 2).values(seq=2)],
        "Room 2: its log has gaps: 1 events from 2 to 2.",
    ),
    "a wrong number of members": (
        [members.update().where(members.c.room_id == 2, members.c.user_id == 1).values(left_at=1)],
        "Room 2: counts 2 members, but has 1.",
    ),
    "a read position beyond the head": (
        [members.update().where(members.c.room_id == 2, members.c.user_id == 1).values(read_seq=9)],
        "Room 2: user 1 has read to 9, beyond its head 1.",
    ),
    "a membership that begins in the future": (
        [members.update().where(members.c.room_id == 2, members.c.user_id == 1).values(
            joined_seq=9)],
        "Room 2: user 1 joined or left beyond its head 1.",
    ),
    "an act on nothing": (
        [events.update().where(at(1, 5)).values(kind=Kind.EDIT, target_seq=77, body=""),
         search.delete().where(search.c.room_id == 1, search.c.seq == 5)],
        "Room 1, event 5: refers to event 77, which does not exist.",
    ),
    "a deleted message with a text": (
        [events.update().where(at(1, 4)).values(body="still")],
        "Room 1, message 4: is deleted, but its text is still stored.",
    ),
    "a deleted message with a digest": (
        [events.update().where(at(1, 4)).values(digest="d" * 5)],
        "Room 1, message 4: is deleted, but its text is still stored.",
    ),
    "an edit of a deleted message with a text": (
        [events.update().where(at(1, 5)).values(kind=Kind.EDIT, target_seq=4, digest=None),
         search.delete().where(search.c.room_id == 1, search.c.seq == 5)],
        "Room 1, event 5: is an edit of a deleted message, but still has its text.",
    ),
    "a reaction to a deleted message": (
        [reactions.insert().values(room_id=1, seq=4, emoji="x", user_id=1, at=1)],
        "Room 1: reactions of message 4, which is deleted.",
    ),
    "a reaction to nothing": (
        [reactions.insert().values(room_id=1, seq=77, emoji="x", user_id=1, at=1)],
        "Room 1: reactions of message 77, which does not exist.",
    ),
    "a mention in a deleted message": (
        [mentions.insert().values(room_id=1, seq=4, user_id=1)],
        "Room 1: mentions of message 4, which is deleted.",
    ),
    "a mention in nothing": (
        [mentions.insert().values(room_id=1, seq=77, user_id=1)],
        "Room 1: mentions of message 77, which does not exist.",
    ),
    "a mention of nobody": (
        [mentions.insert().values(room_id=1, seq=1, user_id=77)],
        "Room 1, message 1: mentions user 77, who does not exist.",
    ),
    "a deleted message in the search index": (
        [search.insert().values(room_id=1, seq=4, tokens="x")],
        "Room 1: search of message 4, which is deleted.",
    ),
    "a message that is not in the search index": (
        [search.delete().where(search.c.room_id == 1, search.c.seq == 1)],
        "Room 1, message 1: is indexed with outdated tokens.",
    ),
    "a message with other words in the search index": (
        [search.update().where(search.c.room_id == 1, search.c.seq == 1).values(tokens="x")],
        "Room 1, message 1: is indexed with outdated tokens.",
    ),
    "no epoch": ([meta.delete().where(meta.c.key == "epoch")], "The database has no epoch"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
async def test_the_check_reports_each_kind_of_damage_once(storage: Storage, name: str) -> None:
    statements, sentence = PLANTED[name]
    await furnish(storage)
    await storage.database.transaction(lambda c: [c.execute(one) for one in statements])
    (finding,) = await findings(storage.database)
    assert finding.startswith(sentence)


async def test_the_check_reports_the_number_of_further_findings(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module, "MAX_FINDINGS", 2)
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, f"text {number}") for number in range(5)])

    def work(connection: Connection) -> None:
        connection.execute(search.update().values(tokens="x"))
        connection.execute(events.update().values(target_seq=77))

    await storage.database.transaction(work)
    assert await findings(storage.database) == [
        "Room 1, event 1: refers to event 77, which does not exist.",
        "Room 1, event 2: refers to event 77, which does not exist.",
        "… and 3 further findings.",
        "Room 1, message 1: is indexed with outdated tokens.",
        "Room 1, message 2: is indexed with outdated tokens.",
        "… and 3 further findings.",
    ]


async def without_rules(storage: Storage, *statements: Any) -> None:
    """Run statements that violate constraints of the database."""

    def work(connection: Connection) -> None:
        off = "PRAGMA foreign_keys=OFF" if storage.database.is_sqlite else SET_OFF
        cursor = connection.connection.cursor()
        for statement in (off, *statements):
            cursor.execute(statement)
        connection.connection.commit()
        connection.invalidate()

    await storage.database.run_on_writer(work)


SET_OFF = "SET foreign_key_checks=0"


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE members SET user_id = 88 WHERE room_id = 2 AND user_id = 2",
         "members: 1 with user_id 88, which is not among the users."),
        ("UPDATE reactions SET user_id = 88",
         "reactions: 1 with user_id 88, which is not among the users."),
        ("UPDATE events SET user_id = 88 WHERE room_id = 2",
         "events: 1 with user_id 88, which is not among the users."),
        ("UPDATE sessions SET user_id = 88",
         "sessions: 1 with user_id 88, which is not among the users."),
        ("UPDATE members SET room_id = 88 WHERE room_id = 2 AND user_id = 2",
         "members: 1 with room_id 88, which is not among the rooms."),
        ("UPDATE mentions SET room_id = 88 WHERE user_id = 0",
         "mentions: 1 with room_id 88, which is not among the rooms."),
        ("UPDATE events SET room_id = 88 WHERE room_id = 2",
         "events: 1 with room_id 88, which is not among the rooms."),
    ],
)  # fmt: skip
async def test_the_check_finds_rows_without_their_user_or_room(
    storage: Storage, statement: str, sentence: str
) -> None:
    await furnish(storage)
    await without_rules(storage, statement)
    assert sentence in await findings(storage.database)


async def test_the_check_finds_duplicate_ids(storage: Storage) -> None:
    await furnish(storage)
    if storage.database.is_sqlite:
        await without_rules(
            storage,
            "CREATE TABLE copy AS SELECT * FROM events",
            "DROP TABLE events",
            "ALTER TABLE copy RENAME TO events",
        )
    else:
        # A key of the same beginning must stay: the foreign key needs one.
        await without_rules(
            storage,
            "CREATE INDEX of_user ON events (user_id)",
            "ALTER TABLE events DROP INDEX uq_events_user_id_client_id",
        )
    twice = sa.text("UPDATE events SET client_id = 'b|' WHERE room_id = 1 AND seq IN (1, 2)")
    await storage.database.transaction(lambda c: c.execute(twice))
    assert "User 1: 2 events under one id, the first as 1 of room 1." in await findings(
        storage.database
    )


async def test_the_check_finds_a_damaged_file(storage: Storage) -> None:
    path = storage.database.path
    if path is None:
        return  # InnoDB verifies checksums itself
    await furnish(storage)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_members_user_id'"
    page = await storage.database.run_on_writer(
        lambda c: int(c.exec_driver_sql(query).scalar_one())
    )
    await storage.database.close()
    raw = bytearray(path.read_bytes())
    raw[4096 * page - 3] ^= 1
    path.write_bytes(raw)
    assert [f for f in await findings(storage.database) if f.startswith("The file is damaged: ")]


# Retention ---------------------------------------------------------------------------------------


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
    edit = {"kind": Kind.EDIT, "target_seq": 1, "body": "first, edited", "digest": "d"}
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
    for at, text in ((1, "one"), (400, "from the future"), (2, "two"), (401, "future too")):
        storage.now = at * DAY
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
