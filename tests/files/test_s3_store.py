"""Files in a bucket: several nodes, kills between requests, faults of the service."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatserver.errors import NotFound
from chatserver.files import bucket as bucket_module
from chatserver.files import s3_store as store_module
from chatserver.files.s3_store import S3Store
from chatserver.files.store import RemoteFile
from tests.files.places import BucketPlace, Place
from tests.files.test_cleanup import Killed, Parts, in_one_piece, parts
from tests.files.test_uploads import pieces
from tests.rig.moto import MIN_PART

__all__ = ["parts"]

FILE = "A" * 22


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
