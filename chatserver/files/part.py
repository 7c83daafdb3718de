"""A file that is arriving: bytes are appended, by one writer at a time."""

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from chatserver.errors import BadRequest, _
from chatserver.files.pace import Piece
from chatserver.files.running_digests import RunningDigests


class WrongOffset(BadRequest):
    """Bytes would leave a gap, or overwrite bytes that have arrived."""

    text = _("The upload continues at another offset.")


class Incomplete(BadRequest):
    """A request ended before the last byte that it had announced."""

    text = _("The file is not complete.")


class Locked(BadRequest):
    """Another request writes to the same file."""

    text = _("Another request is writing to this upload.")


class WrongChecksum(BadRequest):
    """The bytes that arrived are not those that were sent; they are dropped."""

    text = _("The bytes do not match their checksum.")


class Checksum(NamedTuple):
    """Algorithm (`sha1` or `sha256`) and digest of the bytes that are about to arrive."""

    algorithm: str
    digest: bytes


def lock_for_completion(path: Path, *, flags: int = os.O_CREAT) -> int:
    """Create and lock a file; return its descriptor. Raises Locked, also if it was just removed."""
    lock = _locked(path, 0, flags=flags)
    try:
        if os.path.samestat(os.fstat(lock), path.stat()):
            return lock
    except FileNotFoundError:
        pass
    os.close(lock)
    raise Locked


def remove_unused_lock(path: Path) -> None:
    """Remove a file that no completion has locked; does not wait."""
    with suppress(FileNotFoundError, Locked):
        lock = lock_for_completion(path, flags=0)
        try:
            path.unlink()  # while it is locked: nobody else removes it, or creates another one
        finally:
            os.close(lock)


def rename_part(path: Path, target: Path, size: int) -> None:
    """Rename a part of this size, which no request appends to. Raises Locked, WrongOffset."""
    file = _locked(path, size)
    try:
        path.rename(target)
    finally:
        os.close(file)


def _locked(path: Path, size: int, flags: int = 0) -> int:
    """Open a file of this size, locked against other writers. Raises Locked, WrongOffset."""
    file = os.open(path, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_size != size:
            raise WrongOffset
    except BaseException as error:
        os.close(file)
        if isinstance(error, BlockingIOError):
            raise Locked from None
        raise
    return file


class PartWriter:
    """An open part, locked against other writers."""

    def __init__(
        self,
        path: Path,
        offset: int,
        limit: int,
        checksum: Checksum | None,
        digests: RunningDigests,
    ) -> None:
        """`limit`: the announced size in bytes."""
        self._file = _locked(path, offset)
        self._file_id = path.stem
        self._begin = self._size = offset
        self._limit = limit
        self._checksum = checksum
        self._hash = hashlib.new(checksum.algorithm) if checksum is not None else None
        self._correct = True
        self._digests = digests
        self._digest = digests.take(self._file_id, os.fstat(self._file))

    def write(self, content: Piece | bytearray) -> None:
        """Append bytes. Raises BadRequest above the limit."""
        if self._size + len(content) > self._limit:
            raise BadRequest(_("The file is larger than its declared size."))
        view = memoryview(content)
        while view:
            written = os.pwrite(self._file, view, self._size)
            self._count(view[:written])
            view = view[written:]

    def _count(self, written: memoryview) -> None:
        self._size += len(written)
        for digest in (self._digest, self._hash):
            if digest is not None:
                digest.update(written)

    def close(self, rest: bytearray) -> None:
        """Write the rest and flush, or drop what does not have its checksum."""
        try:
            self.write(rest)
            self._correct = self._checksum is None or self._is_as_sent(self._checksum)
            if not self._correct:
                os.ftruncate(self._file, self._begin)
            os.fsync(self._file)
            self._keep_digest()
        finally:
            os.close(self._file)

    def _is_as_sent(self, checksum: Checksum) -> bool:
        return self._hash is not None and self._hash.digest() == checksum.digest

    def _keep_digest(self) -> None:
        """Keep the digest if it is that of the file, not after bytes were dropped."""
        part = os.fstat(self._file)
        if self._digest is not None and self._correct and part.st_size == self._size:
            self._digests.keep(self._file_id, part, self._digest)

    def verified(self) -> int:
        """Return the size of the part. Raises WrongChecksum."""
        if not self._correct:
            raise WrongChecksum
        return self._size
