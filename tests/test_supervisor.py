"""Supervisor: restarts of tasks, and that all tasks of a server are supervised."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver import supervisor as supervisor_module
from chatserver.config import BusSettings, DatabaseSettings, Settings
from chatserver.supervisor import PREFIX, Supervisor
from tests.conftest import FAST, StartChat
from tests.driver import Chat
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.redis import PrivateRedis


@pytest_asyncio.fixture
async def supervisor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    monkeypatch.setattr(supervisor_module, "FIRST_DELAY", 0.001)
    supervisor = Supervisor()
    yield supervisor
    await supervisor.stop()


class Worker:
    """Work that ends or fails once for each item of `ends`, and then runs on."""

    def __init__(self, *ends: Exception | None) -> None:
        self._ends = list(ends)
        self.goes_on = asyncio.Event()

    async def run(self) -> None:
        if self._ends:
            end = self._ends.pop(0)
            if end is not None:
                raise end
            return
        self.goes_on.set()
        await asyncio.Event().wait()


async def test_a_task_that_fails_or_returns_is_restarted(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(RuntimeError("the handler is closed"), None, KeyError("x"))
    supervisor.start("work", worker.run)
    async with asyncio.timeout(5):
        await worker.goes_on.wait()
    assert supervisor.ended == {"work": 3}
    assert caplog.text.count("a supervised task has ended and is restarted") == 3
    assert "the handler is closed" in caplog.text


async def test_the_restart_delay_of_a_failing_task_grows(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(*[OSError() for _ in range(5)])
    supervisor.start("work", worker.run)
    async with asyncio.timeout(5):
        await worker.goes_on.wait()
    delays = [record.restart_after for record in caplog.records]  # type: ignore[attr-defined]
    assert delays == [0.001 * 2**number for number in range(5)]


async def test_a_task_that_is_cancelled_by_another_is_restarted(
    supervisor: Supervisor,
) -> None:
    worker = Worker()
    supervisor.start("work", worker.run)
    await worker.goes_on.wait()
    worker.goes_on.clear()
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == f"{PREFIX}work"]
    task.cancel()
    async with asyncio.timeout(5):
        await worker.goes_on.wait()
    assert supervisor.ended == {"work": 1}


async def test_a_stopped_task_is_not_restarted(supervisor: Supervisor) -> None:
    worker, failing = Worker(), Worker(OSError(), OSError())
    supervisor.start("work", worker.run)
    supervisor.start("failing", failing.run)
    await worker.goes_on.wait()
    await supervisor.stop("work")
    await supervisor.stop()
    assert supervisor.ended["work"] == 0
    assert not supervised()


def supervised() -> dict[str, "asyncio.Task[object]"]:
    """Return the supervised tasks of this loop, by name."""
    tasks = {task.get_name(): task for task in asyncio.all_tasks()}
    return {n.removeprefix(PREFIX): t for n, t in tasks.items() if n.startswith(PREFIX)}


@pytest_asyncio.fixture
async def node(
    start_chat: StartChat,
    tmp_path: Path,
    mariadb: PrivateMariaDB,
    redis: PrivateRedis,
    request: pytest.FixtureRequest,
) -> Chat:
    """One of several nodes, which has all kinds of tasks."""
    settings = Settings(
        data=tmp_path / "data",
        limits=FAST,
        database=DatabaseSettings(
            url=mariadb.create_database(f"tasks{abs(hash(request.node.name))}")
        ),
        bus=BusSettings(url=redis.url),
    )
    return await start_chat(settings)


async def test_every_task_of_a_quiet_server_is_supervised(node: Chat) -> None:
    own = asyncio.current_task()
    expected = {PREFIX + name for name in node.server.supervisor.ended}
    assert len(expected) >= 8
    async with asyncio.timeout(10):  # short tasks end by themselves, e.g. a probe of the database
        while {task.get_name() for task in asyncio.all_tasks() if task is not own} != expected:
            await asyncio.sleep(0.01)


async def test_every_task_that_ends_is_restarted(
    node: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_DELAY", 0.001)
    ann = await node.user("ann", admin=True)
    device = await ann.connect()
    before = supervised()
    for task in before.values():
        task.cancel()
    async with asyncio.timeout(10):
        while supervised().keys() != before.keys() or set(supervised().values()) & set(
            before.values()
        ):
            await asyncio.sleep(0.01)
    assert (await device.say("still there?"))["ok"]
    await device.receives("still there?")
    metrics = (await ann.ask("GET", "/metrics")).text
    for name in before:
        assert f'chatserver_task_restarts_total{{task="{name}"}} 1.0' in metrics


async def test_stopping_unknown_tasks_is_allowed() -> None:
    await Supervisor().stop("one", "two")
