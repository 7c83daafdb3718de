"""Archive files: JSON lines that can be read without this program.

The plain form (`export`) is a first line with the manifest, one line for each row with the name of
its `table`, and a last line with the SHA-256 of everything before it. The packed form (`backup`) is
a zip with manifest.json and the same rows, one member per table. Independent of databases: rows are
dictionaries, in the order in which they were written.
"""

import hashlib
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import msgspec
from msgspec import Struct

from chatserver.errors import ChatServerError

VERSION = 1

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


def member_name(table: str) -> str:
    return f"{table}.jsonl"


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
        return manifest

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
