"""Password rules, and hashing with argon2id in threads.

Each hash takes tens of MiB, so the number of queued hashes is limited.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from chatserver.errors import BadRequest, RateLimited, _
from chatserver.text.normalization import nfkc

T = TypeVar("T")
P = TypeVarTuple("P")

WORKERS = 2
MAX_QUEUED = 20  # hashes that may wait for a thread; more are refused

# The page applies the same rules while a password is typed: static/js/lib/strength.js.
_RULE = json.loads((Path(__file__).parents[1] / "static/js/password-rule.json").read_bytes())
SHORTEST: int = _RULE["shortest"]  # characters
LONGEST: int = _RULE["longest"]
COMMON = frozenset(" ".join(_RULE["common"]).split())  # compared after replacing look-alikes
LOOK_ALIKE = str.maketrans(_RULE["look_alike"])
EDGES: str = _RULE["edges"]  # characters that users put around a common word
RUNS: list[str] = _RULE["runs"]


def normalized(password: str) -> str:
    """Return the password in NFKC, so that it does not depend on the keyboard."""
    return nfkc(password)


def check_choice(password: str, *context: str) -> None:
    """Raise BadRequest for an easily guessed password.

    `context` are words like the user's own name.
    """
    plain = normalized(password).casefold()
    if len(plain) < SHORTEST:
        raise BadRequest(_("A password needs at least 8 characters."))
    if len(plain) > LONGEST:
        raise BadRequest(_("A password has at most 256 characters."))
    if _is_run(plain) or _is_common(plain, context):
        raise BadRequest(
            _("This password is easy to guess. Choose another one, such as three random words.")
        )


def _is_run(plain: str) -> bool:
    """Whether it repeats one piece (abcabcabc), or is a run on the keyboard or in the alphabet."""
    if re.fullmatch(r"(.{1,4})\1+.{0,3}", plain, re.DOTALL):
        return True
    return any(plain in run * 2 or plain[::-1] in run * 2 for run in RUNS)


def _is_common(plain: str, context: tuple[str, ...]) -> bool:
    words = COMMON | {normalized(word).casefold() for word in context if len(word) >= 2}
    bare, seen = plain.strip(EDGES), plain.translate(LOOK_ALIKE)
    stems = {plain, bare, bare.translate(LOOK_ALIKE), plain.rstrip(EDGES).translate(LOOK_ALIKE)}
    stems |= {seen.strip(EDGES), re.sub(r"[^a-z]", "", seen), re.sub(r"[^a-z]", "", plain)}
    return not bare or bool(stems & words)


def generate() -> str:
    """Generate a password that is easy to type: 80 random bits without look-alikes."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


class Passwords:
    """Hashes and verifies passwords in its own threads, a limited number at a time."""

    def __init__(self, *, memory_kib: int, time_cost: int) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._cheap = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="argon2")
        self._under_way = 0
        self._dummy: str | None = None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str, *, generated: bool = False) -> str:
        """Hash a password. `generated`: it has 80 random bits, so a cheap hash suffices.

        The user's first login replaces that hash: see `outdated`.
        """
        hasher = self._cheap if generated else self._hasher
        return await self._in_thread(hasher.hash, normalized(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password matches the hash.

        Without a hash, as for a bot or an unknown user, this takes equally long.
        """
        known = stored if stored is not None and _is_hash(stored) else await self._dummy_hash()
        right = await self._in_thread(self._matches, known, normalized(password))
        if self.outdated(known):  # a faster answer for cheap hashes would reveal accounts
            await self._in_thread(self._matches, await self._dummy_hash(), "")
        return right and known == stored

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with parameters other than the configured ones."""
        return self._hasher.check_needs_rehash(stored)

    async def _dummy_hash(self) -> str:
        if self._dummy is None:
            self._dummy = await self.hash(secrets.token_urlsafe())
        return self._dummy

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[*P], T], *args: *P) -> T:
        if self._under_way >= WORKERS + MAX_QUEUED:
            raise RateLimited(1.0, _("Many people are logging in. Try again in a moment."))
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._under_way -= 1


def _is_hash(stored: str) -> bool:
    try:
        extract_parameters(stored)
    except InvalidHashError:
        return False
    return True
