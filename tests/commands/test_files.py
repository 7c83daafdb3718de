"""Copying of files between the data folder and a bucket, and the checks of a bucket."""

import itertools
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from chatserver.commands import files_check
from chatserver.commands.files import _copy
from chatserver.config import FileSettings, Settings
from chatserver.errors import FilesUnavailable, StartError
from chatserver.files import bucket as bucket_module
from chatserver.files.stores import opened_store
from chatserver.server import Server
from tests.files.fault_proxy import CUT, FaultProxy, sound
from tests.files.places import BucketPlace, Folder, Place
from tests.files.test_cleanup import Parts
from tests.rig.moto import PrivateS3
from tests.storage.conftest import Storage
from tests.storage.test_apply_files import sent

CONTENT = bytes(range(256)) * 5_000

_numbers = itertools.count()


@pytest_asyncio.fixture
async def proxy(s3: PrivateS3, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    monkeypatch.setattr(bucket_module, "ATTEMPTS", 1)
    async with FaultProxy(s3.endpoint) as running:
        yield running


@pytest_asyncio.fixture
async def bucket(s3: PrivateS3, proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[BucketPlace]:
    prefix, folder = f"commands{next(_numbers)}", tmp_path / "uploads"
    place = BucketPlace(s3.endpoint, prefix, folder, proxy=proxy.url)
    yield place
    await place.close()


@pytest_asyncio.fixture
async def parts(migrated: Path, tmp_path: Path) -> AsyncIterator[Parts]:
    """A chat with files in its folder."""
    (tmp_path / "chat.db").write_bytes(migrated.read_bytes())
    storage = Storage(Settings(data=tmp_path).database_url)
    yield await Parts(storage, Folder(tmp_path / "files")).start()
    await storage.database.close()


async def bound(parts: Parts, count: int) -> list[str]:
    """Send files with a thumbnail each; return their ids."""
    ann = await parts.storage.user("ann")
    ids = [await parts.upload(ann, CONTENT) for _ in range(count)]
    await parts.storage.log.store([sent(ann, *ids)])
    for file_id in ids:
        parts.place.write(f"{file_id}.480", b"thumb")
    return ids


def settings(tmp_path: Path, place: Place) -> Settings:
    return Settings(data=tmp_path, files=place.settings)


async def test_files_are_copied_to_a_bucket_and_back(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    ids = await bound(parts, 3)
    names = sorted(name for one in ids for name in (one, f"{one}.480"))
    here, there = settings(tmp_path, parts.place), settings(tmp_path, bucket)
    keys = replace(bucket.settings, url="")
    done = await _copy(replace(here, files=keys), there.files.url)
    assert (done.copied, done.present, done.faults) == (3, 0, [])
    assert bucket.objects() == names
    assert bucket.read(ids[0]) == CONTENT
    for name in names:
        parts.place.remove(name)
    assert [well for well, _text in await files_check.file_findings(there)] == [True, True]
    assert False in [well for well, _text in await files_check.file_findings(here)]
    done = await _copy(there, "folder")
    assert (done.copied, done.present) == (3, 0)
    assert parts.on_disk() == names
    assert parts.place.read(ids[1]) == CONTENT


async def test_a_copy_that_was_interrupted_continues_and_replaces_altered_files(
    parts: Parts, bucket: BucketPlace, proxy: FaultProxy, tmp_path: Path
) -> None:
    ids = sorted(await bound(parts, 3))
    here = replace(settings(tmp_path, parts.place), files=replace(bucket.settings, url=""))
    target = bucket.settings.url
    proxy.judge = lambda request: CUT if request.method == "PUT" and ids[1] in request.path else ""
    with pytest.raises(FilesUnavailable):
        await _copy(here, target)
    proxy.judge = sound
    bucket.write(ids[0], CONTENT[:-1] + b"x")
    done = await _copy(here, target)
    assert (done.copied, done.present) == (3, 0)
    done = await _copy(here, target)
    assert (done.copied, done.present) == (0, 3)
    assert bucket.read(ids[0]) == CONTENT


async def test_missing_and_altered_files_are_named_and_not_copied(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    sound_id, altered, missing = await bound(parts, 3)
    parts.place.write(altered, b"x")
    parts.place.remove(missing)
    here = replace(settings(tmp_path, parts.place), files=replace(bucket.settings, url=""))
    done = await _copy(here, bucket.settings.url)
    assert sorted(done.faults) == sorted(
        [
            f"File {altered}: its bytes are not those that were uploaded.",
            f"File {missing}: its bytes are missing.",
        ]
    )
    assert [name for name in bucket.objects() if "." not in name] == [sound_id]


async def test_the_target_must_be_another_place(parts: Parts, tmp_path: Path) -> None:
    here = settings(tmp_path, parts.place)
    with pytest.raises(StartError, match="there already"):
        await _copy(here, "folder")
    with pytest.raises(StartError, match="TARGET is `folder`, or: write it like s3://"):
        await _copy(here, "elsewhere")


async def test_without_the_package_one_sentence_names_it(
    parts: Parts, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiobotocore.config", None)
    monkeypatch.delitem(sys.modules, "chatserver.files.bucket")
    monkeypatch.delitem(sys.modules, "chatserver.files.s3_store")
    with pytest.raises(StartError, match=r"needs the aiobotocore package: pip install .*\[s3\]"):
        Server(settings(tmp_path, bucket), create_database=True)


# Doctor ------------------------------------------------------------------------------------------


async def findings(
    parts: Parts, place: BucketPlace, tmp_path: Path
) -> list[tuple[bool | None, str]]:
    return await files_check.file_findings(settings(tmp_path, place))


async def test_the_doctor_reports_a_sound_bucket_and_leaves_nothing(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    found = await findings(parts, bucket, tmp_path)
    assert found == [
        (True, "bucket chat: can be read and written"),
        (True, "files: 0, 0 MB"),
    ]
    assert bucket._client.list_objects_v2(Bucket="chat", Prefix=bucket.prefix)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ("403 InvalidAccessKeyId", "bucket chat: the S3 service does not know the access key"),
        ("404 NoSuchBucket", "bucket chat: there is no such bucket"),
        (CUT, "bucket chat: the connection to the S3 service was interrupted"),
    ],
)
async def test_the_doctor_says_why_a_bucket_cannot_be_used(
    parts: Parts,
    bucket: BucketPlace,
    proxy: FaultProxy,
    tmp_path: Path,
    verdict: str,
    sentence: str,
) -> None:
    proxy.judge = lambda _request: verdict
    assert await findings(parts, bucket, tmp_path) == [(False, sentence)]


async def test_the_doctor_notices_a_bucket_that_can_only_be_read(
    parts: Parts, bucket: BucketPlace, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.judge = lambda request: "403 AccessDenied" if request.method == "PUT" else ""
    ((well, sentence),) = await findings(parts, bucket, tmp_path)
    assert not well
    assert "denies access" in sentence


@pytest.mark.parametrize(("minutes", "side"), [(10, "behind"), (-10, "ahead of")])
async def test_the_doctor_compares_the_clocks(
    parts: Parts, bucket: BucketPlace, proxy: FaultProxy, tmp_path: Path, minutes: int, side: str
) -> None:
    proxy.date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    (well, sentence), *_others = await findings(parts, bucket, tmp_path)
    assert well is False
    assert f"seconds {side} that of the S3 service" in sentence


async def test_the_doctor_warns_of_versions(
    parts: Parts, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_versioned(_bucket: object) -> bool:
        return True

    monkeypatch.setattr(bucket_module.Bucket, "is_versioned", is_versioned)
    found = await findings(parts, bucket, tmp_path)
    assert [well for well, _sentence in found] == [True, None, True]
    assert "keeps versions" in found[1][1]


async def test_missing_files_in_a_bucket_are_counted(
    parts: Parts, bucket: BucketPlace, tmp_path: Path
) -> None:
    ids = await bound(parts, 2)
    bucket.write(ids[0], CONTENT)
    bucket.write("B" * 22, b"x")
    sentences = [sentence for _well, sentence in await findings(parts, bucket, tmp_path)]
    assert "files: 1 of 2 are missing in bucket chat: restore a backup" in sentences
    assert any("1 in bucket chat belong to no message" in sentence for sentence in sentences)


async def test_a_store_of_a_command_is_that_of_the_configuration(tmp_path: Path) -> None:
    async with opened_store(Settings(data=tmp_path, files=FileSettings())) as store:
        await store.uploads.create("A" * 22)
    assert (tmp_path / "files" / "AA" / "AA" / f"{'A' * 22}.part").exists()
