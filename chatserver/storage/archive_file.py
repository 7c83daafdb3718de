"""Archive files: JSON lines that can be read without this program.

The plain form (`export`) is a first line with the manifest, one line for each row with the name of
its `table`, lines of the table `bytes` with the files in base64, and a last line with the SHA-256
of everything before it. The packed form (`backup`) is a zip with manifest.json and the same rows,
one member per table, and the files, uncompressed. Independent of databases: rows are dictionaries,
in the order in which they were written.
"""

import hashlib
import re
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import msgspec
from msgspec import Struct

from chatserver.errors import ChatServerError

VERSION = 2
READABLE = (1, 2)  # version 1 has no files

MANIFEST = "manifest.json"
ZIP_MAGIC = b"PK\x03\x04"  # start of the packed form
BYTES_PREFIX = b'{"table":"bytes"'  # start of the lines of files in the plain form
FILES = "files/"  # folder of the files in the packed form
COPY_BYTES = 2**19  # of a file that are copied at once
FILE_NAME = re.compile(r"[A-Za-z0-9_-]{22}(\.480|\.1600)?")
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
    files: dict[str, str] = {}  # SHA-256 by name, in the packed form

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class FilePiece(Struct, frozen=True, tag_field="table", tag="bytes"):
    """A line of the plain form with the next bytes of a file."""

    file: str
    base64: bytes


_piece = msgspec.json.Decoder(FilePiece)


class ArchivedFile(NamedTuple):
    """A file or thumbnail in an archive, by its name in the store."""

    name: str
    pieces: Iterator[bytes]


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


def member_name(table: str) -> str:
    return f"{table}.jsonl"


class Archive(ABC):
    """An archive file that was verified when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = self._verified()
        if self.manifest.version not in READABLE:
            raise Damaged(f"{path} comes from a newer program. Install the newer version first.")

    @abstractmethod
    def _verified(self) -> Manifest:
        """Check the whole file against its checksums and return the manifest."""

    @abstractmethod
    def _lines(self) -> Iterator[bytes]:
        """Yield the lines of all rows."""

    @abstractmethod
    def files(self) -> Iterator[ArchivedFile]:
        """Yield the files; the pieces of each have to be read before the next one."""

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
        raise Damaged(f"{path} is damaged or not an archive of a chat: {error}.") from None


class PlainArchive(Archive):
    """The plain form: lines, of which the last one has the checksum."""

    def _verified(self) -> Manifest:
        checksum, counts, manifest, last = ChecksumLine(), Counter[str](), None, b""
        for text in self._all():
            if manifest is None:
                manifest = read_manifest(checksum.update(text))
            elif text.startswith(END_PREFIX):
                last = text
            elif text.startswith(BYTES_PREFIX):
                _require_file_name(_piece.decode(checksum.update(text)).file)
            else:
                counts[_row.decode(checksum.update(text))["table"]] += 1
        if manifest is None or last != checksum.line() or counts != Counter(manifest.rows):
            raise Damaged(f"{self.path} is damaged: it is not what was exported.")
        return manifest

    def _lines(self) -> Iterator[bytes]:
        yield from islice(self._all(), 1, self.manifest.total + 1)

    def files(self) -> Iterator[ArchivedFile]:
        lines = (text for text in self._all() if text.startswith(BYTES_PREFIX))
        pieces = (_piece.decode(text) for text in lines)
        for name, of_file in groupby(pieces, key=attrgetter("file")):
            yield ArchivedFile(name, (piece.base64 for piece in of_file))

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
            manifest = read_manifest(packed.read(MANIFEST))
            for table, count in manifest.rows.items():
                digest, lines = hashlib.sha256(), 0
                with packed.open(member_name(table)) as member:
                    for text in member:
                        digest.update(text)
                        lines += 1
                if lines != count or digest.hexdigest() != manifest.sha256.get(table):
                    raise Damaged(
                        f"{self.path} is damaged: {member_name(table)} is not what was saved."
                    )
            for name, sha256 in manifest.files.items():
                _require_file_name(name)
                if _digest(_pieces(packed, name)) != sha256:
                    raise Damaged(f"{self.path} is damaged: {FILES}{name} is not what was saved.")
        return manifest

    def files(self) -> Iterator[ArchivedFile]:
        with ZipFile(self.path) as packed:
            for name in self.manifest.files:
                yield ArchivedFile(name, _pieces(packed, name))

    def _lines(self) -> Iterator[bytes]:
        with ZipFile(self.path) as packed:
            for table in self.manifest.rows:
                with packed.open(member_name(table)) as member:
                    yield from member


def read_manifest(text: bytes) -> Manifest:
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Damaged(f"This is not an archive of a chat: {error}.") from None


def _pieces(packed: ZipFile, name: str) -> Iterator[bytes]:
    with packed.open(FILES + name) as member:
        while piece := member.read(COPY_BYTES):
            yield piece


def _digest(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _require_file_name(name: str) -> None:
    """Raise Damaged for a name that could lead out of the folder of the files."""
    if not FILE_NAME.fullmatch(name):
        raise Damaged("The archive has a file with an invalid name.")
