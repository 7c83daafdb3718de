"""HTTP API of files: upload, access, download, headers, ranges, lists, deletion."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientError, web
from msgspec.structs import replace

from chatserver.config import FileSettings, Settings
from chatserver.files.service import announced_bytes
from chatserver.protocol import Type
from chatserver.storage.retention import _erase
from chatserver.storage.tables import files, rooms
from chatserver.web import file_body
from tests.conftest import FAST, StartChat
from tests.driver import Answer, Chat, User
from tests.web.test_tus import TUS, begin

TEXT = b"some text\n"


async def upload(user: User, content: Any = TEXT, name: str = "a.txt", **query: str) -> Any:
    """Upload a file; return its description."""
    answer = await post(user, content, name=name, **query)
    assert answer.status == 201, answer.text
    return answer.json["file"]


async def post(user: User, content: Any, **query: str) -> Answer:
    return await user.ask("POST", "/api/files", params=query, data=content)


async def sent(user: User, *ids: str, room: str = "lobby", text: str = "") -> int:
    """Send a message with files; return its number."""
    body = {"data": text, "files": list(ids)}
    answer = await user.ask("POST", f"/api/rooms/{room}/messages", body)
    assert answer.status == 201, answer.text
    return int(answer.json["seq"])


async def get(user: User, file_id: str, query: str = "", **headers: str) -> tuple[int, Any, bytes]:
    """Download a file; return status, headers and body."""
    url = f"{user.chat.url}/files/{file_id}/name{query}"
    wanted = {"Authorization": f"Bearer {user.token}"} | headers
    async with user.http.get(url, headers=wanted) as response:
        return response.status, response.headers, await response.read()


def on_disk(chat: Chat) -> list[Path]:
    return [path for path in chat.server.folder.files_folder.glob("*/*/*") if path.is_file()]


async def test_a_file_is_sent_in_a_message_and_read_by_members(ann: User, bo: User) -> None:
    bos = await bo.connect()
    file = await upload(ann)
    assert {key: file[key] for key in file if key != "id"} == {
        "name": "a.txt",
        "type": "text/plain",
        "bytes": len(TEXT),
    }
    await sent(ann, file["id"])
    event = await bos.receives("")
    assert event["files"] == [file]
    status, headers, body = await get(bo, file["id"])
    assert (status, body) == (200, TEXT)
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_history_search_and_the_room_list_have_the_files(ann: User) -> None:
    one, two = await upload(ann), await upload(ann, name="b.txt")
    await sent(ann, one["id"], two["id"], text="holiday")
    page = await ann.ask("GET", "/api/rooms/lobby/events?after=0")
    assert page.json["events"][0]["files"] == [one, two]
    found = await ann.ask("GET", "/api/search?q=holiday")
    assert found.json["hits"][0]["files"] == [one, two]
    listed = await ann.ask("GET", "/api/rooms")
    assert listed.json["rooms"][0]["last"]["files"] == [one]


SOUND = b"OggS\0\2"
WAVE = "AZaz09-_" * 8


async def test_a_voice_message_has_its_duration_and_waveform_wherever_its_file_is_shown(
    ann: User, bo: User
) -> None:
    bos = await bo.connect()
    file = await upload(ann, SOUND, "a.ogg", seconds="7.256", wave=WAVE)
    assert (file["type"], file["seconds"], file["wave"]) == ("audio/ogg", 7.26, WAVE)
    await sent(ann, file["id"], text="hello")
    assert (await bos.receives("hello"))["files"] == [file]
    page = await bo.ask("GET", "/api/rooms/lobby/events?after=0")
    assert page.json["events"][0]["files"] == [file]
    assert (await bo.ask("GET", "/api/search?q=has:audio")).json["hits"][0]["files"] == [file]
    (listed,) = (await bo.ask("GET", "/api/rooms/lobby/files?kind=audio")).json["files"]
    assert {key: listed[key] for key in file} == file
    assert (await bo.ask("GET", f"/api/files/{file['id']}")).json["file"] == file


@pytest.mark.parametrize(
    "query",
    [{"seconds": text} for text in ("0", "-1", "nan", "inf", "1e9", "", "long")]
    + [{"wave": text} for text in ("", "A" * 63, "A" * 65, "A" * 63 + "+", "A" * 64 + "\n")],
)
async def test_an_impossible_duration_or_waveform_is_refused(
    ann: User, query: dict[str, str]
) -> None:
    refused = await post(ann, SOUND, name="a.ogg", **query)
    assert (refused.status, refused.json["code"]) == (400, "bad_request")
    assert on_disk(ann.chat) == []


async def test_only_sound_has_a_waveform(ann: User) -> None:
    file = await upload(ann, TEXT, "a.txt", seconds="7", wave=WAVE)
    assert not {"seconds", "wave"} & {*file}


async def test_a_direct_message_and_the_socket_take_files(ann: User, bo: User) -> None:
    bos, anns = await bo.connect(), await ann.connect()
    file = await upload(ann)
    reply = await anns.say("", to="bo", files=[file["id"]])
    assert reply["ok"], reply
    assert (await bos.receives(""))["files"] == [file]
    edited = await anns.ask(Type.EDIT, room=reply["room"], target=1, data="text", files=[])
    assert edited["ok"]
    assert "files" not in await bos.next(Type.EDIT)
    assert (await get(bo, file["id"]))[0] == 404


async def test_the_text_of_a_message_can_be_removed_if_its_files_stay(ann: User) -> None:
    file = await upload(ann)
    captioned, plain = await sent(ann, file["id"], text="caption"), await sent(ann, text="words")
    path = "/api/rooms/lobby/messages"
    for changes, status in (({"data": ""}, 200), ({"data": "\u200b", "files": []}, 400)):
        assert (await ann.ask("PATCH", f"{path}/{captioned}", changes)).status == status
    refused = await ann.ask("PATCH", f"{path}/{plain}", {"data": " "})
    assert (refused.status, refused.json["data"]) == (400, "A message needs some text.")
    page = (await ann.ask("GET", "/api/rooms/lobby/events?before=3")).json["events"]
    assert [(one["data"], one.get("files")) for one in page] == [("", [file]), ("words", None)]


async def test_an_unsent_file_is_its_uploaders_and_a_sent_one_the_rooms(
    ann: User, bo: User, cy: User
) -> None:
    await ann.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo"], "private": True})
    file = (await upload(ann, room="plans"))["id"]
    assert [(await get(one, file))[0] for one in (ann, bo, cy)] == [200, 404, 404]
    await sent(ann, file, room="plans")
    assert [(await get(one, file))[0] for one in (ann, bo, cy)] == [200, 200, 404]
    thumb = await cy.ask("GET", f"/files/{file}/thumb?w=480")
    described = await cy.ask("GET", f"/api/files/{file}")
    missing = await cy.ask("GET", f"/api/files/{'A' * 22}")
    assert (thumb.status, described.status) == (404, 404)
    assert described.text == missing.text
    await ann.ask("DELETE", "/api/rooms/plans/members/bo")
    assert (await get(bo, file))[0] == 404
    assert (await bo.ask("GET", "/api/rooms/plans/files")).status == 404


async def test_a_former_member_reads_the_files_of_unchanged_messages_if_the_room_lets(
    ann: User, bo: User
) -> None:
    await ann.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo"], "private": True})
    await ann.ask("PATCH", "/api/rooms/plans", {"leavers_read": True})
    room = (await ann.ask("GET", "/api/rooms/plans")).json["room"]
    kept, changed, later = [(await upload(ann, name=f"{n}.txt"))["id"] for n in range(3)]
    await sent(ann, kept, room="plans")
    seq = await sent(ann, changed, room="plans")
    await bo.ask("DELETE", "/api/rooms/plans/members/bo")
    await sent(ann, later, room="plans")
    path = f"/api/rooms/plans/messages/{seq}"
    assert (await ann.ask("PATCH", path, {"data": "text"})).status == 200
    assert [(await get(bo, one))[0] for one in (kept, changed, later)] == [200, 404, 404]
    listed = (await bo.ask("GET", f"/api/rooms/{room}/files")).json["files"]
    assert [one["id"] for one in listed] == [kept]


@pytest.mark.parametrize(
    "path", ["/files/{file}/x", "/files/{file}/thumb?w=480", "/api/files/{file}"]
)
async def test_files_need_a_session(ann: User, path: str) -> None:
    url = ann.chat.url + path.format(file=(await upload(ann))["id"])
    async with ann.chat.browser().get(url) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html><script>alert(1)</script>", "application/octet-stream"),
        (b"\xef\xbb\xbf <svg onload='alert(1)'/>", "application/octet-stream"),
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\x00\x01\x02", "application/octet-stream"),
    ],
)
async def test_what_browsers_could_run_is_an_attachment(
    ann: User, content: bytes, kind: str
) -> None:
    file = await upload(ann, content, "picture.png")
    assert file["type"] == kind
    status, headers, body = await get(ann, file["id"])
    assert (status, body, headers["Content-Type"]) == (200, content, "application/octet-stream")
    assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "....etcpasswd"),
        ('a"\r\nSet-Cookie: b.txt', 'a"Set-Cookie: b.txt'),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("\x00", "file"),
        ("猫" * 100 + ".jpeg", "猫" * 65 + ".jpeg"),
        ("", "file"),
    ],
)
async def test_a_name_is_cleaned_and_stays_one_header(ann: User, name: str, kept: str) -> None:
    file = await upload(ann, name=name)
    assert file["name"] == kept
    _status, headers, _body = await get(ann, file["id"])
    assert "Set-Cookie" not in headers
    assert headers["Content-Disposition"].isascii()


async def test_a_matching_etag_gets_304_and_a_range_206(ann: User) -> None:
    file = (await upload(ann))["id"]
    _status, headers, _body = await get(ann, file)
    tag = headers["ETag"]
    for wanted, status, body in (
        ({"Range": "bytes=0-"}, 206, TEXT),
        ({"Range": "bytes=-1"}, 206, TEXT[-1:]),
        ({"Range": "bytes=2-3"}, 206, TEXT[2:4]),
        ({"Range": "bytes=9999-"}, 416, b""),
        ({"Range": "bytes=2-3", "If-Range": tag}, 206, TEXT[2:4]),
        ({"Range": "bytes=2-3", "If-Range": '"other"'}, 200, TEXT),
        ({"If-None-Match": tag}, 304, b""),
        ({"If-None-Match": '"other"'}, 200, TEXT),
    ):
        answer = await get(ann, file, **wanted)
        assert (answer[0], answer[2]) == (status, body), wanted
    async with ann.http.head(
        f"{ann.chat.url}/files/{file}/a", headers={"Authorization": f"Bearer {ann.token}"}
    ) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(TEXT)))
    _status, headers, _body = await get(ann, file, "?download=true")
    assert headers["Content-Disposition"].startswith("attachment;")


async def test_a_refused_upload_leaves_nothing(start_chat: StartChat, tmp_path: Path) -> None:
    files = FileSettings(bytes=1_000, user_bytes=1_500)
    chat = await start_chat(Settings(data=tmp_path / "small", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    assert (await post(ann, b"x" * 1_001)).json["code"] == "too_large"
    assert (await post(ann, b"")).json["code"] == "bad_request"
    assert (await post(ann, b"x", room="nowhere")).status == 404
    assert (await post(ann, b"x", room="77")).status == 404

    async def unknown_length() -> AsyncIterator[bytes]:
        yield b"x"

    assert (await post(ann, unknown_length())).status == 411
    await upload(ann, b"x" * 1_000)
    assert (await post(ann, b"x" * 501)).json["code"] == "too_large"
    await chat.server.files.cleanup.sweep()
    assert len(on_disk(chat)) == 1


async def test_uploads_are_refused_while_the_disk_is_nearly_full(
    start_chat: StartChat, tmp_path: Path
) -> None:
    files = FileSettings(free_bytes=2**60)
    chat = await start_chat(Settings(data=tmp_path / "full", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    answer = await post(ann, TEXT)
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert (await ann.ask("POST", "/api/rooms/lobby/messages", {"data": "chat"})).status == 201


async def test_an_upload_that_breaks_off_leaves_nothing(chat: Chat, ann: User) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(chat.url.rpartition(":")[2]))
    head = f"POST /api/files?name=a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
    writer.write(head.encode() + b"Content-Length: 100\r\n\r\nabc")
    while not on_disk(chat):
        await asyncio.sleep(0)
    writer.close()
    await writer.wait_closed()
    while (await chat.server.files.deletion.to_delete(1)) == []:
        await asyncio.sleep(0.01)
    await chat.server.files.cleanup.delete_due()
    assert on_disk(chat) == []
    assert (await chat.server.files.register.usage()).files == 0
    assert reader is not None


async def test_an_upload_ends_with_its_session(ann: User, bo: User) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"x"
        await bo.ask("POST", "/logout", headers={"Origin": bo.chat.url})
        yield b"y"

    headers = {"Content-Length": "2"}
    answer = await bo.ask("POST", "/api/files", data=slowly(), headers=headers)
    assert answer.status == 401


async def test_requests_of_other_sites_cannot_upload(ann: User) -> None:
    answer = await ann.ask(
        "POST", "/api/files", data=b"x", headers={"Origin": "https://evil.example"}
    )
    assert answer.status == 403


async def test_the_files_of_a_room_are_listed_newest_first(ann: User, bo: User) -> None:
    names = ["One.txt", "two.pdf", "100%.txt"]
    contents = [TEXT, b"%PDF-1.4", TEXT]
    ids = [
        (await upload(ann, content, name))["id"]
        for name, content in zip(names, contents, strict=True)
    ]
    await sent(ann, *ids[:2])
    await sent(ann, ids[2])

    async def listed(query: str = "") -> list[str]:
        answer = await bo.ask("GET", f"/api/rooms/lobby/files?{query}")
        assert answer.status == 200, answer.text
        return [file["name"] for file in answer.json["files"]]

    assert await listed() == ["100%.txt", "One.txt", "two.pdf"]
    assert await listed("q=ONE") == ["One.txt"]
    assert await listed("q=%25") == ["100%.txt"]
    assert await listed("q=txt+One") == ["One.txt"]
    assert await listed("q=two+txt") == []
    assert await listed("kind=image") == []
    assert await listed("kind=other") == ["100%.txt", "One.txt", "two.pdf"]
    first = (await bo.ask("GET", "/api/rooms/lobby/files?limit=2")).json
    assert first["more"]
    assert await listed(f"position={first['position']}") == ["two.pdf"]


async def test_the_files_of_a_room_are_searched_by_their_descriptions_too(
    chat: Chat, ann: User
) -> None:
    lake = await upload(ann, TEXT, "1.txt", alt="Straße am SEE")
    hill = await upload(ann, TEXT, "2.txt", alt="a mountain")
    await ann.ask("PATCH", f"/api/files/{hill['id']}", {"alt": "a hill"})
    seq = await sent(ann, lake["id"], hill["id"])

    async def found(words: str) -> list[str]:
        answer = await ann.ask("GET", f"/api/rooms/lobby/files?q={words}")
        return [file["name"] for file in answer.json["files"]]

    assert await found("strasse") == ["1.txt"]
    assert await found("see+1.txt") == ["1.txt"]
    assert await found("hill") == ["2.txt"]
    assert await found("mountain") == []
    await ann.ask("DELETE", f"/api/rooms/lobby/messages/{seq}")
    async with chat.server.database.reading() as connection:
        assert set(await connection.scalars(sa.select(files.c.alt_key))) <= {None}


async def test_the_files_around_a_message_are_listed_in_both_directions(ann: User) -> None:
    seqs = []
    for number in range(5):
        pair = [(await upload(ann, TEXT, f"{number}{part}.txt"))["id"] for part in "ab"]
        seqs.append(await sent(ann, *pair))

    async def listed(query: str) -> tuple[list[str], int | None]:
        page = (await ann.ask("GET", f"/api/rooms/lobby/files?limit=3&{query}")).json
        assert page["more"] == (page["position"] is not None)
        return [file["name"].removesuffix(".txt") for file in page["files"]], page["position"]

    newer, position = await listed(f"after={seqs[1]}")
    assert newer == ["2a", "2b", "3a"]
    assert await listed(f"after={seqs[1]}&position={position}") == (["3b", "4a", "4b"], None)
    older, position = await listed(f"before={seqs[3]}")
    assert older == ["2a", "2b", "1a"]
    assert await listed(f"before={seqs[3]}&position={position}") == (["1b", "0a", "0b"], None)
    between = await listed(f"after={seqs[0]}&before={seqs[2]}")
    assert between == (["1a", "1b"], None)
    assert await listed(f"after={seqs[4]}") == ([], None)


async def test_deleted_files_are_gone_from_the_disk(chat: Chat, ann: User) -> None:
    one, two, unsent = [(await upload(ann))["id"] for _ in range(3)]
    first, second = await sent(ann, one), await sent(ann, two)
    assert len(on_disk(chat)) == 3
    await ann.ask("DELETE", f"/api/rooms/lobby/messages/{first}")
    database = chat.server.database
    await database.transaction(lambda c: c.execute(rooms.update().values(retention_days=1)))
    await database.transaction(lambda c: _erase(c, 1, 1, [second], 1))
    assert (await ann.ask("DELETE", f"/api/files/{unsent}")).status == 200
    assert [(await get(ann, file))[0] for file in (one, two, unsent)] == [404] * 3
    await chat.server.files.cleanup.delete_due()
    assert on_disk(chat) == []


async def test_downloads_end_with_the_right_to_read_the_file(
    ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_body, "CHECK_INTERVAL", 0.01)
    abort, aborted = file_body._abort, asyncio.Queue[str]()

    def note(request: web.Request, reason: str, bug: Exception | None = None) -> None:
        abort(request, reason, bug)
        aborted.put_nowait(reason)

    monkeypatch.setattr(file_body, "_abort", note)
    queues = bo.chat.server.authenticator._downloads._queues
    seqs, urls = [], []
    await ann.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo"]})
    for _ in range(3):
        file = (await upload(ann, io.BytesIO(bytes(24 * 2**20)), room="plans"))["id"]
        seqs.append(await sent(ann, file, room="plans"))
        urls.append(f"{bo.chat.url}/files/{file}/name")
    changes = [
        ("DELETE", f"/api/rooms/plans/messages/{seqs[0]}", ann),
        ("DELETE", "/api/rooms/plans/members/bo", ann),
        ("POST", "/logout", bo),
    ]
    for (method, path, user), url in zip(changes, urls, strict=True):
        async with bo.http.get(url, headers={"Authorization": f"Bearer {bo.token}"}) as response:
            assert response.status == 200
            assert len(queues) == 1
            assert (await user.ask(method, path)).status in (200, 204)
            async with asyncio.timeout(10):
                await aborted.get()
            with pytest.raises(ClientError):
                await response.read()
        await ann.ask("POST", "/api/rooms/plans/members", {"users": ["bo"]})
    assert not queues


async def test_a_file_whose_metadata_cannot_be_removed_is_refused(ann: User) -> None:
    refused = await post(ann, b"GIF89a/*" + b"x" * 20 + b"*/=1;alert(1)", name="a.gif")
    assert (refused.status, refused.json["code"]) == (400, "bad_request")
    assert "metadata" in refused.json["data"]


async def test_the_alternative_text_can_be_set_before_sending(ann: User, bo: User) -> None:
    file = await upload(ann, alt="a cat")
    assert file["alt"] == "a cat"
    path = f"/api/files/{file['id']}"
    assert (await bo.ask("PATCH", path, {"alt": "x"})).status == 404
    changed = await ann.ask("PATCH", path, {"alt": "a  dog "})
    assert changed.json["file"]["alt"] == "a dog"
    await sent(ann, file["id"])
    assert (await ann.ask("PATCH", path, {"alt": "x"})).status == 404


async def test_folders_and_files_are_private(chat: Chat, ann: User) -> None:
    await upload(ann)
    folder = chat.server.folder.files_folder
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_dir()}
    assert modes | {folder.stat().st_mode & 0o777} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in on_disk(chat)} == {0o600}


async def test_bytes_that_are_missing_are_not_found(chat: Chat, ann: User) -> None:
    file = await upload(ann)
    chat.server.files.store.uploads.path(file["id"]).unlink()
    status, headers, _body = await get(ann, file["id"])
    assert (status, headers["Content-Type"]) == (404, "application/json; charset=utf-8")


@pytest.mark.parametrize("quota", ["user_bytes", "room_bytes", "total_bytes"])
async def test_quotas_count_everything_that_is_not_deleted(
    start_chat: StartChat, tmp_path: Path, quota: str
) -> None:
    files = replace(FileSettings(), **{quota: 2 * len(TEXT)})
    chat = await start_chat(Settings(data=tmp_path / "quota", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    first = await upload(ann, room="lobby")
    seq = await sent(ann, first["id"])
    await upload(ann, room="lobby")
    assert (await post(ann, TEXT, room="lobby")).json["code"] == "too_large"
    await ann.ask("DELETE", f"/api/rooms/lobby/messages/{seq}")
    await upload(ann, room="lobby")


async def test_uploads_that_begin_at_once_do_not_exceed_a_quota(
    start_chat: StartChat, tmp_path: Path
) -> None:
    files = FileSettings(user_bytes=2 * len(TEXT))
    chat = await start_chat(Settings(data=tmp_path / "quota", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    answers = await asyncio.gather(*[post(ann, TEXT) for _ in range(4)])
    assert sum(answer.status == 201 for answer in answers) <= 2


async def test_announced_uploads_of_one_user_do_not_fill_the_server(
    start_chat: StartChat, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FileSettings(bytes=1_000, total_bytes=2_500)
    chat = await start_chat(Settings(data=tmp_path / "quota", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    await begin(ann, 600)
    headers = TUS | {"Upload-Length": "600"}
    refused = await ann.ask("POST", "/api/uploads", headers=headers)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    others = [await chat.user(name) for name in ("bo", "cy", "dee")]
    for other in others:
        await begin(other, 600)
    assert "files.total_bytes" not in caplog.text
    for _ in range(2):
        assert (await post(others[0], TEXT * 20)).json["code"] == "too_large"
    assert caplog.text.count("files.total_bytes is used up") == 1


def test_the_limit_of_announced_uploads_is_that_of_what_can_arrive_or_of_the_server() -> None:
    assert announced_bytes(FileSettings(bytes=10)) == 80
    assert announced_bytes(FileSettings(bytes=10, total_bytes=500)) == 50
    assert announced_bytes(FileSettings(bytes=10, total_bytes=50)) == 10


async def test_the_number_of_unsent_files_is_limited(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.storage.files.UNSENT_LIMIT", 2)
    first = await upload(ann)
    await upload(ann)
    refused = await post(ann, TEXT)
    assert (refused.status, refused.json["code"]) == (413, "too_large")
    await sent(ann, first["id"])
    await upload(ann)


async def test_the_quota_of_a_room_counts_what_is_sent_there(
    start_chat: StartChat, tmp_path: Path
) -> None:
    files = FileSettings(room_bytes=3 * len(TEXT))
    chat = await start_chat(Settings(data=tmp_path / "quota", limits=FAST, files=files))
    ann = await chat.user("ann", admin=True)
    ids = [(await upload(ann))["id"] for _ in range(5)]
    seq = await sent(ann, *ids[:2])
    body = {"data": "", "files": ids[2:4]}
    refused = await ann.ask("POST", "/api/rooms/lobby/messages", body)
    assert (refused.status, refused.json["code"]) == (413, "too_large")
    path = f"/api/rooms/lobby/messages/{seq}"
    more = {"data": "", "files": [*ids[:2], *ids[2:4]]}
    assert (await ann.ask("PATCH", path, more)).status == 413
    assert (await ann.ask("PATCH", path, {"data": "", "files": ids[:3]})).status == 200
    assert (await ann.ask("PATCH", path, {"data": "", "files": ids[1:3]})).status == 200
    assert await sent(ann, ids[3])
