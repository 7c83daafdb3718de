"""Search backlog: long messages are found immediately, and indexed later."""

from functools import partial
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.models import LOBBY, Delete, Draft, Edit, Event, User
from chatserver.storage import search_backlog
from chatserver.storage.engine import Database
from chatserver.storage.integrity import check
from chatserver.storage.search import Search
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.search_index import LONG_ASCII, LONG_TEXT, pending, search
from chatserver.text.search_query import parse
from chatserver.text.search_terms import tokens
from tests.storage.conftest import Storage, draft

FILLER = "".join(chr(0x4E00 + number) for number in range(LONG_TEXT))
LONG_MESSAGE = f"needle {FILLER}"


class Talk:
    """Writes and searches messages of ann in the lobby."""

    def __init__(self, storage: Storage, ann: User) -> None:
        self.storage = storage
        self.ann = ann
        self.backlog = SearchBacklog(storage.database)

    async def say(self, text: str) -> int:
        return await self._store(draft(self.ann, text))

    async def edit(self, seq: int, text: str) -> None:
        await self._store(self._act(f"e{seq}{text[:9]}", Edit(seq, text, (), since=0)))

    async def delete(self, seq: int) -> None:
        await self._store(self._act(f"d{seq}", Delete(seq)))

    def _act(self, generated_id: str, act: Edit | Delete) -> Draft:
        return Draft(LOBBY, self.ann.id, self.ann.name, generated_id, generated_id[:32], act)

    async def _store(self, one: Draft) -> int:
        (outcome,) = await self.storage.log.store([one])
        assert isinstance(outcome, Event), outcome
        return outcome.seq

    async def found(self, text: str) -> list[int]:
        hits = await Search(self.storage.database).find(self.ann.id, parse(text))
        return [hit.seq for hit in hits.hits]

    async def waiting(self) -> int:
        async with self.storage.database.reading() as connection:
            count = sa.select(sa.func.count()).select_from(pending)
            return int(await connection.scalar(count) or 0)

    async def index(self, row: Any) -> None:
        """Complete the indexing of a message that was read earlier."""
        tokenized = search_backlog._tokenized([row])
        work = partial(search_backlog._store_tokens, tokenized=tokenized)
        await self.storage.database.transaction(work)

    async def findings(self) -> list[str]:
        return [found async for step in check(self.storage.database) for found in step.findings]

    async def size(self) -> int:
        """Bytes of tokens in the table."""
        query = sa.select(sa.func.sum(sa.func.length(search.c.tokens)))
        async with self.storage.database.reading() as connection:
            return int(await connection.scalar(query) or 0)


@pytest_asyncio.fixture
async def talk(storage: Storage) -> Talk:
    return Talk(storage, await storage.user("ann"))


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("x" * LONG_ASCII, 0),
        ("x" * (LONG_ASCII + 1), 1),
        ("你" * LONG_TEXT, 0),
        ("你" * (LONG_TEXT + 1), 1),
    ],
)
async def test_only_long_messages_are_added_to_the_backlog(
    talk: Talk, text: str, waits: int
) -> None:
    await talk.say(text)
    assert await talk.waiting() == waits
    await talk.backlog.work()
    assert await talk.waiting() == 0
    assert await talk.findings() == []


async def test_a_long_message_is_found_before_and_after_it_is_indexed(talk: Talk) -> None:
    seqs = [await talk.say(text) for text in ("needle", LONG_MESSAGE, "needle", "hay")]
    for _ in range(2):
        assert await talk.found("needle") == seqs[2::-1]
        assert await talk.found(f"needle {FILLER[7:12]}") == [seqs[1]]
        assert await talk.findings() == []
        await talk.backlog.work()


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("to", ["short", FILLER])
async def test_an_edited_long_message_is_found_by_its_new_text_only(
    talk: Talk, to: str, *, indexed: bool
) -> None:
    seq = await talk.say(LONG_MESSAGE)
    if indexed:
        await talk.backlog.work()
    await talk.edit(seq, f"pin {to}")
    for _ in range(2):
        assert await talk.found("needle") == []
        assert await talk.found("pin") == [seq]
        assert await talk.findings() == []
        await talk.backlog.work()


async def test_a_short_message_can_become_long_and_short_again(talk: Talk) -> None:
    seq = await talk.say("pin")
    await talk.edit(seq, LONG_MESSAGE)
    await talk.edit(seq, "hay")
    assert await talk.found("pin needle") == await talk.found("needle") == []
    assert await talk.found("hay") == [seq]
    await talk.backlog.work()
    assert (await talk.found("hay"), await talk.waiting()) == ([seq], 0)
    assert await talk.findings() == []


@pytest.mark.parametrize("indexed", [True, False])
async def test_no_word_of_a_deleted_long_message_remains(talk: Talk, *, indexed: bool) -> None:
    seq = await talk.say(LONG_MESSAGE)
    if indexed:
        await talk.backlog.work()
    await talk.delete(seq)
    assert await talk.found("needle") == []
    assert await talk.findings() == []
    await talk.backlog.work()
    assert (await talk.waiting(), await talk.size()) == (0, 0)
    assert await talk.findings() == []


async def test_a_message_that_changes_while_it_is_indexed_stays_in_the_backlog(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seq = await talk.say(LONG_MESSAGE)
    (row,) = await talk.backlog._waiting()
    await talk.edit(seq, f"pin {FILLER}")
    await talk.index(row)
    assert await talk.waiting() == 1
    assert await talk.found("pin") == [seq]
    await talk.backlog.work()
    assert (await talk.waiting(), await talk.found("pin")) == (0, [seq])


async def test_a_message_indexed_by_another_node_is_skipped(talk: Talk, database_url: str) -> None:
    await talk.say(LONG_MESSAGE)
    (row,) = await talk.backlog._waiting()
    if not talk.storage.database.is_sqlite:
        other = Database(database_url)
        await SearchBacklog(other).work()
        await other.close()
    else:
        await talk.backlog.work()
    await talk.index(row)
    assert await talk.findings() == []


async def test_the_transaction_of_a_long_message_computes_no_tokens(talk: Talk) -> None:
    await talk.say(LONG_MESSAGE)
    assert await talk.size() == 0
    await talk.backlog.work()
    assert await talk.size() > len(tokens(LONG_MESSAGE))
