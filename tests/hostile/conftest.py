"""A server to attack, with users who must not be affected."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.web import rates
from chatserver.web.websocket import dispatcher
from tests.faults.server import Server
from tests.faults.talk import LONG_SESSIONS, People, settle_in
from tests.process import LOUD


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return asyncio.run(settle_in(tmp_path_factory.mktemp("people"), count=2))


def bear_with_mistakes() -> None:
    """Plant for Server: disable limits for invalid frames, so that all input is processed."""
    dispatcher.MISTAKE_RATE = rates.QUERY_RATE = rates.CHANGE_RATE = (1_000_000, 1_000_000)
    rates.VISIT_RATE = rates.PROBE_RATE = (1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def server(people: People) -> Iterator[Server]:
    """A server for all tests of a module, which must work after each, without logged errors."""
    log = Path(people.folder).parent / "attacked.log"
    server = Server(people.folder, environ=LONG_SESSIONS | LOUD, plant=bear_with_mistakes, log=log)
    server.start()
    try:
        yield server
        assert server.stop() == 0
    finally:
        server.kill()
    told = log.read_text(encoding="utf-8")
    assert "Traceback" not in told
    assert "failed" not in told
