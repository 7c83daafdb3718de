"""Identification of this server to push services: VAPID, RFC 8292.

The key pair is made at the first use and stored in the database, so that all nodes have the same
without a file to copy. Archives do not contain it. Owns the signed tokens until they expire.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt

from chatserver.push.encryption import (
    decode_base64,
    encode_base64,
    encoded_public_key,
    new_private_key,
)
from chatserver.storage.push_key import StoredPushKey

LIFETIME = 24 * 3_600 - 600  # seconds of a token; services refuse more than a day
REUSE = 12 * 3_600  # seconds for which a token is sent again
MAX_TOKENS = 1_000


class Vapid:
    """Signs requests to push services."""

    def __init__(self, stored: StoredPushKey, *, now: Callable[[], int]) -> None:
        """`now` returns milliseconds UTC."""
        self._stored = stored
        self._now = now
        self._key: Any = None
        self._public = ""
        self._tokens: dict[tuple[str, str], tuple[int, str]] = {}  # by audience and subject

    async def public_key(self) -> str:
        """Return the key by which browsers subscribe, in base64url. Raises Unavailable."""
        if self._key is None:
            self._key = _private_key(await self._stored.get_or_add(_new_key))
            self._public = encode_base64(encoded_public_key(self._key))
        return self._public

    async def authorization(self, service: str, page: str) -> str:
        """Return the header for a request to a push service, given as `host` or `host:port`.

        `page`: a URL of this server, which identifies it.

        Raises Unavailable.
        """
        public = await self.public_key()
        token = self._token(f"https://{service}", f"https://{urlsplit(page).netloc}")
        return f"vapid t={token}, k={public}"

    def _token(self, audience: str, subject: str) -> str:
        """Return a signed token, the former one if it is young enough."""
        now = self._now() // 1000
        made_at, token = self._tokens.get((audience, subject), (0, ""))
        if not 0 <= now - made_at < REUSE:
            claims = {"aud": audience, "exp": now + LIFETIME, "sub": subject}
            token = jwt.encode(claims, self._key, algorithm="ES256")
            if len(self._tokens) >= MAX_TOKENS:
                self._tokens.clear()
            self._tokens[audience, subject] = now, token
        return token


def _new_key() -> str:
    """Return a new private key as it is stored: its 32 bytes in base64url."""
    return encode_base64(new_private_key().private_numbers().private_value.to_bytes(32))


def _private_key(stored: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int.from_bytes(decode_base64(stored)), ec.SECP256R1())
