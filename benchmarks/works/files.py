"""Files: large uploads and downloads beside nginx."""

import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import OURS, Crowd, Running, chatserver, process
from benchmarks.machine import cpu, memory, on_load_core
from benchmarks.results import Goal, Result, Table, median, ratio, shown
from benchmarks.works import Scale
from tests.rig.server import find, free_port

BLOCK = bytes(2**20)
SAMPLING = 0.02  # seconds between two looks at the server's memory
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port}; root {folder}/files;
        client_max_body_size 4g; dav_methods PUT;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: rate in MiB a second, CPU seconds and growth in bytes of the server."""

    rate: float
    cpu: float
    grown: int


def transfers(scale: Scale) -> Result:
    """Upload and download one large file, alternating with nginx."""
    size = 2**27 if scale.quick else 2**30
    up: dict[str, list[Transfer]] = {OURS: [], "nginx": []}
    down: dict[str, list[Transfer]] = {OURS: [], "nginx": []}
    with serving_files(size) as ours, _nginx() as nginx:
        for _ in range(scale.rounds):
            for running in (ours, nginx):
                os.sync()  # nginx leaves that to the kernel, which would do it in our time
                with on_load_core():
                    path, sent = _upload(running, size)
                    received = _download(running, path, size)
                up[running.name].append(sent)
                down[running.name].append(received)
    rates = {name: [one.rate for one in those] for name, those in up.items()}
    read = {name: [one.rate for one in those] for name, those in down.items()}
    work = f"file of {size / 2**20:,.0f} MiB"
    goals = [
        Goal(f"{work}: upload, rate to nginx", ratio(rates[OURS], rates["nginx"]), 0.7, "x", True),
        Goal(f"{work}: upload, memory", max(one.grown for one in up[OURS]) / 2**20, 16, "MiB"),
        Goal(f"{work}: download, rate to nginx", ratio(read[OURS], read["nginx"]), 0.9, "x", True),
    ]
    rows = [
        [f"{name}, {way}", *(_shown(those[name]))]
        for way, those in (("upload", up), ("download", down))
        for name in those
    ]
    columns = ("server", "MiB/s", "CPU seconds", "memory MiB")
    note = "Our uploads are flushed to disk before they are answered, those of nginx are not."
    return Result(goals, [Table(f"A {work}", columns, rows)], notes=[note])


def _shown(those: list[Transfer]) -> list[str]:
    grown = max(one.grown for one in those) / 2**20
    rates = median([one.rate for one in those])
    return [shown(rates), shown(median([one.cpu for one in those])), shown(grown)]


# The servers --------------------------------------------------------------------------------------


@contextmanager
def serving_files(size: int, *, users: int = 2) -> Iterator[Running]:
    """Run our server; it accepts files of `size` bytes."""
    environ = {"BYTES": str(max(size, 2**20)), "UNSENT_HOURS": "1", "FREE_BYTES": "0"}
    environ |= {"FREE_PERCENT": "0"}
    with chatserver(
        Crowd(users), environ={f"CHATSERVER_FILES__{key}": value for key, value in environ.items()}
    ) as running:
        yield running


@contextmanager
def _nginx() -> Iterator[Running]:
    with TemporaryDirectory(prefix="nginx-bench-") as name:
        folder, port = Path(name), free_port()
        (folder / "files").mkdir()
        (folder / "files" / "ready").write_text("listening")
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        program = find("nginx") or "nginx"
        command = ["sh", "-c", f"echo listening; exec {program} -c {folder}/nginx.conf"]
        with process(command, {}, "listening", folder) as pid:
            _wait(port)
            yield Running("nginx", port, pid, [])


def _wait(port: int) -> None:
    for _attempt in range(100):
        try:
            _request(port, "GET", "/ready").read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")


def _upload(running: Running, size: int) -> tuple[str, Transfer]:
    """Return the path of the file, and the figures."""
    path = f"/{time.time_ns()}"
    with _watched(running) as watch:
        begun = time.perf_counter()
        if running.name == OURS:
            headers = _headers(running, 0) | {"Content-Length": str(size)}
            answer = _request(running.port, "POST", "/api/files?name=x", headers, size)
            path = f"/files/{_id(answer)}/x"
        else:
            _request(running.port, "PUT", path, {"Content-Length": str(size)}, size).read()
        took = time.perf_counter() - begun
    return path, watch.transfer(size, took)


def _download(running: Running, path: str, size: int) -> Transfer:
    headers = _headers(running, 0) if running.name == OURS else {}
    buffer, received = bytearray(2**20), 0
    with _watched(running) as watch:
        begun = time.perf_counter()
        answer = _request(running.port, "GET", path, headers)
        while count := answer.readinto(buffer):
            received += count
        took = time.perf_counter() - begun
    assert received == size, received
    return watch.transfer(size, took)


def _id(answer: http.client.HTTPResponse) -> str:
    import msgspec

    assert answer.status == 201, answer.read()
    return str(msgspec.json.decode(answer.read())["file"]["id"])


def _headers(running: Running, user: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {running.users[user].token}"}


def _request(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, size: int = 0
) -> http.client.HTTPResponse:
    """Send a request with a body of `size` zeros."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest(method, path)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    for _ in range(size // len(BLOCK)):
        connection.send(BLOCK)
    return connection.getresponse()


class _Watch:
    """CPU time and memory of a server during a transfer."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = self._highest = memory(pid)
        self._cpu = cpu(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLING):
            self._highest = max(self._highest, memory(self._pid))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def transfer(self, size: int, seconds: float) -> Transfer:
        used = cpu(self._pid) - self._cpu
        return Transfer(size / 2**20 / seconds, used, self._highest - self._before)


@contextmanager
def _watched(running: Running) -> Iterator[_Watch]:
    watch = _Watch(running.pid)
    try:
        yield watch
    finally:
        watch.end()
