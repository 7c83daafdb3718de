"""Set-up, login, sessions, and users' own accounts; for others' see `administration`.

Knows nothing of connections; they are closed through `ConnectionCloser`.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chatserver.accounts.bot_tokens import BOT_PREFIX, BotTokens
from chatserver.accounts.connection_closer import ConnectionCloser, reconnect_if_unknown
from chatserver.accounts.login import Login, Tokens
from chatserver.accounts.login_guard import LoginGuard
from chatserver.accounts.passwords import Passwords, check_choice
from chatserver.accounts.revocations import Revocations
from chatserver.accounts.session_tokens import SigningKeys
from chatserver.clocks import DAY, MINUTE
from chatserver.config import AuthSettings
from chatserver.errors import (
    SESSION_ENDED,
    AccountClosed,
    BadCredentials,
    ChatError,
    CloseCode,
    Forbidden,
    NotFound,
    Unauthorized,
    _,
)
from chatserver.models import Role, Session, User, name_key
from chatserver.permissions import write_private
from chatserver.storage.credentials import Credentials
from chatserver.storage.sessions import OpenSession, StoredSessions
from chatserver.storage.users import NewUser, Users
from chatserver.text.names import checked_display, checked_name

logger = logging.getLogger(__name__)


class Accounts:
    """Operations of users on their own accounts and sessions."""

    def __init__(
        self,
        *,
        users: Users,
        sessions: StoredSessions,
        credentials: Credentials,
        bot_tokens: BotTokens,
        passwords: Passwords,
        keys: SigningKeys,
        guard: LoginGuard,
        closer: ConnectionCloser,
        revocations: Revocations,
        settings: AuthSettings,
        setup_token: Path,
        clock: Callable[[], int],
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._credentials = credentials
        self._bot_tokens = bot_tokens
        self._passwords = passwords
        self._keys = keys
        self._guard = guard
        self._closer = closer
        self._revocations = revocations
        self._settings = settings
        self._setup_token = setup_token
        self._clock = clock
        self._set_up = False

    # First run ----------------------------------------------------------------------------------

    async def load_keys(self) -> None:
        """Load the signing keys; a missing file is created. Raises StartError."""
        if self._keys.load() and await self.is_set_up():
            logger.warning(
                "keys.json was missing: a new key signs sessions, and all users must log in again,"
                " unless the server is stopped and the old file put back"
            )

    async def is_set_up(self) -> bool:
        """Return whether any account exists. Once true it stays true."""
        self._set_up = self._set_up or await self._users.count() > 0
        return self._set_up

    def setup_token(self) -> str:
        """Return the one-time token of the setup link, stored with mode 0600 in the data folder."""
        if not self._setup_token.exists():
            write_private(self._setup_token, secrets.token_urlsafe(16))
        return self._setup_token.read_text(encoding="ascii").strip()

    async def set_up(self, token: str, new: NewUser, password: str) -> User:
        """Create the first administrator. The token works once."""
        if await self.is_set_up():
            raise Forbidden(_("This server has been set up already."))
        if not hmac.compare_digest(token.encode(), self.setup_token().encode()):
            raise Forbidden(_("This setup link is not valid. Use the one that the terminal shows."))
        user = await self.add(new, password, first=True)
        self._setup_token.unlink(missing_ok=True)
        return user

    # Logging in and out -------------------------------------------------------------------------

    async def log_in(self, name: str, password: str, *, address: str) -> User:
        """Return the user with that name and password. Raises BadCredentials.

        An unknown name takes as long as a wrong password.
        """
        account = name_key(name)
        self._guard.attempt(account, address)
        user, stored = await self._users.find(name) or (None, None)
        right = await self._passwords.verify(stored, password)
        if not right or user is None or user.disabled:
            self._guard.failed(account, address)
            raise BadCredentials
        self._guard.succeeded(account, address)
        if stored is not None and self._passwords.outdated(stored):
            with suppress(ChatError):  # retried at the next login
                hashed = await self._passwords.hash(password)
                await self._credentials.rehash(user.id, old=stored, new=hashed)
        return user

    async def open_session(self, user: User, *, client: str) -> Tokens:
        """Open a session on a device; `client` describes it in the list of devices.

        Raises Unauthorized if the password that was verified has been changed since.
        """
        now = self._clock()
        expires_at = now + self._settings.session_days * DAY
        session = Session(secrets.token_urlsafe(16), user, now, expires_at)
        await self._credentials.open_session(session, client=client)
        bearer_expires_at = min(now + self._settings.token_minutes * MINUTE, expires_at)
        return Tokens(
            user,
            self._issue(session, now, bearer_expires_at),
            self._issue(session, now, expires_at),
            expires_at,
        )

    async def authenticate(self, token: str) -> Login:
        """Return the session of a token, with a signature check and one query.

        Raises Unauthorized; AccountClosed for a disabled or deleted account.
        """
        if token.startswith(BOT_PREFIX):
            return await self._bot_tokens.authenticate(token)
        claims = self._keys.verify(token)
        if claims.session in self._revocations:
            raise Unauthorized(SESSION_ENDED)
        session = await self._sessions.find(claims.session)
        if session is None or session.user.id != claims.user_id:
            closed = await self._users.disabled([claims.user_id])
            raise (AccountClosed if closed else Unauthorized)(SESSION_ENDED)
        return Login(session, claims)

    async def sessions(self, user: User) -> list[OpenSession]:
        """Return the user's open sessions, newest first."""
        found = await self._sessions.list_open(user.id)
        return [session for session in found if session.id not in self._revocations]

    async def end_session(self, user: User, session_id: str) -> None:
        """End a session of the user and close its connections. Raises NotFound."""
        if session_id not in {session.id for session in await self.sessions(user)}:
            raise NotFound(_("This session has already ended."))
        with reconnect_if_unknown(self._closer, user.id):
            await self._sessions.revoke(session_id)
        self._closer.close_session_connections(session_id)

    async def log_out_everywhere(self, user: User) -> None:
        """End all sessions of the user and close their connections."""
        with reconnect_if_unknown(self._closer, user.id):
            await self._sessions.revoke_all(user.id)
        self._closer.close_user_connections(user.id, CloseCode.SESSION_INVALID)

    def age(self, login: Login) -> float:
        """Return the seconds since the token of a login was issued."""
        return login.token.age(self._clock())

    async def renew(self, session_id: str, lifetime: int) -> tuple[int, str]:
        """Extend a session; return its new expiry (ms UTC) and a token valid until then.

        `lifetime` is in seconds.
        """
        session = await self._sessions.find(session_id)
        now = self._clock()
        until = now + self._settings.session_days * DAY
        if session is None or not await self._sessions.extend(session.id, until):
            raise Unauthorized(SESSION_ENDED)
        expires_at = (now + lifetime * 1000) // 1000 * 1000
        return expires_at, self._issue(session, now, expires_at)

    async def log_out(self, login: Login) -> bool:
        """End this session and close its connections; return whether its end is stored already."""
        stored = await self._revocations.end(login.session.id)
        self._closer.close_session_connections(login.session.id, pending=not stored)
        return stored

    def _issue(self, session: Session, issued_at: int, expires_at: int) -> str:
        return self._keys.issue(
            session=session.id,
            user_id=session.user.id,
            issued_at=issued_at,
            expires_at=expires_at,
        )

    # Accounts -----------------------------------------------------------------------------------

    async def add(
        self,
        new: NewUser,
        password: str,
        *,
        first: bool = False,
        by: User | None = None,
        generated: bool = False,
    ) -> User:
        """Create an account with the role of `new`.

        `by` is the administrator who does it, None the operator. `generated`: the password has 80
        random bits.
        """
        checked = await self._validated(new, password, generated=generated)
        return await self._users.add(checked, first=first, by=by.id if by else None)

    async def add_invited(self, new: NewUser, password: str, code: str) -> User:
        """Create an account and use an invitation once, in one transaction. Raises NotFound."""
        return await self._users.add_invited(await self._validated(new, password), code)

    async def change_profile(self, user: User, *, display: str | None, locale: str | None) -> None:
        """Set the user's own display name and language, where given."""
        values = {}
        if display is not None and display != user.display:
            values["display"] = checked_display(display, user.name)
        if locale is not None:
            values["locale"] = locale
        if values:
            await self._users.change(user.id, **values)

    async def change_password(self, login: Login, old: str, new: str, *, address: str) -> None:
        """Set the user's own password and end the other sessions.

        Raises Forbidden if `old` is wrong.
        """
        user = login.user
        try:
            verified = await self.log_in(user.name, old, address=address)
        except BadCredentials:
            raise Forbidden(_("The current password is incorrect.")) from None
        check_choice(new, user.name, user.display)
        hashed = await self._passwords.hash(new)
        with reconnect_if_unknown(self._closer, user.id):
            ended = await self._credentials.change_password(
                login.session, hashed, verified=verified.password_version
            )
        for session_id in ended:
            self._closer.close_session_connections(session_id)

    async def _validated(self, new: NewUser, password: str, *, generated: bool = False) -> NewUser:
        name = checked_name(new.name)
        display = checked_display(new.display, name)
        check_choice(password, name, display)
        hashed = await self._passwords.hash(password, generated=generated)
        return NewUser(name, display, hashed, new.role, new.locale)


def new_user(name: str, display: str, *, role: Role = Role.MEMBER, locale: str = "") -> NewUser:
    """Build a user without a password."""
    return NewUser(name, display, "", role, locale)
