"""SHA-256 of parts, computed while their bytes arrive, so that completion need not read them.

Between two requests of an upload its digest is kept in memory. It counts for one state of one file
only: after a restart, or when another node has written to the part, it is computed from the disk.
Owns these digests.
"""

import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple, Protocol

MAX_DIGESTS = 1_000  # uploads; the digest of the one that waited longest is dropped


class Digest(Protocol):
    """What `hashlib` returns."""

    def update(self, content: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


class _State(NamedTuple):
    """Identity and state of a file, by which a change is noticed. Times are in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int


def _state(file: os.stat_result) -> _State:
    return _State(file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns)


class RunningDigests:
    """Digests of parts that wait for more bytes or for their completion. For use in threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[_State, Digest]] = OrderedDict()  # by file id

    def take(self, file_id: str, part: os.stat_result) -> Digest | None:
        """Remove and return the digest of a part, a new one if it is empty; None if not known."""
        state, digest = self._kept.pop(file_id, (None, None))
        if not part.st_size:
            return hashlib.sha256()
        return digest if state == _state(part) else None

    def keep(self, file_id: str, part: os.stat_result, digest: Digest) -> None:
        """Keep the digest of a part whose bytes are on disk."""
        self._kept[file_id] = (_state(part), digest)
        if len(self._kept) > MAX_DIGESTS:
            self._kept.popitem(last=False)

    def of(self, file_id: str, path: Path, *, unchanged: bool) -> tuple[str, int]:
        """Return the SHA-256 and the size of a file, for its completion.

        It is read unless it is `unchanged` and its digest is known, which is not kept any longer.
        """
        file = path.stat()
        state, digest = self._kept.pop(file_id, (None, None))
        if unchanged and digest is not None and state == _state(file):
            return digest.hexdigest(), file.st_size
        return file_digest(path)


def file_digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file, which is read."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
