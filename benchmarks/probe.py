"""Latency of another client's request during a load, measured in a separate process.

In the process of the load the response would wait for the load.
"""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.contenders import ROOT, Running
from benchmarks.machine import LOAD_CORE, pinned

PAUSE = 0.001  # seconds between two requests


class Probe:
    """Requests `/healthz` repeatedly between `begin` and `end`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def begin(self) -> None:
        self._say()

    def end(self) -> float:
        """Return the longest response time in milliseconds."""
        self._say()
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextmanager
def probing(running: Running) -> Iterator[Probe]:
    command = pinned(LOAD_CORE, [sys.executable, "-m", "benchmarks.probe", str(running.port)])
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield Probe(process)
        assert process.stdin is not None
        process.stdin.close()


def main(port: int) -> None:
    with suppress(OSError):  # without the right to it, the figures are upper bounds
        os.nice(-15)  # the load on the same core must not be waited for
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while sys.stdin.readline():
        ended = threading.Event()
        threading.Thread(target=_end, args=(ended,), daemon=True).start()
        print(_longest(connection, ended) * 1e3, flush=True)


def _end(ended: threading.Event) -> None:
    sys.stdin.readline()
    ended.set()


def _longest(connection: http.client.HTTPConnection, ended: threading.Event) -> float:
    longest = 0.0
    while not ended.wait(PAUSE) or not longest:
        begun = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        longest = max(longest, time.perf_counter() - begun)
    return longest


if __name__ == "__main__":
    main(int(sys.argv[1]))
