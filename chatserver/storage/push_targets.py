"""Push targets: the addresses of browsers at push services, with their keys.

A target belongs to a session and is valid exactly as long: every query here, and the claim of a
push, has the condition `alive`. Endpoints are secrets, because they let their owner send.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import SESSION_ENDED, Unauthorized
from chatserver.storage.engine import Database
from chatserver.storage.tables import push_targets, sessions, users

MAX_TARGETS = 10  # of one user; a further one replaces the oldest
HTTPS_PORT = 443


class Level(StrEnum):
    """For which messages a browser gets pushes."""

    ALL = "all"
    CALLS = "calls"  # direct messages and mentions


class Content(StrEnum):
    """What a push says, from the least to the most."""

    NOTHING = "nothing"  # that there are messages
    SENDER = "sender"  # who has written, and where
    TEXT = "text"  # and the text

    def limited(self, most: "Content") -> "Content":
        """Return the smaller one of both."""
        return min(self, most, key=list(Content).index)


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A browser. `page`: the URL of its chat page. The keys are base64url, as the browser's."""

    endpoint: str
    p256dh: str
    auth: str
    session_id: str
    page: str
    locale: str
    level: Level
    content: Content

    @property
    def key(self) -> str:
        return hashlib.sha256(self.endpoint.encode()).hexdigest()

    @property
    def service(self) -> str:
        """Host of the push service, with the port if it is another one than that of https.

        The same for all spellings of it, such as `FCM.googleapis.com:0443`.
        """
        url = urlsplit(self.endpoint)
        host = url.hostname or ""
        host = f"[{host}]" if ":" in host else host
        return host if url.port in (None, HTTPS_PORT) else f"{host}:{url.port}"


@dataclass(frozen=True, slots=True)
class OwnedTarget:
    """A target, its user, and how often in a row a push has failed."""

    user_id: int
    user: str
    target: PushTarget
    failures: int


_COLUMNS = [push_targets.c[name] for name in PushTarget.__slots__]


def alive(now: Any) -> sa.ColumnElement[bool]:
    """Return a condition on targets joined with sessions and users; `now` is in ms UTC."""
    return sa.and_(
        sessions.c.revoked_at.is_(None), sessions.c.expires_at > now, users.c.disabled_at.is_(None)
    )


def with_owner(*columns: Any) -> sa.Select[Any]:
    """Return a query of targets, their sessions and users."""
    return (
        sa.select(*columns)
        .select_from(push_targets)
        .join(sessions, sessions.c.id == push_targets.c.session_id)
        .join(users, users.c.id == sessions.c.user_id)
    )


def read_targets(connection: Connection, now: int, *where: Any) -> list[OwnedTarget]:
    """Return the valid targets that fulfil these conditions."""
    query = with_owner(users.c.id, users.c.name, push_targets.c.failures, *_COLUMNS)
    rows = connection.execute(query.where(alive(now), *where))
    return [
        OwnedTarget(user_id, name, _target(values), failures)
        for user_id, name, failures, *values in rows
    ]


def _target(values: list[Any]) -> PushTarget:
    fields = dict(zip(PushTarget.__slots__, values, strict=True))
    choices = {"level": Level(fields["level"]), "content": Content(fields["content"])}
    return PushTarget(**fields | choices)


class PushTargets:
    """Adds, reads and removes targets."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock
        self._loader = database.batch_loader(self._named)

    async def put(self, target: PushTarget) -> None:
        """Add a target, in place of one of the same browser. Raises Unauthorized."""
        now = self._clock()
        await self._database.transaction(lambda c: _put(c, target, now))

    async def of_session(self, session_id: str) -> PushTarget | None:
        """Return the newest target of a session."""
        found = await self._read(push_targets.c.session_id == session_id)
        return found[-1].target if found else None

    async def find(self, key: str) -> OwnedTarget | None:
        """Return a target if it is still valid. Concurrent calls share one query."""
        return await self._loader.get(key)

    async def _named(self, keys: Collection[str]) -> dict[str, OwnedTarget]:
        found = await self._read(push_targets.c.key.in_(list(keys)))
        return {owned.target.key: owned for owned in found}

    async def _read(self, *where: Any) -> list[OwnedTarget]:
        async with self._database.reading() as connection:
            return await connection.run_sync(read_targets, self._clock(), *where)

    async def services(self) -> list[str]:
        """Return the push services of the valid targets, as `host` or `host:port`."""
        return sorted({owned.target.service for owned in await self._read()})

    async def count(self) -> int:
        """Return the number of valid targets."""
        query = with_owner(sa.func.count()).where(alive(self._clock()))
        async with self._database.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def remove_of_session(self, session_id: str) -> None:
        await self._delete(push_targets.c.session_id == session_id)

    async def remove(self, key: str) -> None:
        """Remove a target that its push service does not know any more."""
        await self._delete(push_targets.c.key == key)

    async def remove_invalid(self) -> None:
        """Remove targets whose session has ended."""
        own = sa.select(sessions.c.id).join(users, users.c.id == sessions.c.user_id)
        valid = own.where(sessions.c.id == push_targets.c.session_id, alive(self._clock()))
        await self._delete(~valid.correlate(push_targets).exists())

    async def _delete(self, where: Any) -> None:
        query = push_targets.delete().where(where)
        await self._database.transaction(lambda c: c.execute(query))

    async def note_failure(self, key: str, *, most: int) -> None:
        """Count a failure in a row; remove the target after `most` of them."""
        one = push_targets.c.key == key
        count = push_targets.update().where(one).values(failures=push_targets.c.failures + 1)
        remove = push_targets.delete().where(one, push_targets.c.failures >= most)

        def work(connection: Connection) -> None:
            connection.execute(count)
            connection.execute(remove)

        await self._database.transaction(work)

    async def note_success(self, key: str) -> None:
        """Begin to count failures again."""
        failed = sa.and_(push_targets.c.key == key, push_targets.c.failures > 0)
        query = push_targets.update().where(failed).values(failures=0)
        await self._database.transaction(lambda c: c.execute(query))


def _put(connection: Connection, target: PushTarget, now: int) -> None:
    user_id = _owner(connection, target.session_id, now)
    same_browser = sa.or_(
        push_targets.c.key == target.key, push_targets.c.session_id == target.session_id
    )
    connection.execute(push_targets.delete().where(same_browser))
    values = {name: getattr(target, name) for name in PushTarget.__slots__}
    connection.execute(push_targets.insert().values(key=target.key, at=now, **values))
    newest = (
        with_owner(push_targets.c.key)
        .where(sessions.c.user_id == user_id)
        .order_by(push_targets.c.at.desc(), push_targets.c.key)
    )
    surplus = connection.scalars(newest.where(alive(now))).all()[MAX_TARGETS:]
    if surplus:
        connection.execute(push_targets.delete().where(push_targets.c.key.in_(surplus)))


def _owner(connection: Connection, session_id: str, now: int) -> int:
    """Return the user of a valid session. Raises Unauthorized."""
    query = (
        sa.select(sessions.c.user_id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.id == session_id, alive(now))
        .with_for_update(read=True)
    )
    found = connection.scalar(query)
    if found is None:
        raise Unauthorized(SESSION_ENDED)
    return int(found)
