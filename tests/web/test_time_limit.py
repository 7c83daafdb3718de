"""Time limit of every route and command while the database does not answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from aiohttp import web

from chatserver import deadline, protocol
from chatserver.accounts import revocations
from chatserver.errors import CloseCode
from chatserver.protocol import Type
from chatserver.storage.engine import Database
from chatserver.web import time_limit
from tests.driver import PASSWORD, Answer, Chat, Device, User, ask
from tests.push.test_encryption import BROWSER_KEY, SECRET
from tests.web.test_rates import routes

SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/x",
    "keys": {"p256dh": BROWSER_KEY, "auth": SECRET},
}
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/api/admin/server"): {"name": "Chat"},
    ("PATCH", "/api/files/{file}"): {"alt": "a cat"},
    ("POST", "/login"): {"username": "ann", "password": PASSWORD},
    ("POST", "/join/{code}"): {"username": "dee", "password": PASSWORD},
    ("PATCH", "/api/me"): {"display": "Anne"},
    ("PUT", "/api/me/password"): {"old": PASSWORD, "password": "orange cloud valley"},
    ("POST", "/api/users"): {"username": "eve", "password": PASSWORD},
    ("PATCH", "/api/users/{name}"): {"display": "Bob"},
    ("POST", "/api/rooms"): {"name": "more"},
    ("PATCH", "/api/rooms/{room}"): {"title": "Other"},
    ("POST", "/api/rooms/{room}/members"): {"users": ["cy"]},
    ("POST", "/api/rooms/{room}/messages"): {"data": "hi"},
    ("PATCH", r"/api/rooms/{room}/messages/{seq}"): {"data": "ho"},
    ("POST", "/api/direct/{user}/messages"): {"data": "hi"},
    ("POST", "/api/bots"): {"name": "second"},
    ("POST", "/api/push"): SUBSCRIPTION,
    ("PUT", "/api/notifications"): {"level": "all"},
    ("PUT", "/api/rooms/{room}/notifications"): {"level": "all"},
    ("PATCH", r"/api/admin/rooms/{number}"): {"retention_days": 3},
}
TIMEOUT = 0.4  # seconds, in these tests
PARTS = {"name": "bo", "user": "bo", "seq": "2", "emoji": "%F0%9F%91%8D", "section": "people"}
MESSAGES = {"say", "say_to_person", "edit", "delete", "react", "take_reaction_back"}  # these wait
WITHOUT_WRITES = {
    ("POST", "/setup"),  # there is an administrator
    ("POST", "/api/keys/rotate"),  # of the owner
    ("DELETE", "/api/sessions/{session}"),  # there is no such session
    ("POST", "/logout"),  # ends the session whatever the database does
    ("DELETE", "/api/admin/files/{file}"),  # there is no such file
    ("OPTIONS", "/api/uploads"),
    ("POST", "/api/uploads"),  # without the version of the protocol, as the next two
    ("PATCH", "/api/uploads/{file}"),
    ("DELETE", "/api/uploads/{file}"),
    ("POST", "/api/push/test"),  # there is no target
    ("POST", "/share"),  # only redirects
}
ROOM_ACTIONS: list[dict[str, Any]] = [
    {"action": "create", "name": "more"},
    {"action": "join", "room": 1},
    {"action": "leave"},
    {"action": "invite", "users": ["cy"]},
    {"action": "remove", "users": ["bo"]},
    {"action": "change", "title": "Other"},
    {"action": "archive"},
    {"action": "mute"},
]
COMMANDS: dict[type, list[dict[str, Any]]] = {
    protocol.ChangeRoom: ROOM_ACTIONS,
    protocol.History: [{"room": 1}, {"rooms": {"1": 0}}, {"rooms_after": 0}],
    protocol.Renew: [{}],
    protocol.SayToRoom: [{"data": "hi"}],
    protocol.SayToPerson: [{"data": "hi", "to": "bo"}],
    protocol.EditMessage: [{"room": 1, "target": 2, "data": "ho"}],
    protocol.DeleteMessage: [{"room": 1, "target": 2}],
    protocol.ReactTo: [{"room": 1, "target": 2, "emoji": "👍"}],
    protocol.StartTyping: [],  # never answered
    protocol.MarkRead: [],
    protocol.ReportVisible: [],
}
WAITING = {
    protocol.SayToRoom,
    protocol.SayToPerson,
    protocol.EditMessage,
    protocol.DeleteMessage,
    protocol.ReactTo,
}

Route = tuple[str, str, str]  # method, path and name


class Frozen:
    """Makes a database hang: for writes, or for queries too."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._database = database
        self._monkeypatch = monkeypatch
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        monkeypatch.setattr(database.writer, "run", self._held(database.writer.run))
        monkeypatch.setattr(time_limit, "TIMEOUT", TIMEOUT)
        monkeypatch.setattr(revocations, "STORE_TIMEOUT", 0.1)

    def _held(self, run: Callable[..., Any]) -> Callable[..., Any]:
        async def held(work: Any) -> Any:
            await self._goes_on.wait()
            return await run(work)

        return held

    def stop(self, *, reads: bool) -> None:
        self._goes_on.clear()
        if reads:
            self._monkeypatch.setattr(self._database, "reading", self._never)

    @asynccontextmanager
    async def _never(self, *_: object) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    def go_on(self) -> None:
        self._goes_on.set()


@pytest.fixture
def frozen(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frozen]:
    frozen = Frozen(chat.server.database, monkeypatch)
    yield frozen
    frozen.go_on()


@pytest.fixture
async def room(ann: User, bo: User, cy: User) -> int:
    """A room of ann and bo with a message by ann."""
    made = await ann.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo"]})
    number: int = made.json["room"]
    await ann.ask("POST", f"/api/rooms/{number}/messages", {"data": "hello"})
    await ann.ask("POST", "/api/bots", {"name": "rob"})
    return number


async def all_requests(chat: Chat, ann: User, room: int) -> dict[Route, tuple[str, str, Any]]:
    """Return a request for every route: method, path and body."""
    invite = (await ann.ask("POST", "/api/invites", {"room": "plans"})).json["code"]
    conversation = (await ann.ask("POST", "/api/rooms", {"users": ["cy"]})).json["room"]
    return {
        (method, path, name): (
            method,
            filled(path, room, invite, conversation),
            BODIES.get((method, path.replace(r":\d+", "")), {}),
        )
        for method, path, name in routes(chat)
        if name != "ws"
    }


def asked(
    ann: User, requests: dict[Route, tuple[str, str, Any]]
) -> dict[Route, asyncio.Task[Answer]]:
    return {route: asyncio.create_task(ann.ask(*request)) for route, request in requests.items()}


def filled(path: str, room: int, invite: str, conversation: int) -> str:
    number = conversation if "conversations" in path else room
    parts = PARTS | {"room": str(room), "code": invite, "number": str(number)}
    if "bots" in path:
        parts["name"] = "rob"
    for part in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{part}}}", parts.get(part, "x"))
    return path.replace("{locale}.{digest}", "en.x")


async def test_every_route_is_rejected_while_queries_hang(
    chat: Chat, ann: User, room: int, frozen: Frozen
) -> None:
    answers = asked(ann, await all_requests(chat, ann, room))
    frozen.stop(reads=True)
    in_memory = {"alive", "catalogue", "static", "mounted", "metrics"}
    in_memory |= {"describe_http", "describe_socket", "server_profile"}
    in_memory |= {"manifest", "worker", "offline_page"}
    for (method, path, name), answer in answers.items():
        status = (await answer).status
        known = name in in_memory or (method, path) in WITHOUT_WRITES or status in (302, 403, 404)
        assert known or status == 503, (method, path, status)


async def test_every_change_is_rejected_while_writes_hang_and_messages_wait(
    chat: Chat, ann: User, room: int, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = await all_requests(chat, ann, room)
    messages = {route: requests.pop(route) for route in list(requests) if _is_message(route)}
    frozen.stop(reads=False)
    monkeypatch.setattr(time_limit, "TIMEOUT", 60.0)  # of the part before it is taken
    waiting = asked(ann, messages)
    await taken(monkeypatch, len(messages))
    monkeypatch.setattr(time_limit, "TIMEOUT", TIMEOUT)
    for (method, path, _name), answer in asked(ann, requests).items():
        done = await answer
        if method == "GET" or (method, path) in WITHOUT_WRITES:
            assert done.status != 500, (method, path)
            continue
        assert (done.status, done.json["code"]) == (503, "unavailable"), (method, path, done)
    assert not any(answer.done() for answer in waiting.values())
    frozen.go_on()
    statuses = {route: (await answer).status for route, answer in waiting.items()}
    assert 503 not in statuses.values(), statuses


async def taken(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Return when so many requests wait without a limit."""
    lift, lifted = time_limit.lift, asyncio.Semaphore(0)

    def counting(request: web.Request) -> None:
        lift(request)
        lifted.release()

    monkeypatch.setattr(time_limit, "lift", counting)
    for _ in range(count):
        await lifted.acquire()


def _is_message(route: Route) -> bool:
    return route[2] in MESSAGES


async def test_deleting_an_account_with_its_messages_is_rejected_until_it_is_done(
    ann: User, room: int, bo: User, frozen: Frozen
) -> None:
    await bo.ask("POST", f"/api/rooms/{room}/messages", {"data": "secret"})
    frozen.stop(reads=False)
    path = "/api/users/bo?messages=true"
    refused = await ann.ask("DELETE", path)
    frozen.go_on()
    repeated = await ann.ask("DELETE", path)
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
    assert repeated.json == {"ok": 1, "messages": 1}


@pytest.mark.parametrize("reads", [True, False], ids=["queries too", "writes alone"])
async def test_every_command_is_rejected_while_the_database_hangs_and_messages_wait(
    ann: User, bo: User, room: int, frozen: Frozen, reads: bool
) -> None:
    assert set(COMMANDS) == set(get_args(protocol.Command))
    commands = [(kind, facts) for kind, several in COMMANDS.items() for facts in several]
    devices = [await (ann, bo)[number % 2].connect() for number in range(len(commands))]
    frozen.stop(reads=reads)
    answers = []
    for device, (kind, facts) in zip(devices, commands, strict=True):
        numbered = {"room": room} if kind is protocol.ChangeRoom and "name" not in facts else {}
        tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
        answers.append(asyncio.create_task(device.ask(tag, id="x", **numbered | facts)))
    late = []
    for answer, (kind, facts) in zip(answers, commands, strict=True):
        if kind in WAITING:
            late.append(answer)
        elif kind is not protocol.History or reads:
            assert (await answer).get("code") == "unavailable", (kind, facts)
    await asyncio.sleep(0)
    assert not any(answer.done() for answer in late)
    if not reads:
        frozen.go_on()
        for answer in late:
            assert (await answer).get("code") != "unavailable"
        await _nothing_more(devices)
    for answer in answers:
        answer.cancel()


async def _nothing_more(devices: list[Device]) -> None:
    """Require that no request is answered twice."""
    while deadline._abandoned:
        await asyncio.wait(set(deadline._abandoned))
    for device in devices:
        await device.history(1)
        replies = [frame for frame in device.queued() if frame["type"] == Type.REPLY]
        assert replies == []


async def test_a_change_stored_after_its_time_limit_still_notifies_the_members(
    ann: User, bo: User, cy: User, room: int, frozen: Frozen
) -> None:
    device, other = await bo.connect(), await cy.connect()
    frozen.stop(reads=False)
    refused = await asyncio.gather(
        ann.ask("PATCH", "/api/users/bo", {"disabled": True}),
        ann.ask("POST", f"/api/rooms/{room}/members", {"users": ["cy"]}),
    )
    assert [answer.json["code"] for answer in refused] == ["unavailable"] * 2
    frozen.go_on()
    assert await device.closed() == CloseCode.ACCOUNT_CLOSED
    assert (await other.next(Type.ROOM))["room"] == room


async def test_a_logout_ends_the_session_while_writes_hang(
    chat: Chat, ann: User, frozen: Frozen
) -> None:
    frozen.stop(reads=False)
    assert (await ann.ask("POST", "/logout")).json == {"ok": 1, "pending": True}
    assert (await ann.ask("GET", "/api/me")).status == 401
    frozen.go_on()


async def test_a_connection_is_rejected_within_the_time_limit(
    chat: Chat, ann: User, frozen: Frozen
) -> None:
    frozen.stop(reads=True)
    upgrade = {
        "Authorization": f"Bearer {ann.token}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await ask(chat.browser(), "GET", f"{chat.url}/ws", headers=upgrade)
    assert answer.status == 503
