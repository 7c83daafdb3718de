"""Claims of pushes: each is sent by one node, and only to those who should get it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.models import Post, User
from chatserver.storage.engine import Database
from chatserver.storage.push_claims import MIN_INTERVAL, PushClaims
from chatserver.storage.push_key import StoredPushKey
from chatserver.storage.push_targets import Content, Level, PushTarget, PushTargets
from chatserver.storage.tables import sessions
from tests.storage.conftest import Storage, acted

LOBBY = 1
HOUR = 3_600_000


class Claims:
    """Claims of one node."""

    def __init__(self, storage: Storage, database: Database) -> None:
        self.claims = PushClaims(database, clock=storage._clock)
        self.targets = PushTargets(database, clock=storage._clock)


@pytest_asyncio.fixture
async def two_nodes(storage: Storage, database_url: str) -> AsyncIterator[list[Claims]]:
    """Two nodes of a chat; on SQLite both have the only writer."""
    other = storage.database if storage.database.is_sqlite else Database(database_url)
    yield [Claims(storage, storage.database), Claims(storage, other)]
    if other is not storage.database:
        await other.close()


async def browser(storage: Storage, user: User, name: str) -> PushTarget:
    """Open a session, and return a target for it."""
    row = {"created_at": 1, "expires_at": storage.now + HOUR, "last_seen_at": 1, "client": ""}
    new = sessions.insert().values(id=name, user_id=user.id, **row)
    await storage.database.transaction(lambda c: c.execute(new))
    texts = ("https://chat.example/index", "en")
    return PushTarget(f"https://push/{name}", "p", "a", name, *texts, Level.ALL, Content.TEXT)


async def post(storage: Storage, user: User, *, mentions: tuple[str, ...] = ()) -> int:
    seq: int = (await acted(storage, user, Post("hi", mentions=mentions), room=LOBBY)).seq
    return seq


async def test_one_of_two_nodes_claims_a_push(storage: Storage, two_nodes: list[Claims]) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await two_nodes[0].targets.put(await browser(storage, bo, "b"))
    for _ in range(10):
        seq = await post(storage, ann)
        tries = [node.claims.claim(LOBBY, seq, {bo.id: seq}) for node in two_nodes * 3]
        claimed = await asyncio.gather(*tries)
        assert sum(len(targets) for targets in claimed) == 1
        storage.now += MIN_INTERVAL


async def test_candidates_have_neither_read_nor_got_a_push(
    storage: Storage, two_nodes: list[Claims]
) -> None:
    claims, targets = two_nodes[0].claims, two_nodes[0].targets
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    await targets.put(await browser(storage, bo, "b1"))
    await targets.put(await browser(storage, bo, "b2"))
    seq = await post(storage, ann, mentions=("bo",))
    (candidate,) = await claims.candidates(LOBBY, seq)
    assert (candidate.user_id, candidate.after, candidate.waits) == (bo.id, 0, 0)
    assert cy.id != bo.id
    room = await claims.messages(LOBBY, 0, seq)
    assert room is not None
    assert [(one.seq, one.display, one.mentioned) for one in room.messages] == [
        (seq, "Ann", frozenset({bo.id}))
    ]
    claim = await claims.claim(LOBBY, seq, {bo.id: seq})
    assert sorted(one.target.session_id for one in claim) == ["b1", "b2"]
    assert await claims.candidates(LOBBY, seq) == []
    later = await post(storage, ann)
    (candidate,) = await claims.candidates(LOBBY, later)
    assert (candidate.after, candidate.waits) == (seq, MIN_INTERVAL)
    assert not await claims.claim(LOBBY, later, {bo.id: later})
    storage.now += MIN_INTERVAL
    await storage.rooms.advance_reads({(bo.id, LOBBY): later})
    assert await claims.candidates(LOBBY, later) == []
    assert not await claims.claim(LOBBY, later, {bo.id: later})


async def test_a_clock_that_goes_back_delays_no_push(
    storage: Storage, two_nodes: list[Claims]
) -> None:
    claims, targets = two_nodes[0].claims, two_nodes[0].targets
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await targets.put(await browser(storage, bo, "b"))
    first = await post(storage, ann)
    await claims.claim(LOBBY, first, {bo.id: first})
    storage.now -= HOUR // 2
    second = await post(storage, ann)
    assert len(await claims.claim(LOBBY, second, {bo.id: second})) == 1


async def test_only_recent_messages_are_found_after_a_start(
    storage: Storage, two_nodes: list[Claims]
) -> None:
    ann = await storage.user("ann")
    await post(storage, ann)
    storage.now += HOUR
    since = storage.now
    assert await two_nodes[0].claims.recent(since) == []
    second = await post(storage, ann)
    third = await post(storage, ann)
    assert await two_nodes[0].claims.recent(since) == [(LOBBY, second, third)]


async def test_a_target_without_a_valid_session_is_refused_and_removed(
    storage: Storage, two_nodes: list[Claims]
) -> None:
    targets = two_nodes[0].targets
    bo = await storage.user("bo")
    target = await browser(storage, bo, "b")
    await targets.put(target)
    assert await targets.count() == 1
    assert await targets.find(target.key) is not None
    storage.now += HOUR
    assert await targets.count() == 0
    assert await targets.find(target.key) is None
    with pytest.raises(Exception, match="session has ended"):
        await targets.put(target)
    await targets.remove_invalid()
    async with storage.database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT COUNT(*) FROM push_targets")) == 0


async def test_all_nodes_have_the_key_of_the_first(
    storage: Storage, two_nodes: list[Claims], database_url: str
) -> None:
    other = storage.database if storage.database.is_sqlite else two_nodes[1].targets._database
    keys = [StoredPushKey(storage.database), StoredPushKey(other), StoredPushKey(other)]
    names = iter("abc")
    found = await asyncio.gather(*(key.get_or_add(lambda: next(names)) for key in keys))
    assert len(set(found)) == 1
    assert await StoredPushKey(other).get_or_add(lambda: "d") == found[0]
