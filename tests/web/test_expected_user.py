"""Requests that name an expected user are rejected if the session belongs to another one."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from chatserver.web.operations import Operation
from chatserver.web.routes import OPERATIONS
from tests.driver import Chat, User

OF_A_SESSION = [one for one in OPERATIONS if one.access in ("session", "administrator")]


def expecting(name: str) -> dict[str, Any]:
    return {"headers": {"Chat-User": quote(name)}}


def path(operation: Operation) -> str:
    parts = {"room": "1", "seq": "1", "emoji": "👍", "number": "1"}
    return re.sub(r"{(\w+)}", lambda place: parts.get(place[1], "bo"), operation.path)


@pytest.mark.parametrize("operation", OF_A_SESSION, ids=lambda one: one.name)
async def test_an_operation_is_rejected_if_it_expects_another_user(
    ann: User, operation: Operation
) -> None:
    refused = await ann.ask(operation.method, path(operation), {}, **expecting("bo"))
    assert (refused.status, refused.json["code"]) == (409, "other_user")


async def test_logging_out_for_another_user_ends_no_session(ann: User) -> None:
    refused = await ann.ask("POST", "/logout", {}, **expecting("bo"))
    assert (refused.status, refused.json["code"]) == (409, "other_user")
    assert "Set-Cookie" not in refused.headers
    assert (await ann.ask("GET", "/api/me")).status == 200
    assert (await ann.ask("POST", "/logout", {}, **expecting("ann"))).status == 200


async def test_the_expected_user_is_compared_like_a_user_name(chat: Chat, ann: User) -> None:
    bo = await chat.user("陈波")
    for user, name in ((ann, "ann"), (ann, "ANN"), (ann, ""), (bo, "陈波")):
        answer = await user.ask("GET", "/api/me", **expecting(name))
        assert answer.status == 200, name
    for name in ("陈", "ann", "%FF"):
        assert (await bo.ask("GET", "/api/me", headers={"Chat-User": name})).status == 409


async def test_a_connection_that_expects_another_user_is_closed_before_any_event(
    chat: Chat, ann: User, bo: User
) -> None:
    for query in ({"user": "ann"}, {"user": "ann", "token": bo.token}):
        device = await bo.open(params=query)
        error = await device.next()
        assert (error["type"], error["code"]) == (0, "other_user")
        assert await device.closed() == 4101
    assert (await ann.connect(params={"user": "ann"})).welcome["user"] == "ann"
    assert not chat.server.hub.connections_of(bo.number)
