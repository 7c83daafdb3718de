"""Files in a bucket as users see them: downloads, failures of the service, several nodes."""

import io
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError
from msgspec.structs import replace

from chatserver.config import BusSettings, DatabaseSettings, FileSettings, Settings
from chatserver.files import bucket as bucket_module
from tests.conftest import FAST, StartChat
from tests.driver import Chat, User, ask
from tests.files.fault_proxy import CUT, HALF, FaultProxy, sound
from tests.files.test_media_processor import picture
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.moto import PrivateS3
from tests.rig.redis import PrivateRedis
from tests.web.test_files import get, post, sent, upload
from tests.web.test_health import figures
from tests.web.test_profile_pictures import chosen
from tests.web.test_profile_pictures import get as get_picture

CONTENT = bytes(range(256)) * 4_000
NOW = "The server cannot store or read files right now. Try again."

_numbers = itertools.count()


@pytest_asyncio.fixture
async def proxy(s3: PrivateS3, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    """The service, which requests reach once."""
    monkeypatch.setattr(bucket_module, "ATTEMPTS", 1)
    monkeypatch.setattr(bucket_module, "RETRY_DELAY", 0.0)
    async with FaultProxy(s3.endpoint) as running:
        yield running


@pytest.fixture
def files(s3: PrivateS3, proxy: FaultProxy) -> FileSettings:
    url = s3.files_url(f"web{next(_numbers)}", proxy.url)
    return FileSettings(url=url, access_key="ann", secret_key="secret")


@pytest_asyncio.fixture
async def chat(start_chat: StartChat, files: FileSettings, tmp_path: Path) -> Chat:
    """A server whose files are in a bucket."""
    return await start_chat(Settings(data=tmp_path / "node", limits=FAST, files=files))


def on_node(chat: Chat) -> list[Path]:
    return [path for path in chat.server.folder.uploads_folder.glob("*/*/*") if path.is_file()]


async def test_a_file_is_sent_read_in_ranges_and_deleted(ann: User, bo: User) -> None:
    file = await upload(ann, CONTENT, name="a.bin")
    number = await sent(ann, file["id"])
    status, headers, body = await get(bo, file["id"])
    assert (status, body) == (200, CONTENT)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert on_node(ann.chat) == []
    await ann.ask("DELETE", f"/api/rooms/lobby/messages/{number}")
    assert (await get(bo, file["id"]))[0] == 404
    await ann.chat.server.files.cleanup.delete_due()
    store = ann.chat.server.files.store
    assert [ids async for ids in store.ids() if ids] == []


@pytest.mark.parametrize(
    ("wanted", "status", "expected", "shown"),
    [
        ("bytes=0-9", 206, CONTENT[:10], "bytes 0-9/1024000"),
        ("bytes=1000000-", 206, CONTENT[1_000_000:], "bytes 1000000-1023999/1024000"),
        ("bytes=-5", 206, CONTENT[-5:], "bytes 1023995-1023999/1024000"),
        ("bytes=1023999-2000000", 206, CONTENT[-1:], "bytes 1023999-1023999/1024000"),
        ("bytes=1024000-", 416, b"", "bytes */1024000"),
        ("bytes=5-2", 416, b"", "bytes */1024000"),
        ("pages=1-2", 416, b"", "bytes */1024000"),
    ],
)
async def test_a_range_of_a_file_in_the_bucket_is_sent_with_its_status(
    ann: User, wanted: str, status: int, expected: bytes, shown: str
) -> None:
    file = (await upload(ann, CONTENT, name="a.bin"))["id"]
    found, headers, body = await get(ann, file, Range=wanted)
    assert (found, body, headers["Content-Range"]) == (status, expected, shown)


async def test_a_file_in_the_bucket_that_the_client_has_is_not_sent_again(
    ann: User, proxy: FaultProxy
) -> None:
    file = (await upload(ann, CONTENT, name="a.bin"))["id"]
    tag = (await get(ann, file))[1]["ETag"]
    assert (await get(ann, file, **{"If-None-Match": tag}))[::2] == (304, b"")
    assert (await get(ann, file, **{"Range": "bytes=0-1", "If-Range": tag}))[0] == 206
    status, _headers, body = await get(ann, file, **{"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (status, body) == (200, CONTENT)
    proxy.requests.clear()
    headers = {"Authorization": f"Bearer {ann.token}"}
    async with ann.http.head(f"{ann.chat.url}/files/{file}/a", headers=headers) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(CONTENT)))
    assert [request.split()[0] for request in proxy.requests] == ["HEAD"]


async def test_pictures_have_thumbnails_and_profiles_have_pictures(ann: User) -> None:
    file = await upload(ann, io.BytesIO(picture("JPEG")), name="a.jpg")
    assert file["width"] == 900
    status, headers, body = await get_thumbnail(ann, file["id"])
    assert (status, headers["Content-Type"], body[8:12]) == (200, "image/webp", b"WEBP")
    status, _headers, body = await get_picture(ann, await chosen(ann))
    assert (status, body[8:12]) == (200, b"WEBP")
    assert on_node(ann.chat) == []


async def get_thumbnail(user: User, file: str) -> tuple[int, Any, bytes]:
    url = f"{user.chat.url}/files/{file}/thumb?w=480"
    async with user.http.get(url, headers={"Authorization": f"Bearer {user.token}"}) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_while_the_service_is_away_messages_continue(ann: User, proxy: FaultProxy) -> None:
    file = (await upload(ann, CONTENT, name="a.bin"))["id"]
    proxy.judge = lambda _request: "503 SlowDown"
    refused = await post(ann, CONTENT, name="b.bin")
    assert (refused.status, refused.json["data"]) == (503, NOW)
    assert refused.json["code"] == "unavailable"
    assert (await ann.ask("GET", f"/files/{file}/a")).json["data"] == NOW
    await sent(ann, file, text="the file is bound, its bytes are safe")
    ready = await ask(ann.http, "GET", f"{ann.chat.url}/readyz")
    assert (ready.status, ready.json["files"]) == (200, "the S3 service is busy")
    assert (await figures(ann.chat))["chatserver_files_up"] == 0
    proxy.requests.clear()
    early = await post(ann, CONTENT, name="c.bin")
    assert (early.status, early.json["data"]) == (503, NOW)
    assert not any(request.startswith("PUT") for request in proxy.requests)
    proxy.judge = sound
    assert (await get(ann, file))[2] == CONTENT
    assert (await post(ann, CONTENT, name="c.bin")).status == 201
    ready = await ask(ann.http, "GET", f"{ann.chat.url}/readyz")
    assert "files" not in ready.json
    assert (await figures(ann.chat))["chatserver_files_up"] == 1


async def test_an_upload_whose_object_could_not_be_stored_is_completed_later(
    ann: User, proxy: FaultProxy
) -> None:
    """Its sender need not send the bytes again."""
    tus = {"Tus-Resumable": "1.0.0"}
    begun = await ann.ask("POST", "/api/uploads", headers=tus | {"Upload-Length": "1024000"})
    path, kind = begun.headers["Location"], {"Content-Type": "application/offset+octet-stream"}
    proxy.judge = lambda request: CUT if request.method == "PUT" else ""
    headers = tus | kind | {"Upload-Offset": "0"}
    assert (await ann.ask("PATCH", path, data=CONTENT, headers=headers)).status == 503
    assert (await ann.ask("HEAD", path, headers=tus)).status == 503
    proxy.judge = sound
    found = await ann.ask("HEAD", path, headers=tus)
    assert (found.status, found.headers["Upload-Offset"]) == (200, "1024000")
    assert (await get(ann, path.rpartition("/")[2]))[2] == CONTENT


@pytest.mark.parametrize("fault", [CUT, "404 NoSuchKey"])
async def test_a_download_continues_after_a_cut_and_is_aborted_without_its_object(
    ann: User, proxy: FaultProxy, fault: str
) -> None:
    file = (await upload(ann, CONTENT, name="a.bin"))["id"]
    verdicts = iter(["", HALF, HALF])
    proxy.judge = lambda _request: next(verdicts, "")
    assert (await get(ann, file))[2] == CONTENT
    verdicts = iter(["", HALF])
    proxy.judge = lambda _request: next(verdicts, fault)
    with pytest.raises(ClientError):
        await get(ann, file)


async def test_a_server_starts_without_the_service(
    start_chat: StartChat, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FileSettings(
        url="s3://chat?endpoint=http://127.0.0.1:1", access_key="a", secret_key="b"
    )
    chat = await start_chat(Settings(data=tmp_path / "node", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    await sent(ann, text="hello")
    assert (await post(ann, CONTENT, name="a.bin")).status == 503
    assert "files cannot be stored or read: the S3 service cannot be reached" in caplog.messages


async def test_two_nodes_share_a_bucket(
    start_chat: StartChat,
    mariadb: PrivateMariaDB,
    redis: PrivateRedis,
    files: FileSettings,
    tmp_path: Path,
) -> None:
    shared = Settings(
        bus=BusSettings(url=redis.url),
        database=DatabaseSettings(url=mariadb.create_database("bucket")),
        files=files,
        limits=FAST,
    )
    one = await start_chat(replace(shared, data=tmp_path / "one"))
    (tmp_path / "two").mkdir(mode=0o700)
    shutil.copy2(tmp_path / "one" / "keys.json", tmp_path / "two")
    two = await start_chat(replace(shared, data=tmp_path / "two"))
    ann = await one.user("ann", admin=True)
    bo = await two.user("bo")
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    begun = await ann.ask("POST", "/api/uploads", headers=tus | {"Upload-Length": "1024000"})
    path, half = begun.headers["Location"], len(CONTENT) // 2
    first = tus | {"Upload-Offset": "0"}
    assert (await ann.ask("PATCH", path, data=CONTENT[:half], headers=first)).status == 204
    there = await two.logged_in("ann")
    found = await there.ask("HEAD", path, headers=tus)
    assert found.headers["Upload-Offset"] == str(half)
    second = tus | {"Upload-Offset": str(half)}
    assert (await there.ask("PATCH", path, data=CONTENT[half:], headers=second)).status == 204
    file = path.rpartition("/")[2]
    await sent(ann, file)
    assert [(await get(user, file))[2] for user in (ann, bo)] == [CONTENT, CONTENT]
    await one.server.files.cleanup.sweep()
    await two.server.files.cleanup.sweep()
    assert on_node(one) == on_node(two) == []
