"""Fills rooms with messages through the server's own log, so that all rows are realistic."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.population import User, now
from chatserver.models import Draft, Event, Post
from chatserver.storage.engine import Database
from chatserver.storage.event_log import EventLog
from chatserver.storage.idempotency import digest

BATCH = 500
RARE = "quicksilverfish"
CHINESE = "发布"  # in one message of a hundred
SYLLABLES = "ka lo mi ten ra su vel dor pin gu shar ba net ol fi".split()


async def fill(url: str, users: Sequence[User], rooms: Sequence[int], count: int) -> None:
    """Store `count` messages by these users, distributed over the rooms."""
    database = Database(url)
    log = EventLog(database, clock=now)
    drafts = _drafts(users, rooms, count)
    while batch := list(islice(drafts, BATCH)):
        outcomes = await log.store(batch)
        assert all(isinstance(one, Event) for one in outcomes)
    await database.close()


def _drafts(users: Sequence[User], rooms: Sequence[int], count: int) -> Iterator[Draft]:
    chance = random.Random(1)
    for number in range(count):
        room, user = rooms[number % len(rooms)], users[number % len(users)]
        act = Post(_text(chance, number, count))
        yield Draft(room, user.id, user.name, f"h-{number}", digest(act, room), act)


def _text(chance: random.Random, number: int, count: int) -> str:
    words = [_word(chance) for _ in range(chance.randint(3, 14))]
    if number % 100 == 7:
        words.append(f"周五{CHINESE}新版本")
    if number % 2:
        words.append(
            "".join(chr(0x4E00 + int(chance.paretovariate(0.7)) % 4_000) for _ in range(9))
        )
    if number in (5, count // 3, count - 7):
        words.append(RARE)
    return " ".join(words)


def _word(chance: random.Random) -> str:
    """Return a word; some are frequent and most are rare, as in a language."""
    return "".join(chance.choices(SYLLABLES, k=1 + min(int(chance.paretovariate(1.2)), 4)))


def database_of(data: Path) -> str:
    return f"sqlite:///{data / 'chat.db'}"
