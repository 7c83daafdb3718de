"""Queries about sessions. Sessions are created in `credentials.py`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields

import sqlalchemy as sa

from chatserver.clocks import MAX_CLOCK_LEAD
from chatserver.models import Session
from chatserver.storage.account_pages import ACCOUNT
from chatserver.storage.engine import Database
from chatserver.storage.tables import bot_tokens, sessions, users
from chatserver.storage.users import read_user

BOT_SESSION = "bot_"  # begins what stands for the session of a bot, which has none


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as shown to its user. Times in ms."""

    id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    client: str


_SHOWN = [field.name for field in fields(OpenSession)]
_SESSIONS = (
    sa.select(
        sessions.c.id.label("session"),
        sessions.c.created_at.label("opened_at"),
        sessions.c.expires_at,
        *ACCOUNT,
    )
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id.in_(sa.bindparam("ids", expanding=True)), sessions.c.revoked_at.is_(None))
    .where(sessions.c.expires_at > sa.bindparam("now"), users.c.disabled_at.is_(None))
)


class StoredSessions:
    """Reads, extends and revokes sessions."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock
        self._loader = database.batch_loader(self._load)

    async def find(self, session_id: str) -> Session | None:
        """Return a valid session of an enabled account. Concurrent calls share one query."""
        return await self._loader.get(session_id)

    async def _load(self, session_ids: Sequence[str]) -> dict[str, Session]:
        wanted = {"ids": session_ids, "now": self._clock()}
        async with self._database.reading() as connection:
            rows = await connection.execute(_SESSIONS, wanted)
            found = [Session(r.session, read_user(r), r.opened_at, r.expires_at) for r in rows]
        return {session.id: session for session in found}

    async def not_revoked(self, session_ids: Collection[str]) -> set[str]:
        """Return the sessions of enabled accounts that are not revoked; some may have expired."""
        query = (
            sa.select(sessions.c.id)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.id.in_(list(session_ids)), sessions.c.revoked_at.is_(None))
            .where(users.c.disabled_at.is_(None))
        )
        async with self._database.reading() as connection:
            found = set((await connection.execute(query)).scalars())
            if any(session_id.startswith(BOT_SESSION) for session_id in session_ids):
                found |= {bot_session(d) for d in await connection.scalars(_BOT_TOKENS)}
        return found

    async def list_open(self, user_id: int) -> list[OpenSession]:
        """Return the sessions of a user, newest first."""
        query = (
            sa.select(*(sessions.c[key] for key in _SHOWN))
            .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
            .where(sessions.c.expires_at > self._clock())
            .order_by(sessions.c.created_at.desc())
        )
        async with self._database.reading() as connection:
            return [OpenSession(*row) for row in await connection.execute(query)]

    async def extend(self, session_id: str, expires_at: int) -> bool:
        """Extend a session to `expires_at`; return False if it has ended."""
        now = self._clock()
        alive = sa.and_(
            sessions.c.id == session_id,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > now,
        )
        values = {"expires_at": expires_at, "last_seen_at": now}
        query = sessions.update().where(alive).values(values)
        return (await self._database.transaction(lambda c: c.execute(query))).rowcount == 1

    async def record_last_seen(self, times: Mapping[str, int]) -> None:
        """Store last-seen times (ms) of sessions.

        What is stored goes back only from a future that a wrong clock has made.
        """
        moved = (
            sessions.update()
            .where(sessions.c.id == sa.bindparam("session"))
            .where(
                sa.or_(
                    sessions.c.last_seen_at < sa.bindparam("at"),
                    sessions.c.last_seen_at > sa.bindparam("at") + MAX_CLOCK_LEAD,
                )
            )
            .values(last_seen_at=sa.bindparam("at"))
        )
        rows = [{"session": session, "at": at} for session, at in sorted(times.items())]
        await self._database.transaction(lambda c: c.execute(moved, rows))

    async def revoke(self, session_id: str) -> None:
        now = self._clock()
        await self._database.transaction(
            lambda c: c.execute(revocation_update(now).where(sessions.c.id == session_id))
        )

    async def revoke_all(self, user_id: int) -> None:
        now = self._clock()
        await self._database.transaction(
            lambda c: c.execute(revocation_update(now).where(sessions.c.user_id == user_id))
        )


def bot_session(digest: str) -> str:
    """Return the session id of a bot's connections, which end with the token of that hash."""
    return f"{BOT_SESSION}{digest[:16]}"


_BOT_TOKENS = (
    sa.select(bot_tokens.c.digest)
    .join(users, users.c.id == bot_tokens.c.user_id)
    .where(bot_tokens.c.revoked_at.is_(None), users.c.disabled_at.is_(None))
)


def revocation_update(now: int) -> sa.Update:
    """Return an UPDATE that revokes sessions; the caller adds which."""
    return sessions.update().where(sessions.c.revoked_at.is_(None)).values(revoked_at=now)
