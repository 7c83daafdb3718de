"""HTTP API of rooms and messages: the same rules and durability as for commands."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chatserver.protocol import Type
from chatserver.web.rates import READ_RATE
from tests.driver import Chat, User, ask
from tests.fakes import FakeClock


async def test_a_message_posted_over_http_is_delivered_to_members(ann: User, bo: User) -> None:
    bos = await bo.connect()
    said = await ann.ask("POST", "/api/rooms/lobby/messages", {"data": "hello", "id": "a1"})
    assert (said.status, said.json["ok"], said.json["seq"]) == (201, 1, 1)
    assert (await bos.receives("hello"))["user"] == "ann"
    again = await ann.ask("POST", "/api/rooms/1/messages", {"data": "hello", "id": "a1"})
    assert (again.status, again.json["seq"], again.json["duplicate"]) == (200, 1, True)


async def test_a_plain_text_body_is_the_message(ann: User, bo: User) -> None:
    bos = await bo.connect()
    headers = {"Authorization": f"Bearer {ann.token}", "Content-Type": "text/plain"}
    url = f"{ann.chat.url}/api/rooms/lobby/messages"
    async with ann.http.post(url, data="Build done ✅".encode(), headers=headers) as response:
        assert response.status == 201
    await bos.receives("Build done ✅")


async def test_a_direct_message_can_be_posted_over_http(ann: User, bo: User) -> None:
    bos = await bo.connect()
    said = await ann.ask("POST", "/api/direct/bo/messages", {"data": "psst"})
    assert said.status == 201
    assert (await bos.receives("psst"))["to"] == "bo"
    assert (await ann.ask("POST", "/api/direct/nobody/messages", {"data": "x"})).status == 404


async def test_a_room_can_be_created_changed_and_archived_over_http(
    ann: User, bo: User, cy: User
) -> None:
    bos = await bo.connect()
    made = await ann.ask("POST", "/api/rooms", {"name": "plans", "topic": "what next"})
    assert (made.status, made.json["state"]["name"]) == (201, "plans")
    number = made.json["room"]
    assert (await bo.ask("GET", "/api/rooms/plans")).json["topic"] == "what next"
    listed = (await bo.ask("GET", "/api/rooms")).json
    assert [room["name"] for room in listed["public"]] == ["lobby", "plans"]
    assert [room["room"] for room in listed["rooms"]] == [1]
    assert (await bo.ask("POST", "/api/rooms/plans/members", {})).status == 201
    assert (await bos.next(Type.ROOM))["state"]["room"] == number
    assert (await ann.ask("POST", "/api/rooms/plans/members", {"users": ["cy"]})).status == 201
    members = (await cy.ask("GET", f"/api/rooms/{number}/members")).json["members"]
    assert [(m["name"], m["role"]) for m in members] == [
        ("ann", "admin"),
        ("bo", "member"),
        ("cy", "member"),
    ]
    assert (await bo.ask("PATCH", "/api/rooms/plans", {"title": "x"})).status == 403
    assert (await ann.ask("PATCH", "/api/rooms/plans", {"title": "Plans"})).status == 200
    assert (await ann.ask("DELETE", "/api/rooms/plans/members/cy")).status == 200
    assert (await cy.ask("GET", "/api/rooms/plans/members")).status == 404
    assert (await bo.ask("DELETE", "/api/rooms/plans/members/bo")).status == 200
    assert (await ann.ask("PATCH", "/api/rooms/plans", {"archived": True})).status == 200
    said = await ann.ask("POST", "/api/rooms/plans/messages", {"data": "late"})
    assert (said.status, said.json["code"]) == (403, "forbidden")


async def test_a_member_can_leave_by_any_spelling_of_their_name(ann: User, bo: User) -> None:
    await ann.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo"]})
    assert (await bo.ask("DELETE", "/api/rooms/plans/members/ＢＯ")).status == 200


@pytest.mark.parametrize("alone", ["muted", "archived"])
async def test_properties_that_must_be_set_alone_are_rejected_with_others(
    ann: User, alone: str
) -> None:
    await ann.ask("POST", "/api/rooms", {"name": "plans"})
    asked = {"title": "Late plans", alone: True}
    assert (await ann.ask("PATCH", "/api/rooms/plans", asked)).status == 400
    room = (await ann.ask("GET", "/api/rooms/plans")).json
    assert (room["title"], room.get(alone, False)) == ("plans", False)
    assert (await ann.ask("PATCH", "/api/rooms/plans", {alone: True, "id": "1"})).status == 200


async def test_a_message_can_be_posted_edited_and_deleted_over_http(ann: User, bo: User) -> None:
    url = "/api/rooms/lobby/messages"
    seq = (await ann.ask("POST", url, {"data": "helo"})).json["seq"]
    assert (await ann.ask("PATCH", f"{url}/{seq}", {"data": "hello"})).status == 200
    assert (await bo.ask("PUT", f"{url}/{seq}/reactions/👍")).status == 200
    page = (await bo.ask("GET", "/api/rooms/lobby/events")).json
    assert (page["events"][0]["data"], page["events"][0]["reactions"]) == ("hello", {"👍": ["bo"]})
    assert (await bo.ask("DELETE", f"{url}/{seq}/reactions/👍")).status == 200
    assert (await bo.ask("DELETE", f"{url}/{seq}")).status == 403
    assert (await ann.ask("DELETE", f"{url}/{seq}")).status == 200
    whole = (await bo.ask("GET", "/api/rooms/lobby/events?after=0&limit=10")).json
    assert [event["type"] for event in whole["events"]] == [2, 10, 12, 12, 11]
    assert "hello" not in str(whole)


async def test_catching_up_over_http_after_a_restore_returns_reset(chat: Chat, ann: User) -> None:
    url = "/api/rooms/lobby/events"
    epoch = (await ann.ask("GET", url)).json["epoch"]
    assert (await ann.ask("GET", f"{url}?after=0&epoch={epoch}")).status == 200
    chat.server.history.epoch = "restored"
    refused = await ann.ask("GET", f"{url}?after=0&epoch={epoch}")
    assert (refused.status, refused.json["code"]) == (409, "reset")
    assert refused.json["epoch"] == "restored"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/rooms/lobby/events?after=1&before=2", 400),
        ("/api/rooms/lobby/events?limit=501", 400),
        ("/api/rooms/lobby/events?after=x", 400),
        ("/api/rooms/lobby/events?after=5", 409),
        ("/api/rooms/99999999999999999999999/events", 404),
        ("/api/rooms/nowhere/events", 404),
        ("/api/rooms/%00/events", 404),
        ("/api/rooms/77", 404),
        ("/api/rooms/0", 404),
        ("/api/rooms/0/events", 404),
    ],
)
async def test_invalid_queries_are_rejected(ann: User, path: str, status: int) -> None:
    assert (await ann.ask("GET", path)).status == status


async def test_queries_of_a_user_have_one_rate_for_http_and_connections(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.server.rates.reads, "_clock", FakeClock(0.0))
    device = await ann.connect()
    for _ in range(READ_RATE[1]):
        chat.server.rates.reads.take(ann.number)
    for path in ("rooms", "rooms/1", "rooms/1/members", "rooms/1/events", "search?q=x", "users"):
        refused = await ann.ask("GET", f"/api/{path}")
        assert (refused.status, refused.json["code"]) == (429, "rate_limited")
        assert (refused.headers["Retry-After"], refused.json["retry_after"]) == ("1", 0.05)
        assert (await bo.ask("GET", f"/api/{path}")).status == 200
    assert (await device.history(1))["code"] == "rate_limited"
    said = await ann.ask("POST", "/api/rooms/lobby/messages", {"data": "hello"})
    assert said.status == 201


async def test_sessions_can_be_listed_and_all_ended(chat: Chat, ann: User) -> None:
    other = await chat.logged_in("ann")
    device = await other.connect()
    seen = (await ann.ask("GET", "/api/sessions")).json["sessions"]
    assert [session["current"] for session in seen].count(True) == 1
    assert len(seen) == 2
    assert (await ann.ask("DELETE", "/api/sessions")).status == 200
    assert await device.closed() == 4101
    assert (await ann.ask("GET", "/api/me")).status == 401


async def test_a_bot_can_post_only_in_its_rooms(chat: Chat, ann: User, bo: User) -> None:
    await ann.ask("POST", "/api/rooms", {"name": "plans", "private": True})
    made = await ann.ask("POST", "/api/bots", {"name": "ci", "rooms": ["plans"]})
    assert made.status == 201
    bot = User(
        chat,
        "ci",
        0,
        made.json["token"],
        chat.browser(),
    )
    anns = await ann.connect()
    assert (
        await bot.ask("POST", "/api/rooms/plans/messages", {"data": "Build done"})
    ).status == 201
    assert (await anns.receives("Build done"))["user"] == "ci"
    secret = await anns.say("not for bots", to="bo")
    path = f"/api/rooms/{secret['room']}/messages"
    assert (await bot.ask("POST", path, {"data": "x"})).status == 404
    device = await bot.connect()
    assert device.welcome["user"] == "ci"
    await ann.ask("PATCH", "/api/users/ci", {"disabled": True})
    assert await device.closed() == 4102
    assert (await bot.ask("GET", "/api/me")).status == 401
    assert (await bo.ask("POST", "/api/bots", {"name": "mine"})).status == 403
    login = {"username": "ci", "password": "!"}
    assert (await ask(chat.browser(), "POST", chat.url + "/login", login)).status == 401


# Permissions -------------------------------------------------------------------------------------

Try = Callable[[User, int], Awaitable[Any]]

OPERATIONS: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "/api/rooms/{room}/events", None),
    "look": ("GET", "/api/rooms/{room}", None),
    "members": ("GET", "/api/rooms/{room}/members", None),
    "say": ("POST", "/api/rooms/{room}/messages", {"data": "hi"}),
    "edit": ("PATCH", "/api/rooms/{room}/messages/2", {"data": "hi"}),
    "delete": ("DELETE", "/api/rooms/{room}/messages/2", None),
    "react": ("PUT", "/api/rooms/{room}/messages/2/reactions/👍", None),
    "join": ("POST", "/api/rooms/{room}/members", {}),
    "invite": ("POST", "/api/rooms/{room}/members", {"users": ["eve"]}),
    "remove": ("DELETE", "/api/rooms/{room}/members/bo", None),
    "change": ("PATCH", "/api/rooms/{room}", {"topic": "x"}),
    "archive": ("PATCH", "/api/rooms/{room}", {"archived": True}),
    "mute": ("PATCH", "/api/rooms/{room}", {"muted": True}),
}
ALL = set(OPERATIONS)
MEMBER = {"read", "look", "members", "say", "react", "invite", "mute"}
ALLOWED = {
    "keeper": ALL - {"edit", "join"},
    "author": MEMBER | {"edit", "delete"},
    "member": MEMBER,
    "bot": MEMBER,
    "left": set(),
    "stranger": set(),
    "administrator": set(),
    "disabled": set(),
    "nobody": set(),
}


@pytest.mark.parametrize("who", ALLOWED)
async def test_operations_in_a_private_room_need_the_right_role(chat: Chat, who: str) -> None:
    """Every operation with every role; errors reveal nothing to nonmembers."""
    users = {
        name: await chat.user(name) for name in ("keeper", "author", "member", "left", "bo", "eve")
    }
    users |= {name: await chat.user(name) for name in ("stranger", "disabled")}
    users["administrator"] = await chat.user("boss", admin=True)
    invited = ["author", "member", "left", "bo", "disabled"]
    made = await users["keeper"].ask(
        "POST", "/api/rooms", {"name": "den", "private": True, "users": invited}
    )
    room = made.json["room"]
    assert (await users["author"].ask("POST", f"/api/rooms/{room}/messages", {"data": "hi"})).json[
        "seq"
    ] == 2
    await users["left"].ask("DELETE", f"/api/rooms/{room}/members/left")
    await users["administrator"].ask("PATCH", "/api/users/disabled", {"disabled": True})
    bot = await users["administrator"].ask("POST", "/api/bots", {"name": "ci"})
    await users["keeper"].ask("POST", f"/api/rooms/{room}/members", {"users": ["ci"]})
    users["bot"] = User(chat, "ci", 0, bot.json["token"], chat.browser())
    users["nobody"] = User(chat, "nobody", 0, "nonsense", chat.browser())
    for operation, (method, path, body) in sorted(
        OPERATIONS.items(), key=lambda o: o[0] in ("archive", "remove", "delete")
    ):
        answer = await users[who].ask(method, path.format(room=room), body)
        allowed = operation in ALLOWED[who]
        assert (answer.status < 400) == allowed, (who, operation, answer)
        assert answer.status < 500
        if not ALLOWED[who]:
            hidden = {"disabled": 401, "nobody": 401}.get(who, 404)
            assert answer.status == hidden, (who, operation, answer)
