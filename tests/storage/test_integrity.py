"""Integrity checks, with planted damage."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import EventKind
from chatserver.storage import integrity as check_module
from chatserver.storage.search_index import search
from chatserver.storage.tables import events, members, mentions, meta, reactions, rooms
from tests.storage.conftest import Storage, draft
from tests.storage.furnished import at, findings, furnish


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
        [events.update().where(at(1, 5)).values(kind=EventKind.EDIT, target_seq=77, body=""),
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
        [events.update().where(at(1, 5)).values(kind=EventKind.EDIT, target_seq=4, digest=None),
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
