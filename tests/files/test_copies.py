"""Temporary copies of files in a bucket."""

import os

from chatserver.files.s3_store import S3Store
from tests.files.places import BucketPlace
from tests.files.test_s3_store import FILE, place, store, stored

__all__ = ["place", "store"]


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
