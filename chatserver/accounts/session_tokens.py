"""Signing keys and session tokens (JWT, HS256 only).

The first key signs and all keys verify; each is named by its `kid`. They are stored in `keys.json`
(mode 0600), which is created at the first start. A key marked `next` verifies but does not sign
yet. A token only refers to a session; whether that is valid, the database decides.
"""

import base64
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt

from chatserver.clocks import MAX_CLOCK_LEAD
from chatserver.errors import SESSION_ENDED, StartError, Unauthorized
from chatserver.permissions import write_private

ALGORITHM = "HS256"
KEY_BYTES = 32
MAX_KEYS = 3  # so that a token remains valid for two rotations
ISSUER = "chatserver"
AUDIENCE = "chatserver"
DELETE_HINT = "Delete it to have a new one made; all users have to log in again."
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid"]


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """Claims of a valid token. Times are seconds since 1970 UTC, as in JWT.

    `key` is the name of the key that signed it.
    """

    session: str
    user_id: int
    issued_at: int
    expires_at: int
    key: str = ""

    @property
    def lifetime(self) -> int:
        """Seconds from issue to expiry; a renewed token gets the same."""
        return self.expires_at - self.issued_at

    def age(self, now: int) -> float:
        """Return the seconds since it was issued; `now` is in milliseconds."""
        return now / 1000 - self.issued_at


class SigningKeys:
    """The keys of a data folder."""

    def __init__(self, path: Path, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._path = path
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._version: tuple[int, ...] = ()  # of the file that was read
        self.next: str | None = None  # the kid of the key that will sign

    def names(self) -> list[str]:
        """Return the `kid` of each key, the signing key first."""
        return [str(key.key_id) for key in self._keys]

    def load(self) -> bool:
        """Read the key file, or create it; return whether a key was created.

        Raises StartError if the file is invalid.
        """
        self.check()
        if not self._keys:
            self.rotate()
            return True
        return False

    def check(self) -> None:
        """Read the key file if it exists. Raises StartError if it is invalid."""
        if self._path.exists():
            self._read()

    def refresh(self) -> bool:
        """Reload the key file if it changed; return whether the keys changed.

        If the file is invalid, the loaded keys stay in use.
        """
        before, version = self.names(), _version(self._path)
        if version != self._version:
            try:
                self._read()
            except StartError as error:
                self._version = version  # one warning is enough
                logger.warning("the key file is ignored: %s", error)
        return self.names() != before

    def rotate(self) -> str:
        """Sign with a new key from now on; return its `kid`."""
        fresh = _new_key()
        self._write([fresh, *[_as_dict(k) for k in self._keys if k.key_id != self.next]][:MAX_KEYS])
        return fresh["kid"]

    def publish(self) -> str:
        """Create the key that signs once it is activated; return its `kid`."""
        fresh = _new_key()
        self._write([*[_as_dict(k) for k in self._keys], {**fresh, "next": True}])
        return fresh["kid"]

    def activate(self) -> str:
        """Sign with the published key from now on; return its `kid`."""
        ordered = sorted(self._keys, key=lambda k: k.key_id != self.next)
        self._write([_as_dict(k) for k in ordered][:MAX_KEYS])
        return self.names()[0]

    def _write(self, kept: list[dict[str, Any]]) -> None:
        write_private(self._path, json.dumps({"keys": kept}, indent=2))
        self._read()

    def _read(self) -> None:
        version = _version(self._path)
        keys, following = _read(self._path)
        if keys:
            self._keys, self.next, self._version = keys, following, version

    def issue(self, *, session: str, user_id: int, issued_at: int, expires_at: int) -> str:
        """Return a token of a session, valid until `expires_at`. Times are in ms UTC.

        `issued_at` is when the lifetime began: what was awaited since then does not shorten it.
        """
        claims = {
            "sub": str(user_id),
            "sid": session,
            "iat": issued_at // 1000,
            "exp": expires_at // 1000,
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        key = self._keys[0]
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": key.key_id})

    def verify(self, token: str) -> Token:
        """Return the claims of a token. Raises Unauthorized if it is invalid or expired."""
        try:
            kid = _key_id(token.partition(".")[0])
            key = next((k for k in self._keys if k.key_id == kid), None)
            if key is None:
                raise Unauthorized
            claims = jwt.decode(token, key, [ALGORITHM], options=self._options(), **_NAMES)
            times = int(claims["iat"]), int(claims["exp"])
            made = Token(claims["sid"], int(claims["sub"]), *times, key=str(kid))
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthorized from None
        if made.issued_at * 1000 > self._clock() + MAX_CLOCK_LEAD:
            raise Unauthorized
        if made.expires_at * 1000 <= self._clock():
            raise Unauthorized(SESSION_ENDED)
        return made

    def _options(self) -> Any:
        # Expiry is checked in `verify`, with the clock that was passed in.
        return {
            "require": REQUIRED,
            "verify_exp": False,
            "verify_iat": False,
            "enforce_minimum_key_length": True,
        }


_NAMES: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE}


@lru_cache(maxsize=16)  # the tokens of one key have the same header
def _key_id(header: str) -> str | None:
    """Return the key id in a token's first segment. Raises jwt.PyJWTError."""
    return jwt.get_unverified_header(f"{header}..").get("kid")


def _version(path: Path) -> tuple[int, ...]:
    """Return a value that changes with the file, its owner or mode; () if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _new_key() -> dict[str, str]:
    key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()
    return {"kty": "oct", "alg": ALGORITHM, "kid": secrets.token_urlsafe(6), "k": key}


def _read(path: Path) -> tuple[list[jwt.PyJWK], str | None]:
    """Return the keys, and the name of the one that does not sign yet."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8-sig"))["keys"]
        following = next((entry["kid"] for entry in listed if entry.get("next")), None)
        keys = [jwt.PyJWK.from_dict(entry) for entry in listed]
    except OSError as error:
        raise StartError(f"The key file {path} cannot be used: {error.strerror}.") from None
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RuntimeError,
        jwt.PyJWTError,
    ):
        raise StartError(
            f"The key file {path} cannot be used: it holds no list of keys. {DELETE_HINT}"
        ) from None
    for key in keys:
        named = isinstance(key.key_id, str) and key.key_id
        if not named or key.algorithm_name != ALGORITHM or len(key.key) < KEY_BYTES:
            raise StartError(
                f"The key file {path} holds a weak key: each needs 32 random bytes for {ALGORITHM}"
                f" and a kid. {DELETE_HINT}"
            )
    return sorted(keys, key=lambda key: key.key_id == following), following


def _as_dict(key: jwt.PyJWK) -> dict[str, Any]:
    encoded = base64.urlsafe_b64encode(key.key).rstrip(b"=").decode()
    return {"kty": "oct", "alg": ALGORITHM, "kid": key.key_id, "k": encoded}
