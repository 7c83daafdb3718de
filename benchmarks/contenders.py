"""The compared servers: each starts on one core, with users whose tokens it accepts."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import jwt

from benchmarks.machine import SERVER_CORE, pinned
from benchmarks.population import User, name_of, populate
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.server import free_port

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "benchmarks" / "peers"
OURS = "chatserver"
RAISED = {
    "MESSAGES_PER_SECOND": "1000000",
    "MESSAGE_BURST": "1000000",
    "SOCKETS_PER_ADDRESS": "100000",
}
START_TIME = 120  # seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A running server. `echo`: it sends events and replies to the sender, too."""

    name: str
    port: int
    pid: int
    users: list[User]
    protocol: str = "relay"
    echo: bool = False
    started_in: float = 0.0  # seconds

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Crowd:
    """The users: so many, in groups of `group` (0: all together), or in pairs.

    `who_is_here`: peers send the list of all users to all on each connect, like the original.
    """

    users: int
    group: int = 0
    pairs: bool = False
    who_is_here: bool = False


@contextmanager
def chatserver(
    crowd: Crowd, *, url: str = "", environ: dict[str, str] | None = None
) -> Iterator[Running]:
    """Run our server on a new SQLite database, or on the empty one of that URL."""
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        stored = url or f"sqlite:///{data / 'chat.db'}"
        users = asyncio.run(
            populate(data, stored, crowd.users, group=crowd.group, pairs=crowd.pairs)
        )
        with serving(data, users, url=url, environ=environ) as running:
            yield running


@contextmanager
def serving(
    data: Path,
    users: list[User],
    *,
    url: str = "",
    module: str = "chatserver",
    environ: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Run our server on an existing data folder; `module` is the program that starts it."""
    port = free_port()
    command = [sys.executable, "-m", module, "--data", str(data), "--port", str(port)]
    raised = {f"CHATSERVER_LIMITS__{key}": value for key, value in RAISED.items()}
    environ = raised | {"PYTHONPATH": str(ROOT), "CHATSERVER_DATABASE__URL": url} | (environ or {})
    begun = time.perf_counter()
    with process(command, environ, "listening on", data.parent) as pid:
        took = time.perf_counter() - begun
        yield Running(OURS, port, pid, users, echo=True, started_in=took)


@contextmanager
def on_mariadb(crowd: Crowd) -> Iterator[Running]:
    with PrivateMariaDB() as mariadb, chatserver(crowd, url=mariadb.create_database("b")) as ours:
        yield ours


COMMANDS = {
    "Node ws": ["node", "node_ws.js"],
    "socket.io": ["node", "socket_io.js"],
    "µWebSockets": ["node", "uws.js"],
    "aiohttp": [sys.executable, "plain_aiohttp.py"],
}


@contextmanager
def peer(name: str, crowd: Crowd) -> Iterator[Running]:
    """Run a peer, which stores nothing."""
    port, secret = free_port(), secrets.token_hex(32)
    listed = "on" if crowd.who_is_here else "off"
    environ = {"PORT": str(port), "SECRET": secret, "LIST": listed}
    users = [_bearer(number, secret) for number in range(crowd.users)]
    with process(COMMANDS[name], environ, "listening", PEERS) as pid:
        protocol = "socket.io" if name == "socket.io" else "relay"
        yield Running(name, port, pid, users, protocol)


def _bearer(number: int, secret: str) -> User:
    name = name_of(number)
    claims = {"name": name, "exp": int(time.time()) + 86_400}
    return User(number + 1, name, jwt.encode(claims, secret, "HS256"))


@contextmanager
def started(name: str, crowd: Crowd) -> Iterator[Running]:
    """Run a server by name."""
    with chatserver(crowd) if name == OURS else peer(name, crowd) as running:
        yield running


@contextmanager
def process(command: list[str], environ: dict[str, str], ready: str, cwd: Path) -> Iterator[int]:
    """Run a program on the server's core; yield its pid after it printed `ready`."""
    running = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *pinned(SERVER_CORE, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environ,
        cwd=cwd,
    )
    assert running.stdout is not None
    try:
        _await(running, running.stdout, ready)
        yield running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running.stdout.close()


def _await(running: "subprocess.Popen[str]", output: IO[str], ready: str) -> None:
    for line in output:
        if ready in line:
            return
    raise RuntimeError(f"{running.args!r} ended with {running.wait()} before it listened")
