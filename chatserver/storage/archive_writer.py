"""Writing of archive files, which appear under their name only when they are complete."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from chatserver.errors import DISK_FULL, ChatServerError
from chatserver.file_state import COMPLETE_STATES, FileState
from chatserver.storage.archive_file import (
    COPY_BYTES,
    END_PREFIX,
    FILES,
    MANIFEST,
    ChecksumLine,
    Damaged,
    FilePiece,
    Manifest,
    line,
    member_name,
    read_manifest,
)

COMPRESSION_LEVEL = 1  # text shrinks to a fifth; higher levels take ten times as long for little
PARTIAL = ".chatserver-partial"  # suffix of a file that is still being written
FILES_PREFIX = b'{"table":"files"'  # start of the rows of the register of files
FLUSH_ERRORS = (errno.EIO, *DISK_FULL)


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
        with suppress(OSError), file.open("rb") as leftover:
            fcntl.flock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB)
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


class PlainWriter:
    """Writes the plain form."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self.manifest = manifest
        self._file = file
        self._checksum = ChecksumLine()
        self.write(line(manifest))

    def write(self, text: bytes) -> None:
        self._file.write(self._checksum.update(text))

    def add(self, name: str, file: IO[bytes]) -> str:
        """Write a file in pieces, one line each; return its SHA-256."""
        digest = hashlib.sha256()
        while piece := file.read(COPY_BYTES):
            self.write(line(FilePiece(name, piece)))
            digest.update(piece)
        return digest.hexdigest()

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
        self._files: dict[str, str] = {}
        self._pack = self._packing()
        next(self._pack)

    def write(self, text: bytes) -> None:
        self._pack.send(text)

    def add(self, name: str, file: IO[bytes]) -> str:
        """Write a file as it is, for pictures do not get smaller; return its SHA-256."""
        digest = hashlib.sha256()
        with self._zip.open(ZipInfo(FILES + name), "w", force_zip64=True) as packed:
            while piece := file.read(COPY_BYTES):
                packed.write(piece)
                digest.update(piece)
        self._files[name] = digest.hexdigest()
        return self._files[name]

    def finish(self) -> None:
        manifest = msgspec.structs.replace(self.manifest, sha256=self._sha256, files=self._files)
        # Without a date: zip has none before 1980, the default of a clock that lost its power.
        self._zip.writestr(ZipInfo(MANIFEST), msgspec.json.format(line(manifest)))
        self._zip.close()

    def close(self) -> None:
        self._pack.close()
        self._zip.close()

    def _packing(self) -> Generator[None, bytes, None]:
        for table, count in self.manifest.rows.items():
            digest = hashlib.sha256()
            with self._zip.open(member_name(table), "w", force_zip64=True) as member:
                for _ in range(count):
                    text = yield
                    member.write(text)
                    digest.update(text)
            self._sha256[table] = digest.hexdigest()
        yield


Writer = PlainWriter | PackedWriter


class _FileRow(Struct, frozen=True):
    id: str
    state: FileState
    sha256: str | None = None


_file_row = msgspec.json.Decoder(_FileRow)


class ArchiveReceiver:
    """Receives a plain archive line by line, and writes its rows to an archive file."""

    def __init__(self, begin: Callable[[Manifest], "Writer"]) -> None:
        """`begin` is called with the manifest and returns the writer."""
        self._begin = begin
        self._writer: Writer | None = None
        self._checksum = ChecksumLine()
        self._last = b""
        self.files: dict[str, str | None] = {}  # id → SHA-256, of those that belong to the archive

    def feed(self, text: bytes) -> bool:
        """Process one line; return whether it was a row, which has been written."""
        if text.startswith(END_PREFIX):
            self._last = text
            return False
        self._checksum.update(text)
        if self._writer is None:
            self._writer = self._begin(read_manifest(text))
            return False
        self._writer.write(text)
        if text.startswith(FILES_PREFIX):
            self._note(_file_row.decode(text))
        return True

    def _note(self, row: "_FileRow") -> None:
        if row.state in COMPLETE_STATES:
            self.files[row.id] = row.sha256

    def add_file(self, path: Path) -> bool:
        """Write the bytes of a file or thumbnail after all rows; return whether they are intact.

        A file that was deleted in the meantime is left out.
        """
        if self._writer is None:
            return True
        try:
            with path.open("rb") as file:
                sha256 = self._writer.add(path.name, file)
        except FileNotFoundError:
            return True
        except PermissionError as error:
            raise ChatServerError(f"{path} cannot be read: {error.strerror}.") from None
        return self.files.get(path.name, sha256) in (sha256, None)

    def finish(self) -> Manifest:
        """Complete the file and return its manifest. Raises Damaged if the last line is missing."""
        if self._writer is None or self._last != self._checksum.line():
            raise Damaged("The copy was interrupted. Try again.")
        self._writer.finish()
        return self._writer.manifest

    def close(self) -> None:
        """Release the file, complete or not."""
        if self._writer is not None:
            self._writer.close()
