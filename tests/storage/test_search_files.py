"""Search for messages by their files, on both databases."""

from contextlib import aclosing

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.models import LOBBY, Delete, Draft, Edit, Event, Post, User
from chatserver.storage import search_candidates
from chatserver.storage.files import Content, NewFile
from chatserver.storage.integrity import check
from chatserver.storage.search import Search
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.search_index import Entry as IndexEntry
from chatserver.storage.search_index import document_of, pending, rewrite
from chatserver.text.search_query import parse
from tests.storage.conftest import Storage, acting
from tests.storage.test_apply_files import register_of


@pytest_asyncio.fixture
async def ann(storage: Storage) -> User:
    return await storage.user("ann")


async def uploaded(storage: Storage, who: User, name: str, kind: str, alt: str = "") -> str:
    register = register_of(storage)
    begun = await register.begin(NewFile(who.id, name, 3, None, alt or None))
    await register.complete(begun.id, Content(kind, 3, "0" * 64))
    return begun.id


async def store(storage: Storage, *drafts: Draft) -> list[int]:
    events = await storage.log.store(drafts)
    assert all(isinstance(event, Event) for event in events), events
    return [event.seq for event in events if isinstance(event, Event)]


async def found(storage: Storage, who: User, text: str) -> list[int]:
    page = await Search(storage.database).find(who.id, parse(text))
    return [hit.seq for hit in page.hits]


async def findings(storage: Storage) -> list[str]:
    async with aclosing(check(storage.database)) as steps:
        return [finding async for step in steps for finding in step.findings]


QUERIES = {
    "report": [1, 3],
    "has:file": [1, 2],
    "has:image": [2],
    "has:video": [],
    "has:link": [3],
    "filename:report": [1],
    "filename:rep": [1],
    "filename:harbour": [],
    "filename:海港": [2],
    "harbour": [2],
    "has:image filename:report": [],
    "from:ann has:image boats": [2],
    "海港": [2],
}


@pytest.mark.parametrize("recent", [search_candidates.RECENT, 0])  # MySQL: without the index, with
async def test_messages_are_found_by_names_and_kinds_of_files(
    storage: Storage, ann: User, recent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_candidates, "RECENT", recent)
    report = await uploaded(storage, ann, "Report 2026.pdf", "application/pdf")
    photo = await uploaded(storage, ann, "海港.png", "image/png", "the harbour at dawn")
    await store(
        storage,
        acting(ann, Post("", files=(report,))),
        acting(ann, Post("boats", files=(photo,))),
        acting(ann, Post("report at https://example.com")),
    )
    for asked, expected in QUERIES.items():
        assert sorted(await found(storage, ann, asked)) == expected, asked
    assert await findings(storage) == []


async def test_the_index_follows_edits_and_deletions(storage: Storage, ann: User) -> None:
    one = await uploaded(storage, ann, "first.txt", "text/plain")
    two = await uploaded(storage, ann, "second.png", "image/png")
    await store(storage, acting(ann, Post("x", files=(one,))))
    await store(storage, acting(ann, Edit(1, "y")))  # keeps the files
    assert await found(storage, ann, "filename:first") == [1]
    await store(storage, acting(ann, Edit(1, "y", files=(two,))))
    assert await found(storage, ann, "first") == []
    assert await found(storage, ann, "has:image second") == [1]
    assert await findings(storage) == []
    await store(storage, acting(ann, Edit(1, "y", files=())))
    assert await found(storage, ann, "has:file") == []
    await store(storage, acting(ann, Edit(1, "z")), acting(ann, Delete(1)))
    assert await found(storage, ann, "z") == []
    assert await findings(storage) == []


async def test_long_names_are_indexed_by_the_backlog(storage: Storage, ann: User) -> None:
    many = [await uploaded(storage, ann, f"{'长' * 60}{n}.txt", "text/plain") for n in range(10)]
    await store(storage, acting(ann, Post("short", files=tuple(many))))
    async with storage.database.reading() as connection:
        assert (await connection.execute(sa.select(pending))).all() == [(LOBBY, 1)]
    assert await found(storage, ann, "filename:长9") == [1]
    await SearchBacklog(storage.database).work()
    async with storage.database.reading() as connection:
        assert (await connection.execute(sa.select(pending))).all() == []
    assert await found(storage, ann, "filename:长9") == [1]
    assert await findings(storage) == []


async def test_check_finds_a_message_that_is_indexed_without_its_files(
    storage: Storage, ann: User
) -> None:
    file = await uploaded(storage, ann, "first.txt", "text/plain")
    await store(storage, acting(ann, Post("x", files=(file,))))
    without = document_of(IndexEntry(LOBBY, 1, ann.id, "x"))
    await storage.database.transaction(lambda c: rewrite(c, {(LOBBY, 1): without}))
    assert await findings(storage) == ["Room 1, message 1: is indexed with outdated tokens."]
