"""Network faults: between server and MariaDB, and between clients and server.

`CommitCutter` loses results of COMMIT, `Mangler` drops, duplicates and delays frames, and a
`Network` is a network namespace in which the kernel drops packets.
"""

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import Self

import aiohttp
from aiohttp import web

from tests.rig.needs import require
from tests.rig.server import find

CLONE_NEWNET = 0x40000000

# Connections to the database ----------------------------------------------------------------------


class CommitCutter:
    """TCP proxy in front of MariaDB. Each `cut` closes the connection at the next COMMIT.

    Every second time the COMMIT is not forwarded, so that the server has to find out the result.
    """

    COMMIT = b"\x07\x00\x00\x00\x03COMMIT"  # length, number of the packet, COM_QUERY

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self._target = port
        self._armed: asyncio.Event | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the proxy; the server and its connections have ended."""
        self._server.close()
        await asyncio.gather(*self._lines)

    async def cut(self) -> None:
        """Cut the next COMMIT, and wait until that has happened."""
        self._armed = asyncio.Event()
        await self._armed.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._serve(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), closing(writer):
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._target)
            with closing(ours):
                answers = asyncio.create_task(_pump(theirs, writer))
                packet = await self._pump_until_cut(reader, ours)
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                await self._lose(packet, theirs, ours)

    async def _pump_until_cut(
        self, reader: asyncio.StreamReader, ours: asyncio.StreamWriter
    ) -> bytes:
        """Return the packet at which to cut; nothing if the server has closed the connection."""
        while packet := await reader.read(65_536):
            if self._armed is not None and self.COMMIT in packet:
                return packet
            ours.write(packet)
        return b""

    async def _lose(
        self, packet: bytes, theirs: asyncio.StreamReader, ours: asyncio.StreamWriter
    ) -> None:
        armed, self._armed = self._armed, None if packet else self._armed
        if not packet or armed is None:
            return
        if self.cuts % 2 == 0:
            ours.write(packet)
            await theirs.read(65_536)  # it is committed, and the result is lost
        self.cuts += 1
        armed.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while packet := await reader.read(65_536):
            writer.write(packet)
    writer.close()


# Connections of clients ---------------------------------------------------------------------------


class Mangler:
    """WebSocket proxy that drops, duplicates and delays frames, both ways, until `heal`."""

    DROPPED, DOUBLED, LATE = 0.05, 0.1, 0.1  # fractions of the frames
    DELAY = 0.3  # seconds

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.touched = 0
        self._http = http
        self._target = f"{url}/ws"
        self._random = random.Random(7)
        self._lines: set[asyncio.BaseTransport] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._on = True

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def heal(self) -> None:
        """Forward all frames from now on, after closing all connections."""
        self._on = False
        self.cut()

    def cut(self) -> None:
        """Close all connections."""
        for line in list(self._lines):
            line.close()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        inner = web.WebSocketResponse()
        await inner.prepare(request)
        assert request.transport is not None
        self._lines.add(request.transport)
        headers = {"Authorization": request.headers["Authorization"]}
        try:
            async with self._http.ws_connect(self._target, headers=headers) as outer:
                ways = [self._pass(inner, outer.send_str), self._pass(outer, inner.send_str)]
                tasks = [asyncio.create_task(way) for way in ways]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        finally:
            self._lines.discard(request.transport)
        return inner

    async def _pass(
        self,
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        send: Callable[[str], Awaitable[None]],
    ) -> None:
        async for message in source:
            if message.type is aiohttp.WSMsgType.TEXT:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    await self._mangle(message.data, send)

    async def _mangle(self, frame: str, send: Callable[[str], Awaitable[None]]) -> None:
        dice = self._random.random() if self._on and '"type":5' not in frame else 1.0
        self.touched += dice < self.DROPPED + self.DOUBLED + self.LATE
        if dice < self.DROPPED:
            return
        if dice < self.DROPPED + self.LATE:
            asyncio.get_running_loop().call_later(self.DELAY, self._send_late, frame, send)
            return
        await send(frame)
        if dice < self.DROPPED + self.LATE + self.DOUBLED:
            await send(frame)

    def _send_late(self, frame: str, send: Callable[[str], Awaitable[None]]) -> None:
        async def late() -> None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await send(frame)

        self._late.add(task := asyncio.create_task(late()))
        task.add_done_callback(self._late.discard)


# Packets ------------------------------------------------------------------------------------------


class Network:
    """Network namespace with its own loopback; it ends with the process that holds it."""

    def __init__(self, holder: int) -> None:
        self._path = f"/proc/{holder}/ns/net"
        self.run("ip", "link", "set", "lo", "mtu", "1500", "up")

    def run(self, *command: str) -> None:
        program = find(command[0]) or command[0]
        entered = ["nsenter", f"--net={self._path}", program, *command[1:]]
        done = subprocess.run(entered, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def join(self) -> None:
        """Create sockets of the calling thread in the namespace from now on: a plant."""
        _enter(self._path)

    def connector(self) -> aiohttp.TCPConnector:
        """Return a connector whose sockets are in the namespace."""
        return aiohttp.TCPConnector(limit=0, socket_factory=self._socket)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """Create a socket, which permanently belongs to the namespace of its creation."""
        with _entered(self._path):
            made = socket.socket(family=address[0], type=address[1], proto=address[2])
        made.setblocking(False)
        return made

    def lose(self, share: float) -> None:
        """Drop this share of all packets."""
        chance = ["-m", "statistic", "--mode", "random", "--probability", str(share)]
        self.run("iptables", "-A", "INPUT", *chance, "-j", "DROP")

    def silence(self, port: int) -> None:
        """Drop all packets from and to this port silently."""
        for side in ("--sport", "--dport"):
            self.run("iptables", "-A", "INPUT", "-p", "tcp", side, str(port), "-j", "DROP")

    def heal(self) -> None:
        self.run("iptables", "-F")

    def slow_down(self, rate: str) -> None:
        """Limit the bandwidth of both directions together, in the notation of `tc`."""
        bucket = ["burst", "16kb", "latency", "400ms"]
        self.run("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, *bucket)

    def narrow(self) -> None:
        """Limit the socket buffers of the kernel to 64 KiB instead of 4 MiB."""
        for way in ("wmem", "rmem"):
            self.run("sh", "-c", f"echo 4096 16384 65536 > /proc/sys/net/ipv4/tcp_{way}")

    def speed_up(self) -> None:
        self.run("tc", "qdisc", "del", "dev", "lo", "root")


@contextmanager
def network() -> Iterator[Network]:
    """A network for one test; needs root."""
    able = os.geteuid() == 0 and None not in (find("iptables"), find("tc"), find("nsenter"))
    require("A network of its own (root, iptables, iproute2)", found=able)
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo in; read x"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield Network(holder.pid)
        finally:
            holder.send_signal(signal.SIGKILL)


@contextmanager
def _entered(path: str) -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(path)
        yield
    finally:
        _set_network(home)
        os.close(home)


def _enter(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set_network(descriptor)
    finally:
        os.close(descriptor)


def _set_network(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter another network")
