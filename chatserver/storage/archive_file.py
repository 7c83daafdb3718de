"""Archive files: JSON lines that can be read without this program.

The plain form (`export`) is a first line with the manifest, one line for each row with the name of
its `table`, and a last line with the SHA-256 of everything before it. The packed form (`backup`) is
a zip with manifest.json and the same rows, one member per table. Independent of databases: rows are
dictionaries, in the order in which they were written.
"""

import errno
import fcntl
import hashlib
import os
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from chatserver.errors import ChatServerError

VERSION = 1
COMPRESSION_LEVEL = 1  # text shrinks to a fifth; higher levels take ten times as long for little

PARTIAL = ".chatserver-partial"  # suffix of a file that is still being written
FLUSH_ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
MANIFEST = "manifest.json"
ZIP_MAGIC = b"PK\x03\x04"  # start of the packed form
END_PREFIX = b'{"table":"end"'  # start of the last line of the plain form
READ_ERRORS = (BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, msgspec.MsgspecError)

Row = tuple[str, dict[str, Any]]  # the name of the table, and the columns
_row = msgspec.json.Decoder(dict[str, Any])


class Damaged(ChatServerError):
    """The file is not a complete archive."""


class Manifest(Struct, frozen=True, kw_only=True, tag_field="table", tag="archive"):
    """Description of an archive. `rows` counts rows by table, in the order of the tables."""

    version: int = VERSION
    revision: str
    epoch: str
    made_at: int
    rows: dict[str, int]
    sha256: dict[str, str] = {}

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class ChecksumLine:
    """Running SHA-256 of lines, and the last line of an archive that contains it."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, lines: bytes) -> bytes:
        self._digest.update(lines)
        return lines

    def line(self) -> bytes:
        return line({"table": "end", "sha256": self._digest.hexdigest()})


def line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


# Writing -----------------------------------------------------------------------------------------


@contextmanager
def new_file(target: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `target` atomically on success, with mode 0600.

    Raises ChatServerError if the file exists already, unless `force`, or cannot be written.
    """
    _refuse_existing(target, force=force)
    remove_partial(target.parent)
    partial = target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}")
    try:
        partial.unlink(missing_ok=True)
        with open(partial, "xb", opener=private) as opened:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(opened, fcntl.LOCK_EX)  # released when the process ends in any way
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        _refuse_existing(target, force=force)
        partial.replace(target)
        fsync_directory(target.parent)
    except OSError as error:
        raise ChatServerError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove partial files of killed processes. Files that are being written are locked."""
    for file in folder.glob(f".*{PARTIAL}"):
        with suppress(OSError), file.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()


def private(path: str, flags: int) -> int:
    """Opener for `open` that creates files with mode 0600."""
    return os.open(path, flags, 0o600)


def _refuse_existing(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise ChatServerError(f"{target} exists already. Overwrite it with --force.")


def fsync_directory(folder: Path) -> None:
    """Flush a directory, so that the renaming of a file in it survives a power failure."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:  # some file systems cannot flush directories: CIFS, sshfs, 9p
        if error.errno in FLUSH_ERRORS:
            raise


class ArchiveReceiver:
    """Receives a plain archive line by line, and writes its rows to an archive file."""

    def __init__(self, begin: Callable[[Manifest], "Writer"]) -> None:
        """`begin` is called with the manifest and returns the writer."""
        self._begin = begin
        self._writer: Writer | None = None
        self._checksum = ChecksumLine()
        self._last = b""

    def feed(self, text: bytes) -> bool:
        """Process one line; return whether it was a row, which has been written."""
        if text.startswith(END_PREFIX):
            self._last = text
            return False
        self._checksum.update(text)
        if self._writer is None:
            self._writer = self._begin(_manifest(text))
            return False
        self._writer.write(text)
        return True

    def finish(self) -> Manifest:
        """Complete the file and return its manifest. Raises Damaged if the last line is missing."""
        if self._writer is None or self._last != self._checksum.line():
            raise Damaged("The copy broke off in the middle. Try again.")
        self._writer.finish()
        return self._writer.manifest

    def close(self) -> None:
        """Release the file, complete or not."""
        if self._writer is not None:
            self._writer.close()


class PlainWriter:
    """Writes the plain form."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._file = file
        self._checksum = ChecksumLine()
        self.write(line(manifest))

    def write(self, text: bytes) -> None:
        self._file.write(self._checksum.update(text))

    def finish(self) -> None:
        self._file.write(self._checksum.line())
        self._file.flush()

    def close(self) -> None:
        """Do nothing: the caller closes the file."""


class PackedWriter:
    """Writes the packed form. Rows must have the order and number that the manifest gives."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL)
        self.manifest = manifest
        self._sha256: dict[str, str] = {}
        self._pack = self._packing()
        next(self._pack)

    def write(self, text: bytes) -> None:
        self._pack.send(text)

    def finish(self) -> None:
        manifest = msgspec.structs.replace(self.manifest, sha256=self._sha256)
        # Without a date: zip has none before 1980, the default of a clock that lost its power.
        self._zip.writestr(ZipInfo(MANIFEST), msgspec.json.format(line(manifest)))
        self._zip.close()

    def close(self) -> None:
        self._pack.close()
        self._zip.close()

    def _packing(self) -> Generator[None, bytes, None]:
        for table, count in self.manifest.rows.items():
            digest = hashlib.sha256()
            with self._zip.open(_member(table), "w", force_zip64=True) as member:
                for _ in range(count):
                    text = yield
                    member.write(text)
                    digest.update(text)
            self._sha256[table] = digest.hexdigest()
        yield


Writer = PlainWriter | PackedWriter


def _member(table: str) -> str:
    return f"{table}.jsonl"


# Reading -----------------------------------------------------------------------------------------


class Archive(ABC):
    """An archive file that was verified when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = self._verified()
        if self.manifest.version != VERSION:
            raise Damaged(f"{path} comes from a newer program. Install the newer version first.")

    @abstractmethod
    def _verified(self) -> Manifest:
        """Check the whole file against its checksums and return the manifest."""

    @abstractmethod
    def _lines(self) -> Iterator[bytes]:
        """Yield the lines of all rows."""

    def rows(self) -> Iterator[Row]:
        """Yield every row, table by table."""
        for text in self._lines():
            row = _row.decode(text)
            yield row.pop("table"), row


def read(path: Path) -> Archive:
    """Open and verify an archive of either form. Raises Damaged."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
        return PackedArchive(path) if is_packed else PlainArchive(path)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror or error}.") from None
    except BadZipFile:
        raise Damaged(f"{path} is damaged: it is cut off or was changed.") from None
    except READ_ERRORS as error:
        raise Damaged(f"{path} is damaged or no archive of a chat: {error}.") from None


class PlainArchive(Archive):
    """The plain form: lines, of which the last one has the checksum."""

    def _verified(self) -> Manifest:
        checksum, counts, manifest, last = ChecksumLine(), Counter[str](), None, b""
        for text in self._all():
            if manifest is None:
                manifest = _manifest(checksum.update(text))
            elif text.startswith(END_PREFIX):
                last = text
            else:
                counts[_row.decode(checksum.update(text))["table"]] += 1
        if manifest is None or last != checksum.line() or counts != Counter(manifest.rows):
            raise Damaged(f"{self.path} is damaged: it is not what was exported.")
        return manifest

    def _lines(self) -> Iterator[bytes]:
        yield from islice(self._all(), 1, self.manifest.total + 1)

    def _all(self) -> Iterator[bytes]:
        """Yield every line, without a byte order mark at the start."""
        with self.path.open("rb") as file:
            if file.read(len(BOM_UTF8)) != BOM_UTF8:
                file.seek(0)
            yield from file


class PackedArchive(Archive):
    """The packed form: a zip with a member per table, and a manifest with their checksums."""

    def _verified(self) -> Manifest:
        with ZipFile(self.path) as packed:
            manifest = _manifest(packed.read(MANIFEST))
            for table, count in manifest.rows.items():
                digest, lines = hashlib.sha256(), 0
                with packed.open(_member(table)) as member:
                    for text in member:
                        digest.update(text)
                        lines += 1
                if lines != count or digest.hexdigest() != manifest.sha256.get(table):
                    raise Damaged(
                        f"{self.path} is damaged: {_member(table)} is not what was saved."
                    )
        return manifest

    def _lines(self) -> Iterator[bytes]:
        with ZipFile(self.path) as packed:
            for table in self.manifest.rows:
                with packed.open(_member(table)) as member:
                    yield from member


def _manifest(text: bytes) -> Manifest:
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Damaged(f"This is no archive of a chat: {error}.") from None
