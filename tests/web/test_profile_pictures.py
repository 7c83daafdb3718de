"""HTTP API of profile pictures: who may set and see them, and what members receive."""

import io
from typing import Any

import pytest

from chatserver.protocol import Type
from tests.driver import Answer, Chat, User
from tests.files.test_media_processor import picture

PHOTO = picture("JPEG")
OWN = "/api/me/picture"


async def put(user: User, content: bytes = PHOTO, path: str = OWN, **headers: str) -> Answer:
    return await user.ask("PUT", path, data=io.BytesIO(content), headers=headers)


async def chosen(user: User, content: bytes = PHOTO, path: str = OWN) -> str:
    """Set a picture; return its id."""
    answer = await put(user, content, path)
    assert answer.status == 200, answer.text
    return str(answer.json["picture"])


async def get(user: User, picture: str, **headers: str) -> tuple[int, Any, bytes]:
    wanted = {"Authorization": f"Bearer {user.token}"} | headers
    async with user.http.get(f"{user.chat.url}/pictures/{picture}", headers=wanted) as response:
        return response.status, response.headers, await response.read()


def on_disk(chat: Chat) -> list[str]:
    return [path.name for path in chat.server.folder.files_folder.glob("*/*/*") if path.is_file()]


async def account(viewer: User, name: str) -> Any:
    return (await viewer.ask("GET", f"/api/users?names={name}")).json["users"][0]


async def test_members_see_a_picture_under_a_url_that_never_changes(ann: User, bo: User) -> None:
    chosen_id = await chosen(ann)
    assert (await account(bo, "ann"))["picture"] == chosen_id
    assert "picture" not in await account(bo, "bo")
    assert (await ann.ask("GET", "/api/me")).json["user"]["picture"] == chosen_id
    status, headers, content = await get(bo, chosen_id)
    assert (status, headers["Content-Type"], content[8:12]) == (200, "image/webp", b"WEBP")
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (await get(bo, chosen_id, **{"If-None-Match": headers["ETag"]}))[0] == 304
    assert (await get(bo, "A" * 22))[0] == 404
    async with bo.http.get(f"{bo.chat.url}/pictures/{chosen_id}") as response:
        assert response.status == 401
    assert (await bo.ask("GET", f"/files/{chosen_id}/picture.webp")).status == 404


async def test_a_replaced_and_a_removed_picture_are_gone_from_disk(ann: User) -> None:
    first, second = await chosen(ann), await chosen(ann)
    cleanup = ann.chat.server.files.cleanup
    await cleanup.delete_due()
    assert on_disk(ann.chat) == [second]
    assert (await get(ann, first))[0] == 404
    assert (await ann.ask("DELETE", OWN)).status == 200
    await cleanup.delete_due()
    assert on_disk(ann.chat) == []
    assert "picture" not in await account(ann, "ann")


async def test_connected_users_receive_a_changed_picture_once(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    assert all("picture" not in one for one in bos.online["data"])
    chosen_id = await chosen(ann)
    seen = await presence_of(bos, "ann")
    assert seen == {"name": "ann", "display": "Ann", "status": "online", "picture": chosen_id}
    later = await bo.connect()
    assert seen in later.online["data"]
    await ann.ask("DELETE", OWN)
    assert "picture" not in await presence_of(bos, "ann")
    await anns.close()


async def presence_of(device: Any, name: str, key: str = "online") -> Any:
    """Return a user of the next presence that has the user under `key`."""
    while True:
        users = (await device.next(Type.PRESENCE)).get(key, ())
        if found := [user for user in users if user["name"] == name]:
            return found[0]


async def test_administrators_set_the_picture_of_a_bot_and_remove_those_of_all(
    ann: User, bo: User
) -> None:
    made = (await ann.ask("POST", "/api/bots", {"name": "robo", "display": "Robo"})).json
    bos = await bo.connect()
    path = "/api/bots/robo/picture"
    assert (await put(bo, path=path)).json["code"] == "forbidden"
    chosen_id = await chosen(ann, path=path)
    assert (await account(bo, "robo"))["picture"] == chosen_id
    assert (await presence_of(bos, "robo", "changed")) == {
        "name": "robo",
        "display": "Robo",
        "status": "offline",
        "picture": chosen_id,
    }
    robo = User(ann.chat, "robo", 0, made["token"], ann.chat.browser())
    assert await chosen(robo) != chosen_id
    assert (await ann.ask("GET", "/api/bots")).json["bots"][0]["picture"]
    assert (await put(ann, path="/api/bots/bo/picture")).status == 404
    assert (await ann.ask("DELETE", path)).status == 200
    await chosen(bo)
    assert (await bo.ask("DELETE", "/api/users/ann/picture")).json["code"] == "forbidden"
    assert (await ann.ask("DELETE", "/api/users/bo/picture")).status == 200
    people = (await ann.ask("GET", "/api/admin/people")).json["people"]
    assert [one["picture"] for one in people] == [None, None]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "bad_request"),
        (PHOTO[:2_000], 400, "bad_request"),
        (b"", 400, "bad_request"),
        (b"x" * (10 * 2**20 + 1), 413, "too_large"),
    ],
)
async def test_what_is_no_picture_is_refused_and_the_old_one_stays(
    ann: User, content: bytes, status: int, code: str
) -> None:
    chosen_id = await chosen(ann)
    answer = await put(ann, content)
    assert (answer.status, answer.json["code"]) == (status, code)
    await ann.chat.server.files.cleanup.delete_due()
    assert on_disk(ann.chat) == [chosen_id]
    assert (await account(ann, "ann"))["picture"] == chosen_id


async def test_a_session_that_ends_during_the_upload_sets_nothing(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = ann.chat.server.files.media
    crop = media.crop

    async def ending(file_id: str, suffix: str, *, user_id: int) -> bool:
        await ann.ask("DELETE", "/api/sessions")
        return await crop(file_id, suffix, user_id=user_id)

    monkeypatch.setattr(media, "crop", ending)
    assert (await put(ann)).status == 401
    await ann.chat.server.files.cleanup.delete_due()
    assert on_disk(ann.chat) == []
