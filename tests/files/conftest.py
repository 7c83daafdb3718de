"""Places of files: tests with one run on a folder and on a bucket."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.files.places import BucketPlace, Folder, Place
from tests.rig.moto import PrivateS3

_numbers = itertools.count()


@pytest_asyncio.fixture
async def bucket(
    s3: PrivateS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BucketPlace]:
    """An empty part of a bucket, with which nodes share every byte that arrives."""
    monkeypatch.setattr("chatserver.files.s3_uploads.MIN_SHARED_BYTES", 1)
    place = BucketPlace(s3.endpoint, f"test{next(_numbers)}", tmp_path / "uploads")
    yield place
    await place.close()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place; tests with this fixture run on a folder and on a bucket."""
    if request.param == "folder":
        return Folder(tmp_path / "files")
    found: BucketPlace = request.getfixturevalue("bucket")
    return found
