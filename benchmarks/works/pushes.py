"""A room of 1,000 with web push turned on by all: what a message costs its sender."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks import load
from benchmarks.contenders import OURS, Running, serving
from benchmarks.history import database_of
from benchmarks.load import Outcome
from benchmarks.population import now, populate
from benchmarks.results import Goal, Result, median, ratio
from benchmarks.rounds import Outcomes, p50, table
from benchmarks.works import Scale
from chatserver.push.encryption import encode_base64, encoded_public_key, new_private_key
from chatserver.storage.engine import Database
from chatserver.storage.push_targets import Content, Level, PushTarget, PushTargets
from chatserver.storage.tables import sessions

USERS = 1_000
PAUSE = 0.02  # seconds from the last receipt to the next message
SECONDS = 30.0  # at least: pushes begin 8 s after the first message, and come every 20 s
SERVICE = "127.0.0.1:9"  # nothing listens there: the cost of a push service is none of ours
WITHOUT, WITH = f"{OURS}, without push", f"{OURS}, 1,000 get pushes"
MOST = 1.05


def sender(scale: Scale) -> Result:
    found: Outcomes = {WITHOUT: [], WITH: []}
    seconds = max(scale.seconds, SECONDS)
    for _ in range(scale.rounds):
        for name, outcomes in found.items():
            with _started(with_push=name == WITH) as running:
                outcomes.append(load.run(running, senders=1, gap=PAUSE, seconds=seconds))
    work = f"one message at a time, {USERS:,} members"
    goal = Goal(f"{work}: p50 with push, to that without", _cost(found), MOST, "x")
    note = "Requests to the push service are encrypted and signed; their connections are refused."
    return Result([goal], [table(f"Web push: {work}", found)], notes=[note, _longest(found[WITH])])


def _cost(found: Outcomes) -> float:
    return ratio(p50(found[WITH]), p50(found[WITHOUT]))


def _longest(outcomes: Sequence[Outcome]) -> str:
    longest = median([one.latency.p999 / 1e3 for one in outcomes])
    return f"With push, one message of a thousand takes {longest:.1f} ms or more."


@contextmanager
def _started(*, with_push: bool) -> Iterator[Running]:
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        users = asyncio.run(populate(data, database_of(data), USERS))
        if with_push:
            asyncio.run(subscribe(database_of(data)))
        with serving(data, users, environ={"CHATSERVER_PUSH__HOSTS": SERVICE}) as running:
            yield running


async def subscribe(url: str) -> None:
    """Give the session of each user a browser that gets a push for every message."""
    database = Database(url)
    targets = PushTargets(database, clock=now)
    key = encode_base64(encoded_public_key(new_private_key()))
    for user_id, session in await database.transaction(_sessions):
        endpoint, auth = f"https://{SERVICE}/{user_id}", encode_base64(bytes(16))
        page = ("https://chat.example/index", "en", Level.ALL, Content.TEXT)
        await targets.put(PushTarget(endpoint, key, auth, session, *page))
    await database.close()


def _sessions(connection: Connection) -> list[tuple[int, str]]:
    rows = connection.execute(sa.select(sessions.c.user_id, sessions.c.id))
    return [(row.user_id, row.id) for row in rows]
