"""Outages are logged also while nothing is stored and nothing asks for the health."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from chatserver.storage import health_monitor
from chatserver.storage.health import DatabaseHealth
from chatserver.storage.health_monitor import HealthMonitor
from chatserver.storage.outage import Outage


class Check:
    """Answers in turn; counts the checks."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)
        self.done = asyncio.Event()

    async def check(self) -> DatabaseHealth:
        if not self.reasons:
            self.done.set()
        return DatabaseHealth(self.reasons.pop(0) if self.reasons else "")


async def test_an_outage_of_an_idle_server_is_logged_with_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "chatserver")
    monkeypatch.setattr(health_monitor, "PROBE_INTERVAL", 0.001)
    check = Check("", "the database does not answer", "the database does not answer", "")
    monkeypatch.setattr(health_monitor, "HealthCheck", lambda _: check)
    parts: Any = SimpleNamespace(broken=False), SimpleNamespace(broken=False, outage=Outage())
    running = asyncio.create_task(HealthMonitor(*parts).run())
    async with asyncio.timeout(10):
        await check.done.wait()
    running.cancel()
    assert [record.getMessage() for record in caplog.records] == [
        "messages cannot be stored: the database does not answer",
        "messages are stored again",
    ]
