"""A valid session, and the tokens of a new one."""

from dataclasses import dataclass

from chatserver.accounts.session_tokens import Token
from chatserver.models import Session, User


@dataclass(frozen=True, slots=True)
class Login:
    """A valid session, and the token that authenticated it."""

    session: Session
    token: Token

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def expires_at(self) -> int:
        """Milliseconds UTC at which the session or the token expires, whichever is first."""
        return min(self.session.expires_at, self.token.expires_at * 1000)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a new session: `cookie` lives as long as it, `bearer` for minutes. Times in ms."""

    user: User
    bearer: str
    cookie: str
    expires_at: int
