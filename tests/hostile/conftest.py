"""A server to attack, with people who must not notice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.web import rates
from chatserver.web.websocket import dispatcher
from tests.faults.server import Server
from tests.faults.talk import OPEN_DOORS, People, settle_in
from tests.process import LOUD


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return asyncio.run(settle_in(tmp_path_factory.mktemp("people"), count=2))


def bear_with_mistakes() -> None:
    """For Server: nobody is thrown out for nonsense or asks too much, so that all of it is read."""
    dispatcher.MISTAKE_RATE = rates.QUERY_RATE = rates.CHANGE_RATE = (1_000_000, 1_000_000)
    rates.VISIT_RATE = rates.PROBE_RATE = (1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def server(people: People) -> Iterator[Server]:
    """One for all tests of a module: it must be whole after each. Its log must tell no failure."""
    log = Path(people.folder).parent / "attacked.log"
    server = Server(people.folder, environ=OPEN_DOORS | LOUD, plant=bear_with_mistakes, log=log)
    server.start()
    try:
        yield server
        assert server.stop() == 0
    finally:
        server.kill()
    told = log.read_text(encoding="utf-8")
    assert "Traceback" not in told
    assert "failed" not in told
