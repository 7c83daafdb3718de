"""Faults for the checker to find: each breaks one promise of the real server from outside.

They are plants: see `tests.faults.server`.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from tests.faults.server import Plant

BEAT = 2.5  # seconds between two heartbeats, for who cannot wait
WINDOW = 0.1  # seconds between showing too early and the commit


def show_before_the_commit() -> None:
    """Members see what a kill can still undo."""
    from chatserver.models import Draft, Event
    from chatserver.realtime.hub import Hub
    from chatserver.storage.apply_message import Outcome
    from chatserver.storage.event_log import EventLog
    from chatserver.storage.journal import Journal

    store, start = EventLog._store, Journal.__init__
    places: list[tuple[asyncio.AbstractEventLoop, Hub]] = []

    def remembering(self: Journal, log: Any, hub: Any) -> None:
        places.append((asyncio.get_running_loop(), hub))
        start(self, log, hub)

    def too_early(
        self: EventLog,
        drafts: Sequence[Draft],
        optimistic: bool,
        wait: bool,
        connection: Connection,
    ) -> list[Outcome]:
        outcomes = store(self, drafts, optimistic, wait, connection)
        loop, hub = places[0]
        for event in [outcome for outcome in outcomes if isinstance(outcome, Event)]:
            loop.call_soon_threadsafe(hub.publish, event.room, [event])
        time.sleep(WINDOW)  # in the thread that writes to SQLite
        return outcomes

    Journal.__init__ = remembering  # type: ignore[assignment, method-assign]
    EventLog._store = too_early  # type: ignore[method-assign]


def never_flush() -> None:
    """SQLite answers before anything has reached the disk."""
    _synchronous("OFF")


def flush_now_and_then() -> None:
    """SQLite flushes at checkpoints alone."""
    _synchronous("NORMAL")


def _synchronous(level: str) -> None:
    from chatserver.storage import engine

    prepare = engine._prepare_sqlite

    def careless(connection: Any, _record: object) -> None:
        prepare(connection, _record)
        connection.cursor().execute(f"PRAGMA synchronous={level}")

    engine._prepare_sqlite = careless


def forget_ids() -> None:
    """Every id is a new one: nothing tells a repeat, neither the look-up nor the constraint."""
    from chatserver.storage.tables import ExactText

    numbers = itertools.count(time.time_ns())

    def encode(text: str) -> str:
        return f"{text}|{next(numbers)}"

    def unmarked(_self: ExactText, value: Any, _dialect: Any) -> str | None:
        return value and str(value).rpartition("|")[0]

    ExactText.encode = staticmethod(encode)  # type: ignore[method-assign]
    ExactText.process_result_value = unmarked  # type: ignore[assignment, method-assign]


def lose_doorbells() -> None:
    """Half of what was stored is told to nobody, and the hole is never asked for."""
    from chatserver.realtime.subscriptions import RoomFeed, Subscriptions

    advance = Subscriptions.advance
    numbers = itertools.count(1)

    def now_and_then(self: Subscriptions, *news: Any, changes: bool) -> bool:
        return not next(numbers) % 2 or advance(self, *news, changes=changes)

    def let_it_be(_self: Subscriptions, _room: int, feed: RoomFeed, seq: int) -> None:
        feed.known = max(feed.known, seq)

    Subscriptions.advance = now_and_then  # type: ignore[assignment, method-assign]
    Subscriptions._note_head = let_it_be  # type: ignore[assignment, method-assign]


def send_a_commit_whole() -> None:
    """What one commit stored is sent together, to those too whom it removes."""
    from chatserver.models import Event
    from chatserver.realtime import hub

    def together(events: list[Event]) -> Iterator[list[Event]]:
        yield events

    hub.split_at_departures = together  # type: ignore[attr-defined]


def lose_news() -> None:
    """No fault of a promise: what was stored is told to nobody now and then; holes are read."""
    from chatserver.bus.messages import Events
    from chatserver.realtime.hub import Hub

    advance = Hub._advance
    numbers = itertools.count(1)

    def now_and_then(self: Hub, news: Events) -> None:
        if next(numbers) % 3:
            advance(self, news)

    Hub._advance = now_and_then  # type: ignore[method-assign]


def hear_on_behind_a_hole() -> None:
    """Nobody asks who has left while a hole is read."""
    from chatserver.realtime.hub import Hub

    lose_news()

    def stay(_self: Hub, _room: int, _left: dict[int, int]) -> None:
        pass

    Hub._on_missed_departures = stay  # type: ignore[assignment, method-assign]


@dataclass(frozen=True)
class Both:
    """Two plants in one."""

    one: Plant
    other: Plant

    def __call__(self) -> None:
        self.one()
        self.other()


def nothing() -> None:
    """No fault."""


def beat_faster() -> None:
    """No fault: what takes a minute takes a few seconds."""
    from chatserver.realtime import connection, keepalive

    connection.FIRST_PING_DELAY = keepalive.PING_INTERVAL = BEAT
    keepalive.SILENCE_TIMEOUT = 1.5 * BEAT
