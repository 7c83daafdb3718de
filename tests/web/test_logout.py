"""Logout while the database cannot store it."""

import pytest

from chatserver.accounts import revocations
from chatserver.accounts.revocations import RevocationFile
from chatserver.errors import Unavailable
from tests.conftest import StartChat
from tests.driver import Chat, User, ask


async def refuse(*_: object) -> None:
    raise Unavailable


async def session_of(user: User) -> str:
    places = (await user.ask("GET", "/api/sessions")).json["sessions"]
    (session,) = [place["id"] for place in places if place["current"]]
    return str(session)


async def test_a_session_ends_even_if_the_database_cannot_store_it(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await session_of(ann)
    device, other = await ann.connect(), await chat.logged_in("ann")
    with monkeypatch.context() as patch:
        patch.setattr(chat.server.database, "transaction", refuse)
        left = await ann.ask("POST", "/logout", {})
        assert (left.status, left.json) == (200, {"ok": 1, "pending": True})
        assert "Max-Age=0" in left.headers["Set-Cookie"]
        assert await device.closed() == 4101
        assert (await ann.ask("GET", "/api/me")).status == 401
        async with chat.browser().ws_connect(f"{chat.url}/ws?token={ann.token}") as socket:
            assert (await socket.receive_json())["code"] == "session_invalid"
        assert len((await other.ask("GET", "/api/sessions")).json["sessions"]) == 1
    await chat.server.revocations.flush()
    assert await chat.server.stored_sessions.not_revoked([session]) == set()
    assert (await ann.ask("GET", "/api/me")).status == 401


async def test_the_end_is_stored_when_the_database_is_available_again(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await session_of(ann)
    monkeypatch.setattr(revocations, "RETRY_DELAY", 0)
    with monkeypatch.context() as patch:
        patch.setattr(chat.server.database, "transaction", refuse)
        assert (await ann.ask("POST", "/logout", {})).json["pending"]
    while session in chat.server.revocations:
        await ask(chat.browser(), "GET", f"{chat.url}/healthz")
    assert await chat.server.stored_sessions.not_revoked([session]) == set()


async def test_an_end_that_is_not_stored_survives_a_restart(
    start_chat: StartChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await start_chat()
    ann = await chat.user("ann")
    session = await session_of(ann)
    with monkeypatch.context() as patch:
        patch.setattr(chat.server.database, "transaction", refuse)
        assert (await ann.ask("POST", "/logout", {})).json["pending"]
        await chat.stop()
    again = await start_chat(chat.server.settings)
    me = await User(again, "ann", 0, ann.token, again.browser()).ask("GET", "/api/me")
    assert (me.status, await again.server.stored_sessions.not_revoked([session])) == (
        401,
        {session},
    )
    await again.server.revocations.flush()
    assert await again.server.stored_sessions.not_revoked([session]) == set()
    assert not RevocationFile(again.server.folder.revocations).read()


async def test_a_logout_fails_if_the_session_cannot_be_read(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(chat.server.stored_sessions, "find", refuse)
        refused = await ann.ask("POST", "/logout", {})
        assert (refused.status, refused.json["code"]) == (503, "unavailable")
        assert "Set-Cookie" not in refused.headers
    assert (await ann.ask("GET", "/api/me")).status == 200


async def test_the_number_of_pending_session_ends_is_limited(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "MAX_PENDING", 0)
    refused = await ann.ask("POST", "/logout", {})
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
    assert (await ann.ask("GET", "/api/me")).status == 200
