"""The life of a process that works on files."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from chatserver.files import worker_process
from chatserver.files.texts.worker import Job, Result
from chatserver.files.worker_process import FAILURES, WorkerProcess

MODULE = "chatserver.files.texts"
JOB = msgspec.json.encode(Job("text/plain", "/nowhere"))


@pytest_asyncio.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(MODULE, timeout=30.0)
    yield worker
    await worker.close()


async def answer(worker: WorkerProcess) -> Result:
    return msgspec.json.decode(await worker.ask(JOB), type=Result)


async def test_the_process_is_started_for_the_first_job_and_again_after_its_end(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    start = worker_process.start

    async def counted(module: str) -> Any:
        started.append(await start(module))
        return started[-1]

    monkeypatch.setattr(worker_process, "start", counted)
    assert started == []
    assert await answer(worker) == Result(ok=False)
    started[0].kill()
    await started[0].wait()
    assert await answer(worker) == Result(ok=False)
    worker.end_idle()
    assert await started[1].wait() == 0
    assert await answer(worker) == Result(ok=False)
    assert len(started) == 3


async def test_a_job_that_takes_too_long_ends_the_process(worker: WorkerProcess) -> None:
    await answer(worker)
    process = worker.process
    assert process is not None
    worker._timeout = 0.0
    with pytest.raises(FAILURES):
        await worker.ask(JOB)
    assert process.returncode is not None


async def test_a_cancelled_job_ends_the_process(worker: WorkerProcess) -> None:
    await answer(worker)
    process = worker.process
    assert process is not None
    task = asyncio.create_task(worker.ask(JOB))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert process.returncode is not None
