"""The SHA-256 of files that was computed while they arrived: never that of other bytes."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from chatserver.errors import Unavailable
from chatserver.files import folder_uploads as uploads_module
from chatserver.files import running_digests as digests_module
from chatserver.files.folder_names import PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.folder_store import FolderStore
from chatserver.files.part import Checksum, WrongChecksum
from chatserver.files.running_digests import RunningDigests
from chatserver.storage.files import StoredFile
from tests.files.places import ON_FOLDER
from tests.files.test_cleanup import Parts, parts
from tests.files.test_uploads import FILE, pieces

__all__ = ["parts"]


class Reads:
    """Counts the files that are read for their digest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._read = digests_module.file_digest
        monkeypatch.setattr(digests_module, "file_digest", self._counted)

    def _counted(self, path: Path) -> tuple[str, int]:
        self.count += 1
        return self._read(path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def sha256(content: bytes) -> tuple[str, int]:
    return hashlib.sha256(content).hexdigest(), len(content)


def overwrite(path: Path, content: bytes) -> None:
    """Write to the start of a file, which stays the same file."""
    with path.open("r+b") as file:
        file.write(content)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


async def begin(store: FolderStore, *first: bytes) -> None:
    """Begin a part that has these bytes, each from a request of its own."""
    await store.uploads.create(FILE)
    offset = 0
    for piece in first:
        offset = await store.uploads.append(FILE, offset, pieces(piece), limit=100)


async def received(store: FolderStore) -> tuple[str, int]:
    return await store.uploads.digest(FILE, PART_SUFFIX, unchanged=True)


async def test_bytes_of_several_requests_are_not_read_again(
    store: FolderStore, reads: Reads
) -> None:
    await begin(store, b"abc", b"def")
    assert await received(store) == sha256(b"abcdef")
    assert reads.count == 0


async def test_a_file_is_completed_without_reading_it(parts: Parts, reads: Reads) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 6)
    await parts.uploads.receive(file, 0, pieces(b"abc", b"def"))
    done = await parts.uploads.complete(file)
    assert (done.sha256, done.bytes, reads.count) == (*sha256(b"abcdef"), 0)


async def test_a_file_that_the_process_of_pictures_had_is_read(
    parts: Parts, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been changed in place, without a change of size or, on some disks, of time."""
    ann = await parts.storage.user("ann")
    content = b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x08moov"
    file = await parts.uploads.begin(ann, "a.mp4", len(content))
    await parts.uploads.receive(file, 0, pieces(content))
    perform = parts.uploads._media._perform

    async def overwriting(job: object, user_id: int) -> object:
        path = parts.store.uploads.path(file.id, SEALED_SUFFIX)
        before = path.stat()
        overwrite(path, content.replace(b"isom", b"mosi"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return await perform(job, user_id)  # type: ignore[arg-type]

    monkeypatch.setattr(parts.uploads._media, "_perform", overwriting)
    done: StoredFile = await parts.uploads.complete(file)
    assert done.sha256 == hashlib.sha256(content.replace(b"isom", b"mosi")).hexdigest()
    assert reads.count == 1
    await parts.uploads._media.close()


async def test_after_a_restart_the_digest_is_computed_from_disk(
    store: FolderStore, reads: Reads, tmp_path: Path
) -> None:
    await begin(store, b"abc")
    restarted = FolderStore(tmp_path / "files")
    await restarted.uploads.append(FILE, 3, pieces(b"def"), limit=100)
    assert await received(restarted) == sha256(b"abcdef")
    assert reads.count == 1


async def test_bytes_that_another_node_received_are_read(
    store: FolderStore, reads: Reads, tmp_path: Path
) -> None:
    await begin(store, b"abc")
    other = FolderStore(tmp_path / "files")
    await other.uploads.append(FILE, 3, pieces(b"def"), limit=100)
    await store.uploads.append(FILE, 6, pieces(b"ghi"), limit=100)
    assert await received(store) == sha256(b"abcdefghi")
    assert await received(other) == sha256(b"abcdefghi")
    assert reads.count == 2


async def test_a_replaced_part_is_hashed_again(store: FolderStore, reads: Reads) -> None:
    await begin(store, b"abc")
    path = store.uploads.path(FILE, PART_SUFFIX)
    before = path.stat()
    path.rename(path.with_suffix(".old"))
    path.write_bytes(b"xyz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert await received(store) == sha256(b"xyz")
    assert reads.count == 1


async def test_bytes_that_changed_later_are_read(store: FolderStore, reads: Reads) -> None:
    await begin(store, b"abc")
    path = store.uploads.path(FILE, PART_SUFFIX)
    overwrite(path, b"x")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert await received(store) == sha256(b"xbc")
    assert reads.count == 1


@pytest.mark.parametrize("first", [(), (b"abc",)])
async def test_bytes_without_their_checksum_do_not_count(
    store: FolderStore, first: tuple[bytes, ...]
) -> None:
    await begin(store, *first)
    with pytest.raises(WrongChecksum):
        await store.uploads.append(
            FILE, 3 * len(first), pieces(b"xyz"), limit=100, checksum=Checksum("sha1", b"wrong")
        )
    kept = b"".join(first)
    assert await received(store) == sha256(kept)
    await store.uploads.append(FILE, len(kept), pieces(b"def"), limit=100)
    assert await received(store) == sha256(kept + b"def")


async def test_only_what_a_full_disk_took_counts(
    store: FolderStore, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "WRITE_BYTES", 4)
    write = os.pwrite
    await begin(store, b"abc")

    def filling(file: int, content: memoryview, offset: int) -> int:
        if offset >= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content[:1], offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", filling)
        with pytest.raises(Unavailable, match="full"):
            await store.uploads.append(FILE, 3, pieces(b"defg"), limit=100)
    await store.uploads.append(FILE, 5, pieces(b"fg"), limit=100)
    assert await received(store) == sha256(b"abcdefg")
    assert reads.count == 0


async def test_a_part_that_is_larger_than_was_counted_is_read(
    store: FolderStore, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails may have added bytes."""
    monkeypatch.setattr(uploads_module, "WRITE_BYTES", 3)
    write = os.pwrite
    await begin(store, b"abc")

    def failing(file: int, content: memoryview, offset: int) -> int:
        write(file, content[:1], offset)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", failing)
        with pytest.raises(Unavailable):
            await store.uploads.append(FILE, 3, pieces(b"def"), limit=100)
    await store.uploads.append(FILE, 4, pieces(b"ef"), limit=100)
    assert await received(store) == sha256(b"abcdef")
    assert reads.count == 1


@ON_FOLDER
async def test_nothing_is_kept_of_complete_files(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    await parts.upload(ann)
    assert isinstance(parts.store, FolderStore)
    assert not parts.store.uploads._digests._kept


def test_a_limited_number_of_digests_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests_module, "MAX_DIGESTS", 2)
    part = tmp_path / "part"
    part.write_bytes(b"x")
    digests = RunningDigests()
    for name in ("a", "b", "a", "c"):
        digests.take(name, part.stat())
        digests.keep(name, part.stat(), hashlib.sha256(b"x"))
    assert [*digests._kept] == ["a", "c"]
