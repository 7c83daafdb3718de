"""Search in the texts of files: what is found, by whom, and how much a page compares."""

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.models import Edit, Post, User
from chatserver.storage import search_file_texts, search_page
from chatserver.storage.search import Search, SearchPage
from chatserver.storage.tables import members
from chatserver.text.file_texts import CHARACTERS, indexed
from chatserver.text.search_query import parse
from tests.storage.conftest import Storage, acting
from tests.storage.test_file_texts import Texts
from tests.storage.test_search_files import found, store

REPORT = "The well-known harbour report: 第三块硬盘又报错了, see the Annex."


@pytest_asyncio.fixture
async def texts(storage: Storage) -> Texts:
    return Texts(storage, await storage.user("ann"))


async def hits(texts: Texts, query: str, who: User | None = None) -> SearchPage:
    reader = texts.ann if who is None else who
    return await Search(texts.storage.database).find(reader.id, parse(query))


async def test_a_message_is_found_by_the_text_of_its_file(texts: Texts) -> None:
    seq, (file_id,) = await texts.send(REPORT)
    for query in ("harbour", "硬盘又", "第", "well-known", "well", "ann*", '"harbour report"'):
        (hit,) = (await hits(texts, query)).hits
        assert hit.found_in is not None, query
        assert (hit.seq, hit.found_in.file, hit.found_in.text) == (seq, file_id, REPORT), query
    for query in ("harb", "盘硬", '"report harbour"', "harbour missing", "well-knownx"):
        assert (await hits(texts, query)).hits == [], query


async def test_filters_are_those_of_the_message(texts: Texts) -> None:
    bo = await texts.storage.user("bo")
    seq, _ids = await texts.send(REPORT)
    for query in (
        "from:ann",
        "in:lobby",
        "has:file",
        "filename:notes",
        "filename:no",
        "after:1970-01-01",
    ):
        assert await found(texts.storage, bo, f"harbour {query}") == [seq], query
    for query in ("from:bo", "has:image", "has:link", "filename:other", "before:1970-01-01"):
        assert await found(texts.storage, bo, f"harbour {query}") == [], query


async def test_all_words_are_in_one_file_with_its_name_or_in_the_message(texts: Texts) -> None:
    seq, _ids = await texts.send("alpha beta", "gamma delta")
    await store(texts.storage, acting(texts.ann, Edit(seq, "epsilon")))
    assert await found(texts.storage, texts.ann, "alpha beta notes") == [seq]
    assert await found(texts.storage, texts.ann, "epsilon notes") == [seq]
    assert await found(texts.storage, texts.ann, "alpha gamma") == []
    assert (await hits(texts, "epsilon")).hits[0].found_in is None


async def test_only_members_find_the_texts_of_a_room(texts: Texts) -> None:
    bo = await texts.storage.user("bo")
    await texts.send(REPORT)
    assert len((await hits(texts, "harbour", bo)).hits) == 1
    left = members.update().where(members.c.user_id == bo.id).values(left_at=1, left_seq=9)
    await texts.storage.database.transaction(lambda c: c.execute(left))
    page = await hits(texts, "harbour", bo)
    assert (page.hits, page.more) == ([], False)


async def test_messages_and_files_are_found_newest_first_page_by_page(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.storage.search.CANDIDATE_CHUNKS", (2, 3))
    for number in range(6):
        await texts.send(*[f"needle {number}"] * (1 + number % 2 * 9))
        await store(texts.storage, acting(texts.ann, Post("a needle")))
    search, seqs, position = Search(texts.storage.database), list[int](), None
    while position or not seqs:
        page = await search.find(texts.ann.id, parse("needle"), before=position, limit=5)
        seqs += [hit.seq for hit in page.hits]
        position = page.position
    assert seqs == list(range(12, 0, -1))


async def test_what_a_page_compares_is_limited(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_page, "MAX_COMPARED_CHARS", 5_000)
    for _ in range(4):
        await texts.send(f"{'two one ' * 300} end")
    await texts.send("one two")
    pages, position = 0, None
    search = Search(texts.storage.database)
    while position or not pages:
        page = await search.find(texts.ann.id, parse('"one two end"'), before=position)
        pages, position = pages + 1, page.position
    assert pages >= 2


async def test_a_file_that_is_removed_during_the_search_is_not_found(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seq, _ids = await texts.send(REPORT)
    find = search_file_texts.find_in_texts

    async def then_remove(*arguments: object) -> object:
        result = await find(*arguments)  # type: ignore[arg-type]
        await store(texts.storage, acting(texts.ann, Edit(seq, "x", files=())))
        return result

    monkeypatch.setattr("chatserver.storage.search.find_in_texts", then_remove)
    assert (await hits(texts, "harbour")).hits == []


async def test_a_search_for_filters_only_reads_no_texts(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await texts.send(REPORT)
    for name in ("_CANDIDATES_SQLITE", "_CANDIDATES_MYSQL"):
        monkeypatch.setattr(search_file_texts, name, None)
    assert len((await hits(texts, "from:ann has:file")).hits) == 1


async def test_candidates_are_found_by_the_index(texts: Texts) -> None:
    if not texts.storage.database.is_sqlite:
        return
    await texts.send(REPORT)
    explain = sa.text(f"EXPLAIN QUERY PLAN {search_file_texts._CANDIDATES_SQLITE}")
    values = {"words": "xwharbour", "me": 1, "least": 0, "below": 99, "most": 9}
    async with texts.storage.database.reading() as connection:
        plan = str((await connection.execute(explain, values)).all())
    assert "SEARCH search_texts USING INTEGER PRIMARY KEY" in plan
    assert "TEMP B-TREE" not in plan


async def test_a_very_long_text_is_found_to_its_end(texts: Texts) -> None:
    text = f"{'filler ' * (CHARACTERS // 7 - 10)}the end"
    seq, _ids = await texts.send(text)
    assert indexed(text).text == text
    (hit,) = (await hits(texts, '"the end"')).hits
    assert hit.seq == seq
    assert hit.found_in is not None
    assert hit.found_in.text.endswith("filler the end")
