"""Signing keys and the tokens made with them (JWT, HS256 only).

The newest key signs, all listed keys verify, each is named by its `kid`. They live in `keys.json`
(0600), made on first run. A token only points at a session; whether that lives, the database says.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from chatserver.errors import StartError, Unauthorized
from chatserver.models import FUTURE

ALGORITHM = "HS256"
KEY_BYTES = 32
KEPT = 3  # keys that verify: a token outlives a rotation or two
ISSUER = "chatserver"
AUDIENCE = "chatserver"
ANEW = "Delete it to have a new one made; everybody logs in again."
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class Token:
    """What a valid token says. Times are seconds since 1970 UTC, as JWT wants them."""

    session: str
    user_id: int
    issued_at: int
    expires_at: int

    @property
    def lifetime(self) -> int:
        """For how many seconds it was made; a renewed one is made for as many."""
        return self.expires_at - self.issued_at

    def age(self, now: int) -> float:
        """Seconds since it was made; `now` in milliseconds."""
        return now / 1000 - self.issued_at


class Keys:
    """The key file of one data folder."""

    def __init__(self, path: Path, *, clock: Callable[[], int]) -> None:
        """`clock` gives milliseconds."""
        self._path = path
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []

    def load(self) -> None:
        """Read the key file, or make it. Raises StartError for a weak key."""
        self._keys = _read(self._path) if self._path.exists() else []
        if not self._keys:
            self.rotate()

    def rotate(self) -> str:
        """Sign with a new key from now on; the `kid` of it."""
        kid = secrets.token_urlsafe(6)
        key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()
        fresh = {"kty": "oct", "alg": ALGORITHM, "kid": kid, "k": key}
        kept = [fresh, *(_as_dict(k) for k in self._keys)][:KEPT]
        write_private(self._path, json.dumps({"keys": kept}, indent=2))
        self._keys = _read(self._path)
        return kid

    def issue(self, *, session: str, user_id: int, expires_at: int) -> str:
        """A token of a session until `expires_at` (ms)."""
        now = self._clock() // 1000
        claims = {
            "sub": str(user_id),
            "sid": session,
            "iat": now,
            "exp": expires_at // 1000,
            "iss": ISSUER,
            "aud": AUDIENCE,
        }
        key = self._keys[0]
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": key.key_id})

    def verify(self, token: str) -> Token:
        """What the token says.

        Raises Unauthorized for anything that we did not make or that is over.
        """
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = next((k for k in self._keys if k.key_id == kid), None)
            if key is None:
                raise Unauthorized
            claims = jwt.decode(token, key, [ALGORITHM], options=self._options(), **_NAMES)
            made = Token(claims["sid"], int(claims["sub"]), int(claims["iat"]), int(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthorized from None
        if made.issued_at * 1000 > self._clock() + FUTURE:
            raise Unauthorized
        if made.expires_at * 1000 <= self._clock():
            raise Unauthorized("Your session is over. Log in again.")
        return made

    def _options(self) -> Any:
        # Expiry is checked by us, with the clock that is passed in.
        return {
            "require": REQUIRED,
            "verify_exp": False,
            "verify_iat": False,
            "enforce_minimum_key_length": True,
        }


_NAMES: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE}


def _read(path: Path) -> list[jwt.PyJWK]:
    try:
        listed = json.loads(path.read_text(encoding="ascii"))["keys"]
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
            f"The key file {path} cannot be used: it holds no list of keys. {ANEW}"
        ) from None
    for key in keys:
        named = isinstance(key.key_id, str) and key.key_id
        if not named or key.algorithm_name != ALGORITHM or len(key.key) < KEY_BYTES:
            raise StartError(
                f"The key file {path} holds a weak key: each needs 32 random bytes for {ALGORITHM}"
                f" and a kid. {ANEW}"
            )
    return keys


def _as_dict(key: jwt.PyJWK) -> dict[str, Any]:
    encoded = base64.urlsafe_b64encode(key.key).rstrip(b"=").decode()
    return {"kty": "oct", "alg": ALGORITHM, "kid": key.key_id, "k": encoded}


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read, in one step."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
