"""A process of its own for work on the bytes of files, so that a hostile file harms nothing else.

It reads a job from each line of its input, and writes a line with the result. It is started for the
first job, ended when it was idle for a while, and killed when a job takes too long.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import msgspec

IDLE_TIME = 60.0  # seconds without a job after which the process ends
MAX_LINE_BYTES = 8 * 2**20  # bytes of a result

FAILURES = (OSError, RuntimeError, msgspec.MsgspecError, ValueError, TimeoutError)


class Ended(RuntimeError):
    """The process ended instead of answering; `code` is its return code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the process ended with code {code}")
        self.code = code


class WorkerProcess:
    """Client of the process, and its owner. Callers ask for one job at a time."""

    def __init__(self, module: str, *, timeout: float) -> None:
        """`module`: what `python -m` runs. `timeout`: seconds for one job."""
        self._module = module
        self._timeout = timeout
        self._idle: asyncio.TimerHandle | None = None
        self.process: Process | None = None

    async def ask(self, job: bytes) -> bytes:
        """Return the result of a job, one line without its end.

        Raises one of FAILURES if the process ends or takes too long; it is killed then.
        """
        try:
            async with asyncio.timeout(self._timeout):
                result = await self._send(job)
        except BaseException:
            await self.close()  # its result would be read as that of the next job
            raise
        return result[:-1]

    async def _send(self, job: bytes) -> bytes:
        if self._idle is not None:
            self._idle.cancel()
        if self.process is None or self.process.returncode is not None:  # killed while idle
            self.process = await start(self._module)
        process = self.process
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(job + b"\n")
        result = await process.stdout.readline()
        if not result.endswith(b"\n"):
            raise Ended(await process.wait())
        self._idle = asyncio.get_running_loop().call_later(IDLE_TIME, self.end_idle)
        return result

    def end_idle(self) -> None:
        """Close the input of the process, which then ends."""
        process, self.process = self.process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        process, self.process = self.process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def start(module: str) -> Process:
    """Start the process, without the secrets that the server's environment may have."""
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"PYTHONPATH": paths, "PATH": os.environ.get("PATH", "")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,  # reasons are in the results: lines of the server's log are JSON
        env=environment,
        limit=MAX_LINE_BYTES,
    )
