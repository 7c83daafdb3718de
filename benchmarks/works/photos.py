"""Photos: the cost of a thumbnail, and messages while files and photos arrive.

The server has one core, the load the other one. Whatever belongs to the server is on its core: also
the threads that write files, and the process that makes thumbnails. The programs that upload have
the lowest priority on the core of the load, so that they do not delay its measurements; in their
place a program that only uses that core runs while nothing is uploaded.
"""

import http.client
import io
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PIL import Image

from benchmarks import load
from benchmarks.contenders import Running
from benchmarks.machine import on_load_core
from benchmarks.results import Goal, Result, Table, median, ratio, shown
from benchmarks.works import Scale
from benchmarks.works.files import serving_files

USERS = 100
RATE = 50  # messages a second
ROUNDS = 5
UPLOADS = 20  # files, and as many photos, at the same time
UPLOAD_BYTES = 20 * 2**20
PACE = 2**20  # bytes a second of each upload: a good mobile connection
PIECE = 2**16  # bytes that are sent at once
PHOTO = (4_000, 3_000)  # pixels
LOWEST_PRIORITY = 19
WARM_UP = 3.0  # seconds from the first upload to the first message


@dataclass(frozen=True, slots=True)
class Messages:
    """Latency of messages in ms; `waited`: ms a second that the event loop waited for its core."""

    p50: float
    p99: float
    waited: float


def photos(scale: Scale) -> Result:
    """Upload photos alone, and many files while messages are sent."""
    photo = make_photo()
    seconds = max(scale.seconds, 10.0)
    alone: list[float] = []
    found: dict[str, list[Messages]] = {}
    for number in range(max(scale.rounds, 1 if scale.quick else ROUNDS)):
        for name, work in (
            ("nothing", _burn),
            ("20 uploads and 20 photos, 1 MiB/s each", _uploads(photo, PACE)),
            ("the same, as fast as they are accepted", _uploads(photo, 0)),
        ):
            with serving_files(UPLOAD_BYTES, users=USERS) as running:
                if not found.get("nothing") or work is _burn:
                    post(running.port, _token(running, 0), "warm.jpg", photo)
                    alone += [_timed(running, photo) for _ in range(3)]
                with _beside(work, running):
                    found.setdefault(name, []).append(_measured(running, seconds))
        print(f"    round {number + 1}", flush=True)
    return _result(alone, found)


def _timed(running: Running, photo: bytes) -> float:
    begun = time.perf_counter()
    post(running.port, _token(running, 0), "photo.jpg", photo)
    return time.perf_counter() - begun


def _measured(running: Running, seconds: float) -> Messages:
    before, begun = _waited(running.pid), time.perf_counter()
    latency = load.run(running, users=USERS, rate=RATE, seconds=seconds).latency
    waited = (_waited(running.pid) - before) / (time.perf_counter() - begun)
    return Messages(latency.p50 / 1e3, latency.p99 / 1e3, waited * 1e3)


def _waited(pid: int) -> float:
    """Return the seconds that the first thread, the event loop's, was ready and had to wait."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def _result(alone: list[float], found: dict[str, list[Messages]]) -> Result:
    calm, paced, _unpaced = found.values()
    goals = [
        Goal("photo of 12 megapixels: upload with thumbnails", median(alone), 0.4, "s"),
        Goal(
            f"{UPLOADS} uploads and {UPLOADS} photos: p99 of messages, to that without",
            ratio([one.p99 for one in paced], [one.p99 for one in calm]),
            2,
            "x",
        ),
    ]
    rows = [
        [
            name,
            shown(median([one.p50 for one in those])),
            shown(median([one.p99 for one in those])),
            shown(median([one.waited for one in those])),
        ]
        for name, those in found.items()
    ]
    columns = ("meanwhile", "p50 ms", "p99 ms", "the event loop waits for its core, ms a second")
    return Result(goals, [Table("Messages while files arrive", columns, rows)])


# Programs beside the load -------------------------------------------------------------------------

Work = Callable[[Running], None]


@contextmanager
def _beside(work: Work, running: Running) -> Iterator[None]:
    """Run a program on the load's core during the context."""
    process = multiprocessing.get_context("fork").Process(target=_run, args=(work, running))
    process.start()
    try:
        time.sleep(WARM_UP)
        assert process.is_alive()
        yield
    finally:
        process.kill()
        process.join()


def _run(work: Work, running: Running) -> None:
    os.nice(LOWEST_PRIORITY)
    with on_load_core():
        work(running)


def _burn(_running: Running) -> None:
    while True:
        pass


def _uploads(photo: bytes, pace: int) -> Work:
    """Return work that uploads files and photos of several users at once, again and again."""

    def upload(running: Running, number: int) -> None:
        is_photo = number % 2
        content = photo if is_photo else bytes(UPLOAD_BYTES)
        while True:
            post(
                running.port,
                _token(running, number),
                "x.jpg" if is_photo else "x.bin",
                content,
                pace=pace,
            )

    def work(running: Running) -> None:
        threads = [
            threading.Thread(target=upload, args=(running, number), daemon=True)
            for number in range(2 * UPLOADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return work


def post(port: int, token: str, name: str, content: bytes, *, pace: int = 0) -> None:
    """Upload a file and delete it. `pace`: bytes a second; 0: as fast as possible."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    authorization = {"Authorization": f"Bearer {token}"}
    connection.request(
        "POST",
        f"/api/files?name={name}",
        _paced(content, pace) if pace else content,
        authorization | {"Content-Length": str(len(content))},
    )
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 201, body
    file_id = msgspec.json.decode(body)["file"]["id"]
    connection.request("DELETE", f"/api/files/{file_id}", headers=authorization)
    assert connection.getresponse().status == 200
    connection.close()


def _paced(content: bytes, pace: int) -> Iterator[bytes]:
    begun = time.perf_counter()
    for start in range(0, len(content), PIECE):
        time.sleep(max(0.0, begun + start / pace - time.perf_counter()))
        yield content[start : start + PIECE]


def _token(running: Running, number: int) -> str:
    return running.users[number].token


def make_photo() -> bytes:
    """Return a JPEG with the detail of a photo: gradients and noise."""
    noise = Image.effect_noise((PHOTO[0] // 4, PHOTO[1] // 4), 40).resize(PHOTO)
    gradient = Image.linear_gradient("L").resize(PHOTO)
    picture = Image.merge("RGB", (noise, gradient, noise.rotate(180)))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=88)
    return content.getvalue()
