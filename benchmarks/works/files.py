"""Files: large uploads and downloads beside nginx, photos, and what they cost the messages."""

import http.client
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load
from benchmarks.contenders import OURS, Crowd, Running, chatserver, process
from benchmarks.machine import cpu, memory
from benchmarks.results import Goal, Result, Table, median, ratio, shown
from benchmarks.works import Scale
from tests.rig.server import find, free_port

BLOCK = bytes(2**20)
SAMPLING = 0.02  # seconds between two looks at the server's memory
USERS = 100
RATE = 50  # messages a second
UPLOADS = 20  # files, and as many photos, while messages are measured
UPLOAD_BYTES = 20 * 2**20
PHOTO = (4_000, 3_000)  # pixels

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
    with _ours(size) as ours, _nginx() as nginx:
        for _ in range(scale.rounds):
            for running in (ours, nginx):
                path, sent = _upload(running, size)
                up[running.name].append(sent)
                down[running.name].append(_download(running, path, size))
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


def photos(scale: Scale) -> Result:
    """Upload photos alone, and many files while messages are sent."""
    photo = _photo()
    seconds = max(scale.seconds, 10.0)
    calm, busy, alone = [], [], []
    for _ in range(scale.rounds):
        with _ours(UPLOAD_BYTES, users=USERS) as running:
            _post(running, 0, "warm.jpg", photo)
            alone += [_timed(lambda: _post(running, 0, "photo.jpg", photo)) for _ in range(3)]
            calm.append(load.run(running, users=USERS, rate=RATE, seconds=seconds).latency.p99)
        with _ours(UPLOAD_BYTES, users=USERS) as running, _uploading(running, photo):
            busy.append(load.run(running, users=USERS, rate=RATE, seconds=seconds).latency.p99)
    goals = [
        Goal("photo of 12 megapixels: upload with thumbnails", median(alone), 0.4, "s"),
        Goal(f"{UPLOADS} uploads and {UPLOADS} photos: p99 of messages", ratio(busy, calm), 2, "x"),
    ]
    rows = [
        [name, shown(median([p99 / 1e3 for p99 in those]))]
        for name, those in (("no uploads", calm), ("uploads and photos", busy))
    ]
    return Result(goals, [Table("Messages while files arrive", ("meanwhile", "p99 ms"), rows)])


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def _uploading(running: Running, photo: bytes) -> Iterator[None]:
    """Upload files and photos of several users at once, again and again, during the context."""
    ended = threading.Event()

    def upload(number: int) -> None:
        content = photo if number % 2 else bytes(UPLOAD_BYTES)
        while not ended.is_set():
            _post(running, number, "x.jpg" if number % 2 else "x.bin", content)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(2 * UPLOADS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _photo() -> bytes:
    """Return a JPEG with the detail of a photo: gradients and noise."""
    from PIL import Image

    noise = Image.effect_noise((PHOTO[0] // 4, PHOTO[1] // 4), 40).resize(PHOTO)
    gradient = Image.linear_gradient("L").resize(PHOTO)
    picture = Image.merge("RGB", (noise, gradient, noise.rotate(180)))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=88)
    return content.getvalue()


# The servers --------------------------------------------------------------------------------------


@contextmanager
def _ours(size: int, *, users: int = 2) -> Iterator[Running]:
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


def _post(running: Running, user: int, name: str, content: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    connection.request("POST", f"/api/files?name={name}", content, _headers(running, user))
    file_id = _id(connection.getresponse())
    connection.request("DELETE", f"/api/files/{file_id}", headers=_headers(running, user))
    assert connection.getresponse().status == 200
    connection.close()


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
