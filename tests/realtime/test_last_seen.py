"""Last-seen times: batched, and kept while the database is unavailable."""

import asyncio
from typing import Any

from chatserver.errors import Unavailable
from chatserver.models import Role, User
from chatserver.realtime.connection import Connection
from chatserver.realtime.last_seen import BATCH_SIZE, FLUSH_INTERVAL, REFRESH_INTERVAL, LastSeen
from tests.fakes import FakeClock, RecordingTransport, SkippingLoop, run_skipping


class FakeStore:
    """Fake of the database for these times, and of the hub for connections."""

    def __init__(self) -> None:
        self.stored: list[dict[str, int]] = []
        self.is_away = False
        self.connections: list[Connection] = []

    async def record_last_seen(self, times: dict[str, int]) -> None:
        if self.is_away:
            raise Unavailable
        self.stored.append(times)


def socket(session: str, role: Role = Role.MEMBER) -> Connection:
    ann = User(1, "ann", "Ann", role)
    facts: dict[str, Any] = {"expires_at": 1, "lifetime": 2, "limit": 1_000, "last_received": 0}
    return Connection(RecordingTransport(), ann, session_id=session, **facts)


def test_times_are_stored_in_batches_retried_and_not_stored_for_bots() -> None:
    clock, store = FakeClock(), FakeStore()
    there: Any = store

    async def story(loop: SkippingLoop) -> None:
        seen = LastSeen(there, there, now=clock.ms)
        for number in range(BATCH_SIZE + 1):
            seen.note(socket(f"s{number}"))
        seen.note(socket("bot_1", Role.BOT))
        work = asyncio.create_task(seen.run())
        store.is_away = True
        await asyncio.sleep(0)
        await loop.skip(FLUSH_INTERVAL + 0.1)
        assert store.stored == []
        store.is_away = False
        await loop.skip(FLUSH_INTERVAL + 0.1)
        assert [len(times) for times in store.stored] == [BATCH_SIZE, 1]
        assert set(store.stored[1].values()) == {clock.ms()}
        store.connections = [socket("long")]
        await loop.skip(FLUSH_INTERVAL + 0.1)
        assert len(store.stored) == 2
        clock.advance(REFRESH_INTERVAL / 1000)
        await loop.skip(FLUSH_INTERVAL + 0.1)
        assert store.stored[2:] == [{"long": clock.ms()}]
        work.cancel()

    run_skipping(story)
