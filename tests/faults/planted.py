"""Planted faults for the checker: each breaks one guarantee of the real server from outside.

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

SHORT_INTERVAL = 2.5  # seconds between two heartbeats in shortened tests
WINDOW = 0.1  # seconds between the premature publication and the commit


def show_before_the_commit() -> None:
    """Publish events before the commit."""
    from chatserver.models import Draft, Event
    from chatserver.realtime.hub import Hub
    from chatserver.storage.apply_message import Outcome
    from chatserver.storage.event_log import EventLog
    from chatserver.storage.journal import Journal

    store, start = EventLog._store, Journal.__init__
    running: list[tuple[asyncio.AbstractEventLoop, Hub]] = []

    def noting_the_hub(self: Journal, log: Any, hub: Any) -> None:
        running.append((asyncio.get_running_loop(), hub))
        start(self, log, hub)

    def store_and_publish(
        self: EventLog,
        drafts: Sequence[Draft],
        optimistic: bool,
        wait: bool,
        connection: Connection,
    ) -> list[Outcome]:
        outcomes = store(self, drafts, optimistic, wait, connection)
        loop, hub = running[0]
        for event in [outcome for outcome in outcomes if isinstance(outcome, Event)]:
            loop.call_soon_threadsafe(hub.publish, event.room, [event])
        time.sleep(WINDOW)  # in the thread that writes to SQLite
        return outcomes

    Journal.__init__ = noting_the_hub  # type: ignore[assignment, method-assign]
    EventLog._store = store_and_publish  # type: ignore[method-assign]


def never_flush() -> None:
    """Let SQLite commit without flushes."""
    _synchronous("OFF")


def flush_now_and_then() -> None:
    """Let SQLite flush only at checkpoints."""
    _synchronous("NORMAL")


def _synchronous(level: str) -> None:
    from chatserver.storage import dialects

    prepare = dialects._prepare_sqlite

    def prepare_without_flushes(connection: Any, _record: object) -> None:
        prepare(connection, _record)
        connection.cursor().execute(f"PRAGMA synchronous={level}")

    dialects._prepare_sqlite = prepare_without_flushes


def forget_ids() -> None:
    """Store every id as a new one, so that neither query nor constraint finds repetitions."""
    from chatserver.storage.tables import ExactText

    numbers = itertools.count(time.time_ns())

    def encode(text: str) -> str:
        return f"{text}|{next(numbers)}"

    def without_number(_self: ExactText, value: Any, _dialect: Any) -> str | None:
        return value and str(value).rpartition("|")[0]

    ExactText.encode = staticmethod(encode)  # type: ignore[method-assign]
    ExactText.process_result_value = without_number  # type: ignore[assignment, method-assign]


def lose_half_of_the_events() -> None:
    """Publish only half of the events, and never repair gaps."""
    from chatserver.realtime.room_feed import RoomFeed
    from chatserver.realtime.subscriptions import Subscriptions

    advance = Subscriptions.advance
    numbers = itertools.count(1)

    def every_second_one(self: Subscriptions, *events: Any, changes: bool) -> bool:
        return not next(numbers) % 2 or advance(self, *events, changes=changes)

    def note_without_repair(_self: Subscriptions, _room: int, feed: RoomFeed, seq: int) -> None:
        feed.known = max(feed.known, seq)

    Subscriptions.advance = every_second_one  # type: ignore[assignment, method-assign]
    Subscriptions._note_head = note_without_repair  # type: ignore[assignment, method-assign]


def send_a_commit_whole() -> None:
    """Send a whole commit to all members, including those that it removes."""
    from chatserver.models import Event
    from chatserver.realtime import hub

    def in_one_run(events: list[Event]) -> Iterator[list[Event]]:
        yield events

    hub.split_at_departures = in_one_run  # type: ignore[attr-defined]


def lose_some_publications() -> None:
    """Sometimes publish nothing; gaps are repaired. This breaks no guarantee."""
    from chatserver.bus.messages import Events
    from chatserver.realtime.hub import Hub

    deliver = Hub._deliver
    numbers = itertools.count(1)

    def deliver_two_of_three(self: Hub, message: Events) -> None:
        if next(numbers) % 3:
            deliver(self, message)

    Hub._deliver = deliver_two_of_three  # type: ignore[method-assign]


def ignore_removals_in_gaps() -> None:
    """Do not check who has left while a gap is repaired."""
    from chatserver.realtime.hub import Hub

    lose_some_publications()

    def ignore(_self: Hub, _room: int, _changes: dict[int, int]) -> None:
        pass

    Hub._on_missed_changes = ignore  # type: ignore[assignment, method-assign]


def forget_files_before_their_bytes() -> None:
    """Delete the rows of files, and neither their bytes nor what is unregistered."""
    from chatserver.files.cleanup import FileCleanup
    from chatserver.files.folder_store import FolderStore

    async def keep(_self: object, *_args: object) -> None:
        pass

    FolderStore.delete = keep  # type: ignore[assignment, method-assign]
    FileCleanup._delete_unregistered = keep  # type: ignore[assignment, method-assign]


def lose_the_bytes_of_some_files() -> None:
    """Confirm every second file without its last byte."""
    from chatserver.files.folder_uploads import FolderUploads

    commit = FolderUploads.commit
    numbers = itertools.count()

    async def keep_less(self: FolderUploads, file_id: str) -> None:
        await commit(self, file_id)
        if next(numbers) % 2:
            with self.path(file_id).open("r+b") as file:
                file.truncate(file.seek(0, 2) - 1)

    FolderUploads.commit = keep_less  # type: ignore[method-assign]


def let_anybody_read_files() -> None:
    """Do not check whether a user may read the message of a file, or whether it exists."""
    from chatserver.files.access import FileAccess

    async def may_read(_self: object, *_args: object) -> bool:
        return True

    FileAccess._may_read = may_read  # type: ignore[assignment, method-assign]


def keep_texts_of_deleted_files() -> None:
    """Leave the texts of deleted files where they are."""
    from chatserver.storage import file_texts

    def keep(*_arguments: object) -> None:
        pass

    file_texts._erase = keep  # type: ignore[assignment]


@dataclass(frozen=True)
class Both:
    """Two plants in one."""

    one: Plant
    other: Plant

    def __call__(self) -> None:
        self.one()
        self.other()


def nothing() -> None:
    """Plant no fault."""


def beat_faster() -> None:
    """Shorten the heartbeat. This breaks no guarantee."""
    from chatserver.realtime import connection, keepalive

    connection.FIRST_PING_DELAY = keepalive.PING_INTERVAL = SHORT_INTERVAL
    keepalive.SILENCE_TIMEOUT = 1.5 * SHORT_INTERVAL
