"""Access control: users without the rights get nothing from any route or command."""

import re
from typing import Any, get_args

import pytest
import pytest_asyncio

from chatserver import protocol
from chatserver.protocol import Type
from chatserver.web.operations import Operation
from chatserver.web.routes import OPERATIONS
from tests.driver import PASSWORD, Chat, Device, Frame, User, ask

NO_ROOM = 4_711
OUTSIDERS = ["left", "stranger", "boss", "robot"]  # boss is the administrator
BODIES = {  # by name of the operation, where {} is none that could be granted
    "say": {"data": "hi"},
    "edit": {"data": "hi"},
    "change_room": {"topic": "x"},
    "oversee_room": {"archived": False},
    "set_room_notifications": {"level": "all"},
    "add_members": {"users": ["bo"]},
    "say_to_person": {"data": "hi"},
}

Users = dict[str, User]


@pytest_asyncio.fixture
async def users(chat: Chat) -> Users:
    """ann and bo have a private room, of which `left` is a former member, with a message of bo."""
    users = {name: await chat.user(name) for name in ("ann", "bo", "left", "stranger", "out")}
    users["boss"] = await chat.user("boss", admin=True)
    den = {"name": "den", "private": True, "users": ["bo", "left"]}
    room = (await users["ann"].ask("POST", "/api/rooms", den)).json["room"]
    await users["bo"].ask("POST", f"/api/rooms/{room}/messages", {"data": "among ourselves"})
    await users["left"].ask("DELETE", f"/api/rooms/{room}/members/left")
    await users["boss"].ask("PATCH", "/api/users/out", {"disabled": True})
    token = (await users["boss"].ask("POST", "/api/bots", {"name": "robot"})).json["token"]
    users["robot"] = User(chat, "robot", 0, token, chat.browser())
    users["nobody"] = User(chat, "nobody", 0, "nonsense", chat.browser())
    return users


def path(operation: Operation, room: int = NO_ROOM) -> str:
    """Fill in an emoji and the seq of bo's message; all other names do not exist."""
    parts = {"room": str(room), "seq": "2", "emoji": "👍", "number": "1", "user": "bo"}
    return re.sub(r"{(\w+)}", lambda place: parts.get(place[1], "bo"), operation.path)


async def tried(who: User, operation: Operation, room: int = NO_ROOM) -> tuple[int, str]:
    answer = await who.ask(operation.method, path(operation, room), BODIES.get(operation.name, {}))
    assert answer.status < 500, operation.name
    return answer.status, answer.text


# Over HTTP ---------------------------------------------------------------------------------------


async def test_operations_with_a_session_reject_requests_without_one(users: Users) -> None:
    for operation in OPERATIONS:
        if operation.access != "anyone":
            for name in ("nobody", "out"):
                status, text = await tried(users[name], operation)
                hidden = (
                    (403, "forbidden") if operation.access == "operator" else (401, "unauthorized")
                )
                assert (status, hidden[1] in text) == (hidden[0], True), operation.name


async def test_members_and_bots_cannot_administer(users: Users) -> None:
    for operation in OPERATIONS:
        if operation.access in ("administrator", "operator"):
            for name in ("bo", "robot"):
                status, _ = await tried(users[name], operation)
                assert status == 403, (operation.name, name)
        if operation.access == "operator":
            status, _ = await tried(users["boss"], operation)
            assert status == 403, operation.name


async def test_an_inaccessible_room_is_answered_like_a_missing_one(users: Users) -> None:
    (room,) = [room for room in await rooms_of(users["ann"]) if room["name"] == "den"]
    of_rooms = [one for one in OPERATIONS if "{room}" in one.path]
    assert len(of_rooms) > 9
    for operation in of_rooms:
        for name in OUTSIDERS:
            there = await tried(users[name], operation, room["room"])
            assert there == await tried(users[name], operation), (operation.name, name)
            assert there[0] == 404, (operation.name, name)


async def test_lists_and_search_reveal_nothing_to_nonmembers(users: Users) -> None:
    for name in OUTSIDERS:
        for question in ("/api/rooms", "/api/search?q=ourselves", "/api/search?q=in:den ourselves"):
            answer = await users[name].ask("GET", question)
            assert answer.status < 500
            assert "den" not in [room.get("name") for room in answer.json.get("rooms", [])]
            assert not answer.json.get("hits")


async def rooms_of(user: User) -> list[Any]:
    rooms: list[Any] = (await user.ask("GET", "/api/rooms")).json["rooms"]
    return rooms


# Commands ----------------------------------------------------------------------------------------

MESSAGES: dict[type, list[Frame]] = {  # all that names a room, with {room} and an id to come
    protocol.SayToRoom: [
        {"type": Type.GROUP_CHAT, "data": "x"},
        {"type": Type.GROUP_CHAT, "data": "x", "reply_to": 2},
    ],
    protocol.SayToPerson: [{"type": Type.SINGLE_CHAT, "data": "x"}],
    protocol.History: [
        {"type": Type.HISTORY, "after": 0},
        {"type": Type.HISTORY, "before": 99},
        {"type": Type.HISTORY, "rooms": 0},  # the number of the room as its key
    ],
    protocol.StartTyping: [{"type": Type.TYPING}],
    protocol.MarkRead: [{"type": Type.READ, "seq": 2}],
    protocol.EditMessage: [{"type": Type.EDIT, "target": 2, "data": "x"}],
    protocol.DeleteMessage: [{"type": Type.DELETE, "target": 2}],
    protocol.ReactTo: [{"type": Type.REACT, "target": 2, "emoji": "👍"}],
    protocol.ChangeRoom: [
        {"type": Type.ROOM, "action": "join"},
        {"type": Type.ROOM, "action": "leave"},
        {"type": Type.ROOM, "action": "invite", "users": ["stranger"]},
        {"type": Type.ROOM, "action": "remove", "users": ["bo"]},
        {"type": Type.ROOM, "action": "change", "private": False},
        {"type": Type.ROOM, "action": "archive"},
        {"type": Type.ROOM, "action": "mute"},
        {"type": Type.ROOM, "action": "favorite"},
    ],
    protocol.Renew: [],
    protocol.ReportVisible: [],
}
SILENT = (8, 9)


def test_every_command_is_tested() -> None:
    assert set(MESSAGES) == set(get_args(protocol.Command))


@pytest.mark.parametrize("name", OUTSIDERS)
async def test_no_command_affects_an_inaccessible_room(users: Users, name: str) -> None:
    device, witness = await users[name].connect(), await users["bo"].connect()
    (room,) = [room for room in witness.welcome["rooms"] if room["name"] == "den"]
    assert room["room"] not in [one["room"] for one in device.welcome["rooms"]]
    for frame in [frame for frames in MESSAGES.values() for frame in frames]:
        there = await reply_to(device, frame, room["room"])
        assert there == await reply_to(device, frame, NO_ROOM), frame
        assert there is None or there.get("gone") == ["it"] or there["code"] == "not_found", frame
    assert (await witness.history(room["room"], after=0))["head"] == room["head"]
    assert [
        frame
        for frame in witness.queued()
        if frame["type"] not in (Type.GROUP_LIST, Type.WELCOME, Type.PRESENCE)
    ] == []


async def reply_to(device: Device, frame: Frame, room: int) -> Frame | None:
    """Return the reply about a room without room-specific fields; None if there is none."""
    said: Frame = frame | ({"rooms": {str(room): 0}} if "rooms" in frame else {"room": room})
    if frame["type"] in SILENT:
        await device.send(said)
        return None
    answer = await device.ask(said.pop("type"), **said)
    if "gone" in answer:
        assert answer["gone"] == [room]
        answer["gone"] = ["it"]
    return {key: answer[key] for key in sorted(set(answer) - {"id"})}


# Authentication ----------------------------------------------------------------------------------


async def test_failed_logins_have_the_same_response(chat: Chat, users: Users) -> None:
    answers = set()
    for name, password in (
        ("bo", "not this one"),
        ("noone", PASSWORD),
        ("out", PASSWORD),
        ("robot", "!"),
        ("\0", PASSWORD),
    ):
        form = {"username": name, "password": password}
        answer = await ask(chat.browser(), "POST", chat.url + "/login", form)
        answers.add((answer.status, answer.text, *sorted(set(answer.headers) - {"Date"})))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


async def test_forged_tokens_are_rejected_everywhere(chat: Chat, users: Users) -> None:
    assert (await users["ann"].ask("GET", "/api/me")).status == 200
    for token in forged(users["ann"].token, users["bo"].token):
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Cookie": f"chatserver={token}"},
            {"Cookie": f"__Host-chatserver={token}"},
        ):
            answer = await ask(chat.browser(), "GET", chat.url + "/api/me", headers=headers)
            assert answer.status == 401, (headers, answer)
        async with chat.browser().ws_connect(f"{chat.url}/ws", params={"token": token}) as ws:
            assert (await ws.receive_json())["code"] == "session_invalid"
            await ws.receive()
            assert ws.close_code == 4101


def forged(mine: str, theirs: str) -> list[str]:
    """Return forgeries from two valid tokens without the key; see also test_session_tokens."""
    head, claims, seal = mine.split(".")
    other_head, other_claims, other_seal = theirs.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    return [
        f"{head}.{claims}.{other_seal}",
        f"{head}.{other_claims}.{seal}",
        f"{none}.{claims}.",
        f"{none}.{claims}.{seal}",
        f"{none}..",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}.{seal[:-4]}",
        f"{head}.{claims}.{seal}AAAA",
        f"{head}.{claims}.{seal[::-1]}",
        f"{head}.{claims}.{seal}.{seal}",
        f"{other_head[:-1]}.{claims}.{seal}",
        f"{head}.{claims[:-1]}.{seal}",
        f".{claims}.{seal}",
        "..",
        "null",
        "bot_" + "A" * 32,
        "bot_",
        "' OR 1=1 --",
        mine.upper(),
    ]
