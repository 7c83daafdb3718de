"""Requests to an S3 service, and which of them are repeated."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from chatserver.bucket_url import BucketUrl
from chatserver.errors import FilesUnavailable, NotFound
from chatserver.files import bucket as module
from chatserver.files.bucket import Bucket
from tests.files.fault_proxy import CUT, HALF, FaultProxy, sound
from tests.files.places import BucketPlace
from tests.rig.moto import BUCKET, PrivateS3

CONTENT = bytes(range(256)) * 40_000


@pytest_asyncio.fixture
async def proxy(s3: PrivateS3) -> AsyncIterator[FaultProxy]:
    """A service with faults."""
    async with FaultProxy(s3.endpoint) as running:
        yield running


def client_of(endpoint: str, prefix: str, bucket: str = BUCKET) -> Bucket:
    return Bucket(BucketUrl(bucket, prefix, endpoint), access_key="ann", secret_key="secret")


@pytest_asyncio.fixture
async def once(
    bucket: BucketPlace, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bucket]:
    """A bucket behind the proxy, whose requests are not repeated."""
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    monkeypatch.setattr(module, "READ_TIMEOUT", 3.0)
    monkeypatch.setattr(module, "RETRY_DELAY", 0.0)
    found = client_of(proxy.url, bucket.prefix)
    yield found
    await found.close()


async def test_a_busy_service_is_asked_again(bucket: BucketPlace, proxy: FaultProxy) -> None:
    verdicts = iter(["503 SlowDown", CUT])
    proxy.judge = lambda _request: next(verdicts, "")
    found = client_of(proxy.url, bucket.prefix)
    await found.put("AA/AA/AAAA", b"text")
    assert bucket.read("AAAA") == b"text"
    assert len(proxy.requests) == 3
    assert found.health.failures == 0
    await found.close()


async def test_the_state_of_the_service_is_logged_when_it_changes(
    once: Bucket, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.judge = lambda _request: "503 SlowDown"
    for _ in range(3):
        with pytest.raises(FilesUnavailable):
            await once.put("a", b"text")
    proxy.judge = sound
    for _ in range(2):
        await once.put("a", b"text")
    assert [record.getMessage() for record in caplog.records if "files" in record.getMessage()] == [
        "files cannot be stored or read: the S3 service is busy",
        "files are stored and read again",
    ]


async def test_a_missing_object_is_no_failure_of_the_service(once: Bucket) -> None:
    assert await once.size("missing") is None
    with pytest.raises(NotFound):
        await anext(once.read("missing", 0, 1))
    await once.delete("missing")
    assert once.health.failures == 0


async def test_a_download_that_is_cut_continues(once: Bucket, proxy: FaultProxy) -> None:
    await once.put("a", CONTENT)
    verdicts = iter([HALF, HALF, HALF])
    proxy.judge = lambda _request: next(verdicts, "")
    got = b"".join([piece async for piece in once.read("a", 1, len(CONTENT) - 1)])
    assert got == CONTENT[1:-1]
    assert len(proxy.requests) == 1 + 4


async def test_a_download_ends_when_no_further_byte_arrives(
    once: Bucket, proxy: FaultProxy
) -> None:
    await once.put("a", CONTENT)
    cuts = iter([HALF])
    proxy.judge = lambda _request: next(cuts, CUT)
    got = bytearray()

    async def read() -> None:
        async for piece in once.read("a", 0, len(CONTENT)):
            got.extend(piece)

    with pytest.raises(FilesUnavailable, match="right now"):
        await read()
    assert 0 < len(got) < len(CONTENT)
    assert CONTENT.startswith(got)


async def test_an_upload_in_parts_that_fails_is_discarded(
    once: Bucket, proxy: FaultProxy, bucket: BucketPlace, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(9 * 2**20))
    proxy.judge = lambda request: CUT if "partNumber=2" in request.path_qs else ""
    with pytest.raises(FilesUnavailable):
        await once.upload("a", path)
    assert bucket.unfinished() == []
    proxy.judge = lambda request: CUT if "uploadId" in request.path_qs else ""
    with pytest.raises(FilesUnavailable):
        await once.upload("a", path)
    assert len(bucket.unfinished()) == 1
    proxy.judge = sound
    await once.abort_uploads()
    assert bucket.unfinished() == []


async def test_an_object_whose_confirmation_was_lost_is_stored(
    once: Bucket, proxy: FaultProxy, bucket: BucketPlace, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(9 * 2**20))
    proxy.judge = lambda request: HALF if _joins(request) else ""
    await once.upload("AA/AA/AAAA", path)
    assert len(bucket.read("AAAA")) == 9 * 2**20
    assert bucket.unfinished() == []


def _joins(request: web.Request) -> bool:
    """Whether a request makes an object of parts."""
    return request.method == "POST" and "uploadId" in request.query


async def test_few_parts_are_in_memory_at_the_same_time(
    once: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, most = 0, 0
    put = once.put

    async def watched(key: str, content: bytes) -> None:
        nonlocal held, most
        held += 1
        most = max(most, held)
        await put(key, content)
        held -= 1

    monkeypatch.setattr(once, "put", watched)
    path = tmp_path / "small"
    path.write_bytes(b"text")
    await asyncio.gather(*(once.upload(f"{number}", path) for number in range(6)))
    assert most == module.SENDERS


async def test_secrets_are_in_no_representation(once: Bucket, proxy: FaultProxy) -> None:
    proxy.judge = lambda _request: "403 SignatureDoesNotMatch"
    with pytest.raises(FilesUnavailable) as failed:
        await once.put("a", b"text")
    assert "secret" not in f"{once!r} {failed.value.cause.replace('secret key', '')}"
