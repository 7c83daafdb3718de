"""Texts of files: queue, claims, storage and erasure, on both databases."""

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.models import LOBBY, Delete, Edit, Post, RemoveFile, User
from chatserver.storage.archive_io import load
from chatserver.storage.archive_writer import PlainWriter
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.file_text_queue import ATTEMPTS, CLAIM, FileTextQueue
from chatserver.storage.file_texts import queue, search_texts
from chatserver.storage.retention import _erase
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.search_index import MANY_TOKENS
from chatserver.text.file_texts import indexed
from tests.storage.conftest import Storage, acting
from tests.storage.test_archive_io import saved
from tests.storage.test_search_files import findings, found, store, uploaded

LARGE = " ".join(f"needle{number}" for number in range(MANY_TOKENS // 10))
SMALL = "a needle in the hay"


class Texts:
    """Files of ann, and a node that reads them."""

    def __init__(self, storage: Storage, ann: User) -> None:
        self.storage = storage
        self.ann = ann
        self.node = self.another_node()

    def another_node(self) -> FileTextQueue:
        return FileTextQueue(self.storage.database, clock=lambda: self.storage.now)

    async def send(self, *texts: str, kind: str = "text/plain") -> tuple[int, list[str]]:
        """Send a message with files of these texts, and read them; return its seq and their ids."""
        ids = [await uploaded(self.storage, self.ann, "notes.txt", kind) for _ in texts]
        (seq,) = await store(self.storage, acting(self.ann, Post("", files=tuple(ids))))
        texts_by_id = dict(zip(ids, texts, strict=True))
        while (file_id := await self.node.claim()) is not None:
            await self.node.store(file_id, indexed(texts_by_id[file_id]))
        return seq, ids

    async def stored(self) -> list[tuple[str, int]]:
        """Return the stored texts, and how many tokens each has."""
        return [(row.text, len(row.tokens.split())) for row in await self._rows(search_texts)]

    async def queued(self) -> list[str]:
        return [row.file_id for row in await self._rows(queue)]

    async def _rows(self, table: sa.TableClause) -> Any:
        async with self.storage.database.reading() as connection:
            return (await connection.execute(sa.select(table))).all()

    async def words(self) -> int:
        """Return how many texts the index of SQLite has for the word needle1, or needle."""
        if not self.storage.database.is_sqlite:
            return 0
        query = "SELECT COUNT(*) FROM search_text_words WHERE search_text_words MATCH 'xwneedle*'"
        async with self.storage.database.reading() as connection:
            return int((await connection.exec_driver_sql(query)).scalar_one())


@pytest_asyncio.fixture
async def texts(storage: Storage) -> Texts:
    return Texts(storage, await storage.user("ann"))


async def test_only_files_that_may_have_a_text_are_queued(texts: Texts) -> None:
    kinds = ("image/png", "application/zip", "video/mp4", "text/plain", "application/pdf")
    ids = [await uploaded(texts.storage, texts.ann, "x", kind) for kind in kinds]
    assert await texts.queued() == []
    await store(texts.storage, acting(texts.ann, Post("", files=tuple(ids))))
    assert sorted(await texts.queued()) == sorted(ids[-2:])
    await store(texts.storage, acting(texts.ann, Edit(1, "x", files=tuple(ids[::-1]))))
    assert sorted(await texts.queued()) == sorted(ids[-2:])


async def test_a_file_is_claimed_by_one_node_until_the_claim_expires(texts: Texts) -> None:
    (file_id,) = [await uploaded(texts.storage, texts.ann, "x", "text/plain")]
    await store(texts.storage, acting(texts.ann, Post("", files=(file_id,))))
    other = texts.another_node()
    for _ in range(ATTEMPTS):
        assert await texts.node.claim() == file_id
        assert await other.claim() is None
        texts.storage.now += CLAIM
    assert await other.claim() is None  # it may be what kills the nodes
    assert await texts.queued() == []


async def test_a_text_is_stored_once(texts: Texts) -> None:
    _seq, (file_id,) = await texts.send(SMALL)
    assert not await texts.another_node().store(file_id, indexed("another"))
    assert await texts.stored() == [(SMALL, 10)]
    assert await texts.queued() == []


async def test_a_user_with_many_files_delays_others_by_one_file(texts: Texts) -> None:
    bo = await texts.storage.user("bo")
    owners = {}
    for user, count in ((texts.ann, 4), (bo, 2)):
        for _ in range(count):
            owners[file_id := await uploaded(texts.storage, user, "x", "text/plain")] = user.name
            await store(texts.storage, acting(user, Post("", files=(file_id,))))
    order = [owners[str(await texts.node.claim())] for _ in owners]
    assert order == ["ann", "bo", "ann", "bo", "ann", "ann"]


async def test_a_file_that_this_server_cannot_read_waits_for_one_that_can(texts: Texts) -> None:
    pdf = await uploaded(texts.storage, texts.ann, "x.pdf", "application/pdf")
    await store(texts.storage, acting(texts.ann, Post("", files=(pdf,))))
    assert await texts.node.claim() == pdf
    await texts.node.postpone(pdf)
    texts.storage.now += 1_000 * CLAIM
    assert await texts.node.claim() is None
    await texts.node.resume()
    assert await texts.node.claim() == pdf


async def test_a_file_whose_message_is_deleted_while_it_is_read_leaves_nothing(
    texts: Texts,
) -> None:
    file_id = await uploaded(texts.storage, texts.ann, "x", "text/plain")
    await store(texts.storage, acting(texts.ann, Post("", files=(file_id,))))
    assert await texts.node.claim() == file_id
    await store(texts.storage, acting(texts.ann, Delete(1)))
    assert not await texts.node.store(file_id, indexed(SMALL))
    assert (await texts.stored(), await texts.queued()) == ([], [])


async def delete(texts: Texts, seq: int, _ids: list[str]) -> None:
    await store(texts.storage, acting(texts.ann, Delete(seq)))


async def edit(texts: Texts, seq: int, _ids: list[str]) -> None:
    await store(texts.storage, acting(texts.ann, Edit(seq, "without", files=())))


async def expire(texts: Texts, seq: int, _ids: list[str]) -> None:
    change = sa.text("UPDATE rooms SET retention_days = 1")
    await texts.storage.database.transaction(lambda c: c.execute(change))
    await texts.storage.database.transaction(lambda c: _erase(c, LOBBY, 1, [seq], 1))


async def remove(texts: Texts, _seq: int, ids: list[str]) -> None:
    for file_id in ids:
        draft = acting(texts.ann, RemoveFile(file_id, None), room=LOBBY)
        await texts.storage.log.store([draft])


async def lose(texts: Texts, seq: int, _ids: list[str]) -> None:
    """Delete the message as a node of an earlier version does."""
    gone = sa.text(f"UPDATE events SET deleted_at = 1, files = NULL, body = '' WHERE seq = {seq}")
    await texts.storage.database.transaction(lambda c: c.execute(gone))
    await FileDeletion(texts.storage.database).expire_unreferenced()


@pytest.mark.parametrize("way", [delete, edit, expire, remove, lose])
async def test_the_text_of_a_deleted_file_is_gone_at_once_and_its_words_before_its_row(
    texts: Texts, way: Any
) -> None:
    seq, ids = await texts.send(SMALL, LARGE)
    assert await texts.words() == 2 * texts.storage.database.is_sqlite
    await way(texts, seq, ids)
    assert {kept for kept, _tokens in await texts.stored()} <= {""}
    assert await found(texts.storage, texts.ann, "needle*") == []
    deletion = FileDeletion(texts.storage.database)
    assert await deletion.delete_rows(ids) == 1  # the tokens of the large one are there
    await SearchBacklog(texts.storage.database).work()
    assert (await texts.stored(), await texts.queued(), await texts.words()) == ([], [], 0)
    await deletion.delete_rows(ids)
    assert await deletion.to_delete(10) == []
    if way is not lose:
        assert await findings(texts.storage) == []


async def test_an_edit_erases_the_texts_of_the_files_that_it_removes(texts: Texts) -> None:
    seq, (_one, two) = await texts.send("first needle", "second needle")
    await store(texts.storage, acting(texts.ann, Edit(seq, "x", files=(two,))))
    assert [text for text, _tokens in await texts.stored()] == ["second needle"]
    three = await uploaded(texts.storage, texts.ann, "x", "text/plain")
    await store(texts.storage, acting(texts.ann, Edit(seq, "x", files=(three, two))))
    assert await texts.node.claim() == three
    await texts.node.store(three, indexed("third needle"))
    assert await found(texts.storage, texts.ann, "third") == [seq]
    assert await found(texts.storage, texts.ann, "second") == [seq]
    assert await found(texts.storage, texts.ann, "first") == []
    assert await findings(texts.storage) == []


async def test_check_finds_texts_of_files_that_are_in_no_message(texts: Texts) -> None:
    _seq, (file_id,) = await texts.send(SMALL)
    lost = sa.text("UPDATE files SET state = 3")
    await texts.storage.database.transaction(lambda c: c.execute(lost))
    assert (
        f"File {file_id}: is in no message of room 1, but its text is still stored."
        in await findings(texts.storage)
    )


async def test_an_archive_has_no_texts_and_loading_it_queues_the_files(
    texts: Texts, tmp_path: Path
) -> None:
    _seq, ids = await texts.send(SMALL, "")
    archive = await saved(texts.storage.database, tmp_path / "all", PlainWriter)
    assert b"needle" not in (tmp_path / "all").read_bytes()
    await load(texts.storage.database, archive.rows(), replace=True, progress=lambda _n: None)
    assert await texts.stored() == []
    assert sorted(await texts.queued()) == sorted(ids)
