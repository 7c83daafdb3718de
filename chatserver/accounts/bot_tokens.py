"""Tokens of bots, which are stored as digests."""

import hashlib
import secrets
from collections.abc import Callable

from chatserver.accounts.login import Login
from chatserver.accounts.session_tokens import Token
from chatserver.errors import AccountClosed, Unauthorized
from chatserver.models import Session
from chatserver.storage.bots import Bots
from chatserver.storage.sessions import bot_session

BOT_PREFIX = "bot_"
SESSION_MS = 365 * 86_400_000  # after that a bot's connection is closed, and it reconnects


class BotTokens:
    """Authenticates bots."""

    def __init__(self, bots: Bots, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._bots = bots
        self._clock = clock

    async def authenticate(self, token: str) -> Login:
        """Raises Unauthorized; AccountClosed for a disabled bot."""
        hashed = token_digest(token)
        user = await self._bots.find(hashed)
        if user is None:
            raise AccountClosed if await self._bots.is_disabled(hashed) else Unauthorized
        now = self._clock()
        session = Session(bot_session(hashed), user, now, now + SESSION_MS)
        seconds = session.expires_at // 1000
        return Login(session, Token(session.id, user.id, now // 1000, seconds))


def new_token() -> str:
    return BOT_PREFIX + secrets.token_urlsafe(24)


def token_digest(token: str) -> str:
    """Return the stored form of a bot's token; a plain hash suffices for 192 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
