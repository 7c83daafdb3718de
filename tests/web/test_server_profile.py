"""Name and logo of the server: pages show them to everyone, administrators change them."""

import io
from typing import Any

import pytest

from chatserver.chat.server_profile import ServerProfileCache
from chatserver.protocol import Type
from chatserver.storage.server_profile import ServerProfile
from tests.driver import Answer, Chat, Device, User, ask
from tests.files.test_media_processor import picture

LOGO = "/api/admin/server/logo"
HTML = {"Accept": "text/html"}


async def put(user: User, content: bytes) -> Answer:
    return await user.ask("PUT", LOGO, data=io.BytesIO(content))


async def page(chat: Chat, path: str = "/login") -> str:
    answer = await ask(chat.browser(), "GET", f"{chat.url}{path}", headers=HTML)
    return answer.text


async def profile(chat: Chat) -> Any:
    return (await ask(chat.browser(), "GET", f"{chat.url}/api/server")).json


async def test_pages_show_the_name_and_the_logo_without_a_session(ann: User) -> None:
    chat = ann.chat
    assert "<title>Log in · chatserver</title>" in await page(chat)
    assert await profile(chat) == {"ok": 1, "name": ""}
    changed = await ann.ask("PATCH", "/api/admin/server", {"name": " Tom  & Jerry 学校 "})
    assert changed.json == {"ok": 1, "name": "Tom & Jerry 学校"}
    logo = (await put(ann, picture("PNG"))).json["logo"]
    assert await profile(chat) == {"ok": 1, "name": "Tom & Jerry 学校", "logo": logo}
    invite = (await ann.ask("POST", "/api/invites", {})).json["url"].rpartition("/")[2]
    for path in ("/login", f"/join/{invite}", "/missing"):
        text = await page(chat, path)
        assert "· Tom &amp; Jerry 学校</title>" in text
        assert f'src="/logo/{logo}"' in text
    assert "<h1>Join Tom &amp; Jerry 学校</h1>" in await page(chat, f"/join/{invite}")
    async with chat.browser().get(f"{chat.url}/logo/{logo}") as response:
        assert (response.status, response.content_type) == (200, "image/webp")
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].startswith("sandbox;")


async def test_only_the_present_logo_is_public(ann: User, bo: User) -> None:
    first, second = [(await put(ann, picture("PNG"))).json["logo"] for _ in range(2)]
    face = (await bo.ask("PUT", "/api/me/picture", data=io.BytesIO(picture("PNG")))).json["picture"]
    browser = ann.chat.browser()
    statuses = []
    for name in (first, second, face, "A" * 22):
        async with browser.get(f"{ann.chat.url}/logo/{name}") as response:
            statuses.append(response.status)
    assert statuses == [404, 200, 404, 404]
    cleanup, folder = ann.chat.server.files.cleanup, ann.chat.server.folder.files_folder
    await cleanup.sweep()
    assert {path.name for path in folder.rglob("?" * 22)} == {second, face}
    assert (await ann.ask("DELETE", LOGO)).status == 200
    await cleanup.delete_due()
    assert {path.name for path in folder.rglob("?" * 22)} == {face}
    assert await profile(ann.chat) == {"ok": 1, "name": ""}


async def test_users_and_pictures_that_cannot_be_read_change_nothing(ann: User, bo: User) -> None:
    for method, path, body in (
        ("PATCH", "/api/admin/server", {"name": "bo's"}),
        ("DELETE", LOGO, None),
    ):
        assert (await bo.ask(method, path, body)).json["code"] == "forbidden"
    assert (await put(bo, picture("PNG"))).json["code"] == "forbidden"
    assert (await put(ann, b"<svg/>")).json["code"] == "bad_request"
    for name in ("x" * 51, "\u202egnp"):
        refused = await ann.ask("PATCH", "/api/admin/server", {"name": name})
        assert refused.json["code"] == "bad_request"
    assert await profile(ann.chat) == {"ok": 1, "name": ""}


async def test_the_profile_outlasts_its_author_and_a_restart(ann: User, bo: User) -> None:
    await ann.ask("PATCH", "/api/users/bo", {"admin": True})
    boss = await ann.chat.logged_in("bo")
    await boss.ask("PATCH", "/api/admin/server", {"name": "School"})
    logo = (await put(boss, picture("PNG"))).json["logo"]
    await ann.ask("DELETE", "/api/users/bo")
    await ann.chat.server.files.cleanup.sweep()
    changes: list[ServerProfile] = []
    again = ServerProfileCache(ann.chat.server.database, changes.append)  # that of another node
    await again.load()
    assert (again.current.name, again.current.logo) == ("School", logo)
    assert await again.logo_sha256(logo)
    await ann.ask("PATCH", "/api/admin/server", {"name": ""})
    assert again.current.name == "School"  # until the next poll
    await again.load()
    assert again.current.title == "chatserver"
    await again.load()
    assert [change.name for change in changes] == ["School", ""]


async def test_open_connections_learn_of_a_new_name_and_logo(ann: User, bo: User) -> None:
    socket = await bo.connect()
    assert socket.welcome["server"] == {"title": "chatserver"}
    await ann.ask("PATCH", "/api/admin/server", {"name": "School"})
    assert await shown(socket) == {"title": "School"}
    logo = (await put(ann, picture("PNG"))).json["logo"]
    assert await shown(socket) == {"title": "School", "logo": logo}
    await ann.ask("DELETE", LOGO)
    assert await shown(socket) == {"title": "School"}
    assert (await bo.connect()).welcome["server"] == {"title": "School"}


async def shown(socket: Device) -> Any:
    """Return the profile of the server in the next presence that has it."""
    while "server" not in (frame := await socket.next(Type.PRESENCE)):
        pass
    return frame["server"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_an_administrator_who_was_demoted_changes_no_logo(
    ann: User, bo: User, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logo = (await put(ann, picture("PNG"))).json["logo"]
    await ann.ask("PATCH", "/api/users/bo", {"admin": True})
    boss = await ann.chat.logged_in("bo")
    set_logo = ann.chat.server.server_profile.set_logo

    async def demoting(*args: Any, **options: Any) -> None:
        await ann.ask("PATCH", "/api/users/bo", {"admin": False})
        await set_logo(*args, **options)

    monkeypatch.setattr(ann.chat.server.server_profile, "set_logo", demoting)
    data = {"data": io.BytesIO(picture("PNG"))} if method == "PUT" else {}
    assert (await boss.ask(method, LOGO, **data)).json["code"] == "forbidden"
    assert (await profile(ann.chat))["logo"] == logo
