"""The real server, forked from a process with all imports done, so that it starts fast.

It runs `chatserver.__main__` with command line arguments, so `kill` is kill -9 of a real server. A
plant is a function that runs in the new process first: it plants faults without a hook in the
product.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from tests.process import ServerProcess

END = 15.0  # seconds until the server must have ended
PR_SET_PDEATHSIG = 1

Plant = Callable[[], None]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "__main__",
        "chatserver.__main__",
        "chatserver.commands.serve",
        "sqlalchemy.dialects.sqlite.aiosqlite",
        "sqlalchemy.dialects.mysql.aiomysql",
        "uvloop",
        "tests.faults.server",
    ]
)


class Server(ServerProcess):
    """A node. It logs to `log`, by default `server.log` next to its data folder."""

    def __init__(
        self,
        data: Path,
        *,
        url: str = "",
        environ: dict[str, str] | None = None,
        plant: Plant | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__(data, url=url, environ=environ)
        self.data = data
        self.log = log or data.parent / "server.log"
        self.exit_seconds = 0.0
        self._plant = plant
        self._child: multiprocessing.process.BaseProcess | None = None

    def start(self) -> Self:
        """Start, and return when the server listens."""
        self._fork(["--port", str(self.port)])
        self.lines = []
        for line in self._output:
            self.lines.append(line)
            if "Ctrl+C" in line:
                return self
        self._output.close()
        raise RuntimeError(f"it did not start: {''.join(self.lines)} ({self._gone()})")

    def _fork(self, arguments: list[str]) -> None:
        reader, writer = _forks.Pipe(duplex=False)
        place = (self._cwd, self.log, self._environ)
        self._child = _forks.Process(
            target=_run, args=([*arguments, *self._options], *place, writer, self._plant)
        )
        self._child.start()
        writer.close()
        self._output = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    @property
    def pid(self) -> int:
        assert self._child is not None
        assert self._child.pid is not None
        return self._child.pid

    def _end(self, number: signal.Signals) -> int:
        if self._child is None:
            return 0
        started = time.monotonic()
        os.kill(self.pid, number)
        code = self._gone()
        self.exit_seconds = time.monotonic() - started
        self._output.close()
        return code

    def _gone(self) -> int:
        assert self._child is not None
        child, self._child = self._child, None
        child.join(END)
        assert child.exitcode is not None, "it did not end"
        return child.exitcode

    def code(self, *arguments: str) -> int:
        """Run another command on the same data; return its exit code."""
        self._fork(list(arguments))
        with self._output:
            self._output.read()
        return self._gone()

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run another command on the same data; return its output."""
        assert not stdin
        self._fork(list(arguments))
        with self._output:
            output = self._output.read()
        code = self._gone()
        assert code == 0, output + self.log.read_text()[-500:]
        return output


def _run(
    arguments: list[str],
    cwd: Path,
    log: Path,
    environ: dict[str, str],
    output: Connection,
    plant: Plant | None,
) -> None:
    """Run the command line in the new process, set up like one of a terminal."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
    os.chdir(cwd)
    os.environ.update(environ)
    if plant is not None:
        plant()
    from chatserver.__main__ import main

    main(arguments, prog_name="chatserver")
