"""A server program with its own folder and loopback port.

It starts on entering the context, and is killed and its folder removed on leaving. The kernel kills
it when the thread that started it ends, so that no server outlives the test run. The port stays the
same after a restart; the subclasses document what else survives.
"""

import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Self

START_TIME = 30  # seconds
STOP_TIME = 20  # seconds
POLL_INTERVAL = 0.02  # seconds between two checks of a starting server


class PrivateServer(ABC):
    """Base class of private servers."""

    hello = b""  # first bytes of a client

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._own = TemporaryDirectory(prefix="chatserver-rig-")
        self.folder = Path(self._own.name)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._own.cleanup()

    def start(self) -> None:
        """Return when the server answers. Raises RuntimeError with the end of its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        """Stop gracefully."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again, after a stop if the server still runs."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Process id of the running server, for other signals."""
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} is not running")
        return self._process.pid

    @abstractmethod
    def prepare(self) -> None:
        """Fill the empty folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return program and arguments; it must stay in the foreground."""

    @abstractmethod
    def is_ready(self, answer: bytes) -> bool:
        """Whether this response to `hello` is that of a server that is ready."""

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = monotonic() + START_TIME
        while not self._answers():
            if _ended(process) or monotonic() > deadline:
                self.kill()
                raise RuntimeError(self._log.read_text(errors="replace")[-2_000:])

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(self.hello)
                return self.is_ready(line.recv(64))
        except OSError:
            return False

    def _end(self, signum: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(STOP_TIME)
            self._process = None


def find(*names: str) -> str | None:
    """Return the path of the first installed program; a usual PATH lacks /usr/sbin."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(POLL_INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True
