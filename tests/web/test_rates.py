"""Rate limits of all operations and commands."""

from pathlib import Path
from typing import Any, get_args

import pytest

from chatserver import models, protocol
from chatserver.app import SERVER, create_app
from chatserver.config import LimitSettings, Settings
from chatserver.errors import RateLimited
from chatserver.limits import Rate
from chatserver.protocol import Type
from chatserver.web.operations import operations
from chatserver.web.rates import (
    BY_ADDRESS,
    BY_COMMAND,
    BY_USER,
    CHANGE_RATE,
    COUNTED_LATER,
    UNLIMITED,
    Rates,
    RequestLimits,
)
from chatserver.web.routes import CONTROLLERS
from tests.driver import PASSWORD, Chat, User, ask
from tests.fakes import FakeClock

READY_IN_MEMORY = {"alive", "catalogue", "static"}
WAIT = 2.5  # seconds
BODIES: dict[str, Any] = {"/login": {"username": "ann", "password": PASSWORD}}


def exhausted(_rate: Rate, _key: object) -> None:
    raise RateLimited(WAIT)


def routes(chat: Chat) -> list[tuple[str, str, str]]:
    """Return method, path and name of every route of the application."""
    app = create_app(chat.server.settings)
    found = []
    for route in app.router.routes():
        assert route.resource is not None
        if route.method != "HEAD":  # has the handler of GET
            found.append((route.method, route.resource.canonical, route.resource.name or ""))
    return found


async def test_every_route_is_rejected_above_its_rate(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rate, "take", exhausted)
    unlimited = set()
    for method, canonical, name in routes(chat):
        answer = await ann.ask(method, filled(canonical), BODIES.get(canonical, {}))
        if answer.status != 429:
            unlimited.add(name)
            continue
        assert answer.headers["Retry-After"] == "3", (method, canonical)
        assert answer.json["code"] == "rate_limited", (method, canonical)
        assert answer.json["retry_after"] == WAIT, (method, canonical)
    assert unlimited == READY_IN_MEMORY


def filled(canonical: str) -> str:
    parts = {"room": "1", "seq": "1", "emoji": "%F0%9F%91%8D", "number": "1"}
    for part in [part[1:-1] for part in canonical.split("/") if part.startswith("{")]:
        canonical = canonical.replace(f"{{{part}}}", parts.get(part, "bo"))
    return canonical.replace("{locale}.{digest}", "en.x")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_requests_without_a_route_or_session_count_for_their_address(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    browser, headers = chat.browser(), {"Accept": accept}
    for path, status in (("/nothing", 404), ("/api/me", 401), ("/api/invites", 401)):
        assert (await ask(browser, "GET", chat.url + path, headers=headers)).status == status
    monkeypatch.setattr(Rate, "take", exhausted)
    for path in ("/nothing", "/api/me", "/api/invites", "/ws?token=x"):
        upgrade = {"Connection": "upgrade", "Upgrade": "websocket"} if "/ws" in path else {}
        refused = await ask(browser, "GET", chat.url + path, headers=headers | upgrade)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "3"), path
    form = {"username": "ann", "password": "x"}
    refused = await ask(browser, "POST", chat.url + "/login", form, headers=headers)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "3")


def test_every_operation_names_an_existing_rate(tmp_path: Path) -> None:
    rates = create_app(Settings(data=tmp_path))[SERVER].rates
    kinds = {one.rate for one in operations(CONTROLLERS)} - {*COUNTED_LATER, *UNLIMITED}
    assert kinds == {*BY_USER, *BY_ADDRESS}
    assert all(isinstance(getattr(rates, kind), Rate) for kind in kinds)


async def test_every_command_is_rejected_above_its_rate(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(BY_COMMAND) == set(get_args(protocol.Command))
    device = await ann.connect()
    monkeypatch.setattr(Rate, "take", exhausted)
    for type_, fields in COMMANDS.items():
        if BY_COMMAND[type_] != "unanswered":
            answer = await device.ask(**fields)
            assert (answer["code"], answer["retry_after"]) == ("rate_limited", WAIT), type_
    assert set(COMMANDS) == set(BY_COMMAND)


COMMANDS: dict[type, dict[str, Any]] = {
    protocol.SayToRoom: {"kind": 2, "data": "x"},
    protocol.SayToPerson: {"kind": 3, "data": "x", "to": "bo"},
    protocol.History: {"kind": 7, "room": 1},
    protocol.StartTyping: {"kind": 8, "room": 1},
    protocol.MarkRead: {"kind": 9, "room": 1, "seq": 1},
    protocol.EditMessage: {"kind": 10, "room": 1, "target": 1, "data": "x"},
    protocol.DeleteMessage: {"kind": 11, "room": 1, "target": 1},
    protocol.ReactTo: {"kind": 12, "room": 1, "target": 1, "emoji": "x"},
    protocol.ChangeRoom: {"kind": 13, "room": 1, "action": "mute"},
    protocol.Renew: {"kind": 14},
    protocol.ReportVisible: {"kind": 18, "visible": True},
}


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("PATCH", "/api/me", {"display": "A"}),
        ("DELETE", "/api/sessions/x", None),
        ("POST", "/api/invites", {}),
        ("DELETE", "/api/invites/x", None),
        ("PUT", "/api/me/password", {"old": "x", "password": "y"}),
        ("PATCH", "/api/users/ann", {"display": "A"}),
    ],
)
async def test_changes_of_a_user_have_a_rate(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch, method: str, path: str, form: Any
) -> None:
    monkeypatch.setattr(chat.server.rates.changes, "_clock", FakeClock(0.0))
    for _ in range(CHANGE_RATE[1]):
        chat.server.rates.changes.take(ann.number)
    refused = await ann.ask(method, path, form)
    assert (refused.status, refused.json["retry_after"]) == (429, 0.2)
    assert refused.headers["Retry-After"] == "1"


async def test_muting_counts_as_a_message_on_the_socket_and_over_http(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await ann.connect()
    assert (await device.ask(Type.ROOM, room=1, action="mute"))["ok"]
    assert (await ann.ask("PATCH", "/api/rooms/1", {"muted": False})).status == 200
    monkeypatch.setattr(chat.server.rates.messages, "take", lambda key: exhausted(key, key))
    assert (await device.ask(Type.ROOM, room=1, action="mute"))["code"] == "rate_limited"
    assert (await ann.ask("PATCH", "/api/rooms/1", {"muted": True})).status == 429


async def test_the_operator_is_not_limited(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.server.authenticator, "is_operator", lambda _request: True)
    monkeypatch.setattr(Rate, "take", exhausted)
    answer = await ask(chat.browser(), "GET", f"{chat.url}/api/users")
    assert (answer.status, answer.json["users"]) == (200, [])


@pytest.mark.parametrize(("rooms", "sockets"), [(0, 199), (1_000, 199), (19_000, 10)])
def test_a_connection_to_very_many_rooms_counts_as_several(rooms: int, sockets: int) -> None:
    rates = Rates(LimitSettings(), FakeClock())
    ann = models.User(1, "ann", "Ann")
    gate = RequestLimits(rates, Any)  # type: ignore[arg-type]
    for _ in range(sockets):
        gate.count_connection(ann)
        gate.count_rooms(ann, rooms)
    gate.count_rooms(ann, 2_000)
    with pytest.raises(RateLimited):
        gate.count_connection(ann)
