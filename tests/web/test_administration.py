"""Administration over HTTP: authorization, effects and limits."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from chatserver.config import ServerSettings, Settings
from chatserver.protocol import Type
from chatserver.web.admin_pages import SECTIONS
from chatserver.web.operations import Operation
from chatserver.web.routes import OPERATIONS
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, User, ask

HTML = {"Accept": "text/html"}
FOR_ADMINISTRATORS = [one for one in OPERATIONS if one.access == "administrator"]


def address(operation: Operation) -> str:
    """Return a path whose objects need not exist: authorization comes first."""
    return re.sub(r"{(\w+)}", lambda place: {"number": "1"}.get(place[1], "bo"), operation.path)


async def login(chat: Chat, name: str, password: str) -> int:
    form = {"username": name, "password": password}
    return (await ask(chat.browser(), "POST", chat.url + "/login", form)).status


# Authorization ------------------------------------------------------------------------------------


async def test_every_administrative_operation_is_forbidden_for_other_users(
    chat: Chat, ann: User, bo: User
) -> None:
    assert len(FOR_ADMINISTRATORS) > 12
    for operation in FOR_ADMINISTRATORS:
        method, path = operation.method, address(operation)
        refused = await bo.ask(method, path, {})
        assert (refused.status, refused.json["code"]) == (403, "forbidden"), operation.name
        stranger = await ask(chat.browser(), method, chat.url + path, {})
        assert (stranger.status, stranger.json["code"]) == (401, "unauthorized"), operation.name


async def test_cross_site_requests_of_an_administrator_are_rejected(ann: User) -> None:
    for operation in FOR_ADMINISTRATORS:
        if operation.method != "GET":
            path, headers = address(operation), {"Origin": "http://evil.example"}
            refused = await ann.ask(operation.method, path, {}, headers=headers)
            assert (refused.status, refused.json["code"]) == (403, "forbidden"), operation.name


@pytest.mark.parametrize("section", SECTIONS)
async def test_administration_pages_are_forbidden_for_members(
    chat: Chat, ann: User, bo: User, section: str
) -> None:
    path = f"/admin/{section}"
    page = await ann.ask("GET", path, headers=HTML)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    refused = await bo.ask("GET", path, headers=HTML)
    assert (refused.status, "error-status" in refused.text) == (403, True)
    stranger = await ask(chat.browser(), "GET", chat.url + path, headers=HTML)
    assert (stranger.status, stranger.headers["Location"]) == (302, f"/login?next={path}")


async def test_only_administrators_get_a_link_to_the_administration(ann: User, bo: User) -> None:
    assert (await ann.ask("GET", "/admin")).headers["Location"] == "/admin/people"
    assert (await ann.ask("GET", "/admin/nothing", headers=HTML)).status == 404
    assert 'href="/admin"' in (await ann.ask("GET", "/index", headers=HTML)).text
    assert 'href="/admin"' not in (await bo.ask("GET", "/index", headers=HTML)).text


# Users --------------------------------------------------------------------------------------------


async def test_the_user_list_has_presence_and_last_seen_times(
    chat: Chat, ann: User, bo: User
) -> None:
    await ann.ask("POST", "/api/users", {"username": "cy", "password": PASSWORD})
    await ann.ask("POST", "/api/bots", {"name": "robot"})
    users = (await ann.ask("GET", "/api/admin/people")).json["people"]
    assert [(p["name"], p["role"], p["disabled"]) for p in users] == [
        ("ann", "admin", False),
        ("bo", "member", False),
        ("cy", "member", False),
    ]
    assert users[1]["last_seen_at"] >= users[1]["created_at"]
    assert users[2]["last_seen_at"] is None
    assert "password" not in str(users)
    assert [p["online"] for p in users] == [False, False, False]


async def test_resetting_a_password_returns_a_new_one_and_ends_all_sessions(
    chat: Chat, ann: User, bo: User
) -> None:
    bos = await bo.connect()
    reset = await ann.ask("POST", "/api/users/bo/password")
    assert reset.status == 200
    assert await bos.closed() == 4101
    assert (await bo.ask("GET", "/api/me")).status == 401
    assert await login(chat, "bo", PASSWORD) == 401
    assert await login(chat, "bo", reset.json["password"]) == 200
    assert (await ann.ask("POST", "/api/users/nobody/password")).status == 404


async def test_a_user_can_be_promoted_and_demoted(chat: Chat, ann: User, bo: User) -> None:
    bos = await bo.connect()
    made = await ann.ask("PATCH", "/api/users/bo", {"admin": True})
    assert made.json["user"]["role"] == "admin"
    assert await bos.closed() == 4001  # the client reconnects with its new rights
    assert (await bo.ask("GET", "/api/admin/people")).status == 200
    assert (await bo.ask("PATCH", "/api/users/ann", {"admin": False})).status == 200
    assert (await ann.ask("GET", "/api/admin/people")).status == 403


async def test_the_last_administrator_cannot_be_demoted(chat: Chat, ann: User, bo: User) -> None:
    await ann.ask("PATCH", "/api/users/bo", {"admin": True})
    await ann.ask("PATCH", "/api/users/bo", {"disabled": True})
    unmade = await ann.ask("PATCH", "/api/users/ann", {"admin": False})
    assert (unmade.status, unmade.json["code"]) == (403, "forbidden")
    assert "last administrator" in unmade.json["data"]
    await ann.ask("PATCH", "/api/users/bo", {"disabled": False})
    bo = await chat.logged_in("bo")
    assert (await bo.ask("PATCH", "/api/users/ann", {"disabled": True})).status == 200
    assert (await bo.ask("PATCH", "/api/users/bo", {"admin": False})).status == 403
    assert (await bo.ask("GET", "/api/admin/people")).status == 200


async def test_the_successor_of_a_disabled_administrator_of_a_room_reconnects(
    ann: User, bo: User, cy: User
) -> None:
    made = await bo.ask("POST", "/api/rooms", {"name": "den", "users": ["cy"]})
    device = await cy.connect()
    assert (await ann.ask("PATCH", "/api/users/bo", {"disabled": True})).status == 200
    assert await device.closed() == 4001
    welcomed = (await cy.connect()).welcome["rooms"]
    [den] = [room for room in welcomed if room["room"] == made.json["room"]]
    assert den["admin"]


async def test_a_display_name_can_be_changed_and_is_validated(ann: User, bo: User) -> None:
    changed = await ann.ask("PATCH", "/api/users/bo", {"display": "  Bo   B. "})
    assert changed.json["user"]["display"] == "Bo B."
    refused = await ann.ask("PATCH", "/api/users/bo", {"display": "evil\u202eeman"})
    assert refused.json["code"] == "bad_request"


# Invitations -------------------------------------------------------------------------------------


async def test_an_invitation_admits_to_its_room(chat: Chat, ann: User) -> None:
    made = await ann.ask("POST", "/api/rooms", {"name": "plans", "title": "Plans", "private": True})
    anns = await ann.connect()
    invite = (await ann.ask("POST", "/api/invites", {"room": "plans"})).json
    assert (invite["room"], invite["title"]) == (made.json["room"], "Plans")
    form = {"username": "bo", "password": PASSWORD}
    browser = chat.browser()
    assert (await ask(browser, "POST", invite["url"], form)).status == 200
    rooms = (await ask(browser, "GET", chat.url + "/api/rooms")).json["rooms"]
    assert [room["name"] for room in rooms] == ["lobby", "plans"]
    joined = await anns.next(Type.ROOM)
    assert (joined["action"], joined["users"]) == ("join", ["bo"])


async def test_an_administrator_cannot_invite_into_a_private_room_without_membership(
    ann: User, bo: User
) -> None:
    await bo.ask("POST", "/api/rooms", {"name": "secret", "private": True})
    for room in ("secret", "nowhere"):
        refused = await ann.ask("POST", "/api/invites", {"room": room})
        assert (refused.status, refused.json["code"]) == (404, "not_found")
        refused = await ann.ask("POST", "/api/bots", {"name": "spy", "rooms": [room]})
        assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert (await ann.ask("GET", "/api/invites")).json["invites"] == []
    assert (await ann.ask("GET", "/api/bots")).json["bots"] == []


async def test_members_are_notified_of_a_bot_that_joins_their_room(ann: User, bo: User) -> None:
    made = await ann.ask("POST", "/api/rooms", {"name": "plans", "private": True, "users": ["bo"]})
    bos = await bo.connect()
    assert (await ann.ask("POST", "/api/bots", {"name": "robot", "rooms": ["plans"]})).status == 201
    event = await bos.next(Type.ROOM)
    assert (event["action"], event["users"], event["user"]) == ("invite", ["robot"], "ann")
    assert "id" not in event
    events = await bo.ask("GET", f"/api/rooms/{made.json['room']}/events?after={event['seq'] - 1}")
    assert [one["action"] for one in events.json["events"]] == ["invite"]
    many = {"name": "tin", "rooms": ["plans"] * 101}
    assert (await ann.ask("POST", "/api/bots", many)).status == 400


async def test_an_invitation_into_an_archived_room_still_creates_the_account(
    chat: Chat, ann: User
) -> None:
    room = (await ann.ask("POST", "/api/rooms", {"name": "plans"})).json["room"]
    invite = (await ann.ask("POST", "/api/invites", {"room": "plans"})).json
    await ann.ask("PATCH", f"/api/rooms/{room}", {"archived": True})
    form = {"username": "bo", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", invite["url"], form)).status == 200
    members = (await ann.ask("GET", f"/api/rooms/{room}/members")).json["members"]
    assert [member["name"] for member in members] == ["ann"]


async def test_the_qr_code_is_an_svg_image_with_a_white_background(ann: User) -> None:
    code = (await ann.ask("POST", "/api/invites", {})).json["code"]
    picture = await ann.ask("GET", f"/api/invites/{code}/qr.svg")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "unsafe" not in picture.headers["Content-Security-Policy"]
    assert 'fill="#fff"' in picture.text
    assert 'stroke="#000"' in picture.text
    assert not re.search(r"<script|style=|class=", picture.text)
    await ann.ask("DELETE", f"/api/invites/{code}")
    assert (await ann.ask("GET", f"/api/invites/{code}/qr.svg")).status == 404


# Rooms -------------------------------------------------------------------------------------------


async def rooms_of(admin: User) -> dict[str, Any]:
    rooms = (await admin.ask("GET", "/api/admin/rooms")).json["rooms"]
    return {room["name"]: room for room in rooms}


async def test_administrators_see_metadata_of_named_rooms_only(
    ann: User, bo: User, cy: User
) -> None:
    room = (
        await bo.ask("POST", "/api/rooms", {"name": "secret", "title": "Gift", "private": True})
    ).json["room"]
    await bo.ask("POST", "/api/rooms", {"users": ["cy"]})  # a conversation, which has no name
    await bo.ask("POST", "/api/direct/cy/messages", {"data": "psst"})
    said = await bo.ask("POST", f"/api/rooms/{room}/messages", {"data": "a watch for ann"})
    found = await rooms_of(ann)
    assert set(found) == {"lobby", "secret"}
    assert found["secret"] == {
        "room": room,
        "name": "secret",
        "title": "Gift",
        "private": True,
        "archived": False,
        "members": 1,
        "messages": 1,
        "last_at": said.json["at"],
        "retention_days": None,
        "admins": ["bo"],
    }
    for path in (f"/api/rooms/{room}", f"/api/rooms/{room}/members", f"/api/rooms/{room}/events"):
        assert (await ann.ask("GET", path)).status == 404
    assert (await ann.ask("GET", "/api/search?q=watch")).json["hits"] == []
    entered = await ann.ask("POST", f"/api/rooms/{room}/members", {"users": ["ann"]})
    assert entered.status == 404


async def test_members_are_notified_when_an_administrator_archives_their_room(
    ann: User, bo: User
) -> None:
    room = (await bo.ask("POST", "/api/rooms", {"name": "den", "private": True})).json["room"]
    bos = await bo.connect()
    path = f"/api/admin/rooms/{room}"
    assert (await ann.ask("PATCH", path, {"archived": True, "retention_days": 30})).status == 200
    changes = [await bos.next(Type.ROOM), await bos.next(Type.ROOM)]
    assert [(event["user"], event["action"]) for event in changes] == [
        ("ann", "archive"),
        ("ann", "change"),
    ]
    assert changes[1]["retention_days"] == 30
    den = (await rooms_of(ann))["den"]
    assert (den["archived"], den["retention_days"]) == (True, 30)
    await ann.ask("PATCH", path, {"archived": False, "retention_days": 0})
    den = (await rooms_of(ann))["den"]
    assert (den["archived"], den["retention_days"]) == (False, None)
    assert (await ann.ask("GET", f"/api/rooms/{room}/members")).status == 404


async def test_invalid_changes_of_rooms_are_rejected(ann: User, bo: User) -> None:
    conversation = (await bo.ask("POST", "/api/rooms", {"users": ["ann"]})).json["room"]
    for number, body, status in (
        ("1", {"archived": True}, 403),
        ("1", {}, 400),
        ("1", {"retention_days": -1}, 400),
        (str(conversation), {"archived": True}, 404),
        ("99", {"archived": True}, 404),
        ("9" * 40, {"archived": True}, 404),
    ):
        refused = await ann.ask("PATCH", f"/api/admin/rooms/{number}", body)
        assert refused.status == status, (number, body)


async def conversations(admin: User, query: str = "") -> list[dict[str, Any]]:
    answer = (await admin.ask("GET", f"/api/admin/conversations{query}")).json
    assert answer["more"] is False
    found: list[dict[str, Any]] = answer["conversations"]
    return found


async def test_unnamed_conversations_are_listed_by_size(ann: User, bo: User, cy: User) -> None:
    small = (await bo.ask("POST", "/api/rooms", {"users": ["cy"]})).json["room"]
    large = (await cy.ask("POST", "/api/rooms", {"users": ["bo", "ann"]})).json["room"]
    await bo.ask("POST", "/api/rooms", {"name": "den"})
    await bo.ask("POST", "/api/direct/cy/messages", {"data": "psst"})
    said = await bo.ask("POST", f"/api/rooms/{small}/messages", {"data": "between us"})
    found = await conversations(ann)
    assert [one["room"] for one in found] == [large, small]
    assert (found[1]["members"], found[1]["events"], found[1]["created_by"]) == (2, 2, "bo")
    assert found[1]["last_at"] == said.json["at"]
    assert found[1].keys() == {"room", "members", "events", "created_by", "created_at", "last_at"}
    assert [one["room"] for one in await conversations(ann, "?order=events")] == [small, large]
    first = (await ann.ask("GET", "/api/admin/conversations?limit=1")).json
    assert ([one["room"] for one in first["conversations"]], first["more"]) == ([large], True)
    assert (await ann.ask("GET", "/api/admin/conversations?order=title")).status == 400
    assert (await bo.ask("GET", "/api/admin/conversations")).status == 403


async def test_an_administrator_can_dissolve_an_unnamed_conversation(
    ann: User, bo: User, cy: User
) -> None:
    room = (await bo.ask("POST", "/api/rooms", {"users": ["cy"]})).json["room"]
    bos = await bo.connect()
    path = f"/api/admin/conversations/{room}"
    assert (await bo.ask("DELETE", path)).status == 403
    assert (await ann.ask("DELETE", path)).status == 200
    event = await bos.next(Type.ROOM)
    assert (event["user"], event["action"], event["users"]) == ("ann", "remove", ["bo", "cy"])
    assert (await bos.say("hello?", room=room))["code"] == "not_found"
    assert [one["room"] for one in (await cy.connect()).welcome["rooms"]] == [1]
    assert await conversations(ann) == []
    assert (await bo.ask("GET", f"/api/rooms/{room}/events")).status == 404
    assert (await ann.ask("DELETE", path)).status == 404


async def test_only_unnamed_conversations_can_be_dissolved(ann: User, bo: User, cy: User) -> None:
    named = (await bo.ask("POST", "/api/rooms", {"name": "den"})).json["room"]
    private = (await bo.ask("POST", "/api/rooms", {"name": "cave", "private": True})).json["room"]
    direct = (await bo.ask("POST", "/api/direct/cy/messages", {"data": "psst"})).json["room"]
    for number in (1, named, private, direct, 99, 10**39):
        refused = await ann.ask("DELETE", f"/api/admin/conversations/{number}")
        assert refused.status == 404, number


# Bots --------------------------------------------------------------------------------------------


async def test_only_the_newest_token_of_a_bot_is_valid(chat: Chat, ann: User) -> None:
    made = await ann.ask("POST", "/api/bots", {"name": "robot", "display": "Robot"})
    bot = User(chat, "robot", 0, made.json["token"], chat.browser())
    assert (await bot.ask("POST", "/api/rooms/1/messages", {"data": "hello"})).status == 201
    device = await bot.connect()
    renewed = await ann.ask("POST", "/api/bots/robot/token")
    assert renewed.status == 201
    assert await device.closed() == 4101
    assert (await bot.ask("GET", "/api/me")).status == 401
    bot.token = renewed.json["token"]
    assert (await bot.ask("GET", "/api/me")).status == 200
    (listed,) = (await ann.ask("GET", "/api/bots")).json["bots"]
    assert (listed["name"], listed["rooms"], listed["disabled"]) == ("robot", ["lobby"], False)
    assert listed["token_since"] is not None
    assert (await ann.ask("DELETE", "/api/bots/robot/token")).status == 200
    assert (await bot.ask("GET", "/api/me")).status == 401
    (listed,) = (await ann.ask("GET", "/api/bots")).json["bots"]
    assert listed["token_since"] is None


async def test_bot_operations_reject_users_and_user_operations_reject_bots(
    ann: User, bo: User
) -> None:
    await ann.ask("POST", "/api/bots", {"name": "robot"})
    assert (await ann.ask("POST", "/api/bots/bo/token")).status == 404
    assert (await ann.ask("DELETE", "/api/bots/nobody/token")).status == 404
    assert (await ann.ask("POST", "/api/users/robot/password")).status == 403
    assert (await ann.ask("PATCH", "/api/users/robot", {"admin": True})).status == 403
    assert (await ann.ask("PATCH", "/api/users/robot", {"disabled": True})).status == 200


# The server --------------------------------------------------------------------------------------


async def test_the_check_reports_the_server_and_the_request(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    found = (await ann.ask("GET", "/api/admin/check")).json
    await device.close()
    assert found["origin"] == chat.url
    assert (found["secure"], found["forwarded"], found["trusted"]) == (False, False, False)
    assert (found["database"], found["durability"], found["storing"]) == ("sqlite", "full", True)
    assert found["revision"] == found["newest_revision"]
    assert (found["connections"], found["waiting"]) == (1, 0)
    assert found["database_bytes"] >= 4096
    assert found["disk_free"] > 0


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_check_reports_whether_the_proxy_is_trusted(
    start_chat: StartChat, tmp_path: Any, trusted: bool
) -> None:
    server = ServerSettings(trusted_proxies=["127.0.0.1" if trusted else "192.0.2.1"])
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    ann = await chat.user("ann", admin=True)
    outer = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "chat.example",
        "X-Forwarded-Proto": "https",
    }
    found = (await ann.ask("GET", "/api/admin/check", headers=outer)).json
    assert (found["forwarded"], found["trusted"], found["secure"]) == (True, trusted, trusted)
    assert found["origin"] == ("https://chat.example" if trusted else chat.url)


async def test_an_expired_administrator_session_returns_to_its_page_after_the_login(
    chat: Chat, ann: User
) -> None:
    form = {"username": "ann", "password": PASSWORD}
    url = f"{chat.url}/login?next={quote('/admin/rooms')}"
    async with chat.browser().post(url, data=form, headers=HTML, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/admin/rooms")


async def test_invitations_contain_addresses_for_other_devices(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan = ["http://10.0.0.5:3000", "http://192.168.1.7:3000"]
    monkeypatch.setattr(
        "chatserver.web.server_urls.urls_for_other_devices", lambda listening, host: lan
    )
    monkeypatch.setattr(chat.server.urls, "listening_url", "http://127.0.0.1:3000")
    made = (await ann.ask("POST", "/api/invites", {})).json
    assert (made["addresses"], made["url"]) == (lan, f"{lan[0]}/join/{made['code']}")
    shown = (await ann.ask("GET", "/api/invites")).json
    assert (shown["addresses"], shown["invites"][0]["url"]) == (lan, made["url"])
    assert (await ann.ask("GET", "/api/admin/check")).json["addresses"] == lan

    async def picture(address: str) -> str:
        query = f"?address={address}" if address else ""
        return (await ann.ask("GET", f"/api/invites/{made['code']}/qr.svg{query}")).text

    first, second = await picture(lan[0]), await picture(lan[1])
    assert first != second
    assert await picture("") == await picture("http://evil.example") == first


async def test_an_invitation_has_no_address_if_none_is_known(chat: Chat, ann: User) -> None:
    made = (await ann.ask("POST", "/api/invites", {})).json
    assert (made["addresses"], made["url"]) == ([], f"{chat.url}/join/{made['code']}")
