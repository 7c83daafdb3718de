"""Resumable uploads by tus 1.0.0."""

import asyncio
import hashlib
from base64 import b64encode
from typing import Any

import pytest

from chatserver.web.tus import metadata
from tests.driver import Answer, Chat, User

CONTENT = b"0123456789"
TUS = {"Tus-Resumable": "1.0.0"}


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


async def tus(user: User, method: str, path: str, data: Any = None, **headers: Any) -> Answer:
    fields = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return await user.ask(method, path, data=data, headers=TUS | fields)


async def begin(user: User, length: int = len(CONTENT), **facts: str) -> str:
    """Begin an upload; return its path."""
    pairs = ",".join(
        f"{key} {encoded(value)}" for key, value in ({"filename": "a.txt"} | facts).items()
    )
    answer = await tus(user, "POST", "/api/uploads", Upload_Length=length, Upload_Metadata=pairs)
    assert answer.status == 201, answer.text
    assert answer.headers["Upload-Expires"].endswith("GMT")
    return str(answer.headers["Location"])


async def patch(user: User, path: str, offset: int, content: bytes, **headers: str) -> Answer:
    headers = {"Content_Type": "application/offset+octet-stream"} | headers
    return await tus(user, "PATCH", path, content, Upload_Offset=offset, **headers)


async def offset(user: User, path: str) -> int:
    answer = await tus(user, "HEAD", path)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    return int(answer.headers["Upload-Offset"])


async def test_an_upload_arrives_in_parts_and_is_sent(ann: User) -> None:
    path = await begin(ann, room="lobby")
    assert await offset(ann, path) == 0
    first = await patch(ann, path, 0, CONTENT[:4])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "4")
    assert await offset(ann, path) == 4
    assert (await patch(ann, path, 4, CONTENT[4:])).headers["Upload-Offset"] == "10"
    assert await offset(ann, path) == 10
    file_id = path.rpartition("/")[2]
    said = await ann.ask("POST", "/api/rooms/lobby/messages", {"data": "", "files": [file_id]})
    assert said.status == 201
    assert (await ann.ask("GET", f"/files/{file_id}/a.txt")).text == CONTENT.decode()
    assert (await tus(ann, "HEAD", path)).status == 404


async def test_a_voice_message_has_its_waveform(ann: User) -> None:
    sound = b"OggS\0\2"
    path = await begin(ann, len(sound), seconds="7.5", wave="A" * 64)
    await patch(ann, path, 0, sound)
    file = (await ann.ask("GET", f"/api/files/{path.rpartition('/')[2]}")).json["file"]
    assert (file["type"], file["seconds"], file["wave"]) == ("audio/ogg", 7.5, "A" * 64)
    for wrong in ("seven", "nan", "0"):
        pairs = f"filename {encoded('a')},seconds {encoded(wrong)}"
        refused = await tus(ann, "POST", "/api/uploads", Upload_Length=1, Upload_Metadata=pairs)
        assert (refused.status, refused.json["code"]) == (400, "bad_request")


async def test_the_options_say_what_is_supported(ann: User) -> None:
    answer = await ann.ask("OPTIONS", "/api/uploads")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,expiration,termination,checksum"
    assert answer.headers["Tus-Max-Size"] == str(100 * 2**20)


async def test_another_version_is_refused_with_the_own_one(ann: User) -> None:
    answer = await ann.ask("POST", "/api/uploads", headers={"Tus-Resumable": "0.2.2"})
    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")


async def test_errors_have_the_status_of_the_protocol(ann: User, bo: User) -> None:
    path = await begin(ann)
    assert (await patch(ann, path, 3, b"x")).status == 409
    assert (await patch(ann, path, 0, b"x", Content_Type="text/plain")).status == 415
    assert (await patch(ann, path, 0, CONTENT + b"x")).status == 413
    assert (await patch(ann, path, 0, b"x", Upload_Checksum=f"sha1 {encoded('x')}")).status == 460
    assert (await patch(ann, path, 0, b"x", Upload_Checksum="md5 eA==")).status == 400
    assert await offset(ann, path) == 0
    for answer in (await tus(bo, "HEAD", path), await patch(bo, path, 0, b"x")):
        assert answer.status == 404
    assert (await tus(ann, "POST", "/api/uploads", Upload_Length="many")).status == 400
    assert (await tus(ann, "POST", "/api/uploads", Upload_Length=2**40)).status == 413


async def test_a_checksum_is_compared(ann: User) -> None:
    path = await begin(ann)
    digest = b64encode(hashlib.sha256(CONTENT).digest()).decode()
    done = await patch(ann, path, 0, CONTENT, Upload_Checksum=f"sha256 {digest}")
    assert done.headers["Upload-Offset"] == "10"


@pytest.mark.parametrize("arrived", [3, 9])
async def test_the_offset_after_a_cut_is_what_arrived_before(
    chat: Chat, ann: User, arrived: int
) -> None:
    path = await begin(ann)
    for seconds in (0.1, 1.0, 5.0):  # what the server has not read when it notices the cut is lost
        await cut_upload(chat, ann, path, CONTENT[:arrived], seconds)
        while (await patch(ann, path, 5, b"x")).status == 423:
            await asyncio.sleep(0.05)
        if await offset(ann, path):
            break
    assert await offset(ann, path) == arrived
    assert (await patch(ann, path, arrived, CONTENT[arrived:])).status == 204


async def cut_upload(chat: Chat, user: User, path: str, content: bytes, seconds: float) -> None:
    """Send a part of the announced bytes; disconnect so long after the server has begun to read."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", int(chat.url.rpartition(":")[2]))
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n"
        "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 10\r\n"
        "Content-Type: application/offset+octet-stream\r\n\r\n"
    )
    writer.write(head.encode() + content)
    await writer.drain()
    while (await patch(user, path, 5, b"x")).status != 423:
        await asyncio.sleep(0.05)
    await asyncio.sleep(seconds)
    writer.close()
    await writer.wait_closed()


async def test_an_upload_can_be_ended(ann: User) -> None:
    path = await begin(ann)
    assert (await tus(ann, "DELETE", path)).status == 204
    assert (await tus(ann, "HEAD", path)).status == 404
    assert (await tus(ann, "DELETE", path)).status == 404


async def test_a_completion_that_was_interrupted_is_caught_up(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await begin(ann)

    async def broken(*_args: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(chat.server.files.media, "process", broken)
        assert (await patch(ann, path, 0, CONTENT)).status == 500
    assert await offset(ann, path) == 10
    described = await ann.ask("GET", f"/api/files/{path.rpartition('/')[2]}")
    assert described.json["file"]["type"] == "text/plain"


def test_upload_metadata_is_pairs_of_a_key_and_base64() -> None:
    assert metadata(f"filename {encoded('猫.png')}, empty") == {"filename": "猫.png", "empty": ""}
    assert metadata("") == {}


async def test_a_file_whose_metadata_cannot_be_removed_is_refused_and_deleted(ann: User) -> None:
    content = b"\xff\xd8\xff damaged"
    path = await begin(ann, len(content))
    refused = await patch(ann, path, 0, content)
    assert (refused.status, refused.json["code"]) == (400, "bad_request")
    assert (await tus(ann, "HEAD", path)).status == 404
