"""Search: the same results on both databases, of the rooms of the reader only."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from chatserver.errors import BadRequest, Unavailable
from chatserver.models import LOBBY, EventKind, User
from chatserver.protocol import REPLY_CHARS
from chatserver.resources import resource_dir
from chatserver.storage import (
    search,
    search_backlog,
    search_candidates,
    search_filters,
    search_index,
    search_page,
    slices,
)
from chatserver.storage.meta_keys import COMPACTED
from chatserver.storage.migrate import migrate
from chatserver.storage.readers import Share
from chatserver.storage.search import Search, SearchPage
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.search_index import Entry
from chatserver.storage.tables import events, members, meta, rooms
from chatserver.text.search_query import Piece, holds, parse
from chatserver.text.search_terms import fold
from tests.storage.conftest import Storage, arrive

DAY = 86_400_000
LONG = "x" * 100

# Messages, queries and results for both databases.
SAID = {
    "hello": "你好世界，今天发布v2.0发布说明",
    "hi": "你 好",
    "one": "你",
    "wide": "ｖ２ is ＦＵＬＬ width",
    "emoji": "party 🎉 time 👍🏽",
    "heart": "I ❤️ this",
    "url": "see https://example.com/a_b?q=1%20&x=2#top",
    "quote": 'the 5" screen, "to be or not"',
    "percent": "100% sure",
    "hundred": "1000 people, 100 of them",
    "path": "c:\\temp\\new_file.txt",
    "dont": "don't do that",
    "curly": "don’t either",
    "hyphen": "a well-known bug",
    "spaced": "this is well known",
    "release": "release the Kraken",
    "releases": "releases come monthly",
    "long": f"look {LONG} here",
    "longer": f"look {LONG}y here",
    "cafe": "cafe",
    "café": "Café",
    "decomposed": "cafe\u0301 again",
    "sharp": "Straße",
    "russian": "Привет, мир",
    "korean": "한국어 검색",
    "japanese": "カタカナとひらがな",
    "half": "ｶﾀｶﾅ",
    "thai": "สวัสดีครับ",
    "hindi": "हिन्दी में",
    "not": "not be to or",
    "fts": "NEAR AND OR NOT col:x",
    "lines": "first line\n\n  second line",
}
CASES = {
    "你": "hello hi one",
    "你好": "hello",
    "好世界": "hello",
    "好世": "hello",
    "世界 发布": "hello",
    "世界发布": "",
    "v2.0发布": "hello",
    "2.0": "",
    "v2": "hello wide",
    "ｖ２": "hello wide",
    "full": "wide",
    "🎉": "emoji",
    "👍": "emoji",
    "❤": "heart",
    "❤️": "heart",
    "https://example.com/a_b": "url",
    "example": "url",
    "a_b": "url",
    "example.com/a": "url",
    "exampleXcom": "",
    '"': "quote",
    '5"': "quote",
    '"to be"': "quote",
    '"be to"': "not",
    "to be": "quote not",
    "%": "url percent",
    "100%": "percent",
    "100": "percent hundred",
    "1000": "hundred",
    "_": "url path",
    "\\": "path",
    "c:\\temp": "path",
    "new_file": "path",
    "file": "path",
    "newXfile": "",
    "don't": "dont curly",
    "don’t": "dont curly",
    "dont": "",
    "well-known": "hyphen",
    '"well known"': "spaced",
    "known": "hyphen spaced",
    "a": "url hyphen",
    "I": "heart",
    "the": "quote release",
    "rele": "",
    "rele*": "release releases",
    "release": "release",
    LONG: "long",
    LONG + "*": "long longer",
    "x" * 50 + "*": "long longer",
    "x" * 50: "",
    "cafe": "cafe",
    "CAFÉ": "café decomposed",
    "caf*": "cafe café decomposed",
    "STRASSE": "sharp",
    "привет": "russian",
    "прив*": "russian",
    "прив": "",
    "한": "korean",
    "국어": "korean",
    "검색": "korean",
    "カタカナ": "japanese half",
    "ひら": "japanese",
    "な": "japanese",
    "สวัส": "thai",
    "हिन्दी": "hindi",
    "हि": "",
    "AND": "fts",
    "col:x": "fts",
    "NEAR OR": "fts",
    '"line second"': "lines",
    "third": "",
    "*": "",
    "'": "dont curly",
    "xr1": "",
    "-": "hyphen",
}


class Index:
    """Writes messages as the log does, and searches as users."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.search = Search(storage.database)
        self._seqs = itertools.count(1)

    async def say(self, who: User, *texts: str, room: int = LOBBY, at: int = 0) -> list[int]:
        seqs = [next(self._seqs) for _ in texts]
        rows = [
            {
                "room_id": room,
                "seq": seq,
                "kind": EventKind.MESSAGE,
                "user_id": who.id,
                "client_id": f"m{seq}",
                "body": text,
                "at": at or self.storage.now,
            }
            for seq, text in zip(seqs, texts, strict=True)
        ]

        def work(connection: Connection) -> None:
            connection.execute(events.insert(), rows)
            entries = zip(seqs, texts, strict=True)
            search_index.index(
                connection, [Entry(room, seq, who.id, text) for seq, text in entries]
            )

        await self.storage.database.transaction(work)
        return seqs

    async def edit(self, seq: int, text: str) -> None:
        def work(connection: Connection) -> None:
            message = events.update().where(events.c.seq == seq)
            connection.execute(message.values(body=text, edited_at=5))
            author = sa.select(events.c.user_id).where(events.c.seq == seq)
            user_id = connection.scalar(author) or 0
            search_index.reindex(connection, [Entry(LOBBY, seq, user_id, text)])

        await self.storage.database.transaction(work)

    async def delete(self, seqs: Sequence[int], *, room: int = LOBBY) -> None:
        def work(connection: Connection) -> None:
            message = events.update().where(events.c.seq.in_(seqs))
            connection.execute(message.values(body="", deleted_at=5))
            search_index.unindex(connection, [(room, seq) for seq in seqs])

        await self.storage.database.transaction(work)

    async def hits(
        self, who: User, text: str, *, limit: int = 50, before: int | None = None
    ) -> SearchPage:
        return await self.search.find(who.id, parse(text), before=before, limit=limit)

    async def answer(self, who: User, text: str) -> SearchPage | str:
        """Return a page, or the error."""
        try:
            return await self.hits(who, text)
        except BadRequest as error:
            return str(error)

    async def change(self, change: sa.Update) -> None:
        await self.storage.database.transaction(lambda connection: connection.execute(change))

    async def found(self, who: User, text: str) -> list[str]:
        return [hit.data for hit in (await self.hits(who, text)).hits]

    async def room(self, name: str, *users: User, title: str = "") -> int:
        room = {"kind": "group", "name": name, "title": title, "topic": "", "private": False}
        numbers = {"head": 0, "members": len(users), "created_at": 0}
        membership = {"role": "member", "joined_at": 0, "joined_seq": 0, "read_seq": 0}

        def work(connection: Connection) -> int:
            result = connection.execute(rooms.insert().values(**room, **numbers))
            number = int((result.inserted_primary_key or [0])[0])
            for user in users:
                row = {"room_id": number, "user_id": user.id, "muted": False, **membership}
                connection.execute(members.insert().values(row))
            return number

        return await self.storage.database.transaction(work)


@pytest_asyncio.fixture
async def index(storage: Storage) -> Index:
    return Index(storage)


@pytest_asyncio.fixture
async def ann(storage: Storage) -> User:
    return await storage.user("ann")


@pytest_asyncio.fixture
async def bo(storage: Storage) -> User:
    return await storage.user("bo")


# Matching ----------------------------------------------------------------------------------------


async def test_all_cases_are_found_on_both_databases(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await index.say(ann, *SAID.values())
    names = {text: name for name, text in SAID.items()}
    for recent in (search_candidates.RECENT, 0):  # on MySQL without its index, and with it alone
        monkeypatch.setattr(search_candidates, "RECENT", recent)
        for asked, expected in CASES.items():
            found = [names[text] for text in await index.found(ann, asked)]
            assert found == expected.split()[::-1], asked


@pytest.mark.parametrize("recent", [search_candidates.RECENT, 4, 0])
async def test_a_page_is_newest_first_and_has_the_position_of_the_next(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch, recent: int
) -> None:
    monkeypatch.setattr(search_candidates, "RECENT", recent)
    said = [f"tea {number}" for number in range(7)]
    await index.say(ann, *said)
    await index.say(ann, "coffee")
    pages, position = [], None
    while True:
        hits = await index.hits(ann, "tea", limit=3, before=position)
        pages.append([hit.data for hit in hits.hits])
        position = hits.position
        if not hits.more:
            break
    assert pages == [said[:3:-1], said[3:0:-1], said[:1]]
    assert position is None


async def test_a_last_page_that_is_exactly_full_has_no_next(index: Index, ann: User) -> None:
    await index.say(ann, "tea", "tea")
    assert not (await index.hits(ann, "tea", limit=2)).more


async def test_candidates_that_do_not_match_are_skipped(index: Index, ann: User) -> None:
    await index.say(ann, "one two")
    await index.say(ann, *["two one"] * 400)
    assert await index.found(ann, '"one two"') == ["one two"]


async def test_the_number_of_candidates_per_page_is_limited(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CANDIDATE_CHUNKS", (2, 4))
    await index.say(ann, "one two", *["two one"] * 7)
    first = await index.hits(ann, '"one two"')
    assert (first.hits, first.more) == ([], True)
    second = await index.hits(ann, '"one two"', before=first.position)
    assert ([hit.data for hit in second.hits], second.more) == (["one two"], False)


async def test_the_number_of_compared_characters_per_page_is_limited(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_page, "MAX_COMPARED_CHARS", 1_000)
    monkeypatch.setattr(slices, "SLICE", 300)
    await index.say(ann, "one two", *["two one" + 93 * " a"] * 20)
    found, position, pages = [], None, 0
    while position or not pages:
        hits = await index.hits(ann, '"one two"', before=position)
        found += [hit.data for hit in hits.hits]
        position, pages = hits.position, pages + 1
    assert found == ["one two"]
    assert pages == 4


@pytest.mark.parametrize("asked", ["has:link", "has:link from:ann"])
async def test_queries_without_words_count_what_they_compare(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(search_page, "MAX_COMPARED_CHARS", 1_000)
    monkeypatch.setattr(slices, "SLICE", 300)
    await index.say(ann, "https://example.com", *["https " + 194 * "a"] * 20)
    sizes: list[int] = []
    position = None
    while position or not sizes:
        hits = await index.hits(ann, asked, before=position)
        sizes.append(len(hits.hits))
        position = hits.position
    assert sizes == [0, 0, 0, 1]


async def test_a_page_has_a_limited_number_of_characters(index: Index, ann: User) -> None:
    said = await index.say(ann, *["x" * 4_000] * 40)
    found: list[int] = []
    sizes: list[int] = []
    position = None
    while position or not sizes:
        hits = await index.hits(ann, "from:ann", limit=500, before=position)
        found += [hit.seq for hit in hits.hits]
        sizes.append(sum(len(hit.data) for hit in hits.hits))
        position = hits.position
    assert found == said[::-1]
    assert sizes == [REPLY_CHARS, REPLY_CHARS, 40_000]


async def test_no_connection_is_in_use_while_texts_are_compared(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: Any = index.storage.database.readers[Share.HEAVY].pool
    in_use = []

    def counted(text: str) -> str:
        in_use.append(pool.checkedout())
        return fold(text)

    for module in (search, search_filters):
        monkeypatch.setattr(module, "fold", counted)
    room = await index.room("office", ann, title="The Office")
    await index.say(ann, "tea", room=room)
    assert await index.found(ann, 'tea in:"the office"') == ["tea"]
    assert set(in_use) == {0}


async def test_texts_are_compared_off_the_event_loop(
    index: Index, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def compared(pieces: Iterable[Piece], text: str) -> bool:
        threads.append(threading.current_thread())
        return holds(pieces, text)

    monkeypatch.setattr(search, "holds", compared)
    await index.say(ann, "tea")
    assert await index.found(ann, "tea") == ["tea"]
    assert threads
    assert threading.main_thread() not in threads


async def test_any_position_is_accepted(index: Index, ann: User) -> None:
    await index.say(ann, "tea")
    for position, count in ((-(10**30), 0), (0, 0), (10**30, 1)):
        assert len((await index.hits(ann, "tea", before=position)).hits) == count


@pytest.mark.parametrize("count", [1, 64, 2_048])
async def test_candidates_are_read_by_their_ids_only(index: Index, count: int) -> None:
    if index.storage.database.path is None:
        return  # MySQL has statistics; SQLite guesses
    details = str(search._DETAILS).replace("__[POSTCOMPILE_ids]", ",".join(map(str, range(count))))
    explain = sa.text(f"EXPLAIN QUERY PLAN {details}")
    async with index.storage.database.reading() as connection:
        rows = list(await connection.execute(explain, {"me": 1, "kind_1": 2}))
    assert "SEARCH search USING INTEGER PRIMARY KEY" in rows[0][3]


# Permissions -------------------------------------------------------------------------------------


async def test_only_members_find_messages_of_a_room(index: Index, ann: User, bo: User) -> None:
    office = await index.room("office", bo)
    await index.say(bo, "the secret plan", room=office)
    assert await index.found(bo, "secret") == ["the secret plan"]
    assert await index.found(ann, "secret") == []
    await index.storage.database.transaction(
        lambda c: c.execute(members.update().values(left_at=1))
    )
    assert await index.found(bo, "secret") == []


async def test_the_end_of_a_search_has_only_what_its_reader_may_read_then(
    index: Index, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, plans = await index.room("office", ann, bo), await index.room("plans", ann, bo)
    deleted, edited = await index.say(ann, "tea for two", "tea for three")
    await index.say(ann, "secret tea", room=office)
    await index.say(ann, "tea plans", room=plans)

    async def interrupted(work: Any, rows: Iterable[Any]) -> AsyncIterator[Any]:
        yield work(list(rows))
        await index.delete([deleted])
        await index.edit(edited, "coffee")
        membership = sa.and_(members.c.room_id == office, members.c.user_id == bo.id)
        await index.change(members.update().where(membership).values(left_at=1))

    monkeypatch.setattr(search, "compute_in_slices", interrupted)
    assert await index.found(bo, "tea") == ["tea plans", "coffee"]


@pytest.mark.parametrize("rooms_of_cy", [1, search.MAX_INDEXED_TERMS + 1])
async def test_messages_in_inaccessible_rooms_change_no_result(
    index: Index, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch, rooms_of_cy: int
) -> None:
    monkeypatch.setattr(search, "CANDIDATE_CHUNKS", (2, 4))
    cy = await index.storage.user("cy")
    own = [await index.room(f"own{number}", cy) for number in range(rooms_of_cy)]
    left, hidden = await index.room("left", ann, cy), await index.room("hidden", ann, bo)
    private = {"name": None, "private_name": "hidden", "private": True}
    archived = await index.room("archived", ann)
    await index.change(rooms.update().where(rooms.c.id == hidden).values(**private))
    await index.change(rooms.update().where(rooms.c.id == archived).values(archived_at=1))
    await index.say(cy, "tea", "my tea", "coffee", room=own[-1])
    one = sa.and_(members.c.room_id == left, members.c.user_id == cy.id)
    await index.change(members.update().where(one).values(left_at=1, left_seq=1))
    asked = ["tea", "te*", '"merger on"', "merger", "merg*", "from:ann", "tea from:ann", "奶茶"]
    asked += [
        "from:cy",
        "coffee",
        f"in:{own[-1]} merger",
        f"merger in:{hidden}",
        "merger in:hidden",
    ]
    before = [await index.answer(cy, text) for text in asked]
    for room in (left, hidden, archived):
        await index.say(ann, *["a merger on friday, tea 奶茶"] * 4, room=room)
        await index.say(
            ann, *[f"a merger on friday, tea {'长' * search_index.LONG_TEXT}"] * 4, room=room
        )
        await index.say(ann, *[f"a merger on friday, tea {'x ' * 2_000}"] * 4, room=room)
    assert [await index.answer(cy, text) for text in asked] == before
    await SearchBacklog(index.storage.database).work()
    assert [await index.answer(cy, text) for text in asked] == before


async def test_a_member_of_very_many_rooms_finds_the_same(
    index: Index, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_INDEXED_TERMS", 0)
    office = await index.room("office", bo)
    await index.say(bo, "the secret plan", room=office)
    await index.say(bo, "no secret", at=3 * DAY)
    assert await index.found(bo, "secret") == ["no secret", "the secret plan"]
    assert await index.found(ann, "secret") == ["no secret"]
    assert await index.found(ann, "after:1970-01-03") == ["no secret"]


async def test_a_direct_room_is_searched_by_its_members_only(
    index: Index, ann: User, bo: User
) -> None:
    facts = await index.storage.direct((ann.id, ann.name), (bo.id, bo.name))
    cy = await index.storage.user("cy")
    await index.say(ann, "between us", room=facts.room)
    assert await index.found(bo, "between") == ["between us"]
    assert await index.found(cy, "between") == []


# Filters -----------------------------------------------------------------------------------------


async def test_filters_select_by_user_room_and_time(index: Index, ann: User, bo: User) -> None:
    office = await index.room("büro", ann, bo)
    await index.say(ann, "tea first", at=DAY)
    await index.say(bo, "tea second", room=office, at=2 * DAY)
    await index.say(bo, "tea third", at=3 * DAY)
    for asked, expected in {
        "tea from:BO": ["tea third", "tea second"],
        "tea in:#Büro": ["tea second"],
        f"tea in:{office}": ["tea second"],
        "from:bo": ["tea third", "tea second"],
        "in:lobby": ["tea third", "tea first"],
        "before:1970-01-03": ["tea first"],
        "after:1970-01-03": ["tea third", "tea second"],
        "after:1970-01-03 before:1970-01-04": ["tea second"],
        "tea before:1970-01-04T00:00:00.001Z from:bo": ["tea third", "tea second"],
        "after:1970-01-04T08:00+08:00": ["tea third"],
        "before:0001-01-01": [],
        "after:9999-12-31": [],
    }.items():
        assert await index.found(ann, asked) == expected, asked


@pytest.mark.parametrize("as_terms", [64, 1])
async def test_filters_accept_displayed_names(
    index: Index, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch, as_terms: int
) -> None:
    monkeypatch.setattr(search, "MAX_INDEXED_TERMS", as_terms)
    cy = await index.storage.user("cy")
    for user, display in ((ann, "王博"), (bo, "Cy"), (cy, "王博")):
        await index.storage.users.change(user.id, display=display)
    first = await index.room("first", ann, bo, title="Große Pläne")
    second = await index.room("second", ann, title="große pläne")
    named = await index.room("plans", ann, title="First")
    hidden = await index.room("hidden", bo, title="Große Pläne")
    await index.say(ann, "one", room=first)
    await index.say(cy, "two", room=second)
    await index.say(bo, "three", room=named)
    await index.say(bo, "four", room=hidden)
    for asked, expected in {
        'in:"GROSSE  pläne"': ["two", "one"],  # both rooms of that title, and not the hidden one
        "in:first": ["one"],  # a name comes before a title
        f"in:{second}": ["two"],
        "from:王博": ["two", "one"],
        "from:CY": ["two"],  # a user name comes before a display name
    }.items():
        assert await index.found(ann, asked) == expected, asked


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("from:nobody", "No one here is called nobody"),
        ("in:office", "You are not in a room called"),
    ],
)
async def test_an_unknown_name_in_a_filter_is_rejected(
    index: Index, ann: User, bo: User, asked: str, sentence: str
) -> None:
    await index.room("office", bo)
    with pytest.raises(BadRequest, match=sentence):
        await index.hits(ann, asked)


# Changes -----------------------------------------------------------------------------------------


async def test_an_edited_message_is_found_by_its_new_text_in_its_old_position(
    index: Index, ann: User
) -> None:
    first, _second = await index.say(ann, "tea with milk", "tea again")
    await index.edit(first, "tea with lemon")
    assert await index.found(ann, "milk") == []
    assert await index.found(ann, "tea") == ["tea again", "tea with lemon"]
    assert (await index.hits(ann, "lemon from:ann")).hits[0].edited_at == 5


async def test_a_deleted_message_is_not_found_even_if_its_words_are_used_again(
    index: Index, ann: User
) -> None:
    seqs = await index.say(ann, *["tea"] * 3)
    await index.delete(seqs[:2])
    assert await index.found(ann, "tea") == ["tea"]
    assert (await index.hits(ann, "in:lobby")).hits[0].seq == seqs[2]


async def test_messages_missing_in_the_index_can_be_deleted_and_edited(
    index: Index, ann: User
) -> None:
    (seq,) = await index.say(ann, "tea")
    await index.delete([seq, 99])
    await index.delete([seq])
    await index.edit(seq, "tea")
    await index.edit(99, "tea")
    assert await index.found(ann, "tea") == []


async def test_deleted_words_are_removed_from_the_file(index: Index, ann: User) -> None:
    database = index.storage.database
    if database.path is None:
        return  # MySQL: see `compact`
    (deleted,) = await index.say(ann, "zanzibarquartz")
    (edited,) = await index.say(ann, "mumblecrustwig")
    await index.say(ann, "kept words")
    await database.transaction(search_index.compact)  # nothing to do: it must not record completion
    await index.delete([deleted])
    await index.edit(edited, "changed")
    assert b"zanzibarquartz" in written(database.path)
    steps = 0
    while await database.transaction(search_index.compact):
        steps += 1
    assert steps < 10
    assert await index.found(ann, "kept") == ["kept words"]
    await database.close()
    for word in (b"zanzibarquartz", b"mumblecrustwig"):
        assert word[2:] not in written(database.path)
    assert b"changed" in written(database.path)


async def test_a_start_removes_deleted_words_that_the_last_stop_left(
    index: Index, ann: User
) -> None:
    database = index.storage.database
    if database.path is None:
        return  # MySQL: see `compact_all`
    (deleted,) = await index.say(ann, "zanzibarquartz")
    await index.delete([deleted])
    running = asyncio.create_task(SearchBacklog(database).run())
    while await database.transaction(search_state) != search_index.CLEAN:
        await asyncio.sleep(0)
    running.cancel()
    await database.close()
    assert b"nzibarquartz" not in written(database.path)


async def test_the_removal_after_a_start_is_retried_and_waits_for_new_messages(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog, steps = SearchBacklog(index.storage.database), list[str]()
    outcomes: list[bool | Exception] = [True, Unavailable(), True, False]

    async def work() -> None:
        steps.append("index")

    async def compact() -> bool:
        steps.append("compact")
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(backlog, "work", work)
    monkeypatch.setattr(backlog, "compact", compact)
    for name in ("COMPACT_INTERVAL", "POLL_INTERVAL"):
        monkeypatch.setattr(search_backlog, name, 0)
    running = asyncio.create_task(backlog.run())
    while len(steps) < 10:
        await asyncio.sleep(0)
    running.cancel()
    assert steps[:10] == ["index", "compact"] * 4 + ["index"] * 2


def search_state(connection: Connection) -> str | None:
    return connection.scalar(sa.select(meta.c.value).where(meta.c.key == COMPACTED))


def written(path: Path) -> bytes:
    """Return the bytes of all files of a database."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


# Migration ---------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def old(database_url: str) -> AsyncIterator[Storage]:
    """A storage of revision 0002."""

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(resource_dir("migrations")))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    storage = Storage(database_url)
    await storage.database.transaction(upgrade)
    yield storage
    await storage.database.close()


async def test_messages_older_than_the_index_are_found_in_order_of_time(
    old: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old.database.transaction(arrive)
    ann = User(1, "ann", "Ann")
    columns = {"kind": 2, "user_id": ann.id, "room_id": LOBBY}
    said = [(1, "你好 late", 9 * DAY, None), (2, "你好 early", DAY, None), (3, "", 2 * DAY, 5)]
    rows = [
        {**columns, "seq": seq, "client_id": f"m{seq}", "body": body, "at": at, "deleted_at": gone}
        for seq, body, at, gone in said
    ]
    many = [
        {**columns, "seq": seq, "client_id": f"m{seq}", "body": "many", "at": 3 * DAY}
        for seq in range(4, 1_500)
    ]
    other = {**columns, "seq": 2_000, "client_id": "e", "kind": 10, "body": "你好", "at": 1}

    def fill(connection: Connection) -> None:
        for some in (rows, many, [other]):
            connection.execute(sa.insert(events), some)

    await old.database.transaction(fill)
    await migrate(old.database, backups=tmp_path / "backups")
    index = Index(old)
    assert await index.found(ann, "你好") == ["你好 late", "你好 early"]
    hits = await index.hits(ann, "many", limit=2)
    assert [hit.seq for hit in hits.hits] == [1_499, 1_498]
    assert await index.found(ann, "after:1970-01-05") == ["你好 late"]
    await old.database.transaction(lambda c: search_index.unindex(c, [(LOBBY, 1)]))
    assert await index.found(ann, "你好") == ["你好 early"]
