"""Files in a bucket: several nodes, kills between requests, faults of the service."""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatserver.errors import NotFound
from chatserver.file_state import FileState
from chatserver.files import bucket as bucket_module
from chatserver.files import s3_store as store_module
from chatserver.files import s3_uploads as uploads_module
from chatserver.files.folder_names import SEALED_SUFFIX
from chatserver.files.media_processor import MediaInfo
from chatserver.files.part import Checksum, Locked, WrongChecksum, WrongOffset
from chatserver.files.s3_store import S3Store
from chatserver.files.store import RemoteFile
from tests.files.places import BucketPlace, Place
from tests.files.test_cleanup import Killed, Parts, in_one_piece, parts
from tests.files.test_uploads import pieces
from tests.rig.moto import MIN_PART

__all__ = ["parts"]

FILE = "A" * 22
SMALL = 4  # bytes of a piece in these tests


@pytest.fixture
def place(bucket: BucketPlace) -> Place:
    """Only a bucket."""
    return bucket


@pytest_asyncio.fixture
async def store(bucket: BucketPlace) -> S3Store:
    """The store of a node."""
    return await bucket.store()


@pytest_asyncio.fixture
async def other(bucket: BucketPlace, tmp_path: Path) -> S3Store:
    """The store of another node."""
    return await bucket.node(tmp_path / "other").store()


async def stored(store: S3Store, content: bytes) -> None:
    """Store a file completely."""
    await store.uploads.create(FILE)
    await store.uploads.append(FILE, 0, pieces(content), limit=len(content))
    await store.uploads.seal(FILE, len(content))
    await store.uploads.commit(FILE)


async def downloaded(store: S3Store, start: int = 0, end: int | None = None) -> bytes:
    file = await store.require(FILE)
    assert isinstance(file, RemoteFile)
    return b"".join([piece async for piece in file.read(start, end or file.size)])


# Several nodes -----------------------------------------------------------------------------------


async def test_another_node_continues_an_upload(
    bucket: BucketPlace, store: S3Store, other: S3Store
) -> None:
    await store.uploads.create(FILE)
    assert await store.uploads.append(FILE, 0, pieces(b"abc"), limit=9) == 3
    assert await other.uploads.size(FILE) == 3
    assert await other.uploads.append(FILE, 3, pieces(b"def"), limit=9) == 6
    assert await store.uploads.size(FILE) == 6
    assert await store.uploads.append(FILE, 6, pieces(b"ghi"), limit=9) == 9
    assert await store.uploads.seal(FILE, 9) == SEALED_SUFFIX
    assert await store.uploads.digest(FILE, SEALED_SUFFIX) == (
        hashlib.sha256(b"abcdefghi").hexdigest(),
        9,
    )
    await store.uploads.commit(FILE)
    assert bucket.objects() == [FILE]
    assert await downloaded(other) == b"abcdefghi"
    assert await other.uploads.size(FILE) is None


async def test_an_upload_in_very_small_requests_has_few_copies(
    bucket: BucketPlace, store: S3Store, other: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "MAX_SHARES", 4)
    await store.uploads.create(FILE)
    for offset in range(39):
        await store.uploads.append(FILE, offset, pieces(b"a"), limit=40)
    assert len(bucket.objects()) == 3
    assert await store.uploads.size(FILE, limit=40) == 39
    assert await other.uploads.size(FILE, limit=40) == 30
    assert await other.uploads.append(FILE, 30, pieces(b"a" * 10), limit=40) == 40


async def test_a_cut_upload_continues_elsewhere_with_all_that_arrived(
    store: S3Store, other: S3Store
) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"abc"
        raise WrongOffset  # any refusal

    await store.uploads.create(FILE)
    with pytest.raises(WrongOffset):
        await store.uploads.append(FILE, 0, cut(), limit=9)
    assert await other.uploads.size(FILE) == 3


async def test_what_arrives_in_a_long_request_is_copied_before_its_end(
    store: S3Store, other: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "SHARE_INTERVAL_BYTES", 2 * SMALL)
    monkeypatch.setattr("chatserver.files.folder_uploads.WRITE_BYTES", SMALL)
    monkeypatch.setattr("chatserver.files.shared_parts.REQUEST_BYTES", SMALL)
    seen = []

    async def killed() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"abcd"
            seen.append(await other.uploads.size(FILE))
        raise Killed

    await store.uploads.create(FILE)
    with pytest.raises(Killed):
        await store.uploads.append(FILE, 0, killed(), limit=100)
    assert seen == [0, 8, 8, 16, 16]
    assert await other.uploads.append(FILE, 16, pieces(b"e"), limit=100) == 17


async def test_bytes_with_a_wrong_checksum_reach_no_other_node(
    store: S3Store, other: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "SHARE_INTERVAL_BYTES", 1)
    monkeypatch.setattr("chatserver.files.folder_uploads.WRITE_BYTES", 1)

    async def observed() -> AsyncIterator[bytes]:
        yield b"d"
        yield b"e"
        assert await store.uploads.size(FILE) == 5  # asked for by another request, which copies it

    await store.uploads.create(FILE)
    await store.uploads.append(FILE, 0, pieces(b"abc"), limit=9)
    with pytest.raises(WrongChecksum):
        await store.uploads.append(FILE, 3, observed(), limit=9, checksum=Checksum("sha1", b"no"))
    assert await store.uploads.size(FILE) == await other.uploads.size(FILE) == 3


async def test_a_node_that_was_left_behind_catches_up(store: S3Store, other: S3Store) -> None:
    await store.uploads.create(FILE)
    await store.uploads.append(FILE, 0, pieces(b"ab"), limit=9)
    await other.uploads.append(FILE, 2, pieces(b"cd"), limit=9)
    with pytest.raises(WrongOffset):
        await store.uploads.append(FILE, 5, pieces(b"x"), limit=9)
    assert await store.uploads.append(FILE, 4, pieces(b"e"), limit=9) == 5
    assert await other.uploads.seal(FILE, 5) == SEALED_SUFFIX
    assert (await other.uploads.digest(FILE, SEALED_SUFFIX))[0] == hashlib.sha256(
        b"abcde"
    ).hexdigest()


async def test_two_nodes_that_complete_a_file_register_it_once(
    parts: Parts, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 8)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    there = await Parts(parts.storage, bucket.node(tmp_path / "there")).start()
    await parts.uploads.receive(file, 4, in_one_piece(b"more"))
    commit = parts.store.uploads.commit

    async def meanwhile(file_id: str) -> None:
        await there.uploads.receive(file, 4, in_one_piece(b"more"))
        await there.uploads.complete(file)
        await commit(file_id)

    monkeypatch.setattr(parts.store.uploads, "commit", meanwhile)
    found = await parts.uploads.complete(file)
    assert found.state is FileState.COMPLETE
    assert bucket.names() == there.on_disk() == [file.id]
    assert bucket.read(file.id) == b"textmore"
    assert (parts.uploads.counts.uploads, there.uploads.counts.uploads) == (0, 1)


async def test_other_bytes_on_another_node_do_not_replace_a_complete_file(
    parts: Parts, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if they have been processed when the first ones are registered."""
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 3)
    await parts.uploads.receive(file, 0, in_one_piece(b"100"))
    there = await Parts(parts.storage, bucket.node(tmp_path / "there")).start()
    await there.uploads.receive(file, 0, in_one_piece(b"999"))
    media = there.uploads._media
    process = media.process

    async def slow(*arguments: Any, **options: Any) -> MediaInfo:
        found = await process(*arguments, **options)
        await parts.uploads.complete(file)
        return found

    monkeypatch.setattr(media, "process", slow)
    with pytest.raises(Locked):
        await there.uploads.complete(file)
    assert bucket.read(file.id) == b"100"
    assert (await there.uploads.complete(file)).state is FileState.COMPLETE
    await there.cleanup.sweep()
    assert there.on_disk() == bucket.names() == [file.id]


async def test_bytes_for_a_complete_file_are_refused(parts: Parts, bucket: BucketPlace) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 4)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    complete = await parts.uploads.complete(file)
    for offset in (0, 3, 4):
        with pytest.raises(WrongOffset):
            await parts.uploads.receive(complete, offset, in_one_piece(b"more"))
    assert parts.on_disk() == bucket.names() == [file.id]


async def test_one_request_at_a_time_completes_a_file(store: S3Store) -> None:
    async with store.uploads.lock_completion(FILE):
        with pytest.raises(Locked):
            await store.uploads.lock_completion(FILE).__aenter__()
    async with store.uploads.lock_completion(FILE):
        pass


async def test_a_sweep_removes_what_a_node_has_of_uploads_that_ended_elsewhere(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    ann = await parts.storage.user("ann")
    ended = await parts.uploads.begin(ann, "a.txt", 8)
    await parts.uploads.receive(ended, 0, in_one_piece(b"text"))
    there = await Parts(parts.storage, bucket.node(tmp_path / "there")).start()
    await there.uploads.receive(ended, 4, in_one_piece(b"more"))
    await there.uploads.complete(ended)
    running = await parts.uploads.begin(ann, "a.txt", 8)
    await parts.uploads.receive(running, 0, in_one_piece(b"text"))
    bucket.write(f"{ended.id}.part/{0:016}-{4:016}", b"text")  # arrived too late
    await parts.cleanup.sweep()
    kept = [f"{running.id}.part", f"{running.id}.part/{0:016}-{4:016}", ended.id]
    assert parts.on_disk() == sorted(kept)


async def test_a_deletion_on_one_node_leaves_nothing_on_the_other(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 8)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    there = await Parts(parts.storage, bucket.node(tmp_path / "there")).start()
    await there.uploads.discard(ann, file.id)
    await there.cleanup.delete_due()
    assert bucket.objects() == []
    await parts.cleanup.sweep()
    assert parts.on_disk() == []


# Kills -------------------------------------------------------------------------------------------


def killing(store: S3Store, monkeypatch: pytest.MonkeyPatch, left: int) -> list[str]:
    """Kill the process before or after the request number `left // 2`; return those before."""
    bucket, done = store._bucket, list[str]()
    call = bucket._call

    async def step(operation: str, **parameters: Any) -> Any:
        if len(done) == left // 2 and not left % 2:
            raise Killed
        answer = await call(operation, **parameters)
        if len(done) == left // 2:
            raise Killed
        done.append(operation)
        return answer

    monkeypatch.setattr(bucket, "_call", step)
    return done


async def test_an_upload_that_is_killed_at_any_request_is_completed_or_leaves_nothing(
    parts: Parts, bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "REQUEST_BYTES", MIN_PART)
    content = os.urandom(MIN_PART + 1)
    ann = await parts.storage.user("ann")
    for left in range(100):
        file = await parts.uploads.begin(ann, "a.bin", len(content))
        with monkeypatch.context() as patched:
            done = killing(parts.store, patched, left)  # type: ignore[arg-type]
            try:
                await parts.uploads.receive(file, 0, in_one_piece(content))
                await parts.uploads.complete(file)
                break
            except Killed:
                pass
        await parts.start()
        file = await parts.uploads.find(ann, file.id)
        if left % 3:
            assert await parts.uploads.offset(file) == len(content)
            assert parts.on_disk() == [file.id]
            assert bucket.read(file.id) == content
        await parts.uploads.discard(ann, file.id)
        await parts.cleanup.delete_due()
        assert parts.on_disk() == bucket.unfinished() == []
    assert "upload_part" in done
    assert left >= 10


async def test_a_deletion_that_is_killed_at_any_request_is_completed(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    for left in range(100):
        file_id = await parts.upload(ann)
        parts.place.write(f"{file_id}.480", b"thumb")
        await parts.uploads.discard(ann, file_id)
        with monkeypatch.context() as patched:
            killing(parts.store, patched, left)  # type: ignore[arg-type]
            try:
                await parts.cleanup.delete_due()
                break
            except Killed:
                pass
        await parts.start()
        await parts.cleanup.delete_due()
        assert parts.on_disk() == []
    assert left >= 8


async def test_an_upload_whose_node_was_killed_after_the_object_was_stored_is_completed(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a.txt", 4)
    await parts.uploads.receive(file, 0, in_one_piece(b"text"))
    parts.left = 0
    with monkeypatch.context() as patched:
        parts.interrupt(patched, (parts.register, "complete"))
        with pytest.raises(Killed):
            await parts.uploads.complete(file)
    await parts.start()
    assert parts.on_disk() == [file.id]
    assert await parts.uploads.offset(file) == 4
    assert parts.on_disk() == [file.id]


async def test_uploads_to_the_bucket_that_were_abandoned_are_discarded(
    bucket: BucketPlace, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store._bucket._call("create_multipart_upload", Key=f"{bucket.prefix}AA/AA/{FILE}")

    async def none(_ids: list[str]) -> set[str]:
        return set()

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "ABANDONED_AGE", timedelta(days=100 * 365))
        await store.tidy(none)
    assert len(bucket.unfinished()) == 1
    await store.tidy(none)  # moto says that it is many years old
    assert bucket.unfinished() == []


# Content -----------------------------------------------------------------------------------------


async def test_large_files_are_stored_in_parts_and_read_in_ranges(
    bucket: BucketPlace, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "REQUEST_BYTES", 2**20)
    content = os.urandom(7 * 2**20 + 1)
    await stored(store, content)
    assert bucket.read(FILE) == content
    assert await store.digest(FILE) == (hashlib.sha256(content).hexdigest(), len(content))
    assert await downloaded(store, 2**20 - 1, 6 * 2**20) == content[2**20 - 1 : 6 * 2**20]


async def test_missing_files_are_not_found(store: S3Store) -> None:
    assert not await store.exists(FILE)
    with pytest.raises(NotFound):
        await store.require(FILE)
    with pytest.raises(NotFound):
        await store.digest(FILE)
    with pytest.raises(NotFound):
        await store.uploads.commit(FILE)
    assert [path async for path in store.export(FILE)] == []


async def test_other_objects_in_the_bucket_are_left_alone(
    bucket: BucketPlace, store: S3Store
) -> None:
    for key in ("AA/notes.txt", f"AA/BB/{FILE}", f"AA/AA/{FILE}x", "readme"):
        bucket._client.put_object(Bucket="chat", Key=bucket.prefix + key, Body=b"x")
    assert [ids async for ids in store.ids() if ids] == []


async def test_the_beginning_of_a_file_can_be_read_from_a_copy(
    store: S3Store, bucket: BucketPlace
) -> None:
    await stored(store, b"a long text")
    for limit, content in ((6, b"a long"), (100, b"a long text")):
        async with store.local_path(FILE, limit) as path:
            assert path.read_bytes() == content
        assert not path.exists()
    with pytest.raises(NotFound):
        async with store.local_path("B" * 22, 6):
            pass
    assert [*bucket.folder.glob("copy-*")] == []


async def test_copies_are_removed_with_their_folder(store: S3Store, bucket: BucketPlace) -> None:
    await stored(store, b"text")
    bucket.write(f"{FILE}.480", b"thumb")
    found = [(path.name, path.read_bytes()) async for path in store.export(FILE)]
    assert found == [(f"{FILE}.480", b"thumb"), (FILE, b"text")]
    assert bucket.names() == [FILE, f"{FILE}.480"]
    left = bucket.folder / "copy-killed"
    left.mkdir()
    await store._copies.remove_old()
    assert left.exists()
    os.utime(left, (0, 0))
    await store._copies.remove_old()
    assert not left.exists()
