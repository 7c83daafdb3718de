"""Uploads to a bucket that several nodes continue and complete."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatserver.file_state import FileState
from chatserver.files import s3_uploads as uploads_module
from chatserver.files.folder_names import SEALED_SUFFIX
from chatserver.files.media_processor import MediaInfo
from chatserver.files.part import Checksum, Locked, WrongChecksum, WrongOffset
from chatserver.files.s3_store import S3Store
from tests.files.places import BucketPlace
from tests.files.test_cleanup import Killed, Parts, in_one_piece, parts
from tests.files.test_s3_store import FILE, downloaded, other, place, store
from tests.files.test_uploads import pieces

__all__ = ["other", "parts", "place", "store"]

SMALL = 4  # bytes of a piece in these tests


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
