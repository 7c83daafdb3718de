"""Archives of both databases."""

import itertools
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.storage.archive_file import Archive, Damaged, read
from chatserver.storage.archive_io import NotEmpty, dump, is_empty, load
from chatserver.storage.archive_writer import ArchiveReceiver, PackedWriter, PlainWriter
from chatserver.storage.engine import Database
from chatserver.storage.integrity import totals
from chatserver.storage.migrate import migrate
from chatserver.storage.push_key import StoredPushKey
from chatserver.storage.push_targets import PushTargets
from chatserver.storage.search_index import search
from chatserver.storage.tables import events, metadata, rooms
from tests.rig.mariadb import PrivateMariaDB
from tests.storage.conftest import Storage, draft
from tests.storage.furnished import findings, furnish
from tests.storage.test_push_claims import browser

_numbers = itertools.count()


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


async def fresh(url: str, tmp_path: Path) -> Database:
    database = Database(url)
    await migrate(database, backups=tmp_path)
    return database


async def test_every_table_with_primary_data_is_in_the_archive(
    storage: Storage, tmp_path: Path
) -> None:
    await furnish(storage)
    archive = await saved(storage.database, tmp_path / "all", PackedWriter)
    assert {name for name, _ in archive.rows()} == set(metadata.tables) - {"push_targets"}
    async with storage.database.reading() as connection:
        there = set(await connection.run_sync(lambda c: sa.inspect(c).get_table_names()))
    made_again = {name for name in there if name.startswith("search")}
    assert there - made_again - {"alembic_version"} == set(metadata.tables)


async def test_push_targets_and_their_key_are_in_no_archive_and_end_with_a_restore(
    storage: Storage, tmp_path: Path
) -> None:
    bo = await storage.user("bo")
    targets = PushTargets(storage.database, clock=lambda: storage.now)
    await targets.put(await browser(storage, bo, "b"))
    await StoredPushKey(storage.database).get_or_add(lambda: "secret-key")
    archive = await saved(storage.database, tmp_path / "all", PackedWriter)
    rows = list(archive.rows())
    assert ("sessions", "b") in [(table, row.get("id")) for table, row in rows]
    assert "push_targets" not in {table for table, _ in rows}
    assert "secret-key" not in str(rows)
    assert await targets.count() == 1
    await load(storage.database, archive.rows(), replace=True, progress=lambda _: None)
    assert await targets.count() == 0


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
