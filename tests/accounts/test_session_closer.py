"""Connections after a change of access whose COMMIT got no answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chatserver.errors import CloseCode
from chatserver.storage.failures import CommitUnknown
from tests.driver import PASSWORD, Chat, User

CHANGES: dict[str, tuple[str, str, str, Any]] = {  # who asks, method, path, body
    "delete": ("ann", "DELETE", "/api/users/bo", None),
    "disable": ("ann", "PATCH", "/api/users/bo", {"disabled": True}),
    "reset": ("ann", "POST", "/api/users/bo/password", {}),
    "end all": ("bo", "DELETE", "/api/sessions", None),
    "end one": ("bo", "DELETE", "/api/sessions/{session}", None),
    "own password": (
        "bo",
        "PUT",
        "/api/me/password",
        {"old": PASSWORD, "password": "new and long"},
    ),
}


def answers_get_lost(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Commit, but report that the answer was lost."""

    async def transaction(work: Any) -> Any:
        await run(work)
        raise CommitUnknown

    return transaction


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_access_without_an_answer_to_its_commit_closes_connections(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    asker, method, path, body = CHANGES[change]
    intruder = await chat.logged_in("bo")
    listed = (await intruder.ask("GET", "/api/sessions")).json["sessions"]
    (session,) = [one["id"] for one in listed if one["current"]]
    device = await intruder.connect()
    database = chat.server.database
    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", answers_get_lost(database.transaction))
        user = ann if asker == "ann" else bo
        answer = await user.ask(method, path.format(session=session), body)
    assert answer.status == 503
    assert await device.closed() == CloseCode.RESTARTING, "and reconnects"
    assert (await intruder.ask("GET", "/api/me")).status == 401


async def test_a_bot_reconnects_if_the_end_of_its_token_got_no_answer(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await ann.ask("POST", "/api/bots", {"name": "rob"})).json["token"]
    database = chat.server.database
    async with chat.browser().ws_connect(f"{chat.url}/ws?token={token}") as socket:
        with monkeypatch.context() as patch:
            patch.setattr(database, "transaction", answers_get_lost(database.transaction))
            assert (await ann.ask("DELETE", "/api/bots/rob/token")).status == 503
        while not socket.closed:
            await socket.receive()
        assert socket.close_code == CloseCode.RESTARTING
