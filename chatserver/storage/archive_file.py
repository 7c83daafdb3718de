"""The archive of a chat as a file: lines of JSON that need no program of ours to be read.

The plain form (`export`) is a first line with the manifest, one line for each row with the name of
its `table`, and a last line with the SHA-256 of everything before it. The packed form (`backup`) is
a zip with manifest.json and the same rows, one member a table. Knows nothing of databases: rows are
dictionaries, and what wrote them decides about their order.
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
LEVEL = 1  # of compression: text shrinks to a fifth at once, and hardly more for ten times the work

PARTIAL = ".chatserver-partial"  # ends the name of a file that is not whole yet
FAILED_FLUSH = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
MANIFEST = "manifest.json"
ZIP = b"PK\x03\x04"  # begins the packed form
END = b'{"table":"end"'  # begins the last line of the plain form
BROKEN = (BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, msgspec.MsgspecError)

Row = tuple[str, dict[str, Any]]  # the name of the table, and the columns
_row = msgspec.json.Decoder(dict[str, Any])


class Damaged(ChatServerError):
    """This file is no whole archive."""


class Manifest(Struct, frozen=True, kw_only=True, tag_field="table", tag="archive"):
    """What an archive holds. `rows` counts them by table, in the order in which they come."""

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
    """Hashes lines as they pass; its own line says what came before it."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def over(self, lines: bytes) -> bytes:
        self._digest.update(lines)
        return lines

    def line(self) -> bytes:
        return line({"table": "end", "sha256": self._digest.hexdigest()})


def line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


# Writing -----------------------------------------------------------------------------------------


@contextmanager
def new_file(target: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """What is written becomes `target`, whole or not at all, for its owner's eyes only.

    Raises ChatServerError when the file exists already, unless `force`.
    """
    _refuse_existing(target, force=force)
    remove_partial(target.parent)
    scratch = target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}")
    try:
        scratch.unlink(missing_ok=True)
        with open(scratch, "xb", opener=private) as opened:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(opened, fcntl.LOCK_EX)  # held until the process ends, however it ends
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        _refuse_existing(target, force=force)
        scratch.replace(target)
        fsync_directory(target.parent)
    except OSError as error:
        raise ChatServerError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        scratch.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove the files that a process was killed over; those that are being written stay."""
    for file in folder.glob(f".*{PARTIAL}"):
        with suppress(OSError), file.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()


def private(path: str, flags: int) -> int:
    """An opener for `open`: only the owner of a file that is made can read it."""
    return os.open(path, flags, 0o600)


def _refuse_existing(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise ChatServerError(f"{target} exists already. Overwrite it with --force.")


def fsync_directory(folder: Path) -> None:
    """After this a power cut does not undo the renaming of a file in it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:  # some file systems flush no folders: CIFS, sshfs, 9p
        if error.errno in FAILED_FLUSH:
            raise


class ArchiveReceiver:
    """Takes the lines of a plain archive as they come over a wire, and writes the rows."""

    def __init__(self, begin: Callable[[Manifest], "Writer"]) -> None:
        """`begin` makes the writer once it is known what comes."""
        self._begin = begin
        self._writer: Writer | None = None
        self._seal = ChecksumLine()
        self._last = b""

    def take(self, text: bytes) -> bool:
        """One line. Whether it is a row, which is written now."""
        if text.startswith(END):
            self._last = text
            return False
        self._seal.over(text)
        if self._writer is None:
            self._writer = self._begin(_manifest(text))
            return False
        self._writer.write(text)
        return True

    def finish(self) -> Manifest:
        """What was written, to its end. Raises Damaged when the end is missing."""
        if self._writer is None or self._last != self._seal.line():
            raise Damaged("The copy broke off in the middle. Try again.")
        self._writer.finish()
        return self._writer.manifest

    def close(self) -> None:
        """Let go of the file, finished or not."""
        if self._writer is not None:
            self._writer.close()


class PlainWriter:
    """Writes the plain form."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._file = file
        self._seal = ChecksumLine()
        self.write(line(manifest))

    def write(self, text: bytes) -> None:
        self._file.write(self._seal.over(text))

    def finish(self) -> None:
        self._file.write(self._seal.line())
        self._file.flush()

    def close(self) -> None:
        """The file is its opener's."""


class PackedWriter:
    """Writes the packed form. Rows must come in the order and number that the manifest tells."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL)
        self.manifest = manifest
        self._sha256: dict[str, str] = {}
        self._pack = self._packing()
        next(self._pack)

    def write(self, text: bytes) -> None:
        self._pack.send(text)

    def finish(self) -> None:
        manifest = msgspec.structs.replace(self.manifest, sha256=self._sha256)
        # Without a date of its own: zip knows none before 1980, where clocks without power start.
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
    """A file that was found whole when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = self._examined()
        if self.manifest.version != VERSION:
            raise Damaged(f"{path} comes from a newer program. Install the newer version first.")

    @abstractmethod
    def _examined(self) -> Manifest:
        """The manifest, after every byte of the file has been checked against its sums."""

    @abstractmethod
    def _lines(self) -> Iterator[bytes]:
        """Those of the rows."""

    def rows(self) -> Iterator[Row]:
        """Every row, table by table, with the columns that it had."""
        for text in self._lines():
            row = _row.decode(text)
            yield row.pop("table"), row


def read(path: Path) -> Archive:
    """The archive in a file of either form. Raises Damaged unless it is whole."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(len(ZIP)) == ZIP
        return PackedArchive(path) if is_packed else PlainArchive(path)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror or error}.") from None
    except BadZipFile:
        raise Damaged(f"{path} is damaged: it is cut off or was changed.") from None
    except BROKEN as error:
        raise Damaged(f"{path} is damaged or no archive of a chat: {error}.") from None


class PlainArchive(Archive):
    """Lines, and a last one that seals them."""

    def _examined(self) -> Manifest:
        seal, counts, manifest, last = ChecksumLine(), Counter[str](), None, b""
        for text in self._all():
            if manifest is None:
                manifest = _manifest(seal.over(text))
            elif text.startswith(END):
                last = text
            else:
                counts[_row.decode(seal.over(text))["table"]] += 1
        if manifest is None or last != seal.line() or counts != Counter(manifest.rows):
            raise Damaged(f"{self.path} is damaged: it is not what was exported.")
        return manifest

    def _lines(self) -> Iterator[bytes]:
        yield from islice(self._all(), 1, self.manifest.total + 1)

    def _all(self) -> Iterator[bytes]:
        """Every line; the mark that some programs put before UTF-8 text is left out."""
        with self.path.open("rb") as file:
            if file.read(len(BOM_UTF8)) != BOM_UTF8:
                file.seek(0)
            yield from file


class PackedArchive(Archive):
    """A zip: a member a table, and the manifest with a sum for each."""

    def _examined(self) -> Manifest:
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
