"""A server to attack, with users who must not be affected."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.web import rates
from chatserver.web.websocket import dispatcher
from tests.faults.conversation import LONG_SESSIONS, Users, settle_in
from tests.faults.server import Server
from tests.process import LOUD


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Users:
    return asyncio.run(settle_in(tmp_path_factory.mktemp("people"), count=2))


def bear_with_mistakes() -> None:
    """Plant for Server: disable limits for invalid frames, so that all input is processed."""
    dispatcher.INVALID_FRAME_RATE = rates.READ_RATE = rates.CHANGE_RATE = (1_000_000, 1_000_000)
    rates.ANONYMOUS_RATE = rates.PROBE_RATE = (1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def server(users: Users) -> Iterator[Server]:
    """A server for all tests of a module, which must work after each, without logged errors."""
    log = Path(users.folder).parent / "attacked.log"
    server = Server(users.folder, environ=LONG_SESSIONS | LOUD, plant=bear_with_mistakes, log=log)
    server.start()
    try:
        yield server
        assert server.stop() == 0
    finally:
        server.kill()
    lines = log.read_text(encoding="utf-8")
    assert "Traceback" not in lines
    assert "failed" not in lines
