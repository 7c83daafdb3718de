"""The server in a separate process: `python -m chatserver`."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.rig.server import free_port

ROOT = Path(__file__).parent.parent
LOUD = {f"CHATSERVER_LIMITS__{key}": "1000000" for key in ("MESSAGES_PER_SECOND", "MESSAGE_BURST")}


class ServerProcess:
    """One node; `kill` is kill -9, `start` starts it again on the same port and folder."""

    def __init__(self, data: Path, *, url: str = "", environ: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._command = [sys.executable, "-m", "chatserver"]
        self._options = ["--data", str(data), *(["--database", url] if url else [])]
        self._environ = os.environ | {"PYTHONPATH": str(ROOT)} | LOUD | (environ or {})
        self._cwd = data.parent
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Start, and return when the server listens."""
        self._process = subprocess.Popen(
            [*self._command, *self._options, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            env=self._environ,
            cwd=self._cwd,
        )
        assert self._process.stdout is not None
        self.lines = []
        for line in self._process.stdout:
            self.lines.append(line)
            if "Ctrl+C" in line:
                return self
        raise RuntimeError(f"it did not start: {''.join(self.lines)} ({self._process.wait()})")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the process."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Stop gracefully; return the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        code = process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run another command on the same data; return its output."""
        done = subprocess.run(
            [*self._command, *arguments, *self._options],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environ,
            cwd=self._cwd,
            check=True,
            timeout=30,
        )
        return done.stdout
