"""Fixtures: a server whose pushes go to a fake push service without delay."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver.config import DatabaseSettings, PushSettings, ServerSettings, Settings
from chatserver.push import reader
from tests.conftest import FAST, StartChat
from tests.driver import Chat
from tests.push.browsers import PushService
from tests.test_tls import make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest_asyncio.fixture
async def service(certificate: ServerSettings) -> AsyncIterator[PushService]:
    service = await PushService.start(certificate)
    yield service
    await service.stop()


@pytest.fixture(autouse=True)
def without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handle messages at once, and look for them often."""
    for name, seconds in (("DELAY", 0.0), ("START_DELAY", 0.0), ("POLL_INTERVAL", 0.02)):
        monkeypatch.setattr(reader, name, seconds)
    monkeypatch.setattr(reader, "COUNT_INTERVAL", 0.2)


@pytest_asyncio.fixture
async def chat(start_chat: StartChat, service: PushService, tmp_path: Path) -> Chat:
    """A server that sends to the fake service."""
    return await start_pushing(start_chat, service, tmp_path / "node")


async def start_pushing(
    start_chat: StartChat,
    service: PushService,
    data: Path,
    *,
    url: str = "",
    content: str = "text",
) -> Chat:
    """Start a server that sends to the fake service."""
    settings = Settings(
        data=data,
        limits=FAST,
        database=DatabaseSettings(url=url),
        push=PushSettings(hosts=[service.host], content=content),  # type: ignore[arg-type]
    )
    chat = await start_chat(settings)
    chat.server.push.delivery.tls = service.tls
    return chat
