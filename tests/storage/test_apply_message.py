"""Batches of messages, edits, deletions and reactions give the same result as single ones."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from chatserver.errors import BadRequest, ChatError, Forbidden, IdConflict, NotFound
from chatserver.models import (
    ALL_MEMBERS,
    LOBBY,
    Act,
    Change,
    Delete,
    Draft,
    Edit,
    Event,
    EventKind,
    Post,
    React,
    Receipt,
    Role,
    RoomFacts,
    RoomKind,
    User,
)
from chatserver.storage import apply_message, departed_view, event_log, event_rows
from chatserver.storage.bulk import RowLookup
from chatserver.storage.migrate import migrate
from chatserver.storage.reaction_limit import MAX_EMOJI
from chatserver.storage.search import Search
from chatserver.storage.tables import events, mentions
from chatserver.storage.tables import reactions as reactions_table
from chatserver.text.search_query import parse
from tests.storage.conftest import Storage, acting, draft, unresolved

LOBBY_FACTS = RoomFacts(LOBBY, RoomKind.GROUP)


async def lobby(storage: Storage) -> list[Event]:
    return await storage.log.after(LOBBY_FACTS, 0, 1_000, 1_000)


async def stored(storage: Storage, *drafts: Draft) -> list[Any]:
    return list(await storage.log.store(drafts))


async def rows(storage: Storage, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    async with storage.database.reading() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def mention_rows(storage: Storage) -> list[tuple[Any, ...]]:
    query = sa.select(mentions.c.room_id, mentions.c.seq, mentions.c.user_id)
    return sorted(await rows(storage, query))


# One batch ----------------------------------------------------------------------------------------


async def test_acts_see_earlier_acts_of_the_same_batch(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    outcomes = await stored(
        storage,
        draft(ann, "one"),
        acting(ann, Edit(1, "two")),
        acting(bo, React(1, "👍", on=True)),
        acting(bo, React(1, "🎉", on=True)),
        acting(bo, React(1, "👍", on=False)),
        acting(ann, Edit(1, "three")),
    )
    assert [(o.seq, o.kind, o.data) for o in outcomes] == [
        (1, EventKind.MESSAGE, "one"),
        (2, EventKind.EDIT, "two"),
        (3, EventKind.REACT, "👍"),
        (4, EventKind.REACT, "🎉"),
        (5, EventKind.REACT, "👍"),
        (6, EventKind.EDIT, "three"),
    ]
    message = (await lobby(storage))[0]
    assert (message.data, message.reactions) == ("three", {"🎉": ["bo"]})


async def test_acts_on_a_message_deleted_in_the_same_batch_are_rejected(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    said, edited, gone, *late = await stored(
        storage,
        draft(ann, "secret @ann"),
        acting(ann, Edit(1, "more secret")),
        acting(ann, Delete(1)),
        acting(ann, Edit(1, "back")),
        acting(ann, React(1, "👍", on=True)),
        acting(ann, Delete(1)),
    )
    assert [said.seq, edited.seq, gone.seq] == [1, 2, 3]
    assert [type(one) for one in late] == [NotFound] * 3
    message = (await lobby(storage))[0]
    assert (message.data, message.deleted_at, message.reactions) == ("", storage.now, {})
    assert await mention_rows(storage) == []
    digests = await rows(storage, sa.select(events.c.seq, events.c.digest).order_by(events.c.seq))
    assert digests == [(1, "secr"), (2, "dige"), (3, "digest")]


async def test_a_rejected_act_uses_no_seq(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, draft(ann, "mine"))
    *refused, last = await stored(
        storage,
        acting(bo, Edit(1, "yours")),
        acting(bo, Delete(1)),
        acting(bo, Edit(77, "nothing")),
        acting(ann, Edit(1, "too late", since=storage.now + 1)),
        draft(bo, "answer", room=9),
        acting(bo, React(1, "👍", on=True)),
    )
    kinds = [Forbidden, Forbidden, NotFound, Forbidden, NotFound]
    assert [type(one) for one in refused] == kinds
    assert last.seq == 2


async def test_an_archived_room_accepts_only_deletions(storage: Storage) -> None:
    ann = await storage.user("ann")
    facts = await storage.direct((ann.id, "ann"), (ann.id, "ann"))
    room = facts.room
    await stored(storage, draft(ann, "note", room=room), draft(ann, "other", room=room))
    await storage.database.transaction(
        lambda c: c.execute(sa.text(f"UPDATE rooms SET archived_at = 1 WHERE id = {facts.room}"))
    )
    *refused, gone = await stored(
        storage,
        draft(ann, "more", room=room),
        acting(ann, Edit(1, "x"), room=room),
        acting(ann, React(1, "👍", on=True), room=room),
        acting(ann, Delete(1), room=room),
    )
    assert [type(one) for one in refused] == [Forbidden] * 3
    assert gone.seq == 3


async def test_repeated_acts_return_the_first_result_even_if_they_would_be_rejected_now(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    await stored(storage, draft(ann, "one"), draft(ann, "two"))
    acts = [
        acting(ann, Edit(1, "x"), draft_id="e"),
        acting(ann, React(2, "👍", on=True), draft_id="r"),
        acting(ann, Delete(1), draft_id="d"),
    ]
    first = await stored(storage, *acts)
    again = await stored(storage, *acts, acting(ann, Delete(2), draft_id="r", digest="other"))
    assert [o.seq for o in first] == [3, 4, 5]
    assert again[:3] == [Receipt(LOBBY, o.seq, o.at, duplicate=True) for o in first]
    assert isinstance(again[3], IdConflict)
    assert len(await lobby(storage)) == 5


async def test_repetitions_within_one_batch_are_applied_once(storage: Storage) -> None:
    ann = await storage.user("ann")
    await stored(storage, draft(ann, "one"))
    first, again, other = await stored(
        storage,
        acting(ann, Delete(1), draft_id="d"),
        acting(ann, Delete(1), draft_id="d"),
        acting(ann, Delete(1), draft_id="d", digest="other"),
    )
    assert again == Receipt(LOBBY, first.seq, first.at, duplicate=True)
    assert isinstance(other, IdConflict)


async def test_room_changes_and_messages_are_applied_in_order(storage: Storage) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    changed = acting(ann, Change("change", {"title": "Hall"}))
    outcomes = await stored(
        storage, draft(ann, "1"), changed, acting(ann, Edit(1, "x")), draft(ann, "2")
    )
    assert [(o.seq, o.kind) for o in outcomes] == [
        (1, EventKind.MESSAGE),
        (2, EventKind.ROOM),
        (3, EventKind.EDIT),
        (4, EventKind.MESSAGE),
    ]


async def test_a_deletion_erases_texts_that_earlier_versions_stored_in_edits(
    storage: Storage,
) -> None:
    ann = await storage.user("ann")
    await stored(storage, draft(ann, "one"), acting(ann, Edit(1, "two")))
    old = events.update().where(events.c.kind == EventKind.EDIT).values(body="two")
    await storage.database.transaction(lambda c: c.execute(old))
    await stored(storage, acting(ann, Delete(1)))
    bodies = await rows(storage, sa.select(events.c.body).where(events.c.room_id == LOBBY))
    assert bodies == [("",)] * 3


async def test_the_old_words_of_edited_and_deleted_messages_are_not_found(
    storage: Storage,
) -> None:
    search = Search(storage.database)
    ann = await storage.user("ann")
    await stored(storage, draft(ann, "apple"), draft(ann, "banana"), draft(ann, "cherry"))
    await stored(
        storage, acting(ann, Edit(1, "grape")), acting(ann, Delete(2)), acting(ann, Edit(1, "kiwi"))
    )
    found = {
        word: [hit.seq for hit in (await search.find(ann.id, parse(word))).hits]
        for word in ("apple", "banana", "cherry", "grape", "kiwi")
    }
    assert found == {"apple": [], "banana": [], "cherry": [3], "grape": [], "kiwi": [1]}


# Reactions ----------------------------------------------------------------------------------------


def symbols(count: int) -> list[str]:
    return [chr(0x1F400 + number) for number in range(count)]


@pytest.mark.parametrize("before", [0, MAX_EMOJI - 3, MAX_EMOJI])
async def test_the_number_of_different_reactions_of_a_message_is_limited(
    storage: Storage, before: int
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, draft(ann, "one"))
    emoji = symbols(MAX_EMOJI + 1)
    await stored(storage, *(acting(ann, React(1, one, on=True)) for one in emoji[:before]))
    outcomes = await stored(
        storage,
        *(acting(ann, React(1, one, on=True)) for one in emoji[before:]),
        acting(bo, React(1, emoji[0], on=True)),
        acting(ann, React(1, emoji[0], on=False)),
        acting(ann, React(1, emoji[-1], on=True)),
        acting(bo, React(1, emoji[0], on=False)),
        acting(ann, React(1, emoji[-1], on=True)),
    )
    assert isinstance(outcomes[MAX_EMOJI - before], BadRequest)
    assert [isinstance(one, BadRequest) for one in outcomes[-5:]] == [
        False,
        False,
        True,
        False,
        False,
    ]
    distinct = sa.select(sa.func.count(reactions_table.c.emoji.distinct()))
    assert await rows(storage, distinct) == [(MAX_EMOJI,)]


async def test_the_number_of_reactions_of_a_message_is_limited(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_message, "MAX_REACTIONS", 4)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, draft(ann, "one"), draft(ann, "two"))
    some = symbols(3)
    first = await stored(storage, *(acting(ann, React(1, one, on=True)) for one in some))
    again = await stored(
        storage,
        acting(bo, React(1, some[0], on=True)),
        acting(bo, React(1, some[1], on=True)),
        acting(bo, React(2, some[1], on=True)),
    )
    assert [isinstance(one, BadRequest) for one in (*first, *again)] == [False] * 4 + [True, False]
    outcomes = await stored(
        storage,
        acting(bo, React(1, some[1], on=True)),
        acting(bo, React(1, some[0], on=False)),
    )
    assert [isinstance(one, BadRequest) for one in outcomes] == [True, False]
    (outcome,) = await stored(storage, acting(bo, React(1, some[1], on=True)))
    assert not isinstance(outcome, BadRequest)


async def test_a_page_ends_after_very_many_reactions(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "REPLY_CHARS", 4 * len("+++ann") - 4)
    monkeypatch.setattr(event_rows, "REACTIONS_PER_QUERY", 2)
    read, chunks = event_rows._REACTIONS.rows, []

    def counted(connection: Connection, places: Any) -> Any:
        chunks.append(places)
        return read(connection, places)

    monkeypatch.setattr(event_rows._REACTIONS, "rows", counted)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, *(draft(ann, f"{number}") for number in range(6)))
    for who in (ann, bo):
        await stored(storage, *(acting(who, React(seq, "👍", on=True)) for seq in range(1, 7)))
    whole = {seq: {"👍": ["ann", "bo"]} for seq in range(1, 7)}
    after = await storage.log.after(LOBBY_FACTS, 0, 6, 6)
    before = await storage.log.before(LOBBY_FACTS, 6, 6)
    assert {e.seq: e.reactions for e in after} == {1: whole[1], 2: whole[2], 3: {}}
    assert {e.seq: e.reactions for e in before} == {5: whole[5], 4: whole[4], 3: {}}
    assert chunks == [[(1, 1)], [(1, 2)], [(1, 5)], [(1, 4)]]
    (stretch,) = await storage.log.ranges([(LOBBY_FACTS, 5, 6)])
    assert stretch.reactions == whole[6]


async def test_a_page_of_a_former_member_ends_after_very_many_events_of_reactions(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events of reactions that were removed again are counted, but not returned."""
    monkeypatch.setattr(event_rows, "REACTIONS_PER_QUERY", 7)
    monkeypatch.setattr(event_rows, "REACTIONS_PER_REPLY", 16)
    read: list[Any] = []

    def recorded(*arguments: Any, **options: Any) -> Any:
        read.append(rows := list(departed_view.former_reactions(*arguments, **options)))
        return rows

    monkeypatch.setattr(event_log, "former_reactions", recorded)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, *(draft(ann, f"{number}") for number in range(6)))
    for seq in range(1, 7):
        for on in (True, False, True, False, True):
            await stored(storage, acting(bo, React(seq, "👍", on=on)))
        for on in (True, False):
            await stored(storage, acting(ann, React(seq, "👋", on=on)))
    left_seq = 6 + 6 * 7
    await stored(storage, acting(bo, React(6, "👍", on=False)), acting(ann, Edit(5, "later")))
    page = await storage.log.before(LOBBY_FACTS, 7, 6, left_seq=left_seq)
    assert [(e.seq, e.data, e.reactions) for e in page] == [
        (3, "2", {}),
        (4, "3", {"👍": ["bo"]}),
        (5, "", {}),
        (6, "5", {"👍": ["bo"]}),
    ]
    assert sorted(row for rows in read for row in rows) == [(1, s, "👍", "bo") for s in (4, 5, 6)]


async def test_reactions_after_the_departure_do_not_shorten_a_page(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departed_view, "REACTIONS_PER_QUERY", 7)
    monkeypatch.setattr(event_rows, "REACTIONS_PER_QUERY", 7)
    monkeypatch.setattr(event_rows, "REACTIONS_PER_REPLY", 16)
    ann = await storage.user("ann")
    await stored(storage, *(draft(ann, f"{number}") for number in range(6)))
    await stored(storage, acting(ann, React(2, "👍", on=True)))
    for seq in range(1, 7):
        for on in (False, True, False, True, False):
            await stored(storage, acting(ann, React(seq, "👍", on=on)))
    page = await storage.log.before(LOBBY_FACTS, 7, 6, left_seq=7)
    assert [event.reactions for event in page] == [{}, {"👍": ["ann"]}, {}, {}, {}, {}]


async def test_a_crowded_message_is_not_read_in_order_to_react_to_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await stored(storage, draft(ann, "one"))
    emoji = symbols(MAX_EMOJI + 1)
    for who in (ann, bo):
        await stored(storage, *(acting(who, React(1, one, on=True)) for one in emoji[:-1]))
    found: list[int] = []
    rows_of = RowLookup.rows

    def counted(self: RowLookup, connection: Connection, keys: Any) -> Any:
        rows = rows_of(self, connection, keys)
        found.append(len(rows))
        return rows

    monkeypatch.setattr(RowLookup, "rows", counted)
    cy = await storage.user("cy")
    outcomes = await stored(
        storage,
        acting(cy, React(1, emoji[0], on=True)),
        acting(cy, React(1, emoji[-1], on=True)),
    )
    assert [isinstance(one, BadRequest) for one in outcomes] == [False, True]
    assert max(found) <= 2  # not the hundred reactions of the message


# Mentions -----------------------------------------------------------------------------------------


async def test_mentioned_names_are_looked_up_when_the_message_is_stored(storage: Storage) -> None:
    ann = await storage.user("ann")
    await stored(storage, acting(ann, Post("@bo", mentions=("bo",))))
    bo = await storage.user("bo")
    await stored(
        storage,
        acting(ann, Post("@bo", mentions=("bo",))),
        acting(ann, Post("@all", mentions=("all", "nobody"))),
        acting(ann, Post("@所有人好", mentions=("所有人好",))),
    )
    everyone = [(LOBBY, 3, ALL_MEMBERS), (LOBBY, 4, ALL_MEMBERS)]
    assert await mention_rows(storage) == [(LOBBY, 2, bo.id), *everyone]


async def test_the_longest_existing_name_is_mentioned(storage: Storage) -> None:
    ann = await storage.user("ann")
    short, long = await storage.user("小明"), await storage.user("小明你")
    texts = ("小明你好", "小明在", "小", "bo你好", "all大家")
    await stored(storage, *(acting(ann, Post(f"@{text}", mentions=(text,))) for text in texts))
    expected = [(LOBBY, 1, long.id), (LOBBY, 2, short.id), (LOBBY, 5, ALL_MEMBERS)]
    assert await mention_rows(storage) == expected


async def test_an_edit_replaces_the_mentions(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    await stored(storage, acting(ann, Post("@bo", mentions=("bo",))))
    await stored(
        storage,
        acting(ann, Edit(1, "@cy", mentions=("cy",))),
        acting(ann, Post("@bo", mentions=("bo",))),
        acting(ann, Edit(3, "@ann @cy", mentions=("ann", "cy"))),
    )
    assert await mention_rows(storage) == [(LOBBY, 1, cy.id), (LOBBY, 3, ann.id), (LOBBY, 3, cy.id)]
    assert bo.id not in {user_id for _room, _seq, user_id in await mention_rows(storage)}


# Rooms --------------------------------------------------------------------------------------------


async def test_a_direct_message_finds_or_creates_the_room_of_the_pair(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("Bo")
    first, second, own, unknown = await stored(
        storage,
        unresolved(ann, Post("hi"), to="bo"),
        unresolved(bo, Post("hello"), to="ann"),
        unresolved(ann, Post("note"), to="ANN"),
        unresolved(ann, Post("hm"), to="nobody"),
    )
    assert (first.to, first.seq, first.participants) == ("Bo", 1, (ann.id, bo.id))
    assert (second.room, second.seq, second.to) == (first.room, 2, "ann")
    assert (own.to, own.participants, own.seq) == ("ann", (ann.id,), 1)
    assert isinstance(unknown, NotFound)
    assert str(unknown) == "There is no user with that name."
    read = await storage.rooms.readable(bo.id, [first.room, own.room])
    assert list(read) == [first.room]


async def test_a_repeated_direct_message_is_stored_once_with_a_known_or_unknown_room(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    once = unresolved(ann, Post("hi"), to="bo", draft_id="a")
    (first,) = await stored(storage, once)
    again, other = await stored(storage, once, unresolved(ann, Post("no"), to="bo", draft_id="a"))
    assert again == Receipt(first.room, 1, first.at, duplicate=True, participants=(ann.id, bo.id))
    assert isinstance(other, IdConflict)


async def test_an_unresolved_room_is_looked_up(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    direct, group, missing, foreign = await stored(
        storage,
        unresolved(ann, Post("psst"), room=facts.room),
        unresolved(ann, Post("hi"), room=LOBBY),
        unresolved(ann, Post("oh"), room=77),
        unresolved(cy, Post("let me in"), room=facts.room),
    )
    assert (direct.to, direct.participants) == ("bo", (ann.id, bo.id))
    assert (group.to, group.participants, group.room) == (None, (), LOBBY)
    assert [type(missing), type(foreign)] == [NotFound, NotFound]
    (reacted,) = await stored(storage, unresolved(bo, React(1, "👍", on=True), room=facts.room))
    assert reacted.participants == (ann.id, bo.id)


# Equivalence to single acts -----------------------------------------------------------------------

WHO = st.integers(0, 2)
TARGET = st.integers(1, 6)
ACTS = st.one_of(
    st.just(Post("hi")),
    st.builds(Post, st.just("re"), reply_to=TARGET),
    st.builds(Edit, TARGET, st.sampled_from(["x", "y"])),
    st.builds(Delete, TARGET),
    st.builds(React, TARGET, st.sampled_from("👍🎉"), st.booleans()),
)
BATCH = st.lists(st.tuples(WHO, ACTS, st.integers(1, 12)), min_size=1, max_size=14)


def described(outcome: Event | Receipt | ChatError) -> tuple[Any, ...]:
    if isinstance(outcome, ChatError):
        return type(outcome), str(outcome)
    return type(outcome), outcome.room, outcome.seq


async def contents(storage: Storage, room: int) -> list[list[tuple[Any, ...]]]:
    """Return all rows of a room."""
    words = sa.table("search", *map(sa.column, ("room_id", "seq", "tokens")))
    tables = (events, reactions_table, mentions, words)
    queries = [sa.select(*table.c).where(table.c.room_id == room) for table in tables]
    return [sorted(await rows(storage, query), key=repr) for query in queries]


@pytest_asyncio.fixture
async def other(tmp_path: Path) -> AsyncIterator[Storage]:
    other = Storage(f"sqlite:///{tmp_path / 'other.db'}")
    await migrate(other.database, backups=tmp_path / "backups")
    yield other
    await other.database.close()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=BATCH)
async def test_a_batch_equals_single_acts(
    storage: Storage, other: Storage, batch: list[tuple[int, Act, int]]
) -> None:
    outcomes, tables = [], []
    for one, whole in ((storage, True), (other, False)):
        facts, users = await _room(one)
        drafts = [
            acting(
                users[who],
                act,
                room=facts.room,
                draft_id=f"{facts.room}-{key}",
                digest=sha256(repr(act).encode()).hexdigest()[:32],
            )
            for who, act, key in batch
        ]
        chunks = [drafts] if whole else [[draft] for draft in drafts]
        outcomes.append([described(o) for some in chunks for o in await one.log.store(some)])
        tables.append(await contents(one, facts.room))
    assert outcomes[0] == outcomes[1]
    assert tables[0] == tables[1]


async def _room(storage: Storage) -> tuple[RoomFacts, list[User]]:
    """A room of two members; the third user is a member of the lobby only."""
    number = await storage.rooms.count()
    users = [await storage.user(f"u{number}n{index}") for index in range(3)]
    one, other = ((user.id, user.name) for user in users[:2])
    facts = await storage.direct(one, other)
    return facts, users
