"""A server that is killed between storing a message and pushing it: once, or not at all."""

from pathlib import Path

import pytest

from chatserver.push import delivery, reader
from chatserver.push.delivery import Push
from tests.conftest import StartChat
from tests.driver import Chat
from tests.push.browsers import Browser, PushService, subscribe
from tests.push.conftest import start_pushing
from tests.push.test_pushes import pushed, say


async def prepared(start_chat: StartChat, service: PushService, data: Path) -> tuple[Chat, Browser]:
    """Start a server with a message that mentions bo, who is not connected."""
    chat = await start_pushing(start_chat, service, data)
    ann, bo = await chat.user("ann", admin=True), await chat.user("bo")
    browser = Browser(service, "bo")
    await subscribe(bo, browser)
    await say(ann, "@bo hi")
    return chat, browser


async def test_a_message_that_was_stored_and_not_pushed_is_pushed_after_a_restart(
    start_chat: StartChat, service: PushService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "DELAY", 60.0)
    killed, browser = await prepared(start_chat, service, tmp_path / "node")
    await killed.stop()
    chat = await start_pushing(start_chat, service, tmp_path / "node")
    assert (await service.next(browser))["body"] == "@bo hi"
    await chat.stop()
    chat = await start_pushing(start_chat, service, tmp_path / "node")
    assert await pushed(chat, service) == 0


async def test_a_push_that_was_claimed_and_not_sent_is_never_sent(
    start_chat: StartChat, service: PushService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Push] = []
    monkeypatch.setattr(delivery.Delivery, "queue", lambda _self, push: queued.append(push))
    killed, _browser = await prepared(start_chat, service, tmp_path / "node")
    assert await pushed(killed, service) == 0
    assert len(queued) == 1
    await killed.stop()
    monkeypatch.undo()
    monkeypatch.setattr(reader, "START_DELAY", 0.0)
    monkeypatch.setattr(reader, "POLL_INTERVAL", 0.02)
    chat = await start_pushing(start_chat, service, tmp_path / "node")
    assert await pushed(chat, service) == 0
