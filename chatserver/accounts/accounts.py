"""Who people are: set-up, sign-in, sessions, one's own account. Others': `administration`.

Knows nothing of sockets; whoever ends a session tells the hub through `farewell`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chatserver.accounts.passwords import Passwords, check_choice
from chatserver.accounts.revocations import Revocations
from chatserver.accounts.session_tokens import SigningKeys, Token
from chatserver.config import AuthSettings
from chatserver.errors import (
    BadCredentials,
    ChatError,
    CloseCode,
    Forbidden,
    NotFound,
    Unauthorized,
    _,
)
from chatserver.limits import SignInGuard
from chatserver.models import Role, Session, User, name_key
from chatserver.permissions import write_private
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import Credentials
from chatserver.storage.users import NewUser, OpenSession, People, bot_session
from chatserver.text.names import checked_display, checked_name

MINUTE = 60_000  # milliseconds
DAY = 86_400_000
BOT = "bot_"  # begins the tokens of bots
BOT_DAYS = 365  # a bot's socket has to come back once in a while


class Farewell(Protocol):
    """Closes the sockets of people who are signed out: see `hub.Hub`. Does not wait."""

    def end_session(self, session_id: str, *, pending: bool = False) -> None: ...
    def end_user(self, user_id: int, code: CloseCode) -> None: ...


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session that is alive, and the token that led to it."""

    session: Session
    token: Token

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def expires_at(self) -> int:
        """Milliseconds UTC: whichever of the two is over first."""
        return min(self.session.expires_at, self.token.expires_at * 1000)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of a new session: `cookie` lives as long as it does, `bearer` for minutes. Times in ms."""

    user: User
    bearer: str
    cookie: str
    expires_at: int


class Accounts:
    """What users can do about their own accounts and sessions."""

    def __init__(
        self,
        *,
        people: People,
        credentials: Credentials,
        bots: Bots,
        passwords: Passwords,
        keys: SigningKeys,
        guard: SignInGuard,
        farewell: Farewell,
        revocations: Revocations,
        settings: AuthSettings,
        setup_token: Path,
        clock: Callable[[], int],
    ) -> None:
        self._people = people
        self._credentials = credentials
        self._bots = bots
        self._passwords = passwords
        self._keys = keys
        self._guard = guard
        self._farewell = farewell
        self._revocations = revocations
        self._settings = settings
        self._setup_token = setup_token
        self._clock = clock
        self._set_up = False

    # First run ----------------------------------------------------------------------------------

    async def is_set_up(self) -> bool:
        """Whether there is any account. Once true it stays true."""
        self._set_up = self._set_up or await self._people.count() > 0
        return self._set_up

    def setup_token(self) -> str:
        """The one-time token of the setup link, kept 0600 in the data folder."""
        if not self._setup_token.exists():
            write_private(self._setup_token, secrets.token_urlsafe(16))
        return self._setup_token.read_text(encoding="ascii").strip()

    async def set_up(self, token: str, new: NewUser, password: str) -> User:
        """Make the administrator. The token works once."""
        if await self.is_set_up():
            raise Forbidden(_("This server has been set up already."))
        if not hmac.compare_digest(token.encode(), self.setup_token().encode()):
            raise Forbidden(_("This setup link is not valid. Use the one that the terminal shows."))
        user = await self.add(new, password, first=True)
        self._setup_token.unlink(missing_ok=True)
        return user

    # Signing in and out -------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, *, address: str) -> User:
        """The user of that name and password; an unknown name gets the same answer as slowly."""
        account = name_key(name)
        self._guard.attempt(account, address)
        user, stored = await self._people.find(name) or (None, None)
        right = await self._passwords.verify(stored, password)
        if not right or user is None or user.disabled:
            self._guard.failed(account, address)
            raise BadCredentials
        self._guard.succeeded(account, address)
        if stored is not None and self._passwords.outdated(stored):
            with suppress(ChatError):  # the next log-in will do
                hashed = await self._passwords.hash(password)
                await self._credentials.rehash(user.id, old=stored, new=hashed)
        return user

    async def open_session(self, user: User, *, client: str) -> Tokens:
        """A new session on one device; `client` describes it to its owner.

        Raises Unauthorized when the password that was verified is not the present one any more.
        """
        now = self._clock()
        expires_at = now + self._settings.session_days * DAY
        session = Session(secrets.token_urlsafe(16), user, now, expires_at)
        await self._credentials.open_session(session, client=client)
        minutes = min(now + self._settings.token_minutes * MINUTE, expires_at)
        return Tokens(
            user, self._issue(session, minutes), self._issue(session, expires_at), expires_at
        )

    async def identify(self, token: str) -> SignIn:
        """Who presents this token: a signature check and one query. Raises Unauthorized."""
        if token.startswith(BOT):
            return await self._bot(token)
        claims = self._keys.verify(token)
        if claims.session in self._revocations:
            raise Unauthorized(_("Your session has ended. Log in again."))
        session = await self._people.session(claims.session)
        if session is None or session.user.id != claims.user_id:
            raise Unauthorized(_("Your session has ended. Log in again."))
        return SignIn(session, claims)

    async def _bot(self, token: str) -> SignIn:
        hashed = token_digest(token)
        user = await self._bots.find(hashed)
        if user is None:
            raise Unauthorized
        now = self._clock()
        session = Session(bot_session(hashed), user, now, now + BOT_DAYS * DAY)
        seconds = session.expires_at // 1000
        return SignIn(session, Token(session.id, user.id, now // 1000, seconds))

    async def sessions(self, user: User) -> list[OpenSession]:
        """Where somebody is signed in, newest first."""
        found = await self._people.sessions(user.id)
        return [session for session in found if session.id not in self._revocations]

    async def end_session(self, user: User, session_id: str) -> None:
        """End one of somebody's own sessions, and its sockets. Raises NotFound."""
        if session_id not in {session.id for session in await self.sessions(user)}:
            raise NotFound(_("This session has already ended."))
        await self._people.revoke(session_id)
        self._farewell.end_session(session_id)

    async def sign_out_everywhere(self, user: User) -> None:
        """End all of somebody's sessions and sockets."""
        await self._people.revoke_all(user.id)
        self._farewell.end_user(user.id, CloseCode.SESSION_INVALID)

    def age(self, sign_in: SignIn) -> float:
        """Seconds since the token of a sign-in was made."""
        return sign_in.token.age(self._clock())

    async def renew(self, session_id: str, lifetime: int) -> tuple[int, str]:
        """Prolong a session by `lifetime` seconds: the new expiry (ms) and a token until then."""
        session = await self._people.session(session_id)
        now = self._clock()
        until = now + self._settings.session_days * DAY
        if session is None or not await self._people.prolong(session.id, until):
            raise Unauthorized(_("Your session has ended. Log in again."))
        expires_at = (now + lifetime * 1000) // 1000 * 1000
        return expires_at, self._issue(session, expires_at)

    async def sign_out(self, sign_in: SignIn) -> bool:
        """End this session and every socket of it; whether that is stored already."""
        stored = await self._revocations.end(sign_in.session.id)
        self._farewell.end_session(sign_in.session.id, pending=not stored)
        return stored

    def _issue(self, session: Session, expires_at: int) -> str:
        return self._keys.issue(session=session.id, user_id=session.user.id, expires_at=expires_at)

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
        """Make an account with the role that `new` names.

        `by` is the administrator who wants it, None the owner of the data. `generated`: the
        password has 80 random bits.
        """
        checked = await self._checked(new, password, generated=generated)
        return await self._people.add(checked, first=first, by=by.id if by else None)

    async def add_invited(self, new: NewUser, password: str, code: str) -> User:
        """Make an account and use an invitation up once, or neither. Raises NotFound."""
        return await self._people.add_invited(await self._checked(new, password), code)

    async def change_profile(self, user: User, *, display: str | None, locale: str | None) -> None:
        """Set what is given of one's own display name and language."""
        values = {}
        if display is not None and display != user.display:
            values["display"] = checked_display(display, user.name)
        if locale is not None:
            values["locale"] = locale
        if values:
            await self._people.change(user.id, **values)

    async def change_password(self, who: SignIn, old: str, new: str, *, address: str) -> None:
        """Set one's own password and end one's other sessions. Raises Forbidden for a wrong one."""
        user = who.user
        try:
            verified = await self.sign_in(user.name, old, address=address)
        except BadCredentials:
            raise Forbidden(_("The current password is incorrect.")) from None
        check_choice(new, user.name, user.display)
        ended = await self._credentials.change_password(
            who.session, await self._passwords.hash(new), verified=verified.password_version
        )
        for session_id in ended:
            self._farewell.end_session(session_id)

    async def named(self, name: str) -> User:
        """The account of that name. Raises NotFound."""
        found = await self._people.find(name)
        if found is None:
            raise NotFound(_("There is no user with that name."))
        return found[0]

    async def page(self, after: str, limit: int, *, beginning: str = "") -> list[User]:
        """Accounts in the order of their names: see `storage.people.People.page`."""
        return await self._people.page(after, limit, beginning=beginning)

    async def all_named(self, names: Collection[str]) -> list[User]:
        """Those of these names that are accounts."""
        return await self._people.named(names)

    async def _checked(self, new: NewUser, password: str, *, generated: bool = False) -> NewUser:
        name = checked_name(new.name)
        display = checked_display(new.display, name)
        check_choice(password, name, display)
        hashed = await self._passwords.hash(password, generated=generated)
        return NewUser(name, display, hashed, new.role, new.locale)


def token_digest(token: str) -> str:
    """How a bot's token is kept: it has 192 random bits, so a plain hash will do."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_user(name: str, display: str, *, role: Role = Role.MEMBER, locale: str = "") -> NewUser:
    """A user to be, still without a password."""
    return NewUser(name, display, "", role, locale)
